"""The index of the ledger: by what an event can be found, as sorted lines, merged in levels. A view, never the truth.

A *run* covers 16^level batches. It holds lines `<term> <leaf index> <batch>` in order, so that everything under one
term stands together and is found by binary search: a few objects are read, however long the ledger is. The runs that
cover the first n batches follow from n alone, so nothing has to be listed, and a run once written never changes.

    index/<level>/<number>          a header, and the lines where they are few
    index/<level>/<number>.<part>   the lines where they are many

A run that would be too large to merge in a sweep only says that it is split, and its parts are looked into instead.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from keyholder.ledger.journal import Batch
from keyholder.ledger.views import POSITIONS, ViewGapError, ViewStore

NAME = "index"
FAN = 16
TOP = 5
"""The highest level: a run of it covers a million batches."""
MOST_LINES = 1 << 19
"""In one merged run: about 40 MB, which a sweep sorts in seconds."""
PART_LINES = 1 << 13
"""In one object: about 600 KB."""
_KEPT = 64
"""Parts that a reader holds at a time: those of one run."""
LAST = "~"
"""Sorts after every character of a term or a place."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event stands: its leaf index and its batch."""

    index: int
    batch: int


@dataclass(frozen=True, slots=True)
class Run:
    """What one run covers: leaves `start` to just before `end`. `firsts` are the first lines of its parts."""

    level: int
    number: int
    start: int
    end: int
    count: int
    split: bool
    firsts: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    """The lines themselves, where they stand in the same object."""

    @property
    def key(self) -> str:
        return run_key(self.level, self.number)


def run_key(level: int, number: int) -> str:
    """Where run `number` (from 1) of a level is stored."""
    return f"{NAME}/{level}/{number:012d}"


def line(term: str, index: int, batch: int) -> str:
    """One line of the index. Raises `ValueError` for a term with white space, which would be read as something else."""
    if term.split() != [term]:
        raise ValueError("a term of the index has no white space")
    return f"{term} {index:012d} {batch:012d}"


def place_of(text: str) -> Place:
    """Where the event of a line stands."""
    _, index, batch = text.rsplit(" ", 2)
    return Place(int(index), int(batch))


def cover(position: int) -> Iterator[tuple[int, int]]:
    """Level and number of the runs that together cover batches 1 to `position`, in order."""
    done = 0
    for level in range(TOP, -1, -1):
        size = FAN**level
        while position - done >= size:
            done += size
            yield level, done // size


class IndexView:
    """Implements `ledger.views.View`. `lines` gives the lines of a batch, in any order."""

    def __init__(
        self,
        store: ViewStore,
        lines: Callable[[Batch], Sequence[str]],
        *,
        most_lines: int = MOST_LINES,
        part_lines: int = PART_LINES,
    ) -> None:
        self._store = store
        self._lines = lines
        self._most_lines = most_lines
        self._part_lines = part_lines

    @property
    def name(self) -> str:
        return NAME

    def publish(self, batch: Batch) -> None:
        """Write the batch's own run, and every run that is complete with it. Raises `ViewGapError`."""
        self._put(0, batch.number, batch.start, batch.end, sorted(self._lines(batch)))
        for level in range(1, TOP + 1):
            number, rest = divmod(batch.number, FAN**level)
            if rest:
                return
            self._merge(level, number)

    def _merge(self, level: int, number: int) -> None:
        reader = IndexReader(self._store, 0)
        runs = [reader.run(level - 1, child) for child in range((number - 1) * FAN + 1, number * FAN + 1)]
        if any(before.end != after.start for before, after in pairwise(runs)):
            raise ViewGapError("runs of the index do not follow each other")
        start, end = runs[0].start, runs[-1].end
        if any(run.split for run in runs) or sum(run.count for run in runs) > self._most_lines:
            self._header(level, number, {"start": start, "end": end, "count": 0, "split": True, "firsts": []}, ())
            return
        merged = [text for run in runs for part in reader.parts(run) for text in part]
        # Sorting finds the runs in what is already in order, and merges them.
        self._put(level, number, start, end, sorted(merged))

    def _put(self, level: int, number: int, start: int, end: int, lines: Sequence[str]) -> None:
        """The parts first, so that a header never speaks of a part that is not there."""
        parts = [lines[first : first + self._part_lines] for first in range(0, len(lines), self._part_lines)]
        several = parts if len(parts) > 1 else []
        for place, part in enumerate(several):
            self._store.put(f"{run_key(level, number)}.{place:06d}", _text(part))
        firsts = [part[0] for part in several]
        header: dict[str, object] = {
            "start": start,
            "end": end,
            "count": len(lines),
            "split": False,
            "firsts": firsts,
        }
        self._header(level, number, header, () if several else lines)

    def _header(self, level: int, number: int, header: dict[str, object], lines: Sequence[str]) -> None:
        text = json.dumps(header, sort_keys=True, separators=(",", ":"))
        self._store.put(run_key(level, number), _text([text, *lines]))


