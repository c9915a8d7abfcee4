"""A step store that holds one step of one's own, and of all others believes what the journal says.

Over it a step is written into the ledger by the ledger's own code, whatever has become of the steps table.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from keyholder.ledger.journal import Batch, journal_key
from keyholder.ledger.ports import Added, Claim, Head, Lead, Mark, Step, StepKey, WormStore
from keyholder.rebuilding.expected import Expected, read_steps
from keyholder.vocabulary import StreamId

_NO_TIME = datetime.min.replace(tzinfo=UTC)


class JournalSteps:
    """Implements `ledger.ports.StepStore` for whoever leads already. `expected` was made from the verified journal."""

    def __init__(self, expected: Expected, worm: WormStore) -> None:
        self._expected = expected
        self._worm = worm
        self._own: dict[StepKey, Step] = {}

    def stream(self, stream: StreamId) -> Sequence[Step]:
        """Of one's own stream, one's own step."""
        return [step for key, step in self._own.items() if key.stream == stream]

    def last(self, stream: StreamId) -> Step | None:
        """One's own step; before it is there, whatever ends where the journal says the stream ends."""
        own = self.stream(stream)
        newest = self._expected.newest(stream)
        if own or not newest:
            return own[-1] if own else None
        return Step(StepKey(stream, newest), (b"",), "", _NO_TIME, 0, self._expected.batches)

    def step(self, key: StepKey) -> Step | None:
        """One's own step."""
        return self._own.get(key)

    def steps(self, keys: Sequence[StepKey]) -> Sequence[Step]:
        """One's own, and those of the batches that are repaired: the newest that was verified, and any after it."""
        wanted, number = set(keys), self._expected.batches
        found = [step for key, step in self._own.items() if key in wanted]
        while len(found) < len(wanted) and (body := self._worm.get(journal_key(number)) if number else b""):
            found += [step for step in read_steps(Batch.parse(body)) if step.key in wanted - self._own.keys()]
            number += 1
        return found

    def add(self, step: Step, claim: Claim | None, head: Head | None) -> Added:  # noqa: ARG002 - the port's signature
        """Kept here alone."""
        self._own[step.key] = step
        return Added.ADDED

    def claim(self, key: str) -> Claim | None:  # noqa: ARG002
        """Nothing here takes one."""
        return None

    def pending(self, limit: int) -> Sequence[StepKey]:  # noqa: ARG002
        """Only one's own step is written."""
        return []

    def mark_committed(self, marks: Sequence[Mark]) -> None:
        """One's own step is marked; marks of others are made by the rebuild."""
        for mark in marks:
            if mark.key in self._own:
                own = self._own[mark.key]
                self._own[mark.key] = Step(own.key, own.lines, own.writer, own.at, mark.index, mark.batch)

    def lead(self, writer: str, now: datetime, until: datetime) -> Lead | None:  # noqa: ARG002
        """Whoever uses this leads in the table itself."""
        return Lead(self._expected.batches)

    def rest(self, writer: str, newest: int) -> None:
        """As above."""

    def newest_batch(self) -> int:
        """The newest that was verified."""
        return self._expected.batches

    def listed(self, listing: str, after: StreamId | None, limit: int) -> Sequence[StreamId]:  # noqa: ARG002
        """Nothing."""
        return []

    def due(self, before: datetime, limit: int) -> Sequence[StreamId]:  # noqa: ARG002
        """Nothing."""
        return []
