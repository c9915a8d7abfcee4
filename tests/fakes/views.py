"""The bucket of views in memory; `objects` is open to look into and to damage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")
Gate = Callable[[str, Callable[[], T]], T]


def _straight(_name: str, call: Callable[[], T]) -> T:
    return call()


@dataclass
class MemoryViews:
    """`ViewStore` in memory. Every call goes through `gate`, where a test can make it fail."""

    gate: Gate = _straight
    objects: dict[str, bytes] = field(default_factory=dict)

    def get(self, key: str) -> bytes | None:
        return self.gate(f"views.get {key}", lambda: self.objects.get(key))

    def put(self, key: str, body: bytes) -> None:
        self.gate(f"views.put {key}", lambda: self.objects.update({key: body}))

    def delete(self, key: str) -> None:
        self.gate(f"views.delete {key}", lambda: self.objects.pop(key, None))

    def list(self, prefix: str) -> Sequence[str]:
        return self.gate(f"views.list {prefix}", lambda: sorted(key for key in self.objects if key.startswith(prefix)))
