"""What a witness remembers: the newest tree that it has verified, written down before it is ever cosigned.

`seen/<20-digit size>` in the witness's own write-once bucket. Because a name is used once, one tree of each size can be
remembered, and only what is remembered is cosigned.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from keyholder.canonical import canonical_json
from keyholder.ledger.event import parse_rfc3339, rfc3339
from keyholder.ledger.merkle import EMPTY, Frontier

SEEN = "seen/"
COSIGNED = "cosigned/"
_FIELDS = frozenset({"v", "batch", "size", "root", "frontier", "at"})


class SeenError(ValueError):
    """A record that is not in its one form."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The tree after batch `batch`, and when it was verified."""

    batch: int
    tree: Frontier
    at: datetime

    @property
    def size(self) -> int:
        """How many leaves."""
        return self.tree.size

    def encode(self) -> bytes:
        """Canonical JSON."""
        return canonical_json(
            {
                "v": 1,
                "batch": self.batch,
                "size": self.tree.size,
                "root": self.tree.root().hex(),
                "frontier": [value.hex() for value in self.tree.hashes],
                "at": rfc3339(self.at),
            }
        )

    @classmethod
    def parse(cls, body: bytes) -> Seen:
        """Raises `SeenError` unless `body` is exactly what `encode` would write."""
        try:
            raw = json.loads(body)
            if raw.keys() != _FIELDS:
                raise SeenError("a record of what was seen has other fields")
            tree = Frontier(raw["size"], tuple(bytes.fromhex(value) for value in raw["frontier"]))
            seen = cls(raw["batch"], tree, parse_rfc3339(raw["at"]))
            same = seen.encode() == body
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as cause:
            raise SeenError("a record of what was seen is malformed") from cause
        if not same:
            raise SeenError("a record of what was seen is not in its one form")
        return seen

    def same_tree(self, other: Seen) -> bool:
        """Whether both are of one tree, whoever wrote them and when."""
        return (self.batch, self.tree) == (other.batch, other.tree)


def nothing(now: datetime) -> Seen:
    """What a witness has seen before it has seen anything."""
    return Seen(0, EMPTY, now)


def seen_key(size: int) -> str:
    """Where the tree of `size` leaves is remembered."""
    return f"{SEEN}{size:020d}"


def cosigned_key(size: int) -> str:
    """Where the cosigned checkpoint of the tree of `size` leaves is published."""
    return f"{COSIGNED}{size:020d}"
