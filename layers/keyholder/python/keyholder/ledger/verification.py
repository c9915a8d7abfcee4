"""Is a downloaded ledger whole? Needs the files and a pinned public key; no AWS, no network, no trust in us.

A download is `journal/…`, `checkpoint/…` and `versions.json`, the bucket's listing of versions. Whole means: batches
without a gap, each continuing the tree of the one before, every leaf an event in its one form and in the order of its
stream, every root recomputed, every checkpoint signed by a pinned key, and never more than one version of an object (a
delete marker is not held back by Object Lock, and after one a second version can be written).

What no file can show by itself is a log that was cut off or rewritten by the holder of the key; a checkpoint
remembered from before (`since`) shows both. One batch is in memory at a time; whoever wants to look further at a ledger
that is being verified is a `Inspector`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypeVar

from keyholder.canonical import JsonValue
from keyholder.ledger.event import Event, parse_rfc3339
from keyholder.ledger.journal import (
    CHECKPOINTS,
    JOURNAL,
    Batch,
    JournalError,
    checkpoint_key,
    journal_key,
    key_number,
)
from keyholder.ledger.merkle import EMPTY, Frontier
from keyholder.ledger.note import Checkpoint, NoteError, Verifier, open_checkpoint
from keyholder.ledger.tiles import CHECKPOINT as PUBLISHED
from keyholder.ledger.tiles import TILES
from keyholder.vocabulary import StreamId

V = TypeVar("V")

VERSIONS = "versions.json"

EARLIEST = timedelta(minutes=-1)
"""S3's time of a batch may lie this much before the writer's: clocks differ a little."""

LATEST = timedelta(minutes=15)
"""S3's time of a batch may lie this much after the writer's: a commit tries for seconds; a slow one arrives later."""

RELEASED = "release.items_released"
EMERGENCY = "emergency.released"
GIVING = frozenset({RELEASED, EMERGENCY})
"""Events that hold the tags of the people a release was about."""


class Fault(StrEnum):
    """What is wrong with a ledger."""

    FOREIGN_OBJECT = "FOREIGN_OBJECT"
    """Something that is neither a batch nor a checkpoint of one."""
    DELETE_MARKER = "DELETE_MARKER"
    SECOND_VERSION = "SECOND_VERSION"
    LISTING = "LISTING"
    """The files are not those that the bucket lists."""
    MISSING = "MISSING"
    MALFORMED = "MALFORMED"
    """An object that is not in its one form, or contradicts itself."""
    FORK = "FORK"
    """A batch does not continue the one before it."""
    TIME = "TIME"
    LEAF = "LEAF"
    """A leaf that is no event in its one form."""
    ORDER = "ORDER"
    """An event that is not the next of its stream."""
    SIGNATURE = "SIGNATURE"
    ROOT = "ROOT"
    """A checkpoint signs another tree."""
    CUT_OFF = "CUT_OFF"
    REWRITTEN = "REWRITTEN"
    """The ledger does not continue a remembered checkpoint."""
    RECEIPT = "RECEIPT"
    STAMP = "STAMP"
    TILE = "TILE"
    RULE = "RULE"
    """Something that could not have happened."""


class BrokenLedgerError(Exception):
    """The ledger is not whole. `where` names the object, `what` the rule it breaks."""

    def __init__(self, where: str, what: str, fault: Fault) -> None:
        super().__init__(f"{where}: {what}")
        self.where = where
        self.what = what
        self.fault = fault


class UnusableDownloadError(Exception):
    """What was given cannot be verified at all: no files, no listing, not a key."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object, as the bucket lists it. `last_modified` is the time AWS gave it."""

    version_id: str
    is_delete_marker: bool
    last_modified: datetime
    size: int


@dataclass(frozen=True, slots=True)
class Keys:
    """The pinned keys: one of `verifiers` must have signed each checkpoint, and all of `required` every one.

    The log's origin is the name of the first (C2SP tlog-checkpoint: a key's name is its log's origin).
    """

    verifiers: tuple[Verifier, ...]
    required: tuple[Verifier, ...] = ()

    @property
    def origin(self) -> str:
        return self.verifiers[0].name

    def open(self, note: bytes) -> Checkpoint:
        """The checkpoint in a note. Raises `NoteError`."""
        checkpoint = open_checkpoint(note, self.origin, self.verifiers)
        for key in self.required:
            open_checkpoint(note, self.origin, (key,))
        return checkpoint


