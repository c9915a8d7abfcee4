"""What people say about a request: who may, who hears it, and what never gets kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from keyholder.canonical import canonical_json
from keyholder.refusals import Refusal
from keyholder.registry.people import PersonKind
from keyholder.requests import commands as ask
from keyholder.requests.codes import Advice, Audience, MessageKind, RecuseReason, RevokeReason, State
from keyholder.requests.content import FreeText
from keyholder.requests.conversation import LONGEST_TEXT, MOST_ADVISERS, MOST_MESSAGES
from keyholder.requests.desk.conversing import Conversation
from keyholder.requests.desk.core import Done
from keyholder.requests.listings import advice_requests
from keyholder.requests.reasons import UNKNOWN_REQUEST
from keyholder.requests.sight import Side, side
from keyholder.requests.texts import text_fault
from keyholder.vocabulary import PersonId, RequestId, Role
from tests.fakes.ledger import ManualClock, Memory, memory_ledger
from tests.people import some_nhs_numbers
from tests.unit.requests import world
from tests.unit.requests.world import AUDITOR, COLLEAGUE, DEV, NADIA, NHSE, NILS, ROSA, STRANGER, TARA

TEXTS = [f"{number:064x}" for number in range(1, 9)]
HELPER = world.person("helper", (Role.PROVIDER, NHSE))
"""Registered with a controller's organisation, and decides nothing."""
ELSEWHERE = world.person("elsewhere", (Role.DATA_PROTECTION_OFFICER, world.OTHER))


def told(course: world.Course, who: world.Person = NADIA, text: str = TEXTS[0]) -> world.Course:
    return course.do(ask.Comment(Audience.REQUESTER, text), who)


def asked(adviser: world.Person, course: world.Course | None = None) -> world.Course:
    course = course or world.in_review()
    course.facts = replace(course.facts, adviser=adviser)
    return course.do(ask.AskAdvice(adviser.id, TEXTS[1]), NADIA)


def test_only_who_decides_and_has_declared_comments() -> None:
    course = world.unread()
    comment = ask.Comment(Audience.INTERNAL, TEXTS[0])
    assert course.refused(comment, NADIA) == "CONFLICT_NOT_DECLARED"
    course.clear(NADIA)
    for who, code in ((ROSA, "NOT_A_CONTROLLER"), (COLLEAGUE, "ON_THE_PROJECT"), (AUDITOR, "NOT_A_CONTROLLER")):
        assert course.refused(comment, who) == code
    course.do(comment, NADIA).do(ask.Recuse(RecuseReason.OTHER), NADIA)
    assert course.refused(comment, NADIA) == "RECUSED"


def test_comments_end_with_the_request() -> None:
    course = told(world.approved())
    course.do(ask.Reply(TEXTS[1], TEXTS[0]), ROSA)
    course.do(ask.Revoke(RevokeReason.OTHER), NADIA)
    assert course.refused(ask.Comment(Audience.INTERNAL, TEXTS[2]), NADIA) == "WRONG_STATE"
    assert course.refused(ask.Reply(TEXTS[2]), ROSA) == "WRONG_STATE"
    assert world.drafted().refused(ask.Reply(TEXTS[2]), ROSA) == "WRONG_STATE"


def test_an_answer_names_what_its_readers_may_know_of() -> None:
    course = told(world.in_review()).do(ask.Comment(Audience.INTERNAL, TEXTS[1]), NADIA)
    assert course.refused(ask.Reply(TEXTS[2], TEXTS[1]), ROSA) == "MESSAGE_UNKNOWN"
    assert course.refused(ask.Comment(Audience.REQUESTER, TEXTS[2], TEXTS[1]), NADIA) == "MESSAGE_UNKNOWN"
    assert course.refused(ask.Comment(Audience.INTERNAL, TEXTS[2], TEXTS[7]), NADIA) == "MESSAGE_UNKNOWN"
    course.do(ask.Comment(Audience.INTERNAL, TEXTS[2], TEXTS[1]), NILS).do(ask.Reply(TEXTS[3], TEXTS[0]), ROSA)
    assert [message.about for message in course.state.messages] == [None, None, TEXTS[1], TEXTS[0]]


def test_the_conversation_has_an_end() -> None:
    course = told(world.in_review())
    course.state = replace(course.state, messages=course.state.messages * (MOST_MESSAGES - 1))
    told(course)
    assert course.refused(ask.Comment(Audience.INTERNAL, TEXTS[0]), NADIA) == "CONVERSATION_FULL"
    assert course.refused(ask.Reply(TEXTS[0]), ROSA) == "CONVERSATION_FULL"


