"""Views are brought up to date from where they stand, and one that fails keeps nobody waiting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import pytest

from keyholder.ledger.event import NewEvent
from keyholder.ledger.journal import Batch, checkpoint_key, journal_key
from keyholder.ledger.ledger import Ledger
from keyholder.ledger.log import LedgerBrokenError
from keyholder.ledger.ports import StorageRefusedError
from keyholder.ledger.views import POSITIONS, View, ViewGapError, ViewPublisher
from keyholder.vocabulary import ActorId, StreamId
from tests.fakes.ledger import ManualClock, Memory, memory_ledger
from tests.fakes.views import MemoryViews

T = TypeVar("T")


@dataclass
class Seen:
    """A view that remembers what it was given."""

    name: str = "seen"
    batches: list[int] = field(default_factory=list)
    failing: Callable[[Batch], Exception | None] = lambda _: None
    clock: ManualClock | None = None

    def publish(self, batch: Batch) -> None:
        if self.clock is not None:
            self.clock.wait(timedelta(seconds=1))
        fault = self.failing(batch)
        if fault is not None:
            raise fault
        self.batches.append(batch.number)


@dataclass
class World:
    """A ledger of a few batches, a bucket, a clock."""

    memory: Memory = field(default_factory=Memory)
    store: MemoryViews = field(default_factory=MemoryViews)
    clock: ManualClock = field(default_factory=ManualClock)
    ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = memory_ledger(self.clock, self.memory)

    def record(self, *streams: int) -> None:
        for stream in streams:
            self.ledger.record(
                StreamId(f"request/{stream}"), 0, [NewEvent("a", {})], actor=ActorId("person/1"), trace="t"
            )

    def publisher(self, *views: View, batches: int = 500) -> ViewPublisher:
        return ViewPublisher(self.ledger.batch, self.store, views, self.clock, batches=batches)


@pytest.fixture
def world() -> World:
    made = World()
    made.record(1, 2, 3, 4)
    return made


def test_a_view_goes_on_from_where_it_stands(world: World) -> None:
    view = Seen()
    (run,) = world.publisher(view).run()
    assert (run.view, run.batches, run.position, run.fault) == ("seen", 4, 4, None)
    assert world.store.objects == {POSITIONS + "seen": b"4"}
    world.record(5)
    (run,) = world.publisher(view).run()
    assert (run.batches, run.position) == (1, 5)
    assert view.batches == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("hint", [b"", b"x", b"-1", b"9", b"9" * 30, "²".encode()])
def test_the_position_is_only_a_hint(world: World, hint: bytes) -> None:
    world.store.objects[POSITIONS + "seen"] = hint
    view = Seen()
    world.publisher(view).run()
    world.publisher(view).run()
    assert view.batches == [1, 2, 3, 4]


def test_a_run_is_bounded_in_number_and_in_time(world: World) -> None:
    view = Seen()
    assert world.publisher(view, batches=3).run()[0].position == 3
    slow = Seen("slow", clock=world.clock)
    publisher = ViewPublisher(world.ledger.batch, world.store, [slow], world.clock, time=timedelta(seconds=2))
    assert publisher.run()[0].position == 2
    assert publisher.run()[0].position == 4
    assert slow.batches == [1, 2, 3, 4]


def test_one_failing_view_does_not_stop_the_others(world: World) -> None:
    fault = ZeroDivisionError()
    bad, good = Seen("bad", failing=lambda batch: fault if batch.number == 3 else None), Seen("good")
    first, second = world.publisher(bad, good).run()
    assert (first.position, first.fault) == (2, fault)
    assert (second.position, second.fault) == (4, None)
    bad.failing = lambda _: None
    world.publisher(bad, good).run()
    assert bad.batches == good.batches == [1, 2, 3, 4]


def test_a_view_far_behind_keeps_nobody_waiting(world: World) -> None:
    old = Seen("old")
    world.publisher(old).run()
    world.record(5)
    runs = world.publisher(Seen("new"), old, batches=4).run()
    assert [run.position for run in runs] == [4, 5]


def test_a_view_with_a_gap_is_made_anew(world: World) -> None:
    view = Seen()
    world.publisher(view).run()
    world.record(5)
    view.failing = lambda batch: ViewGapError("lost") if batch.number == 5 else None
    (run,) = world.publisher(view).run()
    assert isinstance(run.fault, ViewGapError)
    assert (run.batches, run.position) == (0, 0)
    view.failing = lambda _: None
    assert world.publisher(view).run()[0].position == 5
    assert view.batches == [1, 2, 3, 4, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("operation", ["get", "put"])
def test_a_bucket_that_refuses_is_the_view_s_fault(world: World, operation: str) -> None:
    def refuse(name: str, call: Callable[[], T]) -> T:
        if name == f"views.{operation} {POSITIONS}one":
            raise StorageRefusedError
        return call()

    world.store.gate = refuse
    one, two = world.publisher(Seen("one"), Seen("two")).run()
    assert isinstance(one.fault, StorageRefusedError)
    assert (two.position, two.fault) == (4, None)


def test_views_are_made_of_nothing_but_proven_batches(world: World) -> None:
    body = world.memory.worm.versions[journal_key(3)]
    body[0] = body[0].replace(b'"a"', b'"b"')
    view = Seen()
    fresh = memory_ledger(world.clock, world.memory)
    with pytest.raises(LedgerBrokenError):
        ViewPublisher(fresh.batch, world.store, [view], world.clock).run()
    assert view.batches == [1, 2]


def test_a_batch_is_published_once_its_checkpoint_is_there_and_signs_it(world: World) -> None:
    notes = world.memory.worm.versions
    signed = notes.pop(checkpoint_key(3))
    view = Seen()
    fresh = memory_ledger(world.clock, world.memory)
    publisher = ViewPublisher(fresh.batch, world.store, [view], world.clock)
    assert publisher.run()[0].position == 2
    notes[checkpoint_key(3)] = [signed[0].replace(b"\n3\n", b"\n4\n")]
    with pytest.raises(LedgerBrokenError):
        publisher.run()
    notes[checkpoint_key(3)] = signed
    assert publisher.run()[0].position == 4
    assert view.batches == [1, 2, 3, 4]