class Inspector(Protocol):
    """Somebody who looks at each batch of a ledger that is being verified, once it is known to be whole."""

    def saw(self, key: str, batch: Batch, events: Sequence[Event]) -> None:
        """Batch `key` and the events in it. May raise `BrokenLedgerError`."""
        ...

    def end(self, size: int) -> None:
        """The ledger has `size` events, and no more. May raise `BrokenLedgerError`."""
        ...


class Download(Protocol):
    """The files of a ledger. Raises `UnusableDownloadError` where they cannot be read."""

    def names(self) -> Sequence[str]:
        """Every file under `journal/` and `checkpoint/`."""
        ...

    def read(self, name: str) -> bytes: ...

    def versions(self) -> Mapping[str, Sequence[Version]]:
        """The bucket's listing of versions, delete markers included."""
        ...


@dataclass(frozen=True, slots=True)
class Whole:
    """What was verified: so many events in so many batches, ending with this checkpoint."""

    events: int
    batches: int
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Found:
    """An event and its leaf index."""

    index: int
    event: Event


def verify(
    download: Download,
    keys: Keys | Sequence[Verifier],
    since: Checkpoint | Collection[Checkpoint] | None = None,
    inspectors: Sequence[Inspector] = (),
) -> Whole:
    """Verify everything, one batch at a time. Raises `BrokenLedgerError` at the first fault, `UnusableDownloadError`.

    `since` are checkpoints remembered from before, which this ledger must continue.
    """
    keys = keys if isinstance(keys, Keys) else Keys(tuple(keys))
    remembered = (since,) if isinstance(since, Checkpoint) else tuple(since or ())
    versions = download.versions()
    last = _names(download, versions)
    if not versions and not remembered:
        raise UnusableDownloadError("there is nothing to verify")
    reading = _Reading(download, versions, keys, remembered, inspectors)
    for number in range(1, last + 1):
        reading.batch(number)
    stray = next((name for name in download.names() if name.startswith(CHECKPOINTS) and not reading.ended(name)), None)
    if stray is not None:
        raise BrokenLedgerError(stray, "no batch ends with the tree this checkpoint signs", Fault.FOREIGN_OBJECT)
    size = reading.tree.size
    cut = next((one.size for one in remembered if one.size > size), None)
    if cut is not None:
        words = f"cut off: {size} events, but a checkpoint of {cut} is remembered"
        raise BrokenLedgerError(JOURNAL, words, Fault.CUT_OFF)
    for inspector in inspectors:
        inspector.end(size)
    return Whole(size, last, reading.checkpoint)


