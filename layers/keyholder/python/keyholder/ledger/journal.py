"""The journal: one object a batch, a header line and then the exact leaf bytes.

`journal/<20-digit n>` holds batch `n` (from 1); `checkpoint/<20-digit size>` the signed checkpoint of the tree it ends
with. The header names the tree before (`start`, `prev_root`, `frontier`) and after (`end`, `root`), so that one object
and its checkpoint prove every leaf in it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from keyholder.canonical import canonical_json
from keyholder.ledger.event import parse_rfc3339, rfc3339
from keyholder.ledger.merkle import Frontier, Span

JOURNAL = "journal/"
CHECKPOINTS = "checkpoint/"
_DIGITS = 20
_FIELDS = frozenset({"n", "start", "end", "prev_root", "root", "frontier", "nonce", "at"})


class JournalError(ValueError):
    """An object of the journal that is malformed or contradicts itself."""


def journal_key(number: int) -> str:
    """Where batch `number` is stored."""
    return f"{JOURNAL}{number:0{_DIGITS}d}"


def checkpoint_key(size: int) -> str:
    """Where the checkpoint of the tree of `size` leaves is stored."""
    return f"{CHECKPOINTS}{size:0{_DIGITS}d}"


def key_number(key: str, prefix: str) -> int:
    """The number in a key of `prefix`. Raises `JournalError` for any other name."""
    digits = key.removeprefix(prefix)
    if not key.startswith(prefix) or len(digits) != _DIGITS or not (digits.isascii() and digits.isdigit()):
        raise JournalError("a key that is neither a batch nor a checkpoint")
    return int(digits)


@dataclass(frozen=True, slots=True)
class Batch:
    """One journal object. `before` is the tree it was appended to; `root` that of the tree it ends with.

    `nonce` tells the writer's own object from somebody else's under the same name.
    """

    number: int
    before: Frontier
    lines: tuple[bytes, ...]
    nonce: str
    at: datetime
    after: Frontier = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "after", self.before.extend(self.lines))

    @property
    def start(self) -> int:
        """Index of the first leaf."""
        return self.before.size

    @property
    def end(self) -> int:
        """Size of the tree this batch ends with."""
        return self.after.size

    @property
    def root(self) -> bytes:
        """Root of the tree this batch ends with."""
        return self.after.root()

    def span(self) -> Span:
        """The tree this batch ends with, as far as it is known from this object alone."""
        return Span(self.before, self.lines)

    def encode(self) -> bytes:
        """The object's bytes: the header as canonical JSON, then the leaves, each with a newline."""
        header = canonical_json(
            {
                "n": self.number,
                "start": self.start,
                "end": self.end,
                "prev_root": self.before.root().hex(),
                "root": self.root.hex(),
                "frontier": [value.hex() for value in self.before.hashes],
                "nonce": self.nonce,
                "at": rfc3339(self.at),
            }
        )
        return b"\n".join((header, *self.lines, b""))

    @classmethod
    def parse(cls, body: bytes) -> Batch:
        """The batch in an object. Raises `JournalError` unless `body` is exactly what `encode` would write.

        So every number, root and hash of the header has been recomputed from the leaves once this returns; the leaves
        themselves are not looked into.
        """
        header, *lines = body.split(b"\n")
        if len(lines) < 2 or lines.pop():
            raise JournalError("a batch has a header, leaves and a newline after each")
        if not all(lines):
            raise JournalError("a batch has an empty line")
        try:
            batch = cls._read(json.loads(header), lines)
        except (ValueError, KeyError, TypeError, RecursionError) as cause:
            raise JournalError("a batch's header is malformed") from cause
        if batch.encode() != body:
            raise JournalError("a batch's header does not belong to its leaves")
        return batch

    @classmethod
    def _read(cls, header: object, lines: Sequence[bytes]) -> Batch:
        if not isinstance(header, dict) or header.keys() != _FIELDS:
            raise JournalError("a batch's header has other fields")
        number, start, nonce = header["n"], header["start"], header["nonce"]
        if type(number) is not int or type(start) is not int or number < 1 or not isinstance(nonce, str):
            raise JournalError("a batch's header has a field of another type")
        before = Frontier(start, tuple(bytes.fromhex(value) for value in header["frontier"]))
        return cls(number, before, tuple(lines), nonce, parse_rfc3339(header["at"]))
