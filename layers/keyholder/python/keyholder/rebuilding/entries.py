"""What stands in the steps table, entry by entry, for whoever compares the whole of it with the journal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from keyholder.ledger.ports import Step, StepKey
from keyholder.vocabulary import StreamId


@dataclass(frozen=True, slots=True)
class StepEntry:
    """One step. `exact` is False where something else stands beside it in its place, or instead of it."""

    step: Step
    exact: bool = True


@dataclass(frozen=True, slots=True)
class HeadEntry:
    """Beside a stream: the number of its newest event, and when it is to be looked at again."""

    stream: StreamId
    newest: int
    due_at: datetime | None = None
    exact: bool = True


@dataclass(frozen=True, slots=True)
class ClaimEntry:
    """An idempotency key in use until a moment, in whole seconds.

    `body` is the hash of what it was used for. It is not in the journal, where it could be guessed back; a claim that
    was made again has none, and a repeated call is then told that its answer can't be repeated.
    """

    key: str
    step: StepKey
    until: datetime
    body: str | None = None
    exact: bool = True


@dataclass(frozen=True, slots=True)
class ListingEntry:
    """A stream stands in a listing."""

    listing: str
    stream: StreamId
    exact: bool = True


@dataclass(frozen=True, slots=True)
class StrayEntry:
    """Something that is none of these; `place` names it, so that it can be taken away."""

    place: tuple[str, str]
    exact: bool = False


Entry = StepEntry | HeadEntry | ClaimEntry | ListingEntry | StrayEntry


@dataclass(frozen=True, slots=True)
class Change:
    """Put `wanted` in the place of `seen`, or take `seen` away. Both are of the same place."""

    seen: Entry | None
    wanted: Entry | None


class TableChangedError(Exception):
    """Something else stands in the table than was seen there a moment before: look again."""


class StepTable(Protocol):
    """The steps table as a whole. Every method may raise the storage errors of `ledger.ports`."""

    def entries(self) -> Iterator[Entry]:
        """Everything but the lead, each once; each read is consistent, all together no snapshot."""
        ...

    def change(self, changes: Sequence[Change]) -> None:
        """All of them in this order. Raises `TableChangedError` at the first place that is not as it was seen; what
        came long enough before it is changed."""
        ...

    def close(self, writer: str) -> bool:
        """Let whoever leads lead without end, and forget which batch is the newest that the table knows.

        False unless `writer` leads. Until it gives the lead back, nobody else commits anything.
        """
        ...