def test_a_nudge_and_the_next_one_three_days_later() -> None:
    course = world.in_review()
    assert course.refused(ask.Nudge(), COLLEAGUE) == "NOT_THE_REQUESTER"
    course.do(ask.Nudge(), ROSA)
    course.now += timedelta(days=3, microseconds=-1)
    assert course.refused(ask.Nudge(), ROSA) == "NUDGED_LATELY"
    course.now += timedelta(microseconds=1)
    course.do(ask.Nudge(), ROSA)
    assert course.state.nudged_at == course.now
    assert world.approved().refused(ask.Nudge(), ROSA) == "WRONG_STATE"


@pytest.mark.parametrize(
    ("adviser", "code"),
    [
        (DEV, None),
        (HELPER, None),
        (NILS, None),
        (NADIA, "ADVISER_BARRED"),
        (ROSA, "ADVISER_BARRED"),
        (COLLEAGUE, "ADVISER_BARRED"),
        (replace(DEV, disabled=True), "ADVISER_BARRED"),
        (replace(DEV, kind=PersonKind.MACHINE), "ADVISER_BARRED"),
        (ELSEWHERE, "ADVISER_ELSEWHERE"),
        (STRANGER, "ADVISER_ELSEWHERE"),
        (None, "ADVISER_UNKNOWN"),
    ],
)
def test_whose_advice_can_be_asked(adviser: world.Person | None, code: str | None) -> None:
    course = world.in_review(facts=world.some_facts(adviser=adviser))
    command = ask.AskAdvice(adviser.id if adviser else DEV.id, TEXTS[1])
    outcome = course.ask(command, NADIA)
    assert (outcome.code if isinstance(outcome, Refusal) else None) == code


def test_who_stepped_aside_is_not_asked_and_nobody_twice_at_once() -> None:
    course = world.in_review().do(ask.Recuse(RecuseReason.OTHER), NILS)
    course.facts = replace(course.facts, adviser=NILS)
    assert course.refused(ask.AskAdvice(NILS.id, TEXTS[1]), NADIA) == "ADVISER_BARRED"
    asked(HELPER, course)
    assert course.refused(ask.AskAdvice(HELPER.id, TEXTS[2]), TARA) == "ADVICE_AWAITED"
    course.do(ask.Advise(TEXTS[1], Advice.CONCERNS, TEXTS[3]), HELPER)
    course.do(ask.AskAdvice(HELPER.id, TEXTS[2]), TARA)


def test_ten_people_are_enough_to_ask() -> None:
    course = world.in_review()
    for number in range(MOST_ADVISERS):
        asked(world.person(f"adviser {number}", (Role.PROVIDER, NHSE)), course)
    course.facts = replace(course.facts, adviser=HELPER)
    assert course.refused(ask.AskAdvice(HELPER.id, TEXTS[1]), NADIA) == "ADVISERS_TOO_MANY"


def test_advice_is_given_once_by_who_was_asked_and_is_no_vote() -> None:
    course = asked(HELPER)
    answer = ask.Advise(TEXTS[1], Advice.SUPPORTS)
    assert course.refused(answer, NADIA) == "NOT_AN_ADVISER"
    assert course.refused(ask.Advise(TEXTS[5], Advice.SUPPORTS), HELPER) == "QUESTION_UNKNOWN"
    assert course.refused(answer, replace(HELPER, kind=PersonKind.MACHINE)) == "NOT_HUMAN"
    assert course.refused(answer, replace(HELPER, disabled=True)) == "PERSON_DISABLED"
    domains = course.state.domains
    course.do(answer, HELPER)
    assert course.state.domains == domains
    assert course.state.status is State.IN_REVIEW
    assert course.refused(answer, HELPER) == "QUESTION_UNKNOWN"
    last = course.state.messages[-1]
    assert (last.kind, last.author, last.about, last.advice) == (
        MessageKind.ADVICE,
        HELPER.id,
        TEXTS[1],
        Advice.SUPPORTS,
    )


def test_an_adviser_who_joins_the_project_advises_no_more() -> None:
    course = asked(HELPER)
    assert course.facts.project
    joined = replace(course.facts.project, members=(ROSA.id, HELPER.id))
    course.facts = replace(course.facts, project=joined)
    assert course.refused(ask.Advise(TEXTS[1], Advice.SUPPORTS), HELPER) == "ON_THE_PROJECT"
    assert side(course.state, HELPER, joined) is Side.ASKING
    left = replace(joined, members=(ROSA.id,), former_members=frozenset({HELPER.id}))
    assert side(course.state, HELPER, left) is None


