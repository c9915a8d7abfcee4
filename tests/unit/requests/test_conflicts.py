"""Interests are declared before anything confidential is read and before anybody decides."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keyholder.refusals import Refusal
from keyholder.requests import commands as ask
from keyholder.requests.codes import EscalationReason, RecuseReason, RejectReason, State
from keyholder.requests.desk.core import Done
from keyholder.requests.events import Claimed, Escalated, Recused
from keyholder.requests.sight import Side, reads_texts, side
from keyholder.vocabulary import Role
from tests.fakes.ledger import ManualClock, memory_ledger
from tests.unit.requests import world
from tests.unit.requests.world import (
    AUDITOR,
    BOTH,
    COLLEAGUE,
    GP,
    HOSPITAL,
    NADIA,
    NILS,
    ROSA,
    STRANGER,
    TARA,
)


def approval(course: world.Course) -> ask.Approve:
    assert course.state.content_hash
    return ask.Approve(GP, course.state.content_hash)


def rejection(course: world.Course) -> ask.Reject:
    return ask.Reject(GP, approval(course).content_hash, RejectReason.OTHER)


def aside(reason: RecuseReason = RecuseReason.OTHER) -> ask.Recuse:
    return ask.Recuse(reason)


def test_nobody_decides_before_they_have_declared() -> None:
    course = world.unread()
    for command in (approval(course), rejection(course)):
        assert course.refused(command, NADIA) == "CONFLICT_NOT_DECLARED"
        assert course.refused(command, COLLEAGUE) == "ON_THE_PROJECT"
    course.clear(NADIA).approve(NADIA)
    assert course.refused(approval(course), TARA) == "CONFLICT_NOT_DECLARED"


def test_a_declaration_is_for_one_content() -> None:
    course = world.unread().clear(NADIA)
    assert course.refused(ask.DeclareNoConflict(), NADIA) == "ALREADY_DECLARED"
    other = world.a_draft(records=3).content.summary()
    later = replace(course.state.revisions[-1], summary=other)
    course.state = replace(course.state, summary=other, revisions=(*course.state.revisions, later))
    assert course.refused(ask.Approve(GP, other.content_hash), NADIA) == "CONFLICT_NOT_DECLARED"
    assert not reads_texts(course.state, NADIA, course.facts.project)
    assert not isinstance(course.ask(ask.DeclareNoConflict(), NADIA), Refusal)


def test_who_asks_or_stepped_aside_declares_nothing() -> None:
    course = world.unread().do(aside(), NADIA)
    assert course.refused(ask.DeclareNoConflict(), NADIA) == "RECUSED"
    assert course.refused(ask.DeclareNoConflict(), COLLEAGUE) == "ON_THE_PROJECT"
    both = replace(ROSA, roles=(*ROSA.roles, *NADIA.roles))
    assert course.refused(ask.DeclareNoConflict(), both) == "SELF_APPROVAL"
    assert course.refused(ask.DeclareNoConflict(), STRANGER) == "NOT_A_CONTROLLER"


def test_stepping_aside_takes_the_vote_back() -> None:
    course = world.in_review().approve(NADIA).do(aside(RecuseReason.CONFLICT_OF_INTEREST), NADIA)
    assert not course.state.domains[GP].ballots
    course.approve(TARA)
    assert course.state.status is State.IN_REVIEW, "one vote is left"
    assert course.refused(approval(course), NADIA) == "RECUSED"
    assert course.refused(aside(), NADIA) == "RECUSED"
    course.approve(NILS)
    assert course.state.status is State.APPROVED


def test_with_a_vote_that_has_decided_it_is_too_late_to_step_aside() -> None:
    course = world.in_review(GP, HOSPITAL).approve(NADIA).approve(TARA)
    assert course.refused(aside(), TARA) == "VOTE_SETTLED"
    assert not isinstance(course.ask(aside(), BOTH), Refusal)


@pytest.mark.parametrize(
    ("candidates", "lost"),
    [
        ((NADIA, NILS, TARA), False),
        ((NADIA, TARA), True),
        ((NADIA, NILS), True),
        ((NADIA, COLLEAGUE, TARA), True),
        ((NADIA, replace(NILS, disabled=True), TARA), True),
        (None, False),
    ],
)
def test_stepping_aside_escalates_where_too_few_are_left(
    candidates: tuple[world.Person, ...] | None, lost: bool
) -> None:
    course = world.in_review()
    course.facts = replace(course.facts, candidates=candidates)
    outcome = course.ask(aside(), NADIA)
    assert isinstance(outcome, tuple)
    expected = (Escalated(EscalationReason.QUORUM_LOST, (GP,)),) if lost else ()
    assert outcome == (Recused(NADIA.id, RecuseReason.OTHER), *expected)


def test_who_stepped_aside_before_is_not_counted_on() -> None:
    course = world.in_review(facts=world.some_facts(candidates=(NADIA, NILS, TARA))).do(aside(), NADIA)
    assert course.state.escalated == {}
    course.do(aside(), NILS)
    assert set(course.state.escalated) == {EscalationReason.QUORUM_LOST}
    assert course.refused(approval(course), NILS) == "RECUSED"


def test_a_claim_tells_and_keeps_nobody_from_deciding() -> None:
    course = world.in_review().do(ask.Claim(GP), NADIA)
    assert course.state.handlers == {GP: NADIA.id}
    assert course.refused(ask.Claim(GP), NADIA) == "ALREADY_CLAIMED"
    assert course.refused(ask.HandBack(GP), NILS) == "NOT_CLAIMED"
    assert course.refused(ask.Claim(HOSPITAL), NADIA) == "DOMAIN_NOT_ASKED"
    assert course.refused(ask.Claim(GP), COLLEAGUE) == "ON_THE_PROJECT"
    course.do(ask.Claim(GP), NILS)
    assert course.happened[-1] == Claimed(GP, NILS.id, NADIA.id)
    course.approve(TARA).do(ask.HandBack(GP), NILS)
    assert course.state.handlers == {}
    course.do(ask.Claim(GP), NILS).do(aside(), NILS)
    assert course.state.handlers == {}
    assert course.refused(ask.Claim(GP), NILS) == "RECUSED"
    course.approve(NADIA)
    assert course.refused(ask.Claim(GP), BOTH) == "WRONG_STATE"


def test_a_decided_domain_is_not_claimed() -> None:
    course = world.in_review(GP, HOSPITAL).approve(NADIA).approve(TARA)
    assert course.refused(ask.Claim(GP), BOTH) == "DOMAIN_DECIDED"
    course.do(ask.Claim(HOSPITAL), BOTH)


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (ROSA, Side.ASKING),
        (replace(ROSA, roles=(*ROSA.roles, *NADIA.roles, *AUDITOR.roles)), Side.ASKING),
        (COLLEAGUE, Side.ASKING),
        (replace(COLLEAGUE, roles=(*COLLEAGUE.roles, *AUDITOR.roles)), Side.ASKING),
        (NADIA, Side.DECIDING),
        (AUDITOR, Side.AUDITING),
        (STRANGER, None),
        (world.person("elsewhere", (Role.CONTROLLER, world.OTHER)), None),
        (replace(NADIA, disabled=True), None),
    ],
)
def test_everybody_stands_on_one_side(who: world.Person, expected: Side | None) -> None:
    course = world.unread()
    assert side(course.state, who, course.facts.project) is expected


def test_a_controller_who_was_on_the_project_reads_nothing() -> None:
    course = world.unread()
    assert course.facts.project
    left = replace(course.facts.project, members=(ROSA.id,), former_members=frozenset({COLLEAGUE.id}))
    assert side(course.state, COLLEAGUE, left) is Side.APART
    assert side(course.state, NADIA, None) is Side.APART
    assert not reads_texts(course.state, COLLEAGUE, left)


def test_the_texts_open_with_the_declaration_and_close_when_stepping_aside() -> None:
    clock = ManualClock(world.NOW)
    house = world.House(memory_ledger(clock), clock)
    created = house.desk.create(house.call(ROSA), world.a_body())
    assert isinstance(created, Done)
    request = created.state.id
    house.desk.submit(house.call(ROSA), request)

    def read(who: world.Person) -> str | None:
        narrative = house.desk.narrative(world.signed_in(who), request)
        assert not isinstance(narrative, Refusal)
        assert narrative.opened == (narrative.justification is not None)
        assert narrative.content["purpose"] == "research"
        return narrative.justification

    assert [bool(read(who)) for who in (ROSA, COLLEAGUE, AUDITOR, NADIA, TARA)] == [True, True, True, False, False]
    assert isinstance(house.desk.declare_no_conflict(house.call(NADIA), request), Done)
    assert [bool(read(who)) for who in (NADIA, TARA)] == [True, False]
    assert isinstance(house.desk.recuse(house.call(NADIA), request, RecuseReason.TOOK_PART), Done)
    assert not read(NADIA)
    seen = house.desk.view(world.signed_in(TARA), request)
    asking = house.desk.view(world.signed_in(COLLEAGUE), request)
    assert not isinstance(seen, Refusal)
    assert not isinstance(asking, Refusal)
    assert seen["interests"] == {
        "no_conflict_declared": [],
        "recused": [{"person": NADIA.id, "reason": "took_part"}],
    }
    assert not {"interests", "checks"} & set(asking)
