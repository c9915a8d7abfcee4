"""Controllers, and whoever a domain asks for beside them: each place is one person's, counted with today's people."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keyholder.canonical import JsonObject
from keyholder.refusals import Refusal
from keyholder.registry.factors import Factor
from keyholder.registry.people import Membership, Person, PersonKind
from keyholder.requests import commands as ask
from keyholder.requests.codes import DecisionState, RejectReason, RevokeReason, State
from keyholder.requests.events import DomainApproved
from keyholder.requests.quorum_view import quorum_view
from keyholder.requests.sight import side
from keyholder.vocabulary import Role
from tests.unit.requests import world
from tests.unit.requests.world import (
    AUDITOR,
    COLLEAGUE,
    DEV,
    GP,
    GRETA,
    HOSPITAL,
    NADIA,
    NHSE,
    NILS,
    OTHER,
    ROSA,
    TARA,
    TRUST,
)

GUARDIAN, OFFICER = Factor.CALDICOTT_GUARDIAN, Factor.DATA_PROTECTION_OFFICER
MANY_HATS = replace(NADIA, roles=(Membership(Role.CONTROLLER, NHSE), Membership(Role.CALDICOTT_GUARDIAN, NHSE)))


def careful(**factors: int) -> world.Course:
    """In review for a domain that asks for more than controllers."""
    facts = world.some_facts(domains={GP: world.a_domain(GP, **(factors or {GUARDIAN: 1}))})
    return world.in_review(facts=facts)


def yes(course: world.Course, factor: Factor | None = None, **more: object) -> ask.Approve:
    assert course.state.content_hash
    return replace(ask.Approve(GP, course.state.content_hash, factor=factor), **more)  # type: ignore[arg-type]


def told(course: world.Course, *candidates: Person) -> JsonObject:
    """What is shown of the domain's quorum."""
    (view,) = quorum_view(course.state, replace(course.facts, candidates=candidates))
    return view


def registered(course: world.Course, *people: Person) -> world.Course:
    """These people's records as they are now."""
    course.facts = replace(course.facts, approvers={**course.facts.approvers, **{who.id: who for who in people}})
    return course


def test_every_factor_has_to_be_filled() -> None:
    course = careful(caldicott_guardian=1, data_protection_officer=1)
    for who, done in ((NADIA, False), (GRETA, False), (TARA, False), (DEV, True)):
        course.approve(who)
        assert (course.state.status is State.APPROVED) == done
    told_as = [(event.approver, event.factor) for event in course.happened if isinstance(event, DomainApproved)]
    assert told_as == [
        (NADIA.id, Factor.CONTROLLER),
        (GRETA.id, GUARDIAN),
        (TARA.id, Factor.CONTROLLER),
        (DEV.id, OFFICER),
    ]
    course.do(world.release_of(course), ROSA)


def test_no_number_of_controllers_fills_another_factor() -> None:
    course = careful().approve(NADIA).approve(TARA).approve(NILS)
    assert course.state.domains[GP].state is DecisionState.OPEN
    assert course.approve(GRETA).state.status is State.APPROVED


def test_what_the_request_was_submitted_under_counts_and_what_holds_now() -> None:
    course = careful()
    course.facts = replace(course.facts, domains={GP: world.a_domain()})
    course.approve(NADIA).approve(TARA)
    assert course.state.status is State.IN_REVIEW, "the guardian was asked for at submission"
    stricter = world.in_review()
    stricter.facts = replace(stricter.facts, domains={GP: world.a_domain(caldicott_guardian=1)})
    stricter.approve(NADIA).approve(TARA)
    assert stricter.state.status is State.IN_REVIEW, "the guardian is asked for now"
    assert stricter.approve(GRETA).state.status is State.APPROVED


def test_somebody_of_two_roles_fills_one_place_and_names_it_or_it_is_clear() -> None:
    course = registered(careful(), MANY_HATS)
    assert course.refused(yes(course), MANY_HATS) == "FACTOR_UNCLEAR"
    course.do(yes(course, GUARDIAN), MANY_HATS)
    assert course.refused(yes(course, Factor.CONTROLLER), MANY_HATS) == "ALREADY_DECIDED"
    course.approve(TARA)
    assert course.state.status is State.IN_REVIEW
    assert course.approve(NILS).state.status is State.APPROVED
    clear = registered(careful(), MANY_HATS).approve(NILS).approve(TARA)
    clear.do(yes(clear), MANY_HATS)
    assert clear.state.domains[GP].ballots[-1].factor is GUARDIAN
    assert clear.state.status is State.APPROVED


@pytest.mark.parametrize(
    ("who", "factor", "code"),
    [
        (NADIA, GUARDIAN, "FACTOR_NOT_HELD"),
        (GRETA, Factor.CONTROLLER, "FACTOR_NOT_HELD"),
        (DEV, None, "FACTOR_NOT_NEEDED"),
        (DEV, OFFICER, "FACTOR_NOT_NEEDED"),
        (replace(GRETA, roles=(Membership(Role.CALDICOTT_GUARDIAN, OTHER),)), None, "NOT_A_CONTROLLER"),
        (replace(GRETA, kind=PersonKind.MACHINE), None, "NOT_HUMAN"),
        (replace(GRETA, disabled=True), None, "PERSON_DISABLED"),
        (replace(GRETA, id=ROSA.id), None, "SELF_APPROVAL"),
        (replace(GRETA, id=COLLEAGUE.id), None, "ON_THE_PROJECT"),
    ],
)
def test_who_may_not_fill_a_place_is_told_why(who: Person, factor: Factor | None, code: str) -> None:
    course = careful()
    assert course.refused(yes(course, factor), who) == code