# -- over the ledger and the store ------------------------------------------------------------------------------------


class Talk:
    """A request in review, and what people say about it."""

    def __init__(self) -> None:
        clock = ManualClock(world.NOW)
        self.memory = Memory()
        self.house = world.House(memory_ledger(clock, self.memory), clock)
        self.house.register(HELPER)
        created = self.done(self.house.desk.create(self.house.call(ROSA), world.a_body()))
        self.request: RequestId = created.state.id
        submitted = self.done(self.house.desk.submit(self.house.call(ROSA), self.request))
        assert submitted.state.content_hash
        self.house.desk.record_checks(self.request, submitted.state.content_hash, world.checks(), "trace")
        self.house.clear(self.request, NADIA, TARA)

    def done(self, outcome: Done | Refusal) -> Done:
        assert isinstance(outcome, Done), outcome
        return outcome

    def comment(self, who: world.Person, words: str, audience: Audience = Audience.INTERNAL) -> Done | Refusal:
        return self.house.desk.comment(self.house.call(who), self.request, audience, words)

    def heard(self, who: world.Person) -> list[tuple[MessageKind, str | None]]:
        found = self.house.desk.conversation(world.signed_in(who), self.request)
        assert isinstance(found, Conversation), found
        return [(said.message.kind, said.text) for said in found.said]

    def whole(self) -> None:
        """Every kind of thing is said once."""
        desk, call = self.house.desk, self.house.call
        self.done(self.comment(NADIA, "Between us: is the purpose plausible?"))
        first = self.done(self.comment(TARA, "Why do you need it?", Audience.REQUESTER)).state.messages[-1]
        self.done(desk.reply(call(ROSA), self.request, "To link the cohort.", first.text_sha256))
        question = self.done(desk.ask_advice(call(NADIA), self.request, HELPER.id, "Is it proportionate?"))
        named = question.state.messages[-1].text_sha256
        assert named
        self.done(desk.advise(call(HELPER), self.request, named, Advice.OBJECTS, "It is not."))


INTERNAL = {"Between us: is the purpose plausible?", "Is it proportionate?", "It is not."}
OPEN = {"Why do you need it?", "To link the cohort."}


def test_internal_words_are_never_heard_on_the_asking_side() -> None:
    talk = Talk()
    talk.whole()
    everything = INTERNAL | OPEN
    for who in (NADIA, TARA, HELPER, AUDITOR):
        assert {text for _, text in talk.heard(who)} == everything
    for who in (ROSA, COLLEAGUE):
        assert {text for _, text in talk.heard(who)} == OPEN
        view = talk.house.desk.view(world.signed_in(who), talk.request)
        narrative = talk.house.desk.narrative(world.signed_in(who), talk.request)
        assert not isinstance(view, Refusal)
        assert not isinstance(narrative, Refusal)
        shown = canonical_json(view).decode() + repr(narrative)
        hashes = {one.text_sha256 for one in talk.house.desk.load(talk.request).messages}
        assert not any(text in shown for text in INTERNAL)
        assert not any(str(name) in shown for name in hashes)
        assert HELPER.id not in shown
    assert not isinstance(talk.house.desk.conversation(world.signed_in(STRANGER), talk.request), Conversation)


def test_without_the_declaration_the_words_stay_closed() -> None:
    talk = Talk()
    talk.whole()
    found = talk.house.desk.conversation(world.signed_in(NILS), talk.request)
    assert isinstance(found, Conversation)
    assert not found.opened
    assert {said.text for said in found.said} == {None}
    assert len(found.said) == 5
    talk.house.desk.recuse(talk.house.call(NILS), talk.request, RecuseReason.OTHER)
    assert talk.heard(NILS) == [(MessageKind.COMMENT, None), (MessageKind.REPLY, None)]


def test_an_adviser_reads_while_it_is_in_review() -> None:
    talk = Talk()
    assert talk.house.desk.view(world.signed_in(HELPER), talk.request) == UNKNOWN_REQUEST
    talk.whole()
    view = talk.house.desk.view(world.signed_in(HELPER), talk.request)
    assert not isinstance(view, Refusal)
    assert "checks" in view
    assert "interests" not in view
    page = talk.house.desk.page(world.signed_in(HELPER), advice_requests(HELPER.id))
    assert [one["id"] for one in page.requests] == [talk.request]
    talk.done(talk.house.desk.withdraw(talk.house.call(ROSA), talk.request))
    assert {text for _, text in talk.heard(HELPER)} == {None}


