"""A command sent twice is carried out once: the second time it gets the answer of the first."""

from __future__ import annotations

from dataclasses import dataclass

from keyholder.ledger.event import Event
from keyholder.ledger.log import EventLog, IdempotencyKey, Recorded
from keyholder.refusals import Refusal, RefusalKind
from keyholder.vocabulary import StreamId

KEY_REUSED = Refusal(
    "KEY_REUSED",
    RefusalKind.INVALID,
    "Send a new Idempotency-Key: this one was used for another command, or for one whose answer can't be repeated.",
)
STALE = Refusal(
    "STALE",
    RefusalKind.STALE,
    "It has changed since you read it: read it again, and repeat the command if it still fits.",
)
BUSY = Refusal(
    "BUSY", RefusalKind.CONFLICT, "Others are changing it at this moment: read it again and repeat the command."
)
REFUSALS = (KEY_REUSED, STALE, BUSY)

TRIES = 4
"""How often a command is decided before it is given up: once, and three times more after somebody came first."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What an earlier command with the same key did: its stream up to and including its step, proven again."""

    stream: StreamId
    history: tuple[Event, ...]
    recorded: Recorded


def replay(log: EventLog, key: IdempotencyKey | None) -> Replayed | Refusal | None:
    """The answer of an earlier command with this key; None if there was none. Raises `LedgerUnavailableError`."""
    claim = log.claim(key.key) if key else None
    if key is None or claim is None:
        return None
    if claim.body != key.body:
        return KEY_REUSED
    recorded = log.settle(claim.step)
    last = recorded.events[-1].number
    stream = claim.step.stream
    return Replayed(stream, tuple(event for event in log.read(stream) if event.number <= last), recorded)
