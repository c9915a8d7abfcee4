"""Events by filter, page by page: from the index as far as it goes, and from the journal for what is newer.

Each event is read from the journal and proven against a signed checkpoint before it is shown, and each is held against
the filter itself. So the index can show nothing that is not so. That it leaves nothing out is not proven by an answer
but by verifying a download (`keyholder audit verify`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from keyholder.audit.facets import EventFilter, Histories
from keyholder.audit.index import LAST, IndexReader, Place, Run, place_of
from keyholder.audit.terms import event_terms, tag_term, tags_of, time_term
from keyholder.ledger.event import Event
from keyholder.ledger.journal import Batch
from keyholder.ledger.log import EventLog, LedgerBrokenError
from keyholder.ledger.merkle import Span
from keyholder.ledger.views import ViewGapError

MOST_BATCHES = 300
"""Read for one answer: some seconds. A page that ends here is short, and the next one goes on."""
_KEPT = 4
_BEFORE_ALL = datetime(1, 1, 1, tzinfo=UTC)
_AFTER_ALL = datetime(9999, 12, 31, tzinfo=UTC)


class Journal(EventLog, Protocol):
    """The ledger as audits read it: streams, and batches proven against their checkpoints."""

    def batch(self, number: int) -> Batch | None:
        """A proven batch; None where there is none."""
        ...

    def newest(self) -> int:
        """The number of the newest batch that is signed; 0 where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Indexed:
    """An event, its exact leaf, and where it stands: proven while it was read."""

    event: Event
    leaf: bytes
    place: Place


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events of the tree of `size` leaves, in order. `begin` is the leaf the next page begins with, None at the end."""

    items: tuple[Indexed, ...]
    size: int
    begin: int | None


class StoppedError(Exception):
    """As many batches were read as one answer reads; everything before leaf `at` was looked at."""

    def __init__(self, at: int) -> None:
        super().__init__("one answer reads no more")
        self.at = at


class Reading:
    """One call's way through the ledger. `index` gives the index as it stands, when it is first needed.

    Every method may raise `LedgerUnavailableError`, and what the index's store raises.
    """

    def __init__(self, journal: Journal, index: Callable[[], IndexReader], *, most_batches: int = MOST_BATCHES) -> None:
        self._journal = journal
        self._index = index
        self._left = most_batches
        self._counted = 0
        self._newest: int | None = None
        self._batches: dict[int, Batch] = {}
        self.histories = Histories(journal.read)

    def size(self) -> int:
        """How many events are committed at this moment."""
        newest = self._last()
        return self._batch(newest).end if newest else 0

    def page(self, wanted: EventFilter, begin: int, size: int, limit: int) -> EventPage:
        """At most `limit` events that match, from leaf `begin` on, of the tree of `size` leaves."""
        items: list[Indexed] = []
        try:
            for found in self._candidates(lambda index, run, start: _filtered(index, run, wanted, start), begin, size):
                if not wanted.matches(found.event, self.histories):
                    continue
                if len(items) == limit:
                    return EventPage(tuple(items), size, found.place.index)
                items.append(found)
        except StoppedError as stopped:
            return EventPage(tuple(items), size, stopped.at)
        return EventPage(tuple(items), size, None)

    def event(self, index: int) -> Indexed | None:
        """The event of one leaf; None where the ledger does not go so far."""
        if not 0 <= index < self.size():
            return None
        return self._at(Place(index, self._batch_of(index)))

    def span(self, begin: int, size: int) -> Span:
        """The tree of `size` leaves as far as the leaves from `begin` on show it; a batch begins with this one, or none
        does yet. Raises `StoppedError` where they are too many batches."""
        if begin >= size:
            number = self._batch_of(size - 1)
            return self._looked_into(number, begin).span()
        number = self._batch_of(begin)
        before = self._looked_into(number, begin).before
        return Span(before, [one.leaf for one in self._tail(number, begin, size)])

    def tagged(self, tags: Collection[str], size: int) -> tuple[Indexed, ...]:
        """Every release one of these people is in, by keyed tag. Raises `StoppedError` where they are too many."""
        terms = [tag_term(tag) for tag in tags]

        def places(index: IndexReader, run: Run, start: int) -> set[Place]:
            return {place for term in terms for place in index.under(run, term, start)}

        return tuple(found for found in self._candidates(places, 0, size) if tags_of(found.event).intersection(tags))

    def terms(self, prefix: str, size: int) -> list[str]:
        """Every term that begins with `prefix`, once for each event that has it: what reports are counted from.

        Raises `StoppedError` where too much is newer than the index.
        """
        found: list[str] = []
        position = begin = 0
        try:
            index = self._usable()
            for run in index.runs():
                lines = index.between(run, prefix, f"{prefix}{LAST}")
                found += [text.rsplit(" ", 2)[0] for text in lines if place_of(text).index < size]
                begin = run.end
            position = index.position
        except ViewGapError:
            found, position, begin = [], 0, 0
        newer = self._tail(self._batch_of(begin, position), begin, size) if begin < size else iter(())
        found += [term for one in newer for term in event_terms(one.event, self.histories) if term.startswith(prefix)]
        return found

    def _candidates(
        self, places: Callable[[IndexReader, Run, int], set[Place]], begin: int, size: int
    ) -> Iterator[Indexed]:
        """What the index names, then every event after it."""
        position = 0
        try:
            index = self._usable()
            for run in index.runs(begin):
                for place in _in_order(run, places(index, run, begin)):
                    if place.index < size:
                        yield self._named(place)
                        begin = place.index + 1
                begin = max(begin, run.end)
            position = index.position
        except ViewGapError:
            # A damaged index is as good as none: what it did not give is read from the journal.
            position = 0
        if begin < size:
            yield from self._tail(self._batch_of(begin, position), begin, size)

    def _tail(self, number: int, begin: int, size: int) -> Iterator[Indexed]:
        """Every event from leaf `begin` on, which stands in batch `number` or later."""
        while begin < size:
            batch = self._looked_into(number, begin)
            for index in range(max(begin, batch.start), min(batch.end, size)):
                yield self._at(Place(index, number))
            begin, number = max(begin, batch.end), number + 1

    def _usable(self) -> IndexReader:
        index = self._index()
        if index.position > self._last():
            self._newest = self._journal.newest()
        if index.position > self._last():
            raise ViewGapError("the index is ahead of the ledger")
        return index

    def _named(self, place: Place) -> Indexed:
        """The event at a place that the index names. Raises `ViewGapError` where it is wrong about it."""
        if not 0 < place.batch <= self._last():
            raise ViewGapError("the index names what is not there")
        batch = self._looked_into(place.batch, place.index)
        if not batch.start <= place.index < batch.end:
            raise ViewGapError("the index names another batch")
        return self._at(place)

    def _at(self, place: Place) -> Indexed:
        batch = self._batch(place.batch)
        leaf = batch.lines[place.index - batch.start]
        return Indexed(Event.parse(leaf), leaf, place)

    def _batch_of(self, index: int, after: int = 0) -> int:
        """The batch of a leaf that is committed, found in the journal alone; it comes after batch `after`."""
        numbers = range(after + 1, self._last() + 1)
        return numbers[bisect_right(numbers, index, key=lambda number: self._batch(number).end)]

    def _last(self) -> int:
        if self._newest is None:
            self._newest = self._journal.newest()
        return self._newest

    def _looked_into(self, number: int, at: int) -> Batch:
        """One more batch, unless it was the last one. Raises `StoppedError` where these were enough."""
        if number != self._counted:
            if not self._left:
                raise StoppedError(at)
            self._left -= 1
            self._counted = number
        return self._batch(number)

    def _batch(self, number: int) -> Batch:
        if number not in self._batches:
            batch = self._journal.batch(number)
            if batch is None:
                raise LedgerBrokenError("a batch that was committed is gone")
            while len(self._batches) >= _KEPT:
                self._batches.pop(next(iter(self._batches)))
            self._batches[number] = batch
        return self._batches[number]


def _in_order(run: Run, places: Collection[Place]) -> list[Place]:
    """Raises `ViewGapError` for a place that the run does not cover."""
    if not all(run.start <= place.index < run.end for place in places):
        raise ViewGapError("a run of the index names what it does not cover")
    return sorted(places, key=lambda place: place.index)


def _filtered(index: IndexReader, run: Run, wanted: EventFilter, start: int) -> set[Place]:
    """Where the index says that every condition holds."""
    found: set[Place] | None = None
    for term in wanted.terms():
        places = set(index.under(run, term, start))
        found = places if found is None else found & places
        if not found:
            return set()
    if found is not None and wanted.since is None and wanted.until is None:
        return found
    low, high = time_term(wanted.since or _BEFORE_ALL), time_term(wanted.until or _AFTER_ALL)
    timed = {place for place in map(place_of, index.between(run, low, high)) if place.index >= start}
    return timed if found is None else found & timed
