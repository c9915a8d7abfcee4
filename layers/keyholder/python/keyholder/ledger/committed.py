"""Reading the ledger without the right to write: only what is marked as committed, and nothing is driven on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Protocol

from keyholder.ledger.event import Event
from keyholder.ledger.log import LedgerBrokenError
from keyholder.ledger.ports import Step
from keyholder.vocabulary import StreamId


class StepReader(Protocol):
    """The part of `StepStore` this needs. Raises the storage errors of `ledger.ports`."""

    def stream(self, stream: StreamId) -> Sequence[Step]: ...

    def listed(self, listing: str, after: StreamId | None, limit: int) -> Sequence[StreamId]: ...


class CommittedEvents:
    """For functions that tell and never decide: a step that is still pending is as if it were not there."""

    def __init__(self, steps: StepReader) -> None:
        self._steps = steps

    def read(self, stream: StreamId) -> tuple[Event, ...]:
        """The committed events of a stream. Raises `LedgerBrokenError` where one is missing or stands elsewhere."""
        committed = takewhile(lambda step: step.index is not None, self._steps.stream(stream))
        events = tuple(Event.parse(line) for step in committed for line in step.lines)
        if any((event.stream, event.number) != (stream, number) for number, event in enumerate(events, 1)):
            raise LedgerBrokenError("a stream lacks an event, or holds another's")
        return events

    def listed(self, listing: str, after: StreamId | None, limit: int) -> Sequence[StreamId]:
        """Streams of a listing in order of id: a hint, as everywhere."""
        return self._steps.listed(listing, after, limit)
