"""The rest of the rules: each says no for its own reason, and yes without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from keyholder.refusals import Refusal
from keyholder.requests import commands as ask
from keyholder.requests.case import Assessment
from keyholder.requests.codes import DecisionState, RejectReason, RevokeReason, State
from keyholder.requests.commands import CommandName
from keyholder.requests.content import Delivery
from keyholder.requests.decide import allowed_commands
from keyholder.requests.events import ChecksRecorded, RequestApproved, RequestBlocked, RequestExpired
from keyholder.requests.events.releasing import ReleaseAuthorised
from keyholder.requests.transitions import WHO, Who
from keyholder.vocabulary import ContentHash, DomainId, IdentifierType, ProjectId
from tests.unit.requests import world
from tests.unit.requests.world import (
    AUDITOR,
    GP,
    HOSPITAL,
    NADIA,
    NHSE,
    NILS,
    NOW,
    POLICY,
    RELEASE,
    ROSA,
    STRANGER,
    SWEEPER,
    TARA,
    signed_in,
)

KEY = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
FILE = {"delivery": "file", "recipient": {"organisation": "ZZ9", "public_key": KEY}}


def content_hash(course: world.Course) -> ContentHash:
    assert course.state.content_hash
    return course.state.content_hash


def project(course: world.Course, **changes: object) -> None:
    assert course.facts.project
    course.facts = replace(course.facts, project=replace(course.facts.project, **changes))  # type: ignore[arg-type]  # a test names the fields


def test_only_a_member_of_an_active_project_asks() -> None:
    create = ask.Create(world.a_draft().content.summary())
    assert world.Course().refused(create, STRANGER) == "NOT_ON_THE_PROJECT"
    assert world.Course().refused(create, NADIA) == "NOT_A_RESEARCHER"
    course = world.Course()
    project(course, active_until=date(2026, 11, 1))
    assert course.refused(create, ROSA) == "PROJECT_OVER"
    project(course, active_until=date(2026, 11, 2))
    assert course.do(create, ROSA).state.status is State.DRAFT


def test_a_saved_draft_stays_with_its_project_and_is_what_is_submitted() -> None:
    course = world.drafted()
    other = world.a_draft(records=3).content.summary()
    course.do(ask.Save(other), ROSA)
    assert course.refused(ask.Save(replace(other, project=ProjectId("PRJ-2"))), ROSA) == "PROJECT_FIXED"
    assert course.refused(ask.Submit(world.a_draft().content.hash()), ROSA) == "OTHER_CONTENT"
    course.do(ask.Submit(other.content_hash), ROSA)
    assert (course.state.revision, course.state.content_hash) == (1, other.content_hash)


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"assessment": None}, "POLICY_NOT_ASKED"),
        ({"assessment": Assessment(POLICY, ("PURPOSE_PROHIBITED",))}, "PURPOSE_PROHIBITED"),
        ({"domains": {}}, "DOMAIN_NOT_COVERED"),
        ({"candidates": (NADIA, NILS)}, "QUORUM_UNATTAINABLE"),
        ({"candidates": (NADIA, world.COLLEAGUE, replace(TARA, disabled=True))}, "QUORUM_UNATTAINABLE"),
        ({"candidates": (NADIA, TARA)}, None),
    ],
)
def test_submitting_needs_policy_domains_and_people(facts: dict[str, object], code: str | None) -> None:
    course = world.drafted()
    course.facts = replace(course.facts, **facts)  # type: ignore[arg-type]  # a test names the fields it changes
    outcome = course.ask(ask.Submit(), ROSA)
    assert (outcome.code if isinstance(outcome, Refusal) else None) == code


def test_submitting_needs_accreditation_and_a_later_day_of_destruction() -> None:
    course = world.drafted(destroy_by="2026-11-02")
    assert course.refused(ask.Submit(), ROSA) == "DESTROY_BY_PAST"
    assert course.refused(ask.Submit(), replace(ROSA, accredited_until=date(2026, 11, 1))) == "NOT_ACCREDITED"
    assert course.refused(ask.Submit(), replace(ROSA, accredited_until=None)) == "NOT_ACCREDITED"
    wrong_type = world.drafted(wanted=[{"identifier_type": "date_of_birth", "need": "linkage"}], domains=DATES)
    assert wrong_type.refused(ask.Submit(), ROSA) == "TYPE_NOT_IN_DOMAIN"


DATES = [{"domain": GP, "records": [{"row_id": "1", "pseudonyms": {"date_of_birth": world.TOKEN}}]}]


@pytest.mark.parametrize(
    ("checks", "status"),
    [
        (world.checks(2), State.IN_REVIEW),
        (world.checks(0, held=1), State.IN_REVIEW),
        (world.checks(0, withheld=2), State.IN_REVIEW),
        (replace(world.checks(2), reasons=("DSA_EXPIRED",)), State.BLOCKED),
    ],
)
def test_only_reasons_against_the_whole_request_block_it(checks: ask.Checks, status: State) -> None:
    course = world.drafted().do(ask.Submit(), ROSA)
    course.do(ask.RecordChecks(content_hash(course), checks), RELEASE)
    assert course.state.status is status
    last = course.happened[-1]
    if isinstance(last, RequestBlocked):
        assert last.reasons == checks.reasons
    else:
        assert isinstance(last, ChecksRecorded)
        assert set(last.counts.values()) <= {"0", "1-7"}


def test_checks_of_another_content_are_refused() -> None:
    course = world.drafted().do(ask.Submit(), ROSA)
    other = world.a_draft(records=3).content.hash()
    assert course.refused(ask.RecordChecks(other, world.checks()), RELEASE) == "OTHER_CONTENT"


def test_approvals_may_only_narrow_and_the_narrowest_counts() -> None:
    both = [
        {"identifier_type": "nhs_number", "need": "linkage"},
        {"identifier_type": "postcode", "need": "derivation"},
    ]
    records = [{"row_id": "1", "pseudonyms": {"nhs_number": world.TOKEN, "postcode": world.TOKEN}}]
    course = world.in_review(wanted=both, domains=[{"domain": GP, "records": records}])
    yes = ask.Approve(GP, content_hash(course))
    dates = (IdentifierType.DATE_OF_BIRTH,)
    assert course.refused(replace(yes, identifier_types=dates), NADIA) == "TYPES_NOT_ASKED"
    assert course.refused(replace(yes, identifier_types=()), NADIA) == "TYPES_NOT_ASKED"
    assert course.refused(replace(yes, until=NOW), NADIA) == "UNTIL_OUT_OF_RANGE"
    assert course.refused(replace(yes, until=NOW + timedelta(days=14, seconds=1)), NADIA) == "UNTIL_OUT_OF_RANGE"
    until = NOW + timedelta(days=2)
    course.do(replace(yes, identifier_types=(IdentifierType.POSTCODE,), until=until), NADIA)
    assert course.refused(replace(yes, identifier_types=(IdentifierType.NHS_NUMBER,)), TARA) == "TYPES_NOT_ASKED"
    course.approve(TARA)
    assert course.state.until == until
    course.do(world.release_of(course), ROSA)
    authorised = course.happened[-1]
    assert isinstance(authorised, ReleaseAuthorised)
    assert authorised.granted == {GP: (IdentifierType.POSTCODE,)}


def test_what_is_approved_may_be_released_though_another_domain_rejected() -> None:
    facts = world.some_facts(domains={GP: world.a_domain(), HOSPITAL: world.a_domain(HOSPITAL, NHSE)})
    course = world.in_review(GP, HOSPITAL, facts=facts).approve(NADIA).approve(TARA)
    assert course.state.status is State.IN_REVIEW
    course.do(ask.Reject(HOSPITAL, content_hash(course), RejectReason.MORE_THAN_NEEDED), NILS)
    assert course.state.status is State.APPROVED
    assert course.state.approved_domains() == (GP,)
    course.do(world.release_of(course), ROSA)
    authorised = course.happened[-1]
    assert isinstance(authorised, ReleaseAuthorised)
    assert set(authorised.granted) == {GP}


def test_an_approved_domain_can_still_be_rejected_while_others_decide() -> None:
    course = world.in_review(GP, HOSPITAL).approve(NADIA).approve(TARA)
    no = ask.Reject(GP, content_hash(course), RejectReason.OTHER)
    assert course.refused(ask.Approve(GP, content_hash(course)), NILS) == "DOMAIN_DECIDED"
    course.do(no, NILS)
    assert course.state.domains[GP].state is DecisionState.REJECTED
    assert course.refused(no, world.person("n3", (world.Role.CONTROLLER, NHSE))) == "DOMAIN_DECIDED"
    assert course.refused(replace(no, domain=DomainId("elsewhere")), NILS) == "DOMAIN_NOT_ASKED"


def test_release_ends_with_window_and_retrievals() -> None:
    course = world.released(1)
    world.released(2, course)
    world.released(3, course)
    assert course.refused(world.release_of(course, 4), ROSA) == "NO_RETRIEVALS_LEFT"
    late = world.approved()
    late.now += timedelta(days=14)
    assert late.refused(world.release_of(late), ROSA) == "WINDOW_OVER"


def test_a_release_that_failed_before_anything_left_costs_nothing() -> None:
    course = world.approved()
    for number in range(1, 5):
        command = world.release_of(course, number)
        course.do(command, ROSA).do(ask.FailRelease(command.release, "KMS_UNAVAILABLE"), RELEASE)
    assert course.state.retrievals_used() == 0
    command = world.release_of(course, 9)
    course.do(command, ROSA).do(world.chunk_of(command.release, 1, 2), RELEASE)
    course.do(ask.FailRelease(command.release, "LEDGER_UNAVAILABLE"), RELEASE)
    assert course.state.retrievals_used() == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"members": (world.COLLEAGUE.id,)}, "NOT_ON_THE_PROJECT"),
        ({"active_until": date(2026, 11, 1)}, "PROJECT_OVER"),
        ({"domains": ()}, "DOMAIN_NOT_COVERED"),
    ],
)
def test_release_asks_the_project_again(change: dict[str, object], code: str) -> None:
    course = world.approved()
    project(course, **change)
    assert course.refused(world.release_of(course), ROSA) == code


def test_release_asks_the_policy_the_domain_and_the_accreditation_again() -> None:
    course = world.approved()
    release = world.release_of(course)
    assert course.refused(replace(release, delivery=Delivery.FILE), ROSA) == "DELIVERY_DIFFERS"
    assert course.refused(release, replace(ROSA, accredited_until=date(2026, 11, 1))) == "NOT_ACCREDITED"
    assert course.refused(release, replace(ROSA, disabled=True)) == "PERSON_DISABLED"
    assert course.refused(release, replace(ROSA, roles=())) == "NOT_A_RESEARCHER"
    domains = course.facts.domains
    course.facts = replace(course.facts, domains={**domains, GP: replace(domains[GP], quorum=3)})
    assert course.refused(release, ROSA) == "RULES_ASK_MORE"
    course.facts = replace(course.facts, domains=domains, assessment=Assessment(POLICY, ("BASIS_EXPIRED",)))
    assert course.refused(release, ROSA) == "BASIS_EXPIRED"


def test_chunks_come_one_after_the_other_and_all_of_them() -> None:
    course = world.approved()
    release = world.release_of(course)
    course.do(release, ROSA)
    assert course.refused(world.chunk_of(release.release, 2, 2), RELEASE) == "CHUNK_OUT_OF_ORDER"
    course.do(world.chunk_of(release.release, 1, 2), RELEASE)
    finish = ask.FinishRelease(release.release, {"released": 2})
    assert course.refused(finish, RELEASE) == "RELEASE_INCOMPLETE"
    assert course.refused(world.chunk_of(release.release, 1, 2), RELEASE) == "CHUNK_OUT_OF_ORDER"
    assert course.refused(world.chunk_of(release.release, 2, 3), RELEASE) == "CHUNK_OUT_OF_ORDER"
    course.do(world.chunk_of(release.release, 2, 2), RELEASE).do(finish, RELEASE)
    assert course.refused(finish, RELEASE) == "RELEASE_OVER"


def test_nothing_leaves_after_a_revocation_in_the_middle_of_a_release() -> None:
    course = world.approved()
    release = world.release_of(course)
    course.do(release, ROSA).do(world.chunk_of(release.release, 1, 2), RELEASE)
    course.do(ask.Revoke(RevokeReason.SECURITY_CONCERN), NADIA)
    assert course.refused(world.chunk_of(release.release, 2, 2), RELEASE) == "WRONG_STATE"


def test_a_file_is_collected_once_and_soon() -> None:
    course = world.released(**FILE)
    collect = ask.Collect(course.state.releases[0].id)
    assert course.refused(collect, STRANGER) == "NOT_THE_REQUESTER"
    late = world.released(**FILE)
    late.now += timedelta(hours=24)
    assert late.refused(collect, ROSA) == "COLLECTION_OVER"
    course.do(collect, ROSA)
    assert course.refused(collect, ROSA) == "COLLECTED"
    assert course.refused(ask.Collect("REL-" + "9" * 26), ROSA) == "RELEASE_UNKNOWN"
    inline = world.released()
    assert inline.refused(ask.Collect(inline.state.releases[0].id), ROSA) == "NOTHING_TO_COLLECT"


@pytest.mark.parametrize("course", [world.drafted().do(ask.Submit(), ROSA), world.in_review(), world.approved()])
def test_silence_expires_and_never_approves(course: world.Course) -> None:
    assert course.state.due_at
    course.now = course.state.due_at - timedelta(seconds=1)
    assert course.refused(ask.Expire(), SWEEPER) == "NOT_DUE"
    course.now = course.state.due_at
    course.do(ask.Expire(), SWEEPER)
    assert course.state.status is State.EXPIRED
    assert isinstance(course.happened[-1], RequestExpired)
    assert course.state.due_at is None


def test_what_does_not_exist_is_unknown_to_everybody() -> None:
    for who in (ROSA, NADIA, RELEASE, SWEEPER):
        assert world.Course().refused(ask.Expire() if who is SWEEPER else ask.Withdraw(), who) == "UNKNOWN_REQUEST"


def test_allowed_commands_say_what_and_why_not() -> None:
    course = world.in_review().approve(NADIA)
    said = allowed_commands(course.state, signed_in(NADIA), course.facts, NOW)
    by_name = {command.command: command for command in said}
    assert not by_name[CommandName.APPROVE].allowed
    assert by_name[CommandName.APPROVE].refusal
    assert by_name[CommandName.APPROVE].refusal.code == "ALREADY_DECIDED"
    (yes,) = [c for c in allowed_commands(course.state, signed_in(TARA), course.facts, NOW) if c.allowed][:1]
    assert (yes.command, yes.domain) == (CommandName.APPROVE, GP)
    assert not [c for c in allowed_commands(course.state, signed_in(AUDITOR), course.facts, NOW) if c.allowed]
    assert {c.command for c in allowed_commands(course.state, signed_in(ROSA), course.facts, NOW) if c.allowed} == {
        CommandName.WITHDRAW,
        CommandName.REPLY,
        CommandName.NUDGE,
    }


@pytest.mark.parametrize(
    "make", [world.drafted, world.in_review, world.returned, world.offered, world.approved, world.released]
)
def test_every_command_a_person_can_give_is_answered_for_in_every_state(make: Callable[[], world.Course]) -> None:
    """Each with its reason where it is not allowed, and the reason says what would change that."""
    theirs = {command for command, who in WHO.items() if who not in (Who.RELEASE_FUNCTION, Who.READER, Who.SWEEPER)}
    course = make()
    for who in (ROSA, NADIA, AUDITOR, world.DEV):
        said = allowed_commands(course.state, signed_in(who), course.facts, course.now)
        assert {command.command for command in said} == theirs - {CommandName.CREATE}
        assert all(command.allowed or (command.refusal and command.refusal.advice) for command in said)


def test_approval_is_one_event_for_all_domains() -> None:
    course = world.in_review(GP, HOSPITAL).approve(NADIA).approve(TARA)
    other = world.person("tom", (world.Role.CONTROLLER, world.TRUST))
    course.clear(other).approve(TARA, HOSPITAL).approve(other, HOSPITAL)
    last = course.happened[-1]
    assert isinstance(last, RequestApproved)
    assert last.domains == (GP, HOSPITAL)
    assert last.until == NOW + timedelta(days=14)
