"""The work on one extract, off a queue: what may be asked twice, cut short anywhere, and taken up by another.

A job's ledger events say who works: a run begins with an event, of two that begin at once the ledger takes one, and a
run that another has followed can't end the job any more. What a run makes is named after it, so that no two write the
same object. How far a run is stands in its progress, written after each part; the next one goes on from there.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol

from keyholder.extracts import decide
from keyholder.extracts.announcement import Announcement
from keyholder.extracts.events import Failed, FileRefused, Kept, Made, RunReason, to_new_event
from keyholder.extracts.files import ExtractFiles, Newest, PartNote, Progress, newest_progress
from keyholder.extracts.making import Counts, Keys, Rules, Type1Column, header, make_part
from keyholder.extracts.sheet import check
from keyholder.extracts.state import LEASE, OVER, Extract, ExtractStatus, fold, foreseen, stream_of
from keyholder.ledger.log import EventLog, StaleStreamError
from keyholder.ledger.ports import Clock
from keyholder.policy.days import london_day
from keyholder.pseudonyms.job import LinkStore, collection_start
from keyholder.pseudonyms.key_ring import (
    ControllerKeyUnavailableError,
    KeyGone,
    KeyRing,
    OpenedKeys,
    SecretKey,
)
from keyholder.pseudonyms.row_links import LinkKey
from keyholder.refusals import Refusal
from keyholder.registry.domains import Domain
from keyholder.registry.people import Person
from keyholder.uploads.sheet import BLOCK_ROWS, SheetError, SheetReader
from keyholder.vocabulary import ContentHash, DomainId, ExtractId, PersonId

TO_HAND_OVER = timedelta(seconds=60)
"""A run that has no more time than this stops after a part and lets another go on."""

LINKS_HEADER = 16
"""Bytes of row links without a link."""


class Registered(Protocol):
    """Where people and domains are looked up."""

    def person(self, person: PersonId) -> Person | None: ...

    def domain(self, domain: DomainId) -> Domain | None: ...


class WorkQueue(Protocol):
    """Asks for the work on an extract; asking twice does no harm."""

    def ask(self, extract: ExtractId) -> None: ...


class Worked(Enum):
    """What became of one asking."""

    DONE = "done"
    """Something ended: a result, a refusal, a time that was over, an erasure."""
    NOT_NEEDED = "not needed"
    """There is nothing to do, or another is at it."""
    HELD = "held"
    """A controller has switched its own key off; it is tried again every minute."""
    HANDED_OVER = "handed over"
    """A run had no time left; the next one goes on."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """One call: its trace, how long it may still take, and the keys it has opened."""

    trace: str
    time_left: Callable[[], timedelta]
    opened: OpenedKeys


@dataclass(frozen=True, slots=True)
class Workshop:
    """What the work needs of the world.

    `digest_key` opens the digest key, and `type_1` reads the Type 1 registers under it. Methods may raise
    `LedgerUnavailableError` and what the stores and the keys raise; then nothing is lost, and it is tried again.
    """

    log: EventLog
    registered: Registered
    ring: KeyRing
    digest_key: Callable[[], SecretKey]
    type_1: Callable[[SecretKey, datetime], Type1Column]
    links: LinkStore
    files: ExtractFiles
    queue: WorkQueue
    clock: Clock
    block_rows: int = BLOCK_ROWS

    def work(self, extract: ExtractId, trace: str, time_left: Callable[[], timedelta]) -> Worked:
        """Whatever the extract needs at the moment. `time_left` is how long this call may still take."""
        state = fold(self.log.read(stream_of(extract)))
        if state is None:
            return Worked.NOT_NEEDED
        if state.to_erase:
            return self._erase(state, trace)
        if state.status in {ExtractStatus.ANNOUNCED, ExtractStatus.MADE}:
            expired = self._record(state, decide.expire(state, self.clock.now()), trace)
            return Worked.NOT_NEEDED if expired is None else self._erase(expired, trace)
        if state.status not in {ExtractStatus.QUEUED, ExtractStatus.RUNNING}:
            return Worked.NOT_NEEDED
        with _no_cycles(), OpenedKeys(self.ring) as opened:
            return self._run(state, _Turn(trace, time_left, opened))

    def _run(self, state: Extract, turn: _Turn) -> Worked:
        last = newest_progress(self.files, state.id, state.run)
        reason = _reason(state, last, self.clock.now())
        if reason is None:
            return Worked.NOT_NEEDED
        if state.held and not self._keys_open(state, turn.opened):
            return self._hold(state, turn.trace)
        domain = self.registered.domain(state.domain)
        outcome = decide.start(state, self.registered.person(state.provider), domain, self.clock.now(), reason)
        begun = self._record(state, outcome, turn.trace)
        if begun is None:
            return Worked.NOT_NEEDED
        if begun.to_erase or domain is None:
            return self._erase(begun, turn.trace)
        if not self._keys_open(begun, turn.opened):
            return self._hold(begun, turn.trace)
        return self._make(begun, domain, last.progress if last else None, turn)

    def _make(self, state: Extract, domain: Domain, before: Progress | None, turn: _Turn) -> Worked:
        told = Announcement.read(self.files.announcement(state.id), state.announcement)
        if before is None:
            try:
                check(self.files.read(state.id), told)
            except SheetError as error:
                return self._end(state, FileRefused(error.fault.value, error.row), turn.trace)
        now = self.clock.now()
        done = before.taken_on(now) if before else Progress(0, 0, (), Counts(), now)
        with self.digest_key() as digest_key, LinkKey.derive(digest_key) as link_key:
            keys = Keys(state.domain, state.key_versions, domain.schemes, turn.opened, link_key)
            began_on = collection_start(domain, state.began_on)
            rules = Rules(self.type_1(digest_key, now), began_on, london_day(now))
            for progress in self._parts(state, told, keys, rules, done):
                done = progress
                if not self._goes_on(state):
                    return Worked.NOT_NEEDED
                if done.rows < told.rows and turn.time_left() < TO_HAND_OVER:
                    return self._hand_over(state, done)
        return self._end(state, _made(state.run, done), turn.trace)

    def _parts(
        self, state: Extract, told: Announcement, keys: Keys, rules: Rules, progress: Progress
    ) -> Iterator[Progress]:
        """Each part made and kept, with its links before it; the progress after each."""
        self.files.keep_progress(state.id, state.run, progress.to_bytes())
        reader = SheetReader(self.files.read(state.id, progress.offset), progress.offset, progress.rows)
        if not progress.offset:
            reader.header()
        while block := reader.block(len(told.columns), self.block_rows):
            name = f"{state.run:02}-{len(progress.parts) + 1:05}"
            made = progress.counts.rows
            part = make_part(block, told, keys, rules, progress.counts)
            text = part.text if progress.parts else header(told) + part.text
            if len(part.links) > LINKS_HEADER:
                self.links.keep_links(state.domain, f"{state.id}.{name}", part.links)
            self.files.keep_part(state.id, name, text)
            note = PartNote(name, progress.counts.rows - made, len(text), ContentHash(hashlib.sha256(text).hexdigest()))
            progress = replace(
                progress,
                offset=reader.offset,
                rows=reader.rows,
                parts=(*progress.parts, note),
                at=self.clock.now(),
            )
            self.files.keep_progress(state.id, state.run, progress.to_bytes())
            yield progress

    def _keys_open(self, state: Extract, opened: OpenedKeys) -> bool:
        """Opens every key the file needs, each with one call of the key service; False where one is not to be had."""
        try:
            found = [opened.open(state.domain, kind, version) for kind, version in state.key_versions.items()]
        except ControllerKeyUnavailableError:
            return False
        return not any(isinstance(key, KeyGone) for key in found)

    def _goes_on(self, state: Extract) -> bool:
        """Whether this run is still the one that works: nobody has discarded the file or begun another.

        What was discarded was erased before the last part was written. What another run makes is that run's.
        """
        now = fold(self.log.read(stream_of(state.id)))
        if now is not None and now.status in OVER:
            self.files.erase(state.id, {Kept.RESULT})
        return now is not None and now.status is ExtractStatus.RUNNING and now.run == state.run

    def _hand_over(self, state: Extract, progress: Progress) -> Worked:
        self.files.keep_progress(state.id, state.run, replace(progress, handed_over=True).to_bytes())
        self.queue.ask(state.id)
        return Worked.HANDED_OVER

    def _hold(self, state: Extract, trace: str) -> Worked:
        outcome = decide.hold(state, state.run, decide.KEYS_UNAVAILABLE, self.clock.now())
        held = self._record(state, outcome, trace)
        if held is not None and held.to_erase:
            return self._erase(held, trace)
        return Worked.HELD

    def _end(self, state: Extract, end: Made | FileRefused | Failed, trace: str) -> Worked:
        ended = self._record(state, decide.finish(state, end, state.run), trace)
        return Worked.NOT_NEEDED if ended is None else self._erase(ended, trace)

    def _erase(self, state: Extract, trace: str) -> Worked:
        what = state.to_erase
        self.files.erase(state.id, what)
        self._record(state, decide.erase(state, what), trace)
        return Worked.DONE

    def _record(self, state: Extract, outcome: decide.Outcome, trace: str) -> Extract | None:
        """The extract after these events; None where they may not be, or somebody else's came first."""
        if isinstance(outcome, Refusal):
            return None
        if not outcome:
            return state
        at = self.clock.now()
        after = foreseen(state.stream, state, outcome, decide.WORKER, at)
        try:
            self.log.record(
                state.stream,
                state.version,
                [to_new_event(event, state.domain) for event in outcome],
                actor=decide.WORKER,
                trace=trace,
                head=after.head,
                at=at,
            )
        except StaleStreamError:
            return None
        return after


def _reason(state: Extract, last: Newest | None, now: datetime) -> RunReason | None:
    """Why a run may begin; None while another is heard of."""
    if state.status is ExtractStatus.QUEUED:
        return RunReason.FIRST
    own = last.progress if last is not None and last.run == state.run else None
    if state.held or (own is not None and own.handed_over):
        return RunReason.CONTINUED
    heard_of = max(state.moved_at, own.at) if own else state.moved_at
    return RunReason.TAKEN_OVER if now >= heard_of + LEASE else None


def _made(run: int, progress: Progress) -> Made:
    counts = progress.counts
    return Made(
        run=run,
        rows=counts.rows,
        rows_with_errors=counts.rows_with_errors,
        refused={rule: count for rule, count in counts.refused.items() if count},
        faults={kind: dict(codes) for kind, codes in counts.faults.items()},
        pseudonyms={kind: count for kind, count in counts.pseudonyms.items() if count},
        parts=len(progress.parts),
        size=sum(part.size for part in progress.parts),
        result=progress.result,
    )


@contextmanager
def _no_cycles() -> Iterator[None]:
    """Without Python's search for cycles, which the many short lists of a file would start again and again."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()
