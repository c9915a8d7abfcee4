"""Auditors are given consistency proofs: out of tiles, or of the journal, verified first, and in the ledger first."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from keyholder.audit.auditor import Auditor
from keyholder.audit.consistency import UNKNOWN_TREE, Consistent, consistency
from keyholder.audit.index import IndexReader
from keyholder.audit.listing import Reading, StoppedError
from keyholder.audit.reading import Auditing, SignedLog
from keyholder.ledger.event import NewEvent
from keyholder.ledger.ledger import Ledger
from keyholder.ledger.log import LedgerUnavailableError
from keyholder.ledger.note import Checkpoint, open_checkpoint
from keyholder.ledger.tile_view import TileView
from keyholder.refusals import Refusal
from keyholder.vocabulary import ActorId, StreamId
from tests.fakes.ledger import ORIGIN, ManualClock, Memory, memory_ledger
from tests.fakes.views import MemoryViews
from tests.unit.requests.world import AUDITOR, NOW, ROSA, Person


@dataclass
class Kept:
    """A ledger with an auditor before it, who remembers every checkpoint there was."""

    memory: Memory = field(default_factory=Memory)
    views: MemoryViews = field(default_factory=MemoryViews)
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    sizes: list[int] = field(default_factory=list)
    count: int = 0
    published: int = 0

    def __post_init__(self) -> None:
        self.ledger: Ledger = memory_ledger(self.clock, self.memory)

    def grow(self, *events: int) -> None:
        """One batch for each number, of so many events."""
        for several in events:
            self.count += 1
            recorded = self.ledger.record(
                StreamId(f"request/{self.count}"), 0, [NewEvent("a", {})] * several, actor=ActorId("p"), trace="t"
            )
            self.sizes.append(recorded.receipts[-1].size)

    def publish(self) -> None:
        view = TileView(self.views, self.ledger.checkpoint)
        while (batch := self.ledger.batch(self.published + 1)) is not None:
            view.publish(batch)
            self.published += 1

    def auditing(self, who: Person = AUDITOR, budget: int = 300) -> Auditing:
        verifiers = self.memory.log().verifiers
        auditor = Auditor(self.ledger, who, "trace", None, self.clock.now(), self._id)
        reading = Reading(self.ledger, lambda: IndexReader.newest(MemoryViews()), most_batches=budget)
        log = SignedLog(self.ledger, self.ledger.checkpoint, verifiers, self.views)
        return Auditing(auditor, log, reading, None, None)  # type: ignore[arg-type] - not asked here

    def _id(self) -> str:
        self.count += 1
        return f"{self.count:026d}"

    def signed(self, note: bytes) -> Checkpoint:
        return open_checkpoint(note, ORIGIN, self.memory.log().verifiers)

    def remembered(self, size: int) -> Checkpoint:
        return self.signed(self.ledger.checkpoint(size) or b"")

    def proven(self, first: int, second: int | None = None) -> int:
        """The later size, by a proof that was verified again from its text."""
        found = consistency(self.auditing(), first, second)
        assert isinstance(found, Consistent)
        return found.proof.verify(self.remembered(first), self.signed).size


@pytest.fixture
def kept() -> Kept:
    made = Kept()
    made.grow(3, 1, 4, 7, 2)
    return made


def test_any_two_checkpoints_from_tiles_and_without(kept: Kept) -> None:
    for moment in ("nothing is published", "all is"):
        for place, first in enumerate(kept.sizes):
            for second in kept.sizes[place:]:
                assert kept.proven(first, second) == second, moment
        kept.publish()


def test_the_newest_published_tree_or_the_newest_there_is(kept: Kept) -> None:
    assert kept.proven(kept.sizes[0]) == kept.sizes[-1]
    kept.publish()
    published = kept.ledger.batch(kept.ledger.newest()).end  # type: ignore[union-attr]
    kept.grow(5)
    assert kept.proven(kept.sizes[0]) == published
    assert kept.proven(kept.sizes[-1]) > kept.sizes[-1] - 1, "the tiles don't reach what is remembered"


def test_damaged_tiles_are_as_good_as_none(kept: Kept) -> None:
    kept.publish()
    for name in kept.views.list("tile/"):
        kept.views.put(name, bytes(len(kept.views.get(name) or b"")))
    assert kept.proven(kept.sizes[1], kept.sizes[3]) == kept.sizes[3]
    kept.views.put("checkpoint", b"not a note")
    assert kept.proven(kept.sizes[1]) >= kept.sizes[-1]


def test_what_was_never_signed_is_unknown(kept: Kept) -> None:
    for first, second in ((2, None), (3, 5), (3, 10**9), (10**9, None), (kept.sizes[2], kept.sizes[0])):
        assert consistency(kept.auditing(), first, second) is UNKNOWN_TREE


def test_too_far_without_tiles_is_for_later(kept: Kept) -> None:
    with pytest.raises(StoppedError):
        consistency(kept.auditing(budget=2), kept.sizes[0], kept.sizes[-1])


def test_it_is_in_the_ledger_before_it_is_shown_and_for_auditors_alone(kept: Kept) -> None:
    first = kept.sizes[0]
    assert kept.proven(first, kept.sizes[-1]) == kept.sizes[-1]
    (noted,) = kept.ledger.read(StreamId(f"audit/{kept.count:026d}"))
    assert (noted.type, noted.data) == ("audit.consistency_read", {"first": first, "second": kept.sizes[-1]})
    refused = consistency(kept.auditing(ROSA), first)
    assert isinstance(refused, Refusal)
    assert refused.code == "NOT_AN_AUDITOR"
    auditing = kept.auditing()
    kept.ledger.record = _unavailable  # type: ignore[method-assign]
    with pytest.raises(LedgerUnavailableError):
        consistency(auditing, first)


def _unavailable(*_: object, **__: object) -> None:
    raise LedgerUnavailableError("the table does not answer")
