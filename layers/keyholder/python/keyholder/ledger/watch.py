"""Does the ledger move, and does its bucket hold what it must and nothing else? Looked at every minute.

Object Lock keeps every version, but holds back neither a delete marker nor a second version after one; the bucket's
policy does, and this finds what got past it. Journal keys count from 1 without a gap, so the bucket is looked at in
pages of 1,000 batches and their checkpoints: the newest page every time and one older page, another one each minute. A
ledger of 1,440,000 batches is gone through in a day.

Listings rather than S3's event notifications: a notification can be switched off or lost, and is silent then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from keyholder.ledger.journal import CHECKPOINTS, JOURNAL, Batch, JournalError, checkpoint_key, journal_key, key_number
from keyholder.ledger.ports import Clock, StepStore
from keyholder.ledger.verification import Version

PAGE = 1000
_LOOKED_AT = 20
"""So many of the oldest entries of the index of pending steps; it may still list some that are committed."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A key of the bucket with every version and delete marker it has."""

    key: str
    versions: tuple[Version, ...]


class VersionedObjects(Protocol):
    """The ledger's bucket as its own listing shows it. May raise the storage errors of `ledger.ports`."""

    def versions_after(self, prefix: str, after: str, limit: int) -> Sequence[Stored]:
        """Keys with `prefix` that sort after `after`, in order, hidden ones included; strongly consistent."""
        ...

    def get(self, key: str) -> bytes | None:
        """The newest version; None where there is none or a delete marker hides it."""
        ...


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was seen.

    `oldest_pending`: how long the oldest step has been waiting. `uncovered`: how long steps have been waiting without a
    new checkpoint, which is never longer; after an idle night both begin at zero. `unexpected`: keys that hold what
    they must not, or that are missing.
    """

    oldest_pending: timedelta
    uncovered: timedelta
    unexpected: tuple[str, ...]


def watch(steps: StepStore, objects: VersionedObjects, clock: Clock) -> Sighting:
    """Look once. Raises the storage errors of `ledger.ports`."""
    hint = steps.newest_batch()
    pages = [Page(objects, max(hint - 1, 0) // PAGE)]
    while pages[-1].full and (following := Page(objects, pages[-1].number + 1)).begun:
        pages.append(following)
    unexpected = [name for page in pages for name in page.unexpected(settled=page is not pages[-1])]
    if pages[-1].last < hint:
        unexpected.append(journal_key(hint))
    older = int(clock.now().timestamp()) // 60 % (pages[-1].number + 1)
    if older < pages[0].number:
        unexpected += Page(objects, older).unexpected(settled=True)
    waiting = _waiting(steps, clock.now())
    signed = max((page.signed_at for page in pages if page.signed_at is not None), default=None)
    uncovered = waiting if signed is None else min(waiting, max(clock.now() - signed, timedelta(0)))
    return Sighting(waiting, uncovered, tuple(dict.fromkeys(unexpected)))


class Page:
    """Batches `number * 1000 + 1` to `number * 1000 + 1000` and the checkpoints they end with."""

    def __init__(self, objects: VersionedObjects, number: int) -> None:
        self.number = number
        self._first = number * PAGE + 1
        self._batches = objects.versions_after(JOURNAL, journal_key(self._first - 1), PAGE)
        self._start = _size(objects, self._first - 1) if self._batches else None
        self._end = _size(objects, self.last) if self.full else None
        self._checkpoints: Sequence[Stored] = ()
        if self._start is not None:
            after = checkpoint_key(self._start - 1) if self._start else CHECKPOINTS
            self._checkpoints = objects.versions_after(CHECKPOINTS, after, PAGE + (self._start > 0))

    @property
    def begun(self) -> bool:
        return bool(self._batches)

    @property
    def full(self) -> bool:
        return len(self._batches) == PAGE

    @property
    def last(self) -> int:
        """The newest batch of this page; what comes before it is here or unexpected."""
        return self._first + len(self._batches) - 1

    @property
    def signed_at(self) -> datetime | None:
        """When S3 stored the newest checkpoint."""
        times = (version.last_modified for stored in self._checkpoints for version in stored.versions)
        return max(times, default=None)

    def unexpected(self, *, settled: bool) -> list[str]:
        """Keys that hold what they must not, and those that are missing.

        `settled`: others come after this page, so it is full and signed. Otherwise its newest batch may be about to be.
        """
        found = [stored.key for stored in (*self._batches, *self._checkpoints) if not _written_once(stored)]
        count = PAGE if settled else len(self._batches)
        expected = [journal_key(self._first + place) for place in range(count)]
        found += sorted(set(expected) - {stored.key for stored in self._batches})
        return found + self._unsigned(settled=settled)

    def _unsigned(self, *, settled: bool) -> list[str]:
        if not self.begun:
            return []
        if self._start is None:
            return [journal_key(self._first - 1)]
        if settled and self._end is None:
            return [journal_key(self.last)]
        # The checkpoint that the page continues is listed too.
        signed = len(self._checkpoints) - (self._start > 0)
        if signed < len(self._batches) - (not settled):
            return [checkpoint_key(self._start)]
        if settled and self._end is not None and self._checkpoints[-1].key != checkpoint_key(self._end):
            return [checkpoint_key(self._end)]
        return []


def _size(objects: VersionedObjects, number: int) -> int | None:
    """How many leaves the journal has up to batch `number`; None where that one can't be read."""
    if number == 0:
        return 0
    body = objects.get(journal_key(number))
    try:
        return None if body is None else Batch.parse(body).end
    except JournalError:
        return None


def _written_once(stored: Stored) -> bool:
    prefix = JOURNAL if stored.key.startswith(JOURNAL) else CHECKPOINTS
    try:
        key_number(stored.key, prefix)
    except JournalError:
        return False
    return len(stored.versions) == 1 and not stored.versions[0].is_delete_marker


def _waiting(steps: StepStore, now: datetime) -> timedelta:
    """How long the oldest pending step has been waiting."""
    found = steps.steps(steps.pending(_LOOKED_AT))
    waits = [now - step.at for step in found if step.index is None]
    return max([timedelta(0), *waits])
