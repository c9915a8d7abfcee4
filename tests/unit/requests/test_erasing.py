"""A text is erased by the right people, after the ledger says so, and the ledger stays as it was."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta

import pytest

from keyholder.refusals import Refusal
from keyholder.registry.people import Person
from keyholder.registry.service import Call, Entry
from keyholder.registry.sign_in import SignIn
from keyholder.requests.codec import EVENTS
from keyholder.requests.codes import Audience, RejectReason
from keyholder.requests.erasing.book import ErasureBook
from keyholder.requests.erasing.erasures import (
    OPEN_FOR,
    TYPES,
    ErasureReason,
    Erasures,
    ErasureState,
    erasures_head,
    fold_erasures,
    texts_stream,
    texts_view,
)
from keyholder.requests.erasing.naming import TextKind
from keyholder.requests.service import Done
from keyholder.vocabulary import PersonId, RequestId, Role, StreamId
from tests.fakes.ledger import ManualClock, Memory, memory_ledger
from tests.unit.requests import world
from tests.unit.requests.world import AUDITOR, GP, GRETA, NADIA, OPERATOR, ROSA, STRANGER, TARA

WHY = ErasureReason.IDENTIFIES_SOMEBODY
SECOND = world.person("second operator", (Role.OPERATOR, world.OTHER))
WORDS = {
    TextKind.JUSTIFICATION: "Linkage to the registry needs the number itself.",
    TextKind.MESSAGE: "As Mrs A told me.",
    TextKind.COMMENT: "Mrs A said no.",
}


class Ledger:
    """A request that was talked about and rejected, and a book over it."""

    def __init__(self) -> None:
        self.clock = ManualClock(world.NOW)
        self.memory = Memory()
        self.house = world.House(memory_ledger(self.clock, self.memory), self.clock)
        operator = Call(OPERATOR.id, "trace")
        assert isinstance(self.house.registry.register_person(operator, SECOND), Entry)
        self.book = ErasureBook(self.house.log, self.house.ids, self.house.registry)
        desk = self.house.desk
        created = desk.create(self.house.call(ROSA), world.a_body())
        assert isinstance(created, Done)
        self.request = created.state.id
        desk.submit(self.house.call(ROSA), self.request)
        named = desk.load(self.request).content_hash
        assert named
        desk.record_checks(self.request, named, world.checks(), "trace")
        self.house.clear(self.request)
        said = desk.comment(self.house.call(NADIA), self.request, Audience.REQUESTER, WORDS[TextKind.MESSAGE])
        assert isinstance(said, Done)
        no = desk.reject(
            self.house.call(NADIA), self.request, GP, named, RejectReason.OTHER, comment=WORDS[TextKind.COMMENT]
        )
        assert isinstance(no, Done)
        self.texts = {text.kind: text.sha256 for text in self.book.texts(self.request).values()}

    def propose(self, kind: TextKind, who: Person = OPERATOR) -> Entry[Erasures] | Refusal:
        call = Call(who.id, "trace")
        return self.book.propose(call, self.request, self.texts[kind], WHY, self.clock.now())

    def confirm(self, kind: TextKind, who: Person, acr: str = "AAL2") -> Entry[Erasures] | Refusal:
        call, sign_in = Call(who.id, "trace"), SignIn(acr, self.clock.now())
        return self.book.confirm(call, self.request, self.texts[kind], sign_in, self.clock.now())

    def withdraw(self, kind: TextKind, who: Person) -> Entry[Erasures] | Refusal:
        return self.book.withdraw(Call(who.id, "trace"), self.request, self.texts[kind], self.clock.now())

    def sweep(self) -> int:
        return self.book.carry_out(self.house.contents, self.request, "sweep", self.clock.now())

    def stored(self, kind: TextKind) -> bool:
        return (self.request, self.texts[kind]) in self.house.contents.pieces

    def state(self, kind: TextKind) -> ErasureState:
        return self.book.entry(self.request).value.by_text[self.texts[kind]].state(self.clock.now())

    def due(self) -> bool:
        head = self.memory.steps.heads[texts_stream(self.request)]
        return head.due_at is not None


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def code(outcome: object) -> str:
    assert isinstance(outcome, Refusal), outcome
    return outcome.code


def test_every_text_is_listed_by_its_hash_with_who_wrote_it_and_never_a_word(ledger: Ledger) -> None:
    shown = texts_view(ledger.book.texts(ledger.request), Erasures(), ledger.clock.now())
    items = shown["items"]
    assert isinstance(items, list)
    told = [(item["kind"], item["author"], item["needs_two"]) for item in items if isinstance(item, dict)]
    assert told == [
        ("justification", ROSA.id, True),
        ("message", NADIA.id, False),
        ("comment", NADIA.id, True),
    ]
    assert not any(word in str(shown) for word in WORDS.values())


def test_what_was_only_said_is_erased_by_one_after_it_is_in_the_ledger(ledger: Ledger) -> None:
    assert isinstance(ledger.propose(TextKind.MESSAGE), Entry)
    assert ledger.stored(TextKind.MESSAGE)
    assert (ledger.state(TextKind.MESSAGE), ledger.due()) == (ErasureState.ORDERED, True)
    before = ledger.house.log.read(StreamId(f"request/{ledger.request}"))
    assert ledger.sweep() == 1
    assert not ledger.stored(TextKind.MESSAGE)
    assert (ledger.state(TextKind.MESSAGE), ledger.due()) == (ErasureState.ERASED, False)
    assert ledger.house.log.read(StreamId(f"request/{ledger.request}")) == before
    heard = ledger.house.desk.conversation(world.signed_in(ROSA), ledger.request)
    assert not isinstance(heard, Refusal)
    (said,) = heard.said
    assert (said.text, said.message.text_sha256) == (None, ledger.texts[TextKind.MESSAGE])
    assert ledger.sweep() == 0


@pytest.mark.parametrize("who", [SECOND, TARA, GRETA], ids=["operator", "controller", "guardian"])
@pytest.mark.parametrize("kind", [TextKind.JUSTIFICATION, TextKind.COMMENT])
def test_what_a_decision_rests_on_takes_two(ledger: Ledger, kind: TextKind, who: Person) -> None:
    assert isinstance(ledger.propose(kind), Entry)
    assert ledger.sweep() == 0
    assert (ledger.state(kind), ledger.stored(kind), ledger.due()) == (ErasureState.PROPOSED, True, False)
    assert isinstance(ledger.confirm(kind, who), Entry)
    assert ledger.sweep() == 1
    assert not ledger.stored(kind)
    narrative = ledger.house.desk.narrative(world.signed_in(AUDITOR), ledger.request)
    assert not isinstance(narrative, Refusal)
    left = narrative.justification if kind is TextKind.JUSTIFICATION else next(iter(narrative.comments.values()))
    assert left is None


def test_nobody_confirms_their_own_proposal_or_their_own_words(ledger: Ledger) -> None:
    assert isinstance(ledger.propose(TextKind.COMMENT), Entry)
    assert code(ledger.confirm(TextKind.COMMENT, OPERATOR)) == "OWN_ERASURE"
    assert code(ledger.confirm(TextKind.COMMENT, NADIA)) == "OWN_TEXT"
    for who in (ROSA, STRANGER, AUDITOR):
        assert code(ledger.confirm(TextKind.COMMENT, who)) == "NOT_AN_ERASER"
    assert code(ledger.confirm(TextKind.COMMENT, SECOND, acr="AAL1")) == "SIGN_IN_WEAK"
    assert ledger.stored(TextKind.COMMENT)


def test_only_an_operator_proposes_and_not_of_their_own_words_or_request(ledger: Ledger) -> None:
    for who in (NADIA, ROSA, AUDITOR):
        assert code(ledger.propose(TextKind.MESSAGE, who)) == "NOT_AN_OPERATOR"
    both = replace(ROSA, roles=OPERATOR.roles)
    assert isinstance(ledger.house.registry.change_person(Call(OPERATOR.id, "trace"), both), Entry)
    for kind in (TextKind.JUSTIFICATION, TextKind.MESSAGE):
        assert code(ledger.propose(kind, both)) == "OWN_TEXT"


def test_a_proposal_is_stopped_by_one_or_expires_and_can_be_made_again(ledger: Ledger) -> None:
    kind = TextKind.JUSTIFICATION
    assert code(ledger.confirm(kind, SECOND)) == "NO_ERASURE_OPEN"
    for stop in (lambda: ledger.withdraw(kind, TARA), lambda: ledger.clock.wait(OPEN_FOR)):
        assert isinstance(ledger.propose(kind), Entry)
        assert code(ledger.propose(kind)) == "ERASURE_OPEN"
        stop()
        assert code(ledger.confirm(kind, SECOND)) == "NO_ERASURE_OPEN"
    assert isinstance(ledger.propose(kind), Entry)
    assert isinstance(ledger.confirm(kind, SECOND), Entry)
    for again in (ledger.propose(kind), ledger.confirm(kind, SECOND), ledger.withdraw(kind, SECOND)):
        assert code(again) == "ERASURE_ORDERED"
    assert code(ledger.withdraw(kind, ROSA)) == "NOT_AN_ERASER"


def test_what_a_request_does_not_name_is_not_erased(ledger: Ledger) -> None:
    """Neither the list of pseudonyms nor the key that opens all of it."""
    content = ledger.house.desk.load(ledger.request).content_hash
    assert content
    for name in (content, "0" * 64, "key"):
        outcome = ledger.book.propose(Call(OPERATOR.id, "trace"), ledger.request, name, WHY, ledger.clock.now())
        assert code(outcome) == "TEXT_UNKNOWN"
    for request in (RequestId("REQ-" + "Z" * 26), RequestId("9990000018")):
        outcome = ledger.book.propose(Call(OPERATOR.id, "trace"), request, content, WHY, ledger.clock.now())
        assert code(outcome) == "TEXT_UNKNOWN"
        stopped = ledger.book.withdraw(Call(OPERATOR.id, "trace"), request, content, ledger.clock.now())
        assert code(stopped) == "TEXT_UNKNOWN"
    assert "9990000018" not in str(ledger.memory.worm.versions)


def test_cut_short_between_the_order_and_the_end_it_is_done_again(ledger: Ledger) -> None:
    class Once:
        def erase(self, request: RequestId, name: str) -> None:
            ledger.house.contents.erase(request, name)
            raise RuntimeError

    assert isinstance(ledger.propose(TextKind.MESSAGE), Entry)
    with pytest.raises(RuntimeError):
        ledger.book.carry_out(Once(), ledger.request, "sweep", ledger.clock.now())
    assert (ledger.state(TextKind.MESSAGE), ledger.due()) == (ErasureState.ORDERED, True)
    assert ledger.sweep() == 1


def test_who_may_know_which_texts_there_are(ledger: Ledger) -> None:
    for who, told in ((OPERATOR, True), (NADIA, True), (AUDITOR, True), (ROSA, False), (STRANGER, False)):
        assert ledger.book.open_to(who, ledger.request) is told
    assert not ledger.book.open_to(replace(OPERATOR, disabled=True), ledger.request)
    assert not ledger.book.open_to(OPERATOR, RequestId("REQ-" + "Z" * 26))


def test_the_head_is_what_a_rebuild_makes_of_the_events(ledger: Ledger) -> None:
    ledger.propose(TextKind.MESSAGE)
    ledger.propose(TextKind.COMMENT)
    for _ in range(2):
        events = ledger.house.log.read(texts_stream(ledger.request))
        assert {event.type for event in events} <= set(TYPES)
        assert ledger.memory.steps.heads[texts_stream(ledger.request)] == erasures_head(fold_erasures(events))
        ledger.clock.wait(timedelta(minutes=1))
        ledger.sweep()


def test_every_hash_of_a_text_that_an_event_names_can_be_erased() -> None:
    """A new event with words has to be put into `erasing.naming`, or its words stay for ever."""
    known = {
        "request.saved": "summary",
        "request.submitted": "summary",
        "request.returned": "questions",
        "request.domain_rejected": "comment_sha256",
        "request.commented": "text_sha256",
        "request.replied": "text_sha256",
        "request.advice_requested": "question_sha256",
        "request.advice_given": "text_sha256",
        "request.outcome_reported": "text_sha256",
    }
    no_words = {("release.finished", "result_sha256"), ("request.advice_given", "question_sha256")}
    for kind, event in EVENTS.items():
        names = {one.name for one in fields(event) if one.name.endswith("_sha256")}
        assert {(kind, name) for name in names} - no_words <= set(known.items()), kind
    assert set(known) <= set(EVENTS)


def test_an_unknown_person_orders_nothing(ledger: Ledger) -> None:
    nobody = Call(PersonId(f"person/{'0' * 32}"), "trace")
    assert code(ledger.book.propose(nobody, ledger.request, "0" * 64, WHY, ledger.clock.now())) == "NOT_AN_OPERATOR"
