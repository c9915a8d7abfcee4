"""A rebuild in the ledger is decided again too: no other tree, no other writer, no end without a beginning."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from keyholder.audit.rules import Rules
from keyholder.canonical import JsonObject
from keyholder.ledger.event import Event
from keyholder.ledger.journal import Batch, journal_key
from keyholder.ledger.merkle import EMPTY, Frontier
from keyholder.ledger.verification import BrokenLedgerError
from keyholder.rebuilding.events import REBUILDER, RebuildBegan, RebuildFinished, rebuild_stream
from keyholder.vocabulary import ActorId, StreamId
from tests.unit.audit.world import MORNING

PLAN = "5f" * 16


@dataclass
class Told:
    """A journal of one event a batch, held against the rules as it grows."""

    rules: Rules = field(default_factory=Rules)
    tree: Frontier = EMPTY
    number: int = 0
    numbers: dict[StreamId, int] = field(default_factory=dict)

    def tell(
        self, kind: str, data: JsonObject, stream: str = f"rebuild/{PLAN}", actor: str = REBUILDER, trace: str = PLAN
    ) -> None:
        self.number += 1
        name = StreamId(stream)
        self.numbers[name] = self.numbers.get(name, 0) + 1
        at = MORNING + timedelta(seconds=self.number)
        event = Event(name, self.numbers[name], kind, at, ActorId(actor), trace, data)
        batch = Batch(self.number, self.tree, (event.line(),), "00", at)
        self.tree = batch.after
        self.rules.saw(journal_key(self.number), batch, [event])

    def began(self, *, size: int | None = None, root: bytes | None = None, **more: str) -> None:
        found = {"steps": {"missing": 3}}
        event = RebuildBegan(self.tree.size if size is None else size, root or self.tree.root(), found, 1, 2)
        self.tell(event.new_event().type, event.new_event().data, **more)

    def finished(self, **more: str) -> None:
        event = RebuildFinished(self.tree.size, self.tree.root(), 7).new_event()
        self.tell(event.type, event.data, **more)


@pytest.fixture
def told() -> Told:
    made = Told()
    made.tell("attempt.refused", {"code": "X"}, "attempt/1", "person/1", "trace")
    return made


def test_what_the_function_writes_is_by_the_rules_and_may_happen_again(told: Told) -> None:
    before = told.tree
    told.began()
    told.finished()
    told.began(size=before.size, root=before.root())
    told.finished()
    assert rebuild_stream(PLAN) in told.numbers


def test_an_end_needs_a_beginning(told: Told) -> None:
    with pytest.raises(BrokenLedgerError, match="begins, and then ends"):
        told.finished()


def test_what_has_begun_does_not_begin_again(told: Told) -> None:
    told.began()
    with pytest.raises(BrokenLedgerError, match="begins, and then ends"):
        told.began()


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        ({"size": 5}, "no such tree"),
        ({"size": 0}, "no such tree"),
        ({"root": bytes(32)}, "no such tree"),
        ({"actor": "system/sweeper"}, "only the function"),
        ({"actor": "person/1"}, "only the function"),
        ({"trace": "another"}, "only the function"),
        ({"stream": "rebuild/elsewhere"}, "only the function"),
        ({"stream": "attempt/2"}, "another kind"),
    ],
)
def test_a_lie_about_a_rebuild_is_found(told: Told, lie: dict[str, object], words: str) -> None:
    with pytest.raises(BrokenLedgerError, match=words):
        told.began(**lie)  # type: ignore[arg-type] - each case has the types of its fields


def test_other_fields_have_no_place_there(told: Told) -> None:
    event = RebuildBegan(told.tree.size, told.tree.root(), {}, 0, 0).new_event()
    with pytest.raises(BrokenLedgerError, match="does not follow"):
        told.tell(event.type, {**event.data, "note": "x"})


def test_nothing_else_stands_in_a_stream_of_a_rebuild(told: Told) -> None:
    with pytest.raises(BrokenLedgerError, match="another kind"):
        told.tell("attempt.refused", {"code": "X"})
