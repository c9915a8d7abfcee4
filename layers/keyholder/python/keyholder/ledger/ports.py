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

CLAIM_LIFETIME = timedelta(days=30)
"""How long an idempotency key is known."""


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
    """One stored step.

    `lines` are the exact leaf bytes of its events, `writer` a nonce by which a writer knows its own step again, `at`
    when it was written. `batch` and `index` (of its first event) say where it stands in the journal once it is marked
    as committed; until then they are None.
    """

    key: StepKey
    lines: tuple[bytes, ...]
    writer: str
    at: datetime
    index: int | None = None
    batch: int | None = None

    @property
    def last(self) -> int:
        """The number of its last event."""
        return self.key.first + len(self.lines) - 1


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a committed step stands in the journal: its batch, and the leaf index of its first event."""

    key: StepKey
    batch: int
    index: int


@dataclass(frozen=True, slots=True)
class Claim:
    """An idempotency key in use: which caller's key (hashed), for which request body (hashed), and the step it made.

    A claim that was made again from the journal has no `body`, and so fits none.
    """

    key: str
    body: str | None
    step: StepKey


@dataclass(frozen=True, slots=True)
class Head:
    """What is stored beside a stream's newest event so that it can be found: never the truth, always a hint.

    `listings` are the lists the stream stands in (`project/P1`, `domain/gp-2026`); `due_at` is when the sweeper is to
    look at it again.
    """

    listings: tuple[str, ...] = ()
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lead:
    """A writer's turn to commit what is pending for everybody.

    `newest` is a hint: the number of a batch that was the newest at some time, 0 where none is known.
    """

    newest: int


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

    def last(self, stream: StreamId) -> Step | None:
        """The newest step of a stream."""
        ...

    def step(self, key: StepKey) -> Step | None: ...

    def steps(self, keys: Sequence[StepKey]) -> Sequence[Step]:
        """Those of `keys` that exist, each once, in any order; each read is consistent, all together no snapshot."""
        ...

    def add(self, step: Step, claim: Claim | None, head: Head | None) -> Added:
        """Event sequence, head, claim, listings and pending mark in one transaction, or nothing at all.

        Adds only where the stream's newest event is number `step.key.first - 1`. `head` takes the place of the stored
        one, except that a stream never leaves a listing it stood in; None leaves head and listings as they are.
        """
        ...

    def claim(self, key: str) -> Claim | None: ...

    def pending(self, limit: int) -> Sequence[StepKey]:
        """Steps not yet marked as committed, oldest first. May be stale: each is read again before use."""
        ...

    def mark_committed(self, marks: Sequence[Mark]) -> None:
        """Take the pending marks away and keep where the steps stand in the journal.

        Idempotent, each mark on its own: a fault may leave some done. Raises `StorageRefusedError` for a step that does
        not exist or that stands elsewhere in the journal.
        """
        ...

    def lead(self, writer: str, now: datetime, until: datetime) -> Lead | None:
        """Take the lead until a moment; None while another writer has it. Idempotent for one `writer`.

        Saves work and nothing else: that two writers both believe to lead must do no harm.
        """
        ...

    def rest(self, writer: str, newest: int) -> None:
        """Give the lead back and keep `newest` as the hint, unless the lead is somebody else's by now."""
        ...

    def newest_batch(self) -> int:
        """The hint that a lead brings, without leading."""
        ...

    def listed(self, listing: str, after: StreamId | None, limit: int) -> Sequence[StreamId]:
        """Streams of a listing in order of their ids, after `after`."""
        ...

    def due(self, before: datetime, limit: int) -> Sequence[StreamId]:
        """Streams whose `due_at` is not after `before`, the longest overdue first. May be stale."""
        ...


class Put(StrEnum):
    """The answer of `WormStore.put`."""

    STORED = "stored"
    EXISTS = "exists"


class WormStore(Protocol):
    """Write once, never change, never delete (S3 Object Lock COMPLIANCE with `If-None-Match: *`).

    Every method may raise `StorageUncertainError`, `StorageBusyError` or `StorageRefusedError`.
    """

    def put(self, key: str, body: bytes) -> Put:
        """Store `body` unless there is an object of this name, whatever its content."""
        ...

    def get(self, key: str) -> bytes | None: ...

    def keys_after(self, prefix: str, after: str, limit: int) -> Sequence[str]:
        """Keys with `prefix` that sort after `after`, in order; strongly consistent."""
        ...


class CheckpointSigner(Protocol):
    """The checkpoint key, which never leaves KMS."""

    def sign(self, message: bytes) -> bytes:
        """Ed25519 (64 bytes), or ECDSA P-256 with SHA-256 (DER), over `message`.

        May raise `StorageUncertainError`, `StorageBusyError` or `StorageRefusedError`, as a store does.
        """
        ...


class Clock(Protocol):
    def now(self) -> datetime:
        """The moment, with its zone."""
        ...

    def wait(self, duration: timedelta) -> None: ...