def test_every_one_of_them_may_stop_even_where_nobody_asks_for_their_yes() -> None:
    course = world.in_review()
    assert course.refused(yes(course), GRETA) == "FACTOR_NOT_NEEDED"
    course.do(ask.Reject(GP, yes(course).content_hash, RejectReason.PUBLIC_TRUST), GRETA)
    assert course.state.status is State.REJECTED
    assert course.state.domains[GP].ballots[-1].factor is GUARDIAN
    stopped = world.approved().do(ask.Revoke(RevokeReason.SECURITY_CONCERN), DEV)
    assert stopped.state.status is State.REVOKED
    assert side(stopped.state, DEV, world.a_project())
    assert not side(stopped.state, replace(DEV, roles=(Membership(Role.DATA_PROTECTION_OFFICER, OTHER),)), None)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"disabled": True}, "APPROVER_SUSPENDED"),
        ({"roles": ()}, "APPROVER_WITHOUT_ROLE"),
        ({"roles": (Membership(Role.CONTROLLER, TRUST),)}, "APPROVER_WITHOUT_ROLE"),
        ({"roles": (Membership(Role.CALDICOTT_GUARDIAN, NHSE),)}, "APPROVER_WITHOUT_ROLE"),
        ({"kind": PersonKind.MACHINE}, "APPROVALS_LOST"),
    ],
)
def test_approvals_are_counted_at_release_with_the_people_of_then(change: dict[str, object], code: str) -> None:
    course = world.approved()
    registered(course, replace(NADIA, **change))  # type: ignore[arg-type]  # a test names the fields it changes
    assert course.refused(world.release_of(course), ROSA) == code
    assert told(course)["met"] is False
    registered(course, NADIA).do(world.release_of(course), ROSA)


def test_who_approved_and_is_not_known_any_more_counts_for_nothing() -> None:
    course = world.approved()
    course.facts = replace(course.facts, approvers={TARA.id: TARA})
    assert course.refused(world.release_of(course), ROSA) == "APPROVALS_LOST"


def test_a_third_approval_makes_up_for_a_lost_one() -> None:
    facts = world.some_facts(domains={GP: world.a_domain(GP, NHSE, quorum=2)})
    course = world.in_review(facts=facts).approve(NADIA)
    registered(course, replace(NADIA, disabled=True)).approve(NILS)
    assert course.state.status is State.IN_REVIEW, "the first approval counts no more"
    assert told(course)["places"] == [{"factor": "controller", "needed": 2, "filled": 1}]
    third = world.person("third", (Role.CONTROLLER, NHSE))
    assert course.clear(third).approve(third).state.status is State.APPROVED
    registered(course, third).do(world.release_of(course), ROSA)


def test_it_shows_one_of_two_and_who_could_fill_the_rest() -> None:
    course = careful().approve(NADIA)
    view = told(course, *world.EVERYBODY)
    assert (view["domain"], view["met"], view["attainable"]) == (GP, False, True)
    assert view["places"] == [
        {"factor": "controller", "needed": 2, "filled": 1},
        {"factor": "caldicott_guardian", "needed": 1, "filled": 0},
    ]
    assert view["organisations_missing"] == [TRUST]
    named = {(one["person"], one["factor"], one["organisation"]) for one in view["could_approve"]}  # type: ignore[index,union-attr,call-overload]
    assert named == {
        (NILS.id, "controller", NHSE),
        (TARA.id, "controller", TRUST),
        (world.BOTH.id, "controller", NHSE),
        (world.BOTH.id, "controller", TRUST),
        (GRETA.id, "caldicott_guardian", NHSE),
    }


def test_a_draft_shows_who_could_approve_it_before_it_is_submitted() -> None:
    course = world.drafted(GP, HOSPITAL)
    views = quorum_view(course.state, replace(course.facts, candidates=(NADIA, TARA)))
    assert [(view["domain"], view["attainable"]) for view in views] == [(GP, True), (HOSPITAL, False)]


@pytest.mark.parametrize("lost", [GRETA, TARA], ids=["the only guardian", "the only controller of an organisation"])
def test_whether_it_can_be_attained_is_asked_again_when_people_leave(lost: Person) -> None:
    course = careful().approve(NADIA)
    people = (NADIA, NILS, TARA, GRETA)
    assert told(course, *people)["attainable"] is True
    left = tuple(replace(who, disabled=True) if who is lost else who for who in people)
    assert told(course, *left)["attainable"] is False
    joined = replace(course.facts, project=replace(world.a_project(), members=(ROSA.id, lost.id)), candidates=people)
    (view,) = quorum_view(course.state, joined)
    assert view["attainable"] is False


def test_an_unattainable_quorum_is_refused_before_submission() -> None:
    facts = world.some_facts(domains={GP: world.a_domain(caldicott_guardian=2)})
    course = world.drafted(facts=facts)
    course.facts = replace(course.facts, candidates=(NADIA, TARA, GRETA))
    assert course.refused(ask.Submit(), ROSA) == "QUORUM_UNATTAINABLE"
    second = world.person("second guardian", (Role.CALDICOTT_GUARDIAN, TRUST))
    course.facts = replace(course.facts, candidates=(NADIA, TARA, GRETA, second))
    assert not isinstance(course.ask(ask.Submit(), ROSA), Refusal)


def test_once_it_is_decided_nobody_is_named() -> None:
    view = told(world.approved(), *world.EVERYBODY)
    assert (view["met"], view["attainable"], view["could_approve"]) == (True, None, [])
    assert told(world.approved(), AUDITOR)["attainable"] is None
