"""The ledger as the rest of Keyholder sees it: read a stream, record a step, and only then let it take effect."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from keyholder.ledger.event import Event, NewEvent
from keyholder.ledger.ports import Claim, Head, StepKey
from keyholder.vocabulary import ActorId, StreamId


class LedgerUnavailableError(Exception):
    """The step could not be written, committed and proven in time. Nothing took effect; the caller gets 503.

    It may still be committed later. A retry with the same idempotency key finds out.
    """


class LedgerBrokenError(LedgerUnavailableError):
    """What is stored contradicts itself: an altered, missing or forked object. Nothing takes effect; raise an alarm."""


class StaleStreamError(Exception):
    """Somebody else's step came first: read the stream again and decide again."""


class ClaimedError(Exception):
    """The idempotency key is in use by an earlier command."""

    def __init__(self, claim: Claim) -> None:
        super().__init__("the idempotency key is in use")
        self.claim = claim


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that a leaf is in the ledger: its index, the inclusion path and the signed checkpoint that covers it.

    Only `ledger.gate` makes one, after it has verified path and signature in this process with the pinned public key.
    Whatever hands out an identifier asks for a receipt, so that no effect can run ahead of the log.
    """

    index: int
    size: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    """The signed note, as stored."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A step that is in the ledger: its events in order and a receipt for each."""

    step: StepKey
    events: tuple[Event, ...]
    receipts: tuple[Receipt, ...]


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """What a caller sends to make a retry safe: SHA-256 of caller and key, and SHA-256 of route and body, in hex."""

    key: str
    body: str


class EventLog(Protocol):
    """Read and record. Every method may raise `LedgerUnavailableError`."""

    def read(self, stream: StreamId) -> tuple[Event, ...]:
        """The events of a stream that are in the ledger; empty for an unknown stream.

        A step found pending is driven into the journal first, so that nobody decides on what is not yet logged.
        """
        ...

    def proven(self, stream: StreamId, numbers: Collection[int] | None = None) -> tuple[Recorded, ...]:
        """The steps of a stream that are in the ledger, each with its receipts: what an auditor is shown.

        With `numbers`, only those that hold one of these events.
        """
        ...

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

        `at` is when it happened, for a head that depends on that; now if left out.
        Raises `StaleStreamError` if the stream has moved on, `ClaimedError` if the idempotency key is in use.
        """
        ...

    def claim(self, key: str) -> Claim | None:
        """The claim on an idempotency key (`IdempotencyKey.key`)."""
        ...

    def settle(self, step: StepKey) -> Recorded:
        """Drive a stored step into the journal if need be, and prove it: what a replay stands on."""
        ...

    def listed(self, listing: str, after: StreamId | None, limit: int) -> Sequence[StreamId]:
        """Streams of a listing (`Head.listings`) in order of id. A hint: read each stream for the truth."""
        ...
