"""Committed events are announced to other programs, batch by batch, in the order of the journal.

Not in the path of an append: the sweeper does it, so that what is announced is in the ledger and nothing waits for it.
Each event is announced at least once: how far it came is noted after a batch was taken, not before. Who must not do a
thing twice looks at stream and number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from keyholder.ledger.event import Event
from keyholder.ledger.journal import Batch
from keyholder.ledger.ports import Clock
from keyholder.notices.domain_event import DomainEvent, domain_event

NEWS = timedelta(days=3)
"""What is older is not announced any more: whoever was away for longer reads the ledger."""


class Bus(Protocol):
    """Where announcements go (an EventBridge bus)."""

    def announce(self, events: Sequence[DomainEvent]) -> None:
        """Returns once all are taken; raises the storage errors of `ledger.ports` where one was not."""
        ...


class Positions(Protocol):
    """How far it came. Raises the storage errors of `ledger.ports`."""

    def announced(self) -> int | None:
        """The number of the last batch that was announced; None where that was never noted, or got lost."""
        ...

    def note_announced(self, batch: int) -> None: ...


class Journal(Protocol):
    """The part of the ledger this reads. Raises `LedgerUnavailableError`."""

    def batch(self, number: int) -> Batch | None: ...

    def newest(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Announced:
    """So many events of so many batches, up to batch `position`."""

    events: int
    batches: int
    position: int


class Announcer:
    """`state` gives the state an event left its stream in, for the streams that have one."""

    def __init__(
        self,
        journal: Journal,
        bus: Bus,
        positions: Positions,
        state: Callable[[Event], str | None],
        clock: Clock,
        *,
        batches: int = 500,
        time: timedelta = timedelta(seconds=10),
    ) -> None:
        self._journal = journal
        self._bus = bus
        self._positions = positions
        self._state = state
        self._clock = clock
        self._batches = batches
        self._time = time

    def run(self) -> Announced:
        """Announce what is new; the next run goes on from there."""
        deadline, events, batches = self._clock.now() + self._time, 0, 0
        position = self._position()
        while batches < self._batches and self._clock.now() < deadline:
            batch = self._journal.batch(position + 1)
            if batch is None:
                break
            events += self._announce(batch)
            position = batch.number
            batches += 1
            # After each, so that a run cut short repeats one batch at most.
            self._positions.note_announced(position)
        return Announced(events, batches, position)

    def _announce(self, batch: Batch) -> int:
        news = self._clock.now() - NEWS
        events = [(Event.parse(line), index) for index, line in enumerate(batch.lines, batch.start)]
        fresh = [domain_event(event, index, self._state(event)) for event, index in events if event.at >= news]
        if fresh:
            self._bus.announce(fresh)
        return len(fresh)

    def _position(self) -> int:
        """Where it stood; without a note just before the first batch that is news."""
        noted = self._positions.announced()
        if noted is not None and (noted == 0 or self._journal.batch(noted) is not None):
            return noted
        return self._before(self._clock.now() - NEWS)

    def _before(self, moment: datetime) -> int:
        """The number of the last batch written before `moment`, by halving: batches stand in the order of time."""
        low, high = 0, self._journal.newest()
        while low < high:
            middle = (low + high + 1) // 2
            batch = self._journal.batch(middle)
            if batch is not None and batch.at < moment:
                low = middle
            else:
                high = middle - 1
        return low
