"""The ledger's bucket in memory, as a listing of versions shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from keyholder.ledger.verification import Version
from keyholder.ledger.watch import Stored
from tests.fakes.ledger import Gate, ManualClock, MemoryWorm, _straight

MARKER = b"a delete marker"
NOW = ManualClock().now()


@dataclass
class MemoryBucket:
    """The bucket of a memory ledger with its versions: one of content `MARKER` is a delete marker."""

    worm: MemoryWorm
    gate: Gate[Any] = _straight
    stored_at: dict[str, datetime] = field(default_factory=dict)
    now: datetime = NOW
    listed: list[str] = field(default_factory=list)

    def versions_after(self, prefix: str, after: str, limit: int) -> Sequence[Stored]:
        return self.gate("bucket.versions_after", lambda: self._after(prefix, after, limit))

    def get(self, key: str) -> bytes | None:
        return self.gate(f"bucket.get {key}", lambda: self._newest(key))

    def _after(self, prefix: str, after: str, limit: int) -> Sequence[Stored]:
        names = sorted(name for name in self.worm.versions if name.startswith(prefix) and name > after)[:limit]
        self.listed.extend(names)
        return [Stored(name, tuple(self._version(name, body) for body in self.worm.versions[name])) for name in names]

    def _newest(self, key: str) -> bytes | None:
        body = self.worm.versions.get(key, [MARKER])[-1]
        return None if body == MARKER else body

    def _version(self, name: str, body: bytes) -> Version:
        return Version("v", body == MARKER, self.stored_at.get(name, self.now), len(body))