class _Reading:
    """The ledger as far as it has been verified."""

    def __init__(
        self,
        download: Download,
        versions: Mapping[str, Sequence[Version]],
        keys: Keys,
        remembered: Sequence[Checkpoint],
        inspectors: Sequence[Inspector],
    ) -> None:
        self._download = download
        self._versions = versions
        self._keys = keys
        self._remembered = remembered
        self._inspectors = inspectors
        self._numbers: dict[StreamId, int] = {}
        self._ends: set[str] = set()
        self._stored_at: datetime | None = None
        self.tree = EMPTY
        self.checkpoint = Checkpoint(keys.origin, 0, EMPTY.root())
        self._compare(EMPTY, JOURNAL)

    def batch(self, number: int) -> None:
        """The next batch and its checkpoint."""
        key = journal_key(number)
        batch = _batch(self._read(key), key, number, self.tree)
        self._time(batch, key)
        limit = self._versions[key][0].last_modified - EARLIEST
        events = [self._event(line, index, key, limit) for index, line in enumerate(batch.lines, batch.start)]
        for one in self._remembered:
            if batch.start < one.size < batch.end:
                self._compare(self.tree.extend(batch.lines[: one.size - batch.start]), key)
        self.tree = batch.after
        self._compare(self.tree, key)
        self.checkpoint = self._signed(checkpoint_key(batch.end), key)
        for inspector in self._inspectors:
            inspector.saw(key, batch, events)

    def ended(self, name: str) -> bool:
        """Whether this is the checkpoint of a batch."""
        return name in self._ends

    def _read(self, key: str) -> bytes:
        """The object's bytes; after `_names`, every name that is listed is present, in one version."""
        if key not in self._versions:
            raise BrokenLedgerError(key, "missing", Fault.MISSING)
        body = self._download.read(key)
        if len(body) != self._versions[key][0].size:
            raise BrokenLedgerError(key, "another size than the bucket lists", Fault.LISTING)
        return body

    def _time(self, batch: Batch, key: str) -> None:
        stored_at = self._versions[key][0].last_modified
        if not EARLIEST <= stored_at - batch.at <= LATEST:
            raise BrokenLedgerError(key, "the writer's time and the bucket's time do not fit", Fault.TIME)
        if self._stored_at is not None and stored_at - self._stored_at < EARLIEST:
            raise BrokenLedgerError(key, "stored before the batch that it continues", Fault.TIME)
        self._stored_at = stored_at

    def _event(self, line: bytes, index: int, key: str, limit: datetime) -> Event:
        try:
            event = Event.parse(line)
        except (ValueError, RecursionError) as cause:
            raise BrokenLedgerError(key, f"leaf {index} is not an event in its one form", Fault.LEAF) from cause
        if event.number != self._numbers.get(event.stream, 0) + 1:
            raise BrokenLedgerError(key, f"leaf {index} is not the next event of its stream", Fault.ORDER)
        if event.at > limit:
            raise BrokenLedgerError(key, f"leaf {index} is dated after the bucket stored it", Fault.TIME)
        self._numbers[event.stream] = event.number
        return event

    def _signed(self, key: str, batch_key: str) -> Checkpoint:
        note = self._read(key)
        self._ends.add(key)
        try:
            checkpoint = self._keys.open(note)
        except NoteError as cause:
            raise BrokenLedgerError(key, str(cause), Fault.SIGNATURE) from cause
        if (checkpoint.size, checkpoint.root) != (self.tree.size, self.tree.root()):
            raise BrokenLedgerError(key, "signs another tree than the journal holds", Fault.ROOT)
        if self._versions[key][0].last_modified - self._versions[batch_key][0].last_modified < EARLIEST:
            raise BrokenLedgerError(key, "stored before the batch that it signs", Fault.TIME)
        return checkpoint

    def _compare(self, tree: Frontier, key: str) -> None:
        for one in self._remembered:
            if one.size == tree.size and one.root != tree.root():
                words = f"the first {one.size} events are not those of the remembered checkpoint"
                raise BrokenLedgerError(key, words, Fault.REWRITTEN)


def batches(download: Download) -> Iterator[Batch]:
    """The batches in order, without verifying that they are whole. Raises `BrokenLedgerError` for a malformed one."""
    for name in sorted(name for name in download.names() if name.startswith(JOURNAL)):
        yield _parse(download.read(name), name)


def scan_subject(journal: Iterable[Batch], tags: Collection[str]) -> Iterator[Found]:
    """Every release event that holds one of the keyed tags (32 hexadecimal digits each): "who re-identified them?".

    Reads every leaf, so that over a verified journal also finding nothing is proven.
    """
    scan = SubjectScan(tags)
    for batch in journal:
        yield from scan.batch(batch)


class SubjectScan:
    """An `Inspector` that finds a person's releases while the ledger is being verified."""

    def __init__(self, tags: Collection[str]) -> None:
        self._wanted = frozenset(tags)
        self._needle = re.compile(b"|".join(tag.encode() for tag in sorted(self._wanted)) or b"(?!)")
        self.found: list[Found] = []

    def saw(self, _key: str, batch: Batch, _events: Sequence[Event]) -> None:
        """The next batch."""
        self.found.extend(self.batch(batch))

    def end(self, _size: int) -> None:
        """Nothing comes after this."""

    def batch(self, batch: Batch) -> Iterator[Found]:
        """What one batch holds of the person."""
        for index, line in enumerate(batch.lines, batch.start):
            if self._needle.search(line):
                event = Event.parse(line)
                if event.type in GIVING and self._wanted & _tags(event.data.get("subjects")):
                    yield Found(index, event)


