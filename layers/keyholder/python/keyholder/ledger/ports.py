"""What the ledger needs of the world: a place for steps, a place nobody can change, a key, a clock.

A *step* is what one command did: one or more events of one stream, stored in one transaction, committed together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from keyholder.vocabulary import StreamId


class StorageUncertainError(Exception):
    """A storage call got no answer: it may or may not have happened. The caller reads back."""


class StorageBusyError(Exception):
    """The store refused for now (throttled, 409 ConditionalRequestConflict): nothing happened; try again."""


class StorageRefusedError(Exception):
    """The store refused for good (access denied, bucket gone): nothing happened."""


@dataclass(frozen=True, slots=True)
class StepKey:
    """Where a step stands: its stream and the number of its first event."""

    stream: StreamId
    first: int


@dataclass(frozen=True, slots=True)
class Step:
    """One stored step. `index` is the leaf index of its first event once it is committed, else None."""

    key: StepKey
    lines: tuple[bytes, ...]
    writer: str
    at: datetime
    index: int | None = None
    batch: int | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """An idempotency key in use: which caller's key (hashed), for which request body (hashed), and the step it made."""

    key: str
    body: str
    step: StepKey


@dataclass(frozen=True, slots=True)
class Head:
    """What is stored beside a stream's newest event so that it can be found: never the truth, always a hint.

    `listings` are the lists the stream stands in (`project/P1`, `domain/gp-2026`); `due_at` is when the sweeper is to
    look at it again.
    """

    listings: tuple[str, ...] = ()
    due_at: datetime | None = None


class Added(StrEnum):
    """The answer of `StepStore.add`."""

    ADDED = "added"
    STALE = "stale"
    """The stream has moved on: another step holds this place."""
    CLAIMED = "claimed"
    """The idempotency key is in use."""


class StepStore(Protocol):
    """Steps, heads, claims and the pending mark. Every read but `pending` and `due` is consistent.

    Every method may raise `StorageUncertainError`, `StorageBusyError` or `StorageRefusedError`.
    """

    def stream(self, stream: StreamId) -> Sequence[Step]:
        """All steps of a stream in order; empty for an unknown one."""
        ...

    def step(self, key: StepKey) -> Step | None: ...

    def add(self, step: Step, claim: Claim | None, head: Head) -> Added:
        """Event sequence, head, claim, listings and pending mark in one transaction, or nothing at all."""
        ...

    def claim(self, key: str) -> Claim | None: ...

    def pending(self, limit: int) -> Sequence[StepKey]:
        """Steps not yet marked as committed, oldest first. May be stale: each is read again before use."""
        ...

    def mark_committed(self, key: StepKey, *, batch: int, index: int) -> None:
        """Idempotent: takes the pending mark away and keeps where the step stands in the journal."""
        ...

    def newest_batch(self) -> int | None:
        """A hint: a batch number that was the newest at some time."""
        ...

    def note_newest_batch(self, batch: int) -> None: ...

    def listed(self, listing: str, after: StreamId | None, limit: int) -> Sequence[StreamId]:
        """Streams of a listing in order of their ids, after `after`."""
        ...

    def due(self, before: datetime, limit: int) -> Sequence[StreamId]: ...


class Put(StrEnum):
    """The answer of `WormStore.put`."""

    STORED = "stored"
    EXISTS = "exists"


class WormStore(Protocol):
    """Write once, never change, never delete (S3 Object Lock COMPLIANCE with `If-None-Match: *`).

    Every method may raise `StorageUncertainError`, `StorageBusyError` or `StorageRefusedError`.
    """

    def put(self, key: str, body: bytes) -> Put: ...

    def get(self, key: str) -> bytes | None: ...

    def keys_after(self, prefix: str, after: str, limit: int) -> Sequence[str]:
        """Keys with `prefix` that sort after `after`, in order; strongly consistent."""
        ...


class CheckpointSigner(Protocol):
    """The checkpoint key, which never leaves KMS."""

    def sign(self, message: bytes) -> bytes:
        """Ed25519 (64 bytes), or ECDSA P-256 with SHA-256 (DER), over `message`."""
        ...


class Clock(Protocol):
    def now(self) -> datetime:
        """The moment, with its zone."""
        ...

    def wait(self, duration: timedelta) -> None: ...
