"""Views emptied and made anew, while sweeps go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest

from keyholder.ledger.event_view import EventView
from keyholder.ledger.journal import Batch
from keyholder.ledger.views import POSITIONS, ViewGapError, ViewPublisher, ViewStore
from keyholder.rebuilding.views import empty, republish
from tests.fakes.ledger import ManualClock
from tests.fakes.views import MemoryViews
from tests.unit.audit.world import DOMAINS, PROJECTS, World


@dataclass
class EmptiedViews(MemoryViews):
    def delete_all(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.delete(key)


def world() -> World:
    made = World()
    for number in range(5):
        made.request(number, PROJECTS[0], DOMAINS[:1])
        made.commit()
    return made


def publisher(made: World, store: EmptiedViews, most: int = 2) -> Callable[[ViewStore], ViewPublisher]:
    def over(positions: ViewStore) -> ViewPublisher:
        return ViewPublisher(made.batch, positions, [EventView(store)], made.clock, batches=most)

    return over


def test_views_come_back_whatever_a_sweep_remembers() -> None:
    made, store = world(), EmptiedViews()
    over = publisher(made, store)
    sweep = over(store)
    while sweep.run()[0].batches:
        pass
    before = dict(store.objects)
    store.objects["strange/object"] = b"x"
    assert empty(store) == len(before) + 1
    assert store.objects == {}
    # A sweep that began before the views were emptied writes down where it was.
    store.put(f"{POSITIONS}events", b"5")
    assert republish(store, over, 5, made.clock, made.clock.now() + timedelta(minutes=1)) == 5
    assert store.objects == before


def test_what_the_time_is_too_short_for_is_left_to_the_sweeper() -> None:
    made, store = world(), EmptiedViews()
    assert republish(store, publisher(made, store), 5, made.clock, made.clock.now()) == 2
    assert store.objects[f"{POSITIONS}events"] == b"2"
    assert len(store.list("events/")) == 2


def test_positions_go_first() -> None:
    store, order = EmptiedViews(), []
    for name in ("events/1", f"{POSITIONS}events", "index/0/1"):
        store.put(name, b"1")
    store.gate = lambda name, call: (order.append(name), call())[1]
    empty(store)
    assert next(name for name in order if "delete" in name) == f"views.delete {POSITIONS}events"


def test_a_view_that_can_not_be_made_is_told() -> None:
    class Broken:
        name = "broken"

        def publish(self, batch: Batch) -> None:
            raise ViewGapError("no")

    made, store = world(), EmptiedViews()

    def over(positions: ViewStore) -> ViewPublisher:
        return ViewPublisher(made.batch, positions, [EventView(store), Broken()], ManualClock())

    with pytest.raises(ViewGapError):
        republish(store, over, 5, made.clock, made.clock.now() + timedelta(minutes=1))
    assert store.objects[f"{POSITIONS}events"] == b"5"