def test_the_conversation_comes_in_pages() -> None:
    talk = Talk()
    talk.whole()
    texts: list[str | None] = []
    after: int | None = 0
    while after is not None:
        page = talk.house.desk.conversation(world.signed_in(AUDITOR), talk.request, after, 2)
        assert isinstance(page, Conversation)
        texts += [said.text for said in page.said]
        after = page.after
    assert texts == [text for _, text in talk.heard(AUDITOR)]
    asking = talk.house.desk.conversation(world.signed_in(ROSA), talk.request, 0, 2)
    assert isinstance(asking, Conversation)
    assert asking.after is None, "nobody learns from the pages that there is more"


def test_no_word_is_in_the_ledger_and_an_erased_one_is_null() -> None:
    talk = Talk()
    talk.whole()
    everything = b"".join(versions[0] for versions in talk.memory.worm.versions.values()).decode()
    assert not any(text in everything for text in INTERNAL | OPEN)
    for message in talk.house.desk.load(talk.request).messages:
        assert str(message.text_sha256) in everything
        del talk.house.contents.pieces[talk.request, str(message.text_sha256)]
    assert {text for _, text in talk.heard(NADIA)} == {None}


@pytest.mark.parametrize(
    ("words", "code", "place"),
    [
        (f"About {some_nhs_numbers(1)[0]}, as we said.", "IDENTIFIER_IN_TEXT", "/text#char=6,16"),
        (f"The code {world.TOKEN} is wrong.", "IDENTIFIER_IN_TEXT", f"/text#char=9,{9 + len(world.TOKEN)}"),
        ("One\x00two", "CONTROL_IN_TEXT", "/text#char=3,4"),
        ("One\x1b[2Jtwo", "CONTROL_IN_TEXT", "/text#char=3,4"),
        ("turned \u202eround", "CONTROL_IN_TEXT", "/text#char=7,8"),
        ("half \ud800", "CONTROL_IN_TEXT", "/text#char=5,6"),
        (" \n\t ", "TEXT_EMPTY", "/text"),
        ("x" * (LONGEST_TEXT + 1), "TEXT_TOO_LONG", "/text"),
    ],
)
def test_what_is_wrong_with_a_text_is_told_with_its_place_and_nothing_is_kept(
    words: str, code: str, place: str
) -> None:
    talk = Talk()
    kept = dict(talk.house.contents.pieces)
    version = talk.house.desk.load(talk.request).version
    outcomes = (
        talk.comment(NADIA, words),
        talk.house.desk.reply(talk.house.call(ROSA), talk.request, words),
        talk.house.desk.ask_advice(talk.house.call(NADIA), talk.request, HELPER.id, words),
    )
    for outcome, pointer in zip(outcomes, ("/text", "/text", "/question"), strict=True):
        assert isinstance(outcome, Refusal)
        assert (outcome.code, outcome.field) == (code, place.replace("/text", pointer))
        assert words not in outcome.advice
    assert talk.house.contents.pieces == kept
    assert talk.house.desk.load(talk.request).version == version


def test_tabs_and_lines_may_stay() -> None:
    assert text_fault(FreeText("5a" * 16, "One:\r\n\ttwo\n" + "x" * (LONGEST_TEXT - 12)), "/text") is None


def test_a_draft_with_control_characters_is_refused_and_the_draft_is_kept() -> None:
    clock = ManualClock(world.NOW)
    house = world.House(memory_ledger(clock), clock)
    created = house.desk.create(house.call(ROSA), world.a_body())
    assert isinstance(created, Done)
    worse = world.a_body(justification="Linkage needs the number\x07 itself.")
    outcome = house.desk.save(house.call(ROSA), created.state.id, worse)
    assert isinstance(outcome, Refusal)
    assert (outcome.code, outcome.field) == ("CONTROL_IN_TEXT", "/justification#char=24,25")
    assert house.desk.load(created.state.id) == created.state


def test_who_was_asked_by_id_must_be_registered() -> None:
    talk = Talk()
    nobody = PersonId("person/" + "f" * 32)
    outcome = talk.house.desk.ask_advice(talk.house.call(NADIA), talk.request, nobody, "Is it proportionate?")
    assert isinstance(outcome, Refusal)
    assert (outcome.code, outcome.field) == ("ADVISER_UNKNOWN", "/person")
