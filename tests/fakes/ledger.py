"""The real ledger over memory: for unit tests of whatever records steps, and for the simulation.

`memory_ledger(clock)` is all that most tests need. The stores do what the ports promise, each call (each key of a call
over many) is one atomic step, and every one first goes through `gate`, where a test can let other writers in or make
the call fail.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keyholder.ledger.committer import Limits, Log
from keyholder.ledger.ledger import Ledger
from keyholder.ledger.note import parse_vkey, vkey
from keyholder.ledger.ports import (
    Added,
    Claim,
    Clock,
    Head,
    Lead,
    Mark,
    Put,
    Step,
    StepKey,
    StorageRefusedError,
)
from keyholder.vocabulary import StreamId

T = TypeVar("T")
Gate = Callable[[str, Callable[[], T]], T]

ORIGIN = "ledger.test/keyholder"


def _straight(_name: str, call: Callable[[], T]) -> T:
    return call()


def counting_nonce() -> Callable[[], str]:
    """Nonces that are the same in every run, and never the same twice."""
    numbers = itertools.count(1)
    return lambda: f"{next(numbers):032x}"


class ManualClock:
    """A clock that moves only when it is told to, or by `wait`."""

    def __init__(self, moment: datetime = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def wait(self, duration: timedelta) -> None:
        self.moment += duration


@dataclass
class MemorySteps:
    """`StepStore` in memory. `stored`, `claims`, `heads` and `listings` are open to look into."""

    gate: Gate = _straight
    stored: dict[StepKey, Step] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)
    newest_event: dict[StreamId, int] = field(default_factory=dict)
    heads: dict[StreamId, Head] = field(default_factory=dict)
    listings: dict[str, set[StreamId]] = field(default_factory=dict)
    newest: int = 0
    leader: tuple[str, datetime] | None = None

    def stream(self, stream: StreamId) -> Sequence[Step]:
        return self.gate("steps.stream", lambda: self._stream(stream))

    def last(self, stream: StreamId) -> Step | None:
        return self.gate("steps.last", lambda: next(reversed(self._stream(stream)), None))

    def step(self, key: StepKey) -> Step | None:
        return self.gate("steps.step", lambda: self.stored.get(key))

    def steps(self, keys: Sequence[StepKey]) -> Sequence[Step]:
        found = [self.gate("steps.steps", lambda key=key: self.stored.get(key)) for key in dict.fromkeys(keys)]
        return [step for step in found if step is not None]

    def add(self, step: Step, claim: Claim | None, head: Head | None) -> Added:
        return self.gate("steps.add", lambda: self._add(step, claim, head))

    def claim(self, key: str) -> Claim | None:
        return self.gate("steps.claim", lambda: self.claims.get(key))

    def pending(self, limit: int) -> Sequence[StepKey]:
        return self.gate("steps.pending", lambda: self._pending()[:limit])

    def mark_committed(self, marks: Sequence[Mark]) -> None:
        for mark in marks:
            self.gate("steps.mark_committed", lambda mark=mark: self._mark(mark))

    def lead(self, writer: str, now: datetime, until: datetime) -> Lead | None:
        return self.gate("steps.lead", lambda: self._lead(writer, now, until))

    def rest(self, writer: str, newest: int) -> None:
        self.gate("steps.rest", lambda: self._rest(writer, newest))

    def newest_batch(self) -> int:
        return self.gate("steps.newest_batch", lambda: self.newest)

    def listed(self, listing: str, after: StreamId | None, limit: int) -> Sequence[StreamId]:
        def listed() -> Sequence[StreamId]:
            return sorted(stream for stream in self.listings.get(listing, ()) if after is None or stream > after)[
                :limit
            ]

        return self.gate("steps.listed", listed)

    def due(self, before: datetime, limit: int) -> Sequence[StreamId]:
        def due() -> Sequence[StreamId]:
            found = [(head.due_at, stream) for stream, head in self.heads.items() if head.due_at is not None]
            return [stream for at, stream in sorted(found) if at <= before][:limit]

        return self.gate("steps.due", due)

    def _stream(self, stream: StreamId) -> list[Step]:
        found = [step for key, step in self.stored.items() if key.stream == stream]
        return sorted(found, key=lambda step: step.key.first)

    def _pending(self) -> list[StepKey]:
        found = [step for step in self.stored.values() if step.index is None]
        return [step.key for step in sorted(found, key=lambda step: (step.at, step.key.stream))]

    def _add(self, step: Step, claim: Claim | None, head: Head | None) -> Added:
        if claim is not None and claim.key in self.claims:
            return Added.CLAIMED
        if step.key in self.stored or self.newest_event.get(step.key.stream, 0) != step.key.first - 1:
            return Added.STALE
        self.stored[step.key] = step
        self.newest_event[step.key.stream] = step.last
        if claim is not None:
            self.claims[claim.key] = claim
        if head is not None:
            self.heads[step.key.stream] = head
            for listing in head.listings:
                self.listings.setdefault(listing, set()).add(step.key.stream)
        return Added.ADDED

    def _mark(self, mark: Mark) -> None:
        step = self.stored.get(mark.key)
        if step is None or (step.index is not None and (step.batch, step.index) != (mark.batch, mark.index)):
            raise StorageRefusedError("a committed step is missing, or stands elsewhere")
        self.stored[mark.key] = replace(step, batch=mark.batch, index=mark.index)

    def _lead(self, writer: str, now: datetime, until: datetime) -> Lead | None:
        if self.leader is not None and self.leader[0] != writer and self.leader[1] > now:
            return None
        self.leader = writer, until
        return Lead(self.newest)

    def _rest(self, writer: str, newest: int) -> None:
        if self.leader is not None and self.leader[0] == writer:
            self.leader, self.newest = None, newest


@dataclass
class MemoryWorm:
    """`WormStore` in memory: every name keeps all its versions, of which there must never be more than one."""

    gate: Gate = _straight
    versions: dict[str, list[bytes]] = field(default_factory=dict)

    def put(self, key: str, body: bytes) -> Put:
        return self.gate(f"worm.put {key}", lambda: self._put(key, body))

    def get(self, key: str) -> bytes | None:
        return self.gate(f"worm.get {key}", lambda: self.versions[key][-1] if key in self.versions else None)

    def keys_after(self, prefix: str, after: str, limit: int) -> Sequence[str]:
        def keys() -> Sequence[str]:
            return sorted(key for key in self.versions if key.startswith(prefix) and key > after)[:limit]

        return self.gate("worm.keys_after", keys)

    def _put(self, key: str, body: bytes) -> Put:
        if key in self.versions:
            return Put.EXISTS
        self.versions[key] = [body]
        return Put.STORED


@dataclass
class MemorySigner:
    """An Ed25519 checkpoint key. `signed` is every message it has ever signed."""

    gate: Gate = _straight
    key: Ed25519PrivateKey = field(default_factory=lambda: Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    signed: list[bytes] = field(default_factory=list)

    def sign(self, message: bytes) -> bytes:
        return self.gate("signer.sign", lambda: self._sign(message))

    def vkey(self, name: str = ORIGIN) -> str:
        """The public key as a verifier key."""
        return vkey(name, self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

    def _sign(self, message: bytes) -> bytes:
        self.signed.append(message)
        return self.key.sign(message)


@dataclass
class Memory:
    """What a memory ledger stands on. Set a `gate` to make its calls fail: `memory.gate(failing)`."""

    steps: MemorySteps = field(default_factory=MemorySteps)
    worm: MemoryWorm = field(default_factory=MemoryWorm)
    signer: MemorySigner = field(default_factory=MemorySigner)
    nonce: Callable[[], str] = field(default_factory=counting_nonce)

    def gate(self, gate: Gate) -> None:
        """Let every call of all three go through `gate(name, call)`."""
        self.steps.gate = self.worm.gate = self.signer.gate = gate

    def log(self) -> Log:
        """The ledger's identity: origin and pinned key."""
        return Log(ORIGIN, parse_vkey(self.signer.vkey()))

    def files(self) -> dict[str, bytes]:
        """Name and content of every object in the write-once store."""
        return {key: versions[-1] for key, versions in self.worm.versions.items()}


def memory_ledger(clock: Clock | None = None, memory: Memory | None = None, limits: Limits | None = None) -> Ledger:
    """A whole ledger in memory. Several over one `memory` are several writers of one ledger."""
    memory = memory or Memory()
    return Ledger(
        memory.log(),
        memory.steps,
        memory.worm,
        memory.signer,
        clock or ManualClock(),
        limits=limits or Limits(),
        nonce=memory.nonce,
    )
