"""Is a downloaded ledger whole? Needs the files and a pinned public key; no AWS, no network, no trust in us.

A download is `journal/…`, `checkpoint/…` and `versions.json`, the bucket's listing of versions. Whole means: batches
without a gap, each continuing the tree of the one before, every leaf an event in its one form and in the order of its
stream, every root recomputed, every checkpoint signed by a pinned key, and never more than one version of an object (a
delete marker is not held back by Object Lock, and after one a second version can be written).

What no file can show by itself is a log that was cut off or rewritten by the holder of the key; a checkpoint
remembered from before (`since`) shows both.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
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
from keyholder.vocabulary import StreamId

V = TypeVar("V")

VERSIONS = "versions.json"

EARLIEST = timedelta(minutes=-1)
"""S3's time of a batch may lie this much before the writer's: clocks differ a little."""

LATEST = timedelta(minutes=15)
"""S3's time of a batch may lie this much after the writer's: a commit tries for seconds; a slow one arrives later."""

RELEASED = "release.items_released"


class BrokenLedgerError(Exception):
    """The ledger is not whole. `where` names the object, `what` the rule it breaks."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where = where
        self.what = what


class UnusableDownloadError(Exception):
    """What was given cannot be verified at all: no files, no listing, not a key."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object, as the bucket lists it. `last_modified` is the time AWS gave it."""

    version_id: str
    is_delete_marker: bool
    last_modified: datetime
    size: int


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


def verify(download: Download, verifiers: Sequence[Verifier], since: Checkpoint | None = None) -> Whole:
    """Verify everything, one batch at a time. Raises `BrokenLedgerError` at the first fault, `UnusableDownloadError`.

    The log's origin is the name of the first verifier (C2SP tlog-checkpoint: a key's name is its log's origin).
    """
    versions = download.versions()
    last = _names(download, versions)
    if not versions and since is None:
        raise UnusableDownloadError("there is nothing to verify")
    numbers: dict[StreamId, int] = {}
    ends = set()
    tree = EMPTY
    _compare(tree, since, "journal/")
    checkpoint = Checkpoint(verifiers[0].name, 0, tree.root())
    for number in range(1, last + 1):
        key = journal_key(number)
        batch = _batch(_read(download, key, versions), key, number, tree)
        _time(batch, versions[key][0], key)
        for index, line in enumerate(batch.lines, batch.start):
            _event(line, index, key, numbers)
        if since is not None and batch.start < since.size < batch.end:
            _compare(tree.extend(batch.lines[: since.size - batch.start]), since, key)
        tree = batch.after
        _compare(tree, since, key)
        key = checkpoint_key(batch.end)
        ends.add(key)
        checkpoint = _checkpoint(_read(download, key, versions), key, verifiers, tree)
    stray = next((name for name in download.names() if name.startswith(CHECKPOINTS) and name not in ends), None)
    if stray is not None:
        raise BrokenLedgerError(stray, "no batch ends with the tree this checkpoint signs")
    if since is not None and since.size > tree.size:
        raise BrokenLedgerError(JOURNAL, f"cut off: {tree.size} events, but a checkpoint of {since.size} is remembered")
    return Whole(tree.size, last, checkpoint)


def batches(download: Download) -> Iterator[Batch]:
    """The batches in order, without verifying that they are whole. Raises `BrokenLedgerError` for a malformed one."""
    for name in sorted(name for name in download.names() if name.startswith(JOURNAL)):
        yield _parse(download.read(name), name)


def scan_subject(journal: Iterable[Batch], tags: Collection[str]) -> Iterator[Found]:
    """Every release event that holds one of the keyed tags (32 hexadecimal digits each): "who re-identified them?".

    Reads every leaf, so that over a verified journal also finding nothing is proven.
    """
    needles = [tag.encode() for tag in tags]
    wanted = frozenset(tags)
    for batch in journal:
        for index, line in enumerate(batch.lines, batch.start):
            if any(needle in line for needle in needles):
                event = Event.parse(line)
                if event.type == RELEASED and wanted & _tags(event.data.get("subjects")):
                    yield Found(index, event)


