"""What is committed is announced in order, at least once, and never what is not news; whatever gets lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.ledger.event import Event, NewEvent
from keyholder.ledger.ledger import Ledger
from keyholder.ledger.ports import StorageBusyError
from keyholder.notices.announcing import NEWS, Announcer
from keyholder.notices.domain_event import DomainEvent, NotOneOfOursError
from keyholder.vocabulary import ActorId, StreamId
from tests.fakes.ledger import ManualClock, memory_ledger


@dataclass
class MemoryBus:
    """Takes events, or fails after so many calls."""

    heard: list[DomainEvent] = field(default_factory=list)
    fails: int = 0

    def announce(self, events: Sequence[DomainEvent]) -> None:
        if self.fails:
            self.fails -= 1
            # Some were taken before it failed, as with PutEvents.
            self.heard.extend(events[:-1])
            raise StorageBusyError
        self.heard.extend(events)


@dataclass
class MemoryPositions:
    noted: int | None = None

    def announced(self) -> int | None:
        return self.noted

    def note_announced(self, batch: int) -> None:
        self.noted = batch


def _write(ledger: Ledger, number: int) -> None:
    ledger.record(StreamId(f"attempt/{number}"), 0, [NewEvent("attempt.refused", {})], actor=ActorId("a/b"), trace="t")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def _state(event: Event) -> str | None:
    return "draft" if event.number > 1 else None


def _announcer(ledger: Ledger, bus: MemoryBus, positions: MemoryPositions, clock: ManualClock) -> Announcer:
    return Announcer(ledger, bus, positions, _state, clock)


@given(st.lists(st.sampled_from(["write", "run", "fail", "forget", "ahead"]), max_size=25))
def test_nothing_is_lost_and_order_is_kept(steps: list[str]) -> None:
    clock = ManualClock()
    ledger, bus, positions = memory_ledger(clock), MemoryBus(), MemoryPositions()
    written = 0
    for step in (*steps, "run"):
        if step == "write":
            _write(ledger, written)
            written += 1
        elif step == "forget":
            positions.noted = None
        elif step == "ahead":
            # Another ledger's note, or one from before a table was put back.
            positions.noted = 10_000
        else:
            bus.fails = step == "fail"
            try:
                _announcer(ledger, bus, positions, clock).run()
            except StorageBusyError:
                assert step == "fail"
            bus.fails = 0
    heard = [event.index for event in bus.heard]
    assert set(heard) == set(range(written))
    assert sorted(set(heard)) == list(dict.fromkeys(heard)), "the first time each is heard, they come in order"


def test_old_news_is_none(clock: ManualClock) -> None:
    ledger, bus = memory_ledger(clock), MemoryBus()
    for number in range(20):
        _write(ledger, number)
        clock.moment += NEWS / 10
    _announcer(ledger, bus, MemoryPositions(), clock).run()
    assert bus.heard
    assert all(event.at >= clock.moment - NEWS for event in bus.heard)
    assert [event.index for event in bus.heard] == list(range(10, 20))


def test_a_run_ends_and_the_next_goes_on(clock: ManualClock) -> None:
    ledger, bus, positions = memory_ledger(clock), MemoryBus(), MemoryPositions()
    for number in range(5):
        _write(ledger, number)
    for expected in (2, 4, 5):
        run = Announcer(ledger, bus, positions, _state, clock, batches=2).run()
        assert (run.position, positions.noted, len(bus.heard)) == (expected, expected, expected)
    assert Announcer(ledger, bus, positions, _state, clock, time=timedelta(0)).run().batches == 0


def test_an_event_of_the_bus_reads_back_and_nothing_else_does(clock: ManualClock) -> None:
    event = DomainEvent(StreamId("request/REQ-1"), 3, "request.approved", clock.moment, 7, "approved")
    detail = event.detail()
    assert DomainEvent.read(detail) == event
    for name in detail:
        for wrong in (None, "", "x y", -1, [], "person's name"):
            if (name, wrong) != ("state", None):
                with pytest.raises(NotOneOfOursError):
                    DomainEvent.read({**detail, name: wrong})
        with pytest.raises(NotOneOfOursError):
            DomainEvent.read({key: value for key, value in detail.items() if key != name})