class IndexReader:
    """The index as it stands, up to batch `position`. What was read is kept: make one for each call.

    Every method may raise `ViewGapError` where an object is missing or damaged, and what the store raises.
    """

    def __init__(self, store: ViewStore, position: int) -> None:
        self._store = store
        self.position = position
        self._runs: dict[str, Run] = {}
        self._parts: dict[str, tuple[str, ...]] = {}

    @classmethod
    def newest(cls, store: ViewStore) -> IndexReader:
        """The index as far as it was published."""
        stored = store.get(POSITIONS + NAME)
        return cls(store, int(stored) if stored is not None and stored.isdigit() else 0)

    def runs(self, start: int = 0) -> Iterator[Run]:
        """In order, the runs that hold leaves at or after `start`; a split one is replaced by what it is made of."""
        for level, number in cover(self.position):
            yield from self._within(level, number, start)

    def run(self, level: int, number: int) -> Run:
        """One run's header, and its lines where they are few."""
        key = run_key(level, number)
        if key not in self._runs:
            self._runs[key] = _parsed(level, number, self._read(key))
        return self._runs[key]

    def parts(self, run: Run) -> Iterator[tuple[str, ...]]:
        """All lines of a run, part by part."""
        if not run.firsts:
            yield run.lines
        for place in range(len(run.firsts)):
            yield self._part(run, place)

    def between(self, run: Run, low: str, high: str) -> list[str]:
        """The lines of a run from `low` up to just before `high`."""
        if not run.firsts:
            return list(run.lines[bisect_left(run.lines, low) : bisect_left(run.lines, high)])
        found: list[str] = []
        first = max(bisect_right(run.firsts, low) - 1, 0)
        for place in range(first, bisect_left(run.firsts, high)):
            part = self._part(run, place)
            found.extend(part[bisect_left(part, low) : bisect_left(part, high)])
        return found

    def under(self, run: Run, term: str, start: int = 0) -> list[Place]:
        """Where the events of a term stand, in order, from leaf `start` on."""
        return [place_of(text) for text in self.between(run, f"{term} {start:012d}", f"{term} {LAST}")]

    def _within(self, level: int, number: int, start: int) -> Iterator[Run]:
        run = self.run(level, number)
        if run.end <= start:
            return
        if not run.split:
            yield run
            return
        for child in range((number - 1) * FAN + 1, number * FAN + 1):
            yield from self._within(level - 1, child, start)

    def _part(self, run: Run, place: int) -> tuple[str, ...]:
        key = f"{run.key}.{place:06d}"
        if key not in self._parts:
            if len(self._parts) == _KEPT:
                self._parts.clear()
            self._parts[key] = _lines(self._read(key))
        return self._parts[key]

    def _read(self, key: str) -> bytes:
        body = self._store.get(key)
        if body is None:
            raise ViewGapError("the index lacks a run")
        return body


def _text(lines: Sequence[str]) -> bytes:
    return "".join(f"{text}\n" for text in lines).encode()


def _lines(body: bytes) -> tuple[str, ...]:
    try:
        return tuple(body.decode().split("\n")[:-1])
    except UnicodeDecodeError as cause:
        raise ViewGapError("a run of the index is damaged") from cause


def _parsed(level: int, number: int, body: bytes) -> Run:
    header, *lines = _lines(body) or ("",)
    try:
        read = json.loads(header)
        return Run(
            level=level,
            number=number,
            start=int(read["start"]),
            end=int(read["end"]),
            count=int(read["count"]),
            split=bool(read["split"]),
            firsts=tuple(map(str, read["firsts"])),
            lines=tuple(lines),
        )
    except (ValueError, KeyError, TypeError) as cause:
        raise ViewGapError("a run of the index is damaged") from cause