class Folder:
    """A download in a folder: `journal/…`, `checkpoint/…`, `versions.json`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._names = tuple(self._walk())

    def names(self) -> Sequence[str]:
        """Every file under `journal/` and `checkpoint/`, folders below them included."""
        return self._names

    def read(self, name: str) -> bytes:
        """The bytes of a file. Raises `UnusableDownloadError`."""
        try:
            return (self._path / name).read_bytes()
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
        except (ValueError, KeyError, TypeError) as cause:
            raise UnusableDownloadError(f"{VERSIONS} is not a listing of versions") from cause

    def _walk(self) -> Iterator[str]:
        for prefix in (JOURNAL, CHECKPOINTS):
            for found in sorted((self._path / prefix).rglob("*")):
                yield found.relative_to(self._path).as_posix()


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
            raise BrokenLedgerError(name, "a delete marker")
        if len(listed) != 1:
            raise BrokenLedgerError(name, f"{len(listed)} versions of an object that is written once")
        if name not in present:
            raise BrokenLedgerError(name, "in the bucket but not in the download")
    count = 0
    for name in sorted(present):
        if name not in versions:
            raise BrokenLedgerError(name, "in the download but not in the bucket")
        try:
            key_number(name, JOURNAL if name.startswith(JOURNAL) else CHECKPOINTS)
        except JournalError as cause:
            raise BrokenLedgerError(name, str(cause)) from cause
        if name.startswith(JOURNAL):
            count += 1
            if name != journal_key(count):
                raise BrokenLedgerError(journal_key(count), "missing")
    return count


def _read(download: Download, key: str, versions: Mapping[str, Sequence[Version]]) -> bytes:
    """The object's bytes; after `_names`, every name that is listed is present, in one version."""
    if key not in versions:
        raise BrokenLedgerError(key, "missing")
    body = download.read(key)
    if len(body) != versions[key][0].size:
        raise BrokenLedgerError(key, "another size than the bucket lists")
    return body


def _batch(body: bytes, key: str, number: int, tree: Frontier) -> Batch:
    batch = _parse(body, key)
    if batch.number != number:
        raise BrokenLedgerError(key, "says it is another batch")
    if batch.before != tree:
        raise BrokenLedgerError(key, "does not continue the batch before it")
    return batch


def _parse(body: bytes, key: str) -> Batch:
    try:
        return Batch.parse(body)
    except JournalError as cause:
        raise BrokenLedgerError(key, str(cause)) from cause


def _time(batch: Batch, version: Version, key: str) -> None:
    if not EARLIEST <= version.last_modified - batch.at <= LATEST:
        raise BrokenLedgerError(key, "the writer's time and the bucket's time do not fit")


def _event(line: bytes, index: int, key: str, numbers: dict[StreamId, int]) -> None:
    try:
        event = Event.parse(line)
    except (ValueError, RecursionError) as cause:
        raise BrokenLedgerError(key, f"leaf {index} is not an event in its one form") from cause
    if event.number != numbers.get(event.stream, 0) + 1:
        raise BrokenLedgerError(key, f"leaf {index} is not the next event of its stream")
    numbers[event.stream] = event.number


def _checkpoint(note: bytes, key: str, verifiers: Sequence[Verifier], tree: Frontier) -> Checkpoint:
    origin = verifiers[0].name
    try:
        checkpoint = open_checkpoint(note, origin, verifiers)
    except NoteError as cause:
        raise BrokenLedgerError(key, str(cause)) from cause
    if (checkpoint.size, checkpoint.root) != (tree.size, tree.root()):
        raise BrokenLedgerError(key, "signs another tree than the journal holds")
    return checkpoint


def _compare(tree: Frontier, since: Checkpoint | None, key: str) -> None:
    if since is not None and since.size == tree.size and since.root != tree.root():
        raise BrokenLedgerError(key, f"the first {since.size} events are not those of the remembered checkpoint")


def _tags(subjects: JsonValue) -> frozenset[str]:
    if not isinstance(subjects, Mapping):
        return frozenset()
    lists = [tags for tags in subjects.values() if isinstance(tags, Sequence)]
    return frozenset(tag for tags in lists for tag in tags if isinstance(tag, str))
