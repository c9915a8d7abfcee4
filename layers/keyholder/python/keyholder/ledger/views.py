"""Views: everything that is made from the journal alone and can be made again, so that nothing has to trust it.

A view is published batch by batch, in the order of the journal, by the sweeper; never in the path of an append. How far
a view has come is a hint that stands beside it: to publish a batch twice does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Protocol

from keyholder.ledger.journal import Batch
from keyholder.ledger.ports import Clock

POSITIONS = "position/"


class ViewGapError(Exception):
    """A view lacks what it was to be continued from, or has something else there: it is made anew from the start."""


class ViewStore(Protocol):
    """Small objects that can all be made again (an S3 bucket without versions and without a lock).

    Every method may raise `StorageUncertainError`, `StorageBusyError` or `StorageRefusedError`.
    """

    def get(self, key: str) -> bytes | None: ...

    def put(self, key: str, body: bytes) -> None:
        """Store `body`, in the place of whatever has this name."""
        ...

    def delete(self, key: str) -> None:
        """Nothing has this name afterwards; nor need anything before."""
        ...

    def list(self, prefix: str) -> Sequence[str]:
        """All names that begin with `prefix`, in order of their bytes."""
        ...


class View(Protocol):
    """Something made from the journal."""

    @property
    def name(self) -> str:
        """By which its position is kept: letters, digits and dashes."""
        ...

    def publish(self, batch: Batch) -> None:
        """Take in `batch`, which the gate has proven, after all before it.

        Idempotent, and the same bytes whatever run makes them. Raises `ViewGapError` where the view itself lacks what
        came before, and what its store raises.
        """
        ...


@dataclass(frozen=True, slots=True)
class Published:
    """How far a view came in one run: `batches` more, up to batch `position`; and what stopped it, if anything."""

    view: str
    batches: int
    position: int
    fault: Exception | None = None


class ViewPublisher:
    """Brings views up to date, each from its own position. Several may run at once: they repeat each other's work.

    `journal` gives a batch that the gate has proven, or None for one that is not there (yet); what it raises ends the
    run, for then the ledger is at fault and not a view. A run ends after `batches` batches or after `time`; the next
    goes on from there.
    """

    def __init__(
        self,
        journal: Callable[[int], Batch | None],
        store: ViewStore,
        views: Sequence[View],
        clock: Clock,
        *,
        batches: int = 500,
        time: timedelta = timedelta(seconds=20),
    ) -> None:
        self._journal = journal
        self._store = store
        self._views = tuple(views)
        self._clock = clock
        self._batches = batches
        self._time = time

    def run(self) -> tuple[Published, ...]:
        """Publish what is new. One view that fails does not stop the others."""
        runs = [_Run(view, self._store) for view in self._views]
        able = sorted((run for run in runs if run.fault is None), key=lambda run: -run.position)
        groups = [tuple(group) for _, group in groupby(able, key=lambda run: run.position)]
        for place, group in enumerate(groups):
            # One that is far behind has its share of the run, and no more.
            share = len(groups) - place
            self._advance(group, self._batches // share, self._time / share)
        for run in runs:
            run.keep()
        return tuple(run.published() for run in runs)

    def _advance(self, group: Sequence[_Run], batches: int, time: timedelta) -> None:
        """Publish to views that stand at the same place, reading each batch once."""
        deadline = self._clock.now() + time
        first = group[0].position + 1
        if first > 1 and self._journal(first - 1) is None:
            for run in group:
                run.start_over()
            return
        for number in range(first, first + batches):
            going = [run for run in group if run.fault is None]
            batch = self._journal(number) if going and self._clock.now() < deadline else None
            if batch is None:
                return
            for run in going:
                run.publish(batch)


class _Run:
    """One view in one run."""

    def __init__(self, view: View, store: ViewStore) -> None:
        self._view = view
        self._store = store
        self._key = POSITIONS + view.name
        self.fault: Exception | None = None
        self.position = self._start = self._stored()

    def publish(self, batch: Batch) -> None:
        try:
            self._view.publish(batch)
        except ViewGapError as gap:
            self.fault, self.position = gap, 0
        except Exception as fault:  # noqa: BLE001 - whatever ails one view must not keep the others waiting
            self.fault = fault
        else:
            self.position = batch.number

    def start_over(self) -> None:
        """The journal has no batch where this view is said to be: not this journal's hint."""
        self.position = 0

    def keep(self) -> None:
        """Store the position, if it has changed."""
        if self.position == self._start:
            return
        try:
            self._store.put(self._key, str(self.position).encode())
        except Exception as fault:  # noqa: BLE001 - as above
            self.fault = self.fault or fault

    def published(self) -> Published:
        return Published(self._view.name, max(self.position - self._start, 0), self.position, self.fault)

    def _stored(self) -> int:
        """The stored position; 0 where there is none that can be read."""
        try:
            stored = self._store.get(self._key)
        except Exception as fault:  # noqa: BLE001 - as above
            self.fault = fault
            return 0
        return int(stored) if stored is not None and stored.isdigit() and len(stored) < 20 else 0