class Folder:
    """A download in a folder: `journal/…`, `checkpoint/…`, `versions.json`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._names = tuple(self._walk(JOURNAL, CHECKPOINTS))

    def names(self) -> Sequence[str]:
        """Every file under `journal/` and `checkpoint/`, folders below them included."""
        return self._names

    def read(self, name: str) -> bytes:
        """The bytes of a file. Raises `UnusableDownloadError`."""
        path = self._path / name
        try:
            if not path.is_file():
                raise UnusableDownloadError(f"{name} is not a file")
            return path.read_bytes()
        except OSError as cause:
            raise UnusableDownloadError(f"{name} cannot be read") from cause

    def versions(self) -> Mapping[str, Sequence[Version]]:
        """`versions.json`: key -> `[{version_id, is_delete_marker, last_modified, size}]`.

        Either as an object, or as a list of `{key, versions}`; no key may come twice.
        """
        try:
            listing = json.loads(self.read(VERSIONS), object_pairs_hook=_once)
            pairs = listing.items() if isinstance(listing, dict) else [(one["key"], one["versions"]) for one in listing]
            return _once([(key, _listed(versions)) for key, versions in pairs])
        except (ValueError, KeyError, TypeError, RecursionError) as cause:
            raise UnusableDownloadError(f"{VERSIONS} is not a listing of versions") from cause

    def tiles(self) -> Sequence[str]:
        """Every file under `tile/`, for a folder that holds the view of the ledger as tiles."""
        return [name for name in self._walk(TILES) if not (self._path / name).is_dir()]

    def published(self) -> bytes | None:
        """The checkpoint beside the tiles, where there is one."""
        return self.read(PUBLISHED) if (self._path / PUBLISHED).is_file() else None

    def _walk(self, *prefixes: str) -> Iterator[str]:
        for prefix in prefixes:
            try:
                for found in sorted((self._path / prefix).rglob("*")):
                    yield found.relative_to(self._path).as_posix()
            except OSError as cause:
                raise UnusableDownloadError(f"{prefix} cannot be listed") from cause


def _once(pairs: Sequence[tuple[str, V]]) -> dict[str, V]:
    listed = dict(pairs)
    if len(listed) != len(pairs):
        raise ValueError("a key comes twice")
    return listed


def _listed(listed: Sequence[Mapping[str, object]]) -> tuple[Version, ...]:
    versions = []
    for version in listed:
        marker, size, modified = version["is_delete_marker"], version["size"], version["last_modified"]
        if type(marker) is not bool or not isinstance(size, int | None) or not isinstance(modified, str):
            raise TypeError("a version has a time and a size, and says whether it is a delete marker")
        versions.append(Version(str(version["version_id"]), marker, parse_rfc3339(modified), size or 0))
    return tuple(versions)


def _names(download: Download, versions: Mapping[str, Sequence[Version]]) -> int:
    """The number of batches, once the names are whole: no gap, nothing foreign, one version of each."""
    present = set(download.names())
    for name, listed in sorted(versions.items()):
        if any(version.is_delete_marker for version in listed):
            raise BrokenLedgerError(name, "a delete marker", Fault.DELETE_MARKER)
        if len(listed) != 1:
            words = f"{len(listed)} versions of an object that is written once"
            raise BrokenLedgerError(name, words, Fault.SECOND_VERSION)
        if name not in present:
            raise BrokenLedgerError(name, "in the bucket but not in the download", Fault.LISTING)
    count = 0
    for name in sorted(present):
        if name not in versions:
            raise BrokenLedgerError(name, "in the download but not in the bucket", Fault.LISTING)
        try:
            key_number(name, JOURNAL if name.startswith(JOURNAL) else CHECKPOINTS)
        except JournalError as cause:
            raise BrokenLedgerError(name, str(cause), Fault.FOREIGN_OBJECT) from cause
        if name.startswith(JOURNAL):
            count += 1
            if name != journal_key(count):
                raise BrokenLedgerError(journal_key(count), "missing", Fault.MISSING)
    return count


def _batch(body: bytes, key: str, number: int, tree: Frontier) -> Batch:
    batch = _parse(body, key)
    if batch.number != number:
        raise BrokenLedgerError(key, "says it is another batch", Fault.MALFORMED)
    if batch.before != tree:
        raise BrokenLedgerError(key, "does not continue the batch before it", Fault.FORK)
    return batch


def _parse(body: bytes, key: str) -> Batch:
    try:
        return Batch.parse(body)
    except JournalError as cause:
        raise BrokenLedgerError(key, str(cause), Fault.MALFORMED) from cause


def _tags(subjects: JsonValue) -> frozenset[str]:
    if not isinstance(subjects, Mapping):
        return frozenset()
    lists = [tags for tags in subjects.values() if isinstance(tags, Sequence)]
    return frozenset(tag for tags in lists for tag in tags if isinstance(tag, str))
