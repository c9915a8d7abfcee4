"""The ledger itself: `EventLog` over a step store, a write-once store, a key and a clock."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from itertools import takewhile
from typing import NoReturn

from keyholder.ledger.committer import Committer, Limits, Log
from keyholder.ledger.event import Event, EventTooLargeError, NewEvent
from keyholder.ledger.gate import Gate
from keyholder.ledger.journal import Batch
from keyholder.ledger.log import (
    ClaimedError,
    IdempotencyKey,
    LedgerBrokenError,
    LedgerUnavailableError,
    Recorded,
    StaleStreamError,
)
from keyholder.ledger.patience import Patience
from keyholder.ledger.ports import (
    Added,
    CheckpointSigner,
    Claim,
    Clock,
    Head,
    Step,
    StepKey,
    StepStore,
    StorageBusyError,
    StorageRefusedError,
    StorageUncertainError,
    WormStore,
)
from keyholder.vocabulary import ActorId, StreamId

MAX_STEP_BYTES = 300_000
"""A step is one DynamoDB item, and an item has 400 KB."""

MAX_STEP_EVENTS = 500
_DEFAULT_LIMITS = Limits()


def _random_nonce() -> str:
    return secrets.token_hex(16)


class Ledger:
    """Implements `keyholder.ledger.log.EventLog`. One per thread; any number of them may work at the same time."""

    def __init__(
        self,
        log: Log,
        steps: StepStore,
        worm: WormStore,
        signer: CheckpointSigner,
        clock: Clock,
        *,
        limits: Limits = _DEFAULT_LIMITS,
        nonce: Callable[[], str] = _random_nonce,
    ) -> None:
        self._steps = steps
        self._clock = clock
        self._nonce = nonce
        self._limits = limits
        self._gate = Gate(worm, log.origin, log.verifiers)
        self._committer = Committer(
            log=log,
            steps=steps,
            worm=worm,
            signer=signer,
            clock=clock,
            gate=self._gate,
            nonce=nonce,
            limits=limits,
        )

    def read(self, stream: StreamId) -> tuple[Event, ...]:
        """The events of a stream that are in the ledger; empty for an unknown stream.

        A step found pending is driven into the journal first. That a step is committed is read off its mark, which is
        set only when its batch and checkpoint exist: enough to decide on. Effects stand on the gate instead.
        """
        steps = self._stream(stream, self._patience())
        return tuple(event for step in steps for event in _events(step))

    def proven(self, stream: StreamId, numbers: Collection[int] | None = None) -> tuple[Recorded, ...]:
        """The steps of a stream that are in the ledger, each with its receipts, every one proven anew.

        With `numbers`, only those that hold one of these events.
        """
        patience = self._patience()
        steps = [
            step
            for step in self._stream(stream, patience)
            if numbers is None or any(step.key.first <= number <= step.last for number in numbers)
        ]
        return tuple(Recorded(step.key, _events(step), self._gate.receipts(step, patience)) for step in steps)

    def record(
        self,
        stream: StreamId,
        after: int,
        events: Sequence[NewEvent],
        *,
        actor: ActorId,
        trace: str,
        head: Head | None = None,
        idempotency: IdempotencyKey | None = None,
        at: datetime | None = None,
    ) -> Recorded:
        """Append `events` after event number `after`; return once a verified checkpoint covers them all.

        `head` takes the place of the stored one; without it, the stored one stays. `at` is when it happened, for a head
        that depends on that; now if left out. Raises `StaleStreamError` if the
        stream has moved on, `ClaimedError` if the idempotency key is in use, `EventTooLargeError` over 65,535 bytes an
        event or 300,000 bytes together, `LedgerUnavailableError`.
        """
        moment, claimed = at or self._clock.now(), idempotency.key if idempotency else None
        step = self._step(stream, after, events, actor=actor, trace=trace, at=moment, claim=claimed)
        claim = Claim(idempotency.key, idempotency.body, step.key) if idempotency else None
        patience = self._patience()
        self._follow(step, claim, patience)
        self._add(step, claim, head, patience)
        return self._recorded(step.key, patience, step.lines)

    def settle(self, step: StepKey) -> Recorded:
        """Drive a stored step into the journal if need be, and prove it. Raises `LedgerUnavailableError`."""
        return self._recorded(step, self._patience())

    def batch(self, number: int) -> Batch | None:
        """Batch `number` under its verified checkpoint, for views; None as long as either is missing."""
        proven = self._gate.proven(number, self._patience())
        return None if proven is None else proven.batch

    def newest(self) -> int:
        """The number of the newest batch that is signed; 0 where there is none."""
        return self._committer.newest(self._patience())

    def checkpoint(self, size: int) -> bytes | None:
        """The note that signs the tree of `size` leaves, verified; None where there is none."""
        signed = self._gate.checkpoint(size, self._patience())
        return None if signed is None else signed[1]

    def claim(self, key: str) -> Claim | None:
        """The claim on an idempotency key (`IdempotencyKey.key`)."""
        return self._patience().until_answered(lambda: self._steps.claim(key))

    def listed(self, listing: str, after: StreamId | None, limit: int) -> Sequence[StreamId]:
        """Streams of a listing in order of id. A hint: read each stream for the truth."""
        return self._patience().until_answered(lambda: self._steps.listed(listing, after, limit))

    def due(self, before: datetime, limit: int) -> Sequence[StreamId]:
        """Streams whose `Head.due_at` is not after `before`. A hint: read each stream for the truth."""
        return self._patience().until_answered(lambda: self._steps.due(before, limit))

    def commit_pending(self) -> int:
        """Commit what others left pending, for the sweeper; returns how many steps this call committed.

        Repairs the newest batch also where nothing is pending. Ends when a round finds nothing left, when another
        writer's batch comes first, or when the time is over, also where others led all the time.
        Raises `LedgerUnavailableError`.
        """
        patience, committed = self._patience(), 0
        while not patience.over:
            progress = self._committer.round((), patience)
            if progress is None:
                patience.give_a_moment()
            elif progress:
                committed += progress
            else:
                break
        return committed

    def _stream(self, stream: StreamId, patience: Patience) -> Sequence[Step]:
        """The committed steps of a stream in order. What was pending is driven into the journal first."""
        steps = patience.until_answered(lambda: self._steps.stream(stream))
        pending = [step.key for step in steps if step.index is None]
        if pending:
            for key in pending:
                self._committed(key, patience)
            steps = patience.until_answered(lambda: self._steps.stream(stream))
        committed = list(takewhile(lambda step: step.index is not None, steps))
        number = 0
        for step in committed:
            if step.key.first != number + 1:
                raise LedgerBrokenError("a stream lacks a step")
            number = step.last
        return committed

    def _step(
        self,
        stream: StreamId,
        after: int,
        events: Sequence[NewEvent],
        *,
        actor: ActorId,
        trace: str,
        at: datetime,
        claim: str | None,
    ) -> Step:
        if not 0 < len(events) <= MAX_STEP_EVENTS or after < 0:
            raise ValueError(f"a step has 1 to {MAX_STEP_EVENTS} events after number 0 or higher")
        lines = tuple(
            Event(stream, after + place, new.type, at, actor, trace, new.data, None if place > 1 else claim).line()
            for place, new in enumerate(events, 1)
        )
        if sum(map(len, lines)) > MAX_STEP_BYTES:
            raise EventTooLargeError(f"a step takes more than {MAX_STEP_BYTES} bytes")
        return Step(StepKey(stream, after + 1), lines, self._nonce(), at)

    def _follow(self, step: Step, claim: Claim | None, patience: Patience) -> None:
        """Make sure that the step's predecessor is committed, so that a stream has one pending step at most."""
        last = patience.until_answered(lambda: self._steps.last(step.key.stream))
        if (last.last if last else 0) != step.key.first - 1:
            self._refuse(claim, patience)
        if last is not None and last.index is None:
            self._committed(last.key, patience)

    def _add(self, step: Step, claim: Claim | None, head: Head | None, patience: Patience) -> None:
        """Store the step. The writer's nonce tells a lost answer, or an own success that a repeated call hides."""
        while True:
            answer: Added | None = None
            try:
                answer = self._steps.add(step, claim, head)
            except StorageBusyError:
                patience.wait()
                continue
            except StorageUncertainError:
                pass
            except StorageRefusedError as cause:
                raise LedgerUnavailableError("the store refused") from cause
            if answer is Added.ADDED:
                return
            stored = patience.until_answered(lambda: self._steps.step(step.key))
            if stored is not None and stored.writer == step.writer:
                return
            if stored is not None or answer is not None:
                self._refuse(claim, patience)
            patience.wait()

    def _refuse(self, claim: Claim | None, patience: Patience) -> NoReturn:
        """Raises what fits: the key is in use by an earlier command, or the stream has moved on."""
        used = None if claim is None else patience.until_answered(lambda: self._steps.claim(claim.key))
        if used is not None:
            raise ClaimedError(used)
        raise StaleStreamError("the stream has moved on")

    def _committed(self, key: StepKey, patience: Patience) -> Step:
        """The step, once it is marked as committed."""
        while True:
            step = patience.until_answered(lambda: self._steps.step(key))
            if step is None:
                raise LedgerBrokenError("a step that was stored is gone")
            if step.index is not None:
                return step
            patience.check()
            if self._committer.round((key,), patience) is None:
                patience.give_a_moment()

    def _recorded(self, key: StepKey, patience: Patience, lines: tuple[bytes, ...] | None = None) -> Recorded:
        """The step as it is in the ledger. `lines` are those of whoever wrote it: another's step is not theirs."""
        step = self._committed(key, patience)
        if lines is not None and step.lines != lines:
            raise LedgerUnavailableError("another step stands in this one's place: the step table was rebuilt")
        return Recorded(key, _events(step), self._gate.receipts(step, patience))

    def _patience(self) -> Patience:
        return Patience(self._clock, self._limits.patience, self._nonce())


def _events(step: Step) -> tuple[Event, ...]:
    """The events of a stored step. Raises `LedgerBrokenError` unless they are what its place says."""
    try:
        events = tuple(map(Event.parse, step.lines))
    except ValueError as cause:
        raise LedgerBrokenError("a stored step is malformed") from cause
    for number, event in enumerate(events, step.key.first):
        if (event.stream, event.number) != (step.key.stream, number):
            raise LedgerBrokenError("a stored step belongs elsewhere")
    return events
