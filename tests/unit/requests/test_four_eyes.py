"""The eleven ways in which four eyes failed elsewhere (facts on the peers, F1 to F11), each tried on the decision."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta

import pytest

from keyholder.refusals import Refusal
from keyholder.registry.people import PersonKind
from keyholder.registry.sign_in import SignIn
from keyholder.requests import commands as ask
from keyholder.requests.actors import PersonActor
from keyholder.requests.codes import DecisionState, RejectReason, RevokeReason, State
from keyholder.requests.commands import CommandName
from keyholder.requests.decide import decide
from keyholder.requests.events import DomainApproved, RequestApproved
from keyholder.requests.guards import (
    APPROVALS_STAND,
    NOBODY_DECIDED,
    OFF_THE_PROJECT,
    SOMEBODY_ELSE,
    STANDING_COVERS,
    STANDING_IN_FORCE,
    STANDING_QUORUM,
)
from keyholder.requests.transitions import TRANSITIONS
from keyholder.vocabulary import ContentHash, Role
from tests.unit.requests import world
from tests.unit.requests.world import (
    AUDITOR,
    BOTH,
    COLLEAGUE,
    GP,
    HOSPITAL,
    NADIA,
    NHSE,
    NILS,
    OPERATOR,
    OTHER,
    RELEASE,
    ROSA,
    STRANGER,
    SWEEPER,
    TARA,
    TRUST,
)

REQUESTER_CONTROLS = replace(ROSA, roles=(*ROSA.roles, *NADIA.roles))


def approval(course: world.Course) -> ask.Approve:
    assert course.state.content_hash
    return ask.Approve(GP, course.state.content_hash)


def test_f1_no_entry_point_lets_the_requester_decide_their_own_request() -> None:
    course = world.in_review()
    assert course.refused(approval(course), REQUESTER_CONTROLS) == "SELF_APPROVAL"
    assert course.refused(ask.Reject(GP, approval(course).content_hash, RejectReason.OTHER), REQUESTER_CONTROLS) == (
        "SELF_APPROVAL"
    )


def test_f1_every_row_that_ends_in_approval_names_the_rules() -> None:
    deciding = [row for row in TRANSITIONS if RequestApproved.TYPE in row.events]
    people = {CommandName.APPROVE, CommandName.REJECT}
    by_the_requester = {CommandName.ACCEPT_CONDITIONS, CommandName.USE_STANDING_APPROVAL}
    assert {row.command for row in deciding} == people | by_the_requester
    assert all({SOMEBODY_ELSE, OFF_THE_PROJECT} <= set(row.guards) for row in deciding if row.command in people)
    # The requester accepts conditions, which only those who decide can have offered.
    (accepting,) = [row for row in deciding if row.command is CommandName.ACCEPT_CONDITIONS]
    assert accepting.sources == {State.CONDITIONS_OFFERED}
    assert {row.command for row in TRANSITIONS if State.CONDITIONS_OFFERED in row.to} == people
    # A standing approval is others' approval beforehand, and they are counted as those of a request are.
    (standing,) = [row for row in deciding if row.command is CommandName.USE_STANDING_APPROVAL]
    assert {STANDING_COVERS, STANDING_QUORUM, NOBODY_DECIDED} <= set(standing.guards)
    releasing = [row for row in TRANSITIONS if row.command in (CommandName.RELEASE, CommandName.COLLECT)]
    assert all({APPROVALS_STAND, STANDING_IN_FORCE} <= set(row.guards) for row in releasing)


def test_f2_one_person_twice_is_one_person() -> None:
    course = world.in_review().approve(NADIA)
    assert course.refused(approval(course), NADIA) == "ALREADY_DECIDED"
    assert course.state.status is State.IN_REVIEW


def test_f2_two_people_of_one_organisation_do_not_stand_for_the_other() -> None:
    course = world.in_review().approve(NADIA).approve(NILS)
    assert course.state.domains[GP].state is DecisionState.OPEN
    assert course.approve(TARA).state.status is State.APPROVED


@pytest.mark.parametrize("quorum", [2, 3])
def test_f2_no_quorum_below_what_the_domain_asks(quorum: int) -> None:
    facts = world.some_facts(domains={GP: world.a_domain(GP, NHSE, TRUST, quorum=quorum)})
    course = world.in_review(facts=facts).approve(NADIA).approve(TARA)
    assert (course.state.status is State.APPROVED) == (quorum == 2)


def test_f3_who_was_not_found_can_not_be_an_actor() -> None:
    assert {field.type for field in fields(PersonActor) if field.name == "person"} == {"Person"}
    nobody = replace(NADIA, roles=())
    course = world.in_review()
    assert course.refused(approval(course), nobody) == "NOT_A_CONTROLLER"


def test_f3_an_unknown_project_hides_nobody_who_is_on_it() -> None:
    course = world.in_review()
    course.facts = replace(course.facts, project=None)
    assert course.refused(approval(course), NADIA) == "ON_THE_PROJECT"


def test_f4_a_machine_decides_nothing_and_neither_does_keyholder() -> None:
    course = world.in_review()
    assert course.refused(approval(course), replace(NADIA, kind=PersonKind.MACHINE)) == "NOT_HUMAN"
    for system in (RELEASE, SWEEPER):
        assert course.refused(approval(course), system) == "NOT_FOR_THIS_FUNCTION"


def test_f5_an_approval_is_for_one_content_of_one_domain() -> None:
    course = world.in_review(GP, HOSPITAL)
    other = ask.Approve(GP, ContentHash("0" * 64))
    outcome = course.ask(other, NADIA)
    assert isinstance(outcome, Refusal)
    assert (outcome.code, outcome.kind) == ("OTHER_CONTENT", "stale")
    course.approve(NADIA)
    assert course.state.domains[HOSPITAL].ballots == ()
    assert course.refused(ask.Approve(HOSPITAL, approval(course).content_hash), NADIA) == "NOT_A_CONTROLLER"


def test_f6_nothing_can_be_edited_once_submitted_and_release_asks_for_the_approved_hash() -> None:
    other = world.a_draft(records=3).content.summary()
    for course in (world.in_review(), world.approved()):
        assert course.refused(ask.Save(other), ROSA) == "WRONG_STATE"
    course = world.approved()
    wrong = replace(world.release_of(course), content_hash=other.content_hash)
    assert course.refused(wrong, ROSA) == "OTHER_CONTENT"


def test_f6_ballots_for_another_content_do_not_count_at_release() -> None:
    course = world.approved()
    decision = course.state.domains[GP]
    swapped = tuple(replace(ballot, content_hash=ContentHash("0" * 64)) for ballot in decision.ballots)
    course.state = replace(course.state, domains={GP: replace(decision, ballots=swapped)})
    assert course.refused(world.release_of(course), ROSA) == "APPROVALS_LOST"


@pytest.mark.parametrize("powerful", [OPERATOR, AUDITOR, STRANGER], ids=["operator", "auditor", "researcher"])
def test_f7_no_role_goes_round_it(powerful: world.Person) -> None:
    course = world.approved()
    for command in (approval(course), world.release_of(course), ask.Revoke(RevokeReason.OTHER), ask.Withdraw()):
        outcome = course.ask(command, powerful)
        assert isinstance(outcome, Refusal)
        assert outcome.kind == "forbidden"


def test_f8_a_second_release_waits_for_the_first() -> None:
    course = world.approved()
    course.do(world.release_of(course, 1), ROSA)
    assert course.refused(world.release_of(course, 2), ROSA) == "RELEASE_RUNNING"
    course.now += timedelta(minutes=15)
    course.do(world.release_of(course, 2), ROSA)
    assert course.state.retrievals_used() == 2
    assert course.refused(world.chunk_of(world.release_of(course, 1).release), RELEASE) == "RELEASE_OVER"


def test_f9_one_person_in_two_groups_fills_one_place() -> None:
    course = world.in_review()
    assert course.refused(approval(course), BOTH) == "ORGANISATION_UNCLEAR"
    course.do(replace(approval(course), organisation=NHSE), BOTH)
    assert course.refused(replace(approval(course), organisation=TRUST), BOTH) == "ALREADY_DECIDED"
    assert course.state.status is State.IN_REVIEW
    assert course.approve(TARA).state.status is State.APPROVED


def test_f10_the_organisation_and_the_capacity_come_from_the_registry() -> None:
    course = world.in_review()
    assert course.refused(replace(approval(course), organisation=TRUST), NADIA) == "ORGANISATION_UNCLEAR"
    claimed = world.drafted(capacity="clinician")
    assert claimed.refused(ask.Submit(), ROSA) == "CAPACITY_NOT_HELD"


def test_f11_the_table_is_the_only_way_in() -> None:
    """No command class is outside the table, and none has an event of its own choosing."""
    course = world.approved()
    assert {row.command for row in TRANSITIONS} == set(CommandName)
    forged = ask.RecordChunk("REL-" + "9" * 26, 1, 1, 1, "e", {}, {})
    assert course.refused(forged, RELEASE) == "RELEASE_UNKNOWN"
    assert course.refused(forged, ROSA) == "NOT_FOR_PEOPLE"


def test_whoever_is_or_was_on_the_project_decides_nothing() -> None:
    course = world.in_review()
    assert course.refused(approval(course), COLLEAGUE) == "ON_THE_PROJECT"
    assert course.facts.project
    left = replace(course.facts.project, members=(ROSA.id,), former_members=frozenset({COLLEAGUE.id}))
    course.facts = replace(course.facts, project=left)
    assert course.refused(approval(course), COLLEAGUE) == "ON_THE_PROJECT"


def test_an_approver_who_joins_the_project_takes_the_approval_with_them() -> None:
    course = world.approved()
    assert course.facts.project
    joined = replace(course.facts.project, members=(ROSA.id, NADIA.id))
    course.facts = replace(course.facts, project=joined)
    assert course.refused(world.release_of(course), ROSA) == "APPROVER_ON_PROJECT"


def test_a_suspended_controller_decides_nothing() -> None:
    course = world.in_review()
    assert course.refused(approval(course), replace(NADIA, disabled=True)) == "PERSON_DISABLED"


@pytest.mark.parametrize(
    ("sign_in", "code"),
    [
        (SignIn("AAL2", world.NOW - timedelta(minutes=15, microseconds=1)), "SIGN_IN_OLD"),
        (SignIn("AAL2", world.NOW + timedelta(seconds=61)), "SIGN_IN_OLD"),
        (SignIn("AAL1", world.NOW), "SIGN_IN_WEAK"),
        (SignIn("", world.NOW), "SIGN_IN_WEAK"),
        (SignIn("something new", world.NOW), "SIGN_IN_WEAK"),
    ],
)
def test_a_weak_or_old_sign_in_is_not_enough(sign_in: SignIn, code: str) -> None:
    course = world.in_review()
    assert course.refused(approval(course), PersonActor(NADIA, sign_in)) == code
    fresh = SignIn("AAL3_ANY", world.NOW - timedelta(minutes=15))
    assert not isinstance(course.ask(approval(course), PersonActor(NADIA, fresh)), Refusal)


def test_authorisation_comes_before_everything_else() -> None:
    """Who may not ask gets one answer in every state, whatever is wrong besides."""
    wrong = ask.Approve(GP, ContentHash("0" * 64))
    courses = [world.drafted(), world.in_review(), world.approved(), world.released()]
    stale = PersonActor(STRANGER, SignIn("", world.NOW - timedelta(days=1)))
    answers = {str(decide(course.state, wrong, stale, course.facts, course.now)) for course in courses}
    assert len(answers) == 1
    assert "NOT_A_CONTROLLER" in answers.pop()


def test_one_is_enough_to_stop() -> None:
    course = world.in_review(GP).approve(NADIA)
    course.do(ask.Reject(GP, approval(course).content_hash, RejectReason.PUBLIC_TRUST), TARA)
    assert course.state.status is State.REJECTED
    stopped = world.approved().do(ask.Revoke(RevokeReason.SECURITY_CONCERN), NILS)
    assert stopped.state.status is State.REVOKED
    assert stopped.refused(world.release_of(stopped), ROSA) == "WRONG_STATE"


def test_one_person_never_completes_a_quorum_in_any_mix_of_roles() -> None:
    everything = replace(NADIA, roles=tuple(world.Membership(Role.CONTROLLER, code) for code in (NHSE, TRUST, OTHER)))
    facts = world.some_facts(domains={GP: world.a_domain(GP, NHSE, TRUST)})
    course = world.in_review(facts=facts).do(
        ask.Approve(GP, approval(world.in_review()).content_hash, NHSE), everything
    )
    assert [event.complete for event in course.happened if isinstance(event, DomainApproved)] == [False]
