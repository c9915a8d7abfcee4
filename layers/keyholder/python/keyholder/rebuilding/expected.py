"""What the steps table has to hold, worked out from the journal while it is being verified."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from keyholder.ledger.event import Event
from keyholder.ledger.journal import Batch
from keyholder.ledger.merkle import EMPTY
from keyholder.ledger.ports import CLAIM_LIFETIME, Step, StepKey
from keyholder.ledger.verification import GIVING
from keyholder.rebuilding.entries import ClaimEntry, HeadEntry, ListingEntry
from keyholder.rebuilding.events import BEGAN, KIND
from keyholder.rebuilding.heads import Heads
from keyholder.registry.domains import Domain
from keyholder.vocabulary import StreamId

REBUILT = "rebuilt"
"""Stands for the nonce of a step's writer, which is not in the journal: nobody waits for the step any more."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a step stands in the journal, when it was written, and the hash of its lines, for there may be millions."""

    batch: int
    index: int
    at: datetime
    digest: bytes

    def holds(self, step: Step) -> bool:
        """Whether these are the lines of that step."""
        return _digest(step.lines) == self.digest

    def marked(self, step: Step) -> bool:
        """Whether that step says where it is, and when it was written, as the journal has it."""
        return (step.batch, step.index, step.at) == (self.batch, self.index, self.at)


class Expected:
    """A `ledger.verification.Inspector`: what follows from every batch it saw, the last of which is `batches`."""

    def __init__(self) -> None:
        self._heads = Heads()
        self.steps: dict[StepKey, Placed] = {}
        self.heads: dict[StreamId, HeadEntry] = {}
        self.claims: dict[str, ClaimEntry] = {}
        self.listings: set[ListingEntry] = set()
        self.epochs: set[int] = set()
        """Years whose tag keys somebody may have to be looked up by."""
        self.unfinished: set[StreamId] = set()
        """Rebuilds that began and did not end."""
        self.batches = 0
        self.size = 0
        self.root = EMPTY.root()

    def saw(self, _key: str, batch: Batch, events: Sequence[Event]) -> None:
        """The next batch. Raises `UnknownStreamError`, and what folding raises."""
        for step, happened in steps_of(batch, events):
            self.steps[step.key] = Placed(batch.number, step.index or 0, step.at, _digest(step.lines))
            self._beside(step, happened)
        self.batches, self.size, self.root = batch.number, batch.end, batch.root

    def end(self, _size: int) -> None:
        """Nothing comes after this."""

    def domains(self) -> tuple[Domain, ...]:
        """Every domain as the ledger leaves it."""
        return self._heads.domains()

    def newest(self, stream: StreamId) -> int:
        """The number of a stream's newest event; 0 for none."""
        head = self.heads.get(stream)
        return head.newest if head else 0

    def _beside(self, step: Step, happened: Sequence[Event]) -> None:
        stream, claim = step.key.stream, happened[0].claim
        head, before = self._heads.after(happened), self.heads.get(stream)
        due_at = head.due_at if head else before.due_at if before else None
        self.heads[stream] = HeadEntry(stream, step.last, due_at)
        self.listings.update(ListingEntry(listing, stream) for listing in (head.listings if head else ()))
        if claim is not None:
            until = (step.at + CLAIM_LIFETIME).replace(microsecond=0)
            self.claims[claim] = ClaimEntry(claim, step.key, until)
        for event in happened:
            epoch = event.data.get("epoch")
            if event.type in GIVING and isinstance(epoch, str) and epoch.isdecimal():
                self.epochs.add(int(epoch))
        if stream.startswith(f"{KIND}/"):
            (self.unfinished.add if happened[-1].type == BEGAN else self.unfinished.discard)(stream)


def steps_of(batch: Batch, events: Sequence[Event]) -> Iterator[tuple[Step, Sequence[Event]]]:
    """The steps of a batch as the table has them, each with its events: those of one stream, which stand together."""
    place = 0
    for stream, group in groupby(events, key=lambda event: event.stream):
        happened = tuple(group)
        lines = batch.lines[place : place + len(happened)]
        key = StepKey(stream, happened[0].number)
        yield Step(key, lines, REBUILT, happened[0].at, batch.start + place, batch.number), happened
        place += len(happened)


def read_steps(batch: Batch) -> Iterator[Step]:
    """The steps of a batch that was verified before."""
    return (step for step, _ in steps_of(batch, tuple(map(Event.parse, batch.lines))))


def _digest(lines: Sequence[bytes]) -> bytes:
    # No line holds a newline, so no two lists of lines make one text.
    return hashlib.sha256(b"\n".join(lines)).digest()


def with_writer(step: Step, seen: Step) -> Step:
    """`step` with the writer's nonce that the table still has, where it is the same step."""
    return replace(step, writer=seen.writer) if seen.lines == step.lines else step
