"""Where the steps table is not what the journal makes of it, and what puts it right.

Nothing is emptied: each entry that is wrong is put right, each that has no reason to be is taken away, and the rest is
left alone. So an empty table is filled and a damaged one mended by the same code, at no moment does a stream look as if
it had never been, and whatever cuts it short, it can be begun again.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from keyholder.ledger.journal import Batch
from keyholder.ledger.ports import Step, StepKey
from keyholder.rebuilding.entries import (
    Change,
    ClaimEntry,
    Entry,
    HeadEntry,
    ListingEntry,
    StepEntry,
    StrayEntry,
)
from keyholder.rebuilding.expected import Expected, Placed, read_steps, with_writer
from keyholder.vocabulary import StreamId


class Part(StrEnum):
    """What an entry is."""

    STEPS = "steps"
    HEADS = "heads"
    CLAIMS = "claims"
    LISTINGS = "listings"
    STRAYS = "strays"


class Fault(StrEnum):
    """What is wrong with an entry."""

    MISSING = "missing"
    UNMARKED = "unmarked"
    """A step that is in the journal, and that the table takes for pending."""
    OTHER = "other"
    """Something else stands in its place, or beside it."""
    EXTRA = "extra"
    """The journal knows nothing of it."""


Wanted = StepKey | HeadEntry | ClaimEntry | ListingEntry
"""What has to be there. A step is named only: its lines are read from its batch when it is put there."""

_ORDER = {part: place for place, part in enumerate(Part)}


@dataclass(frozen=True, slots=True)
class Difference:
    """One entry that is not as it must be."""

    part: Part
    fault: Fault
    seen: Entry | None
    wanted: Wanted | None

    @property
    def name(self) -> str:
        """Which entry; the same in every run."""
        return f"{self.part} {self.fault} {_name(self.wanted or self.seen)}"


@dataclass(frozen=True, slots=True)
class Differences:
    """All of them, in the order in which they are put right: steps as the journal has them, then what stands beside
    them, and what has no reason to be last.

    `pending` are steps that are in no batch: they have had no effect. `newest` is the newest batch that a mark names.
    """

    found: tuple[Difference, ...]
    pending: tuple[StepKey, ...]
    newest: int

    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """How many, by part and fault."""
        counted = Counter((one.part.value, one.fault.value) for one in self.found)
        parts = sorted({part for part, _ in counted})
        return {part: {fault: n for (of, fault), n in sorted(counted.items()) if of == part} for part in parts}

    def digest(self) -> bytes:
        """Stands for all of them."""
        return hashlib.sha256("\n".join(sorted(one.name for one in self.found)).encode()).digest()


def compare(expected: Expected, entries: Iterable[Entry], now: datetime, *, quiet: bool) -> Differences:
    """Hold every entry against what the journal says.

    `quiet` says that nobody may add a step just now: then a step that is in no batch has no reason to be. Otherwise
    it may be on its way, and with it all that was stored beside it.
    """
    comparison = _Comparison(expected, now, quiet=quiet)
    for entry in entries:
        comparison.saw(entry)
    return comparison.result()


@dataclass(slots=True)
class _Comparison:
    expected: Expected
    now: datetime
    quiet: bool = field(kw_only=True)
    _found: list[Difference] = field(default_factory=list)
    _right: set[StepKey | StreamId | str | ListingEntry] = field(default_factory=set)
    """What was found in its place, right or wrong: whatever else is expected is missing."""
    _pending: list[StepKey] = field(default_factory=list)
    _moving: set[StreamId] = field(default_factory=set)
    _newest: int = 0

    def saw(self, entry: Entry) -> None:
        match entry:
            case StepEntry():
                self._step(entry)
            case HeadEntry(stream):
                self._beside(Part.HEADS, stream, entry, self.expected.heads.get(stream))
            case ClaimEntry(key):
                wanted = self.expected.claims.get(key)
                if wanted is not None or entry.until > self.now or not entry.exact:
                    self._beside(Part.CLAIMS, key, replace(entry, body=None), wanted, seen=entry)
            case ListingEntry(listing, stream):
                wanted_listing = ListingEntry(listing, stream)
                known = wanted_listing in self.expected.listings
                self._beside(Part.LISTINGS, wanted_listing, entry, wanted_listing if known else None)
            case StrayEntry():
                self._found.append(Difference(Part.STRAYS, Fault.EXTRA, entry, None))

    def result(self) -> Differences:
        found = [*self._found, *self._missing()]
        if not self.quiet:
            found = [one for one in found if not self._on_its_way(one)]
        return Differences(tuple(sorted(found, key=self._order)), tuple(self._pending), self._newest)

    def _step(self, entry: StepEntry) -> None:
        step, placed = entry.step, self.expected.steps.get(entry.step.key)
        self._newest = max(self._newest, step.batch or 0)
        if placed is not None:
            self._right.add(step.key)
            self._placed(entry, placed)
        elif not self.quiet and entry.exact and (step.index is None or (step.batch or 0) > self.expected.batches):
            self._moving.add(step.key.stream)
        else:
            self._found.append(Difference(Part.STEPS, Fault.EXTRA, entry, None))
        if entry.exact and step.index is None and not (placed and placed.holds(step)):
            self._pending.append(step.key)

    def _placed(self, entry: StepEntry, placed: Placed) -> None:
        step = entry.step
        if not entry.exact or not placed.holds(step) or (step.index is not None and not placed.marked(step)):
            self._found.append(Difference(Part.STEPS, Fault.OTHER, entry, step.key))
        elif step.index is None:
            self._found.append(Difference(Part.STEPS, Fault.UNMARKED, entry, step.key))

    def _beside(
        self,
        part: Part,
        name: StreamId | str | ListingEntry,
        found: HeadEntry | ClaimEntry | ListingEntry,
        wanted: HeadEntry | ClaimEntry | ListingEntry | None,
        seen: Entry | None = None,
    ) -> None:
        self._right.add(name)
        if found != wanted:
            fault = Fault.EXTRA if wanted is None else Fault.OTHER
            self._found.append(Difference(part, fault, seen or found, wanted))

    def _missing(self) -> Iterator[Difference]:
        expected, right = self.expected, self._right
        for key in expected.steps.keys() - right:
            yield Difference(Part.STEPS, Fault.MISSING, None, key)
        for stream in expected.heads.keys() - right:
            yield Difference(Part.HEADS, Fault.MISSING, None, expected.heads[stream])
        for name in expected.claims.keys() - right:
            if expected.claims[name].until > self.now:
                yield Difference(Part.CLAIMS, Fault.MISSING, None, expected.claims[name])
        for listing in expected.listings - right:
            yield Difference(Part.LISTINGS, Fault.MISSING, None, listing)

    def _on_its_way(self, one: Difference) -> bool:
        """Whether it was stored with a step that is not in the journal yet."""
        match one.seen:
            case HeadEntry(stream, newest, exact=True):
                return stream in self._moving and newest > self.expected.newest(stream)
            case ClaimEntry(_, step, exact=True):
                return one.fault is Fault.EXTRA and step.stream in self._moving
            case ListingEntry(_, stream, exact=True):
                return one.fault is Fault.EXTRA and stream in self._moving
            case _:
                return False

    def _order(self, one: Difference) -> tuple[bool, int, int, int, str]:
        batch = index = 0
        if isinstance(one.wanted, StepKey):
            placed = self.expected.steps[one.wanted]
            batch, index = placed.batch, placed.index
        return one.fault is Fault.EXTRA, _ORDER[one.part], batch, index, one.name


def changes(found: Iterable[Difference], expected: Expected, journal: Callable[[int], Batch]) -> Iterator[Change]:
    """What puts each of them right, in order. `journal` gives a verified batch; each is read once."""
    number, steps = 0, dict[StepKey, Step]()
    for one in found:
        match one.wanted:
            case StepKey():
                placed = expected.steps[one.wanted]
                if placed.batch != number:
                    number, steps = placed.batch, {step.key: step for step in read_steps(journal(placed.batch))}
                step = steps[one.wanted]
                seen = one.seen.step if isinstance(one.seen, StepEntry) and one.seen.exact else step
                yield Change(one.seen, StepEntry(with_writer(step, seen)))
            case ClaimEntry(_, step_key):
                kept = one.seen.body if isinstance(one.seen, ClaimEntry) and one.seen.step == step_key else None
                yield Change(one.seen, replace(one.wanted, body=kept))
            case wanted:
                yield Change(one.seen, wanted)


def _name(one: Wanted | Entry | None) -> str:
    match one:
        case StepKey(stream, first) | StepEntry(Step(StepKey(stream, first))):
            return f"{stream} {first}"
        case ListingEntry(first_name, second_name) | StrayEntry((first_name, second_name)):
            return f"{first_name} {second_name}"
        case HeadEntry(name) | ClaimEntry(name):
            return name
        case None:
            return ""
