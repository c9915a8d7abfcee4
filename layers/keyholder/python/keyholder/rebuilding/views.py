"""Every view is emptied and published anew from the first batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from keyholder.ledger.ports import Clock
from keyholder.ledger.views import POSITIONS, ViewPublisher, ViewStore


class EmptiedViews(ViewStore, Protocol):
    """The bucket of views, for whoever may empty it."""

    def delete_all(self, keys: Sequence[str]) -> None:
        """Nothing has these names afterwards."""
        ...


@dataclass(frozen=True, slots=True)
class Republished:
    """So many objects were there; the view that is furthest behind has `position` batches now."""

    removed: int
    position: int


@dataclass(slots=True)
class _FromTheFirst:
    """A `ViewStore` that has forgotten how far each view was.

    A sweep that began before may still write down where it was; what is emptied meanwhile would then be missing for
    good. So positions are kept here, and stored once, at the end.
    """

    store: ViewStore
    positions: dict[str, bytes] = field(default_factory=dict)

    def get(self, key: str) -> bytes | None:
        return self.positions.get(key) if key.startswith(POSITIONS) else self.store.get(key)

    def put(self, key: str, body: bytes) -> None:
        if key.startswith(POSITIONS):
            self.positions[key] = body
        else:
            self.store.put(key, body)

    def delete(self, key: str) -> None:
        self.store.delete(key)

    def list(self, prefix: str) -> Sequence[str]:
        return self.store.list(prefix)


def empty(store: EmptiedViews) -> int:
    """Positions first, so that nobody takes the rest for whole. Returns how many objects there were. Repeatable."""
    names = [*store.list(POSITIONS), *(name for name in store.list("") if not name.startswith(POSITIONS))]
    store.delete_all(names)
    return len(names)


def republish(
    store: ViewStore, publisher: Callable[[ViewStore], ViewPublisher], newest: int, clock: Clock, until: datetime
) -> int:
    """Publish from the first batch on, as far as the time goes; the sweeper goes on from there.

    Returns how many batches the view has that is furthest behind. Raises the first fault of a view.
    """
    own = _FromTheFirst(store)
    publishing = publisher(own)
    position = 0
    while True:
        runs = publishing.run()
        fault = next((run.fault for run in runs if run.fault is not None), None)
        before, position = position, min((run.position for run in runs), default=newest)
        if fault is not None or position in (before, newest) or clock.now() >= until:
            break
    for key, body in own.positions.items():
        store.put(key, body)
    if fault is not None:
        raise fault
    return position
