"""A rebuild in the ledger: that it began, with what was found, before anything was changed; and that it ended.

One stream for each plan. Counts and the tree the tables were made from; never a key or a name of the table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from keyholder.canonical import JsonObject
from keyholder.ledger.event import NewEvent
from keyholder.ledger.ports import Head
from keyholder.registry.fields import SHA256, Fields
from keyholder.vocabulary import ActorId, StreamId

KIND = "rebuild"
BEGAN = "rebuild.began"
FINISHED = "rebuild.finished"
REBUILDER = ActorId("system/rebuild")
"""The function. Whose credentials called it is in CloudTrail: the records of people are what is being rebuilt."""

PLAN = re.compile(r"[0-9a-f]{32}")

Counts = Mapping[str, Mapping[str, int]]
"""Part of the table -> what was wrong -> how many entries."""


def rebuild_stream(plan: str) -> StreamId:
    """The stream of a plan."""
    return StreamId(f"{KIND}/{plan}")


def rebuild_head() -> Head:
    """Where a rebuild is listed."""
    return Head(listings=("rebuilds",))


@dataclass(frozen=True, slots=True)
class RebuildBegan:
    """The tables are about to be made as the tree of `size` leaves says. `keys`: so many key versions are shut again.

    `pending` steps, which had no effect and never will, go.
    """

    size: int
    root: bytes
    found: Counts
    pending: int
    keys: int

    def new_event(self) -> NewEvent:
        """The form it has in the ledger."""
        found: JsonObject = {part: dict(faults) for part, faults in self.found.items() if faults}
        data: JsonObject = {
            "size": self.size,
            "root": self.root.hex(),
            "found": found,
            "pending": self.pending,
            "keys": self.keys,
        }
        return NewEvent(BEGAN, data)

    @classmethod
    def read(cls, data: JsonObject) -> RebuildBegan:
        """Raises `FieldError`."""
        fields = Fields(data)
        inner = fields.inner("found")
        found = {part: inner.counts(part) for part in inner.names()}
        root = bytes.fromhex(fields.text("root", SHA256))
        return cls(fields.number("size"), root, found, fields.number("pending"), fields.number("keys"))


@dataclass(frozen=True, slots=True)
class RebuildFinished:
    """The steps table was read again and is as the tree of `size` leaves says; `changed` entries were put right."""

    size: int
    root: bytes
    changed: int

    def new_event(self) -> NewEvent:
        """The form it has in the ledger."""
        return NewEvent(FINISHED, {"size": self.size, "root": self.root.hex(), "changed": self.changed})

    @classmethod
    def read(cls, data: JsonObject) -> RebuildFinished:
        """Raises `FieldError`."""
        fields = Fields(data)
        return cls(fields.number("size"), bytes.fromhex(fields.text("root", SHA256)), fields.number("changed"))
