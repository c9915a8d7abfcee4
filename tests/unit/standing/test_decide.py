"""Standing approvals: who asks, whose yes counts, who ends them, and what they approve."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.policy.vocabulary import LegalBasis, Purpose
from keyholder.refusals import Refusal
from keyholder.registry.factors import Factor
from keyholder.registry.fields import Fields
from keyholder.registry.people import Membership, Person, PersonKind
from keyholder.standing import decide
from keyholder.standing.approval import Approval, Draw, StandingApproval, StandingEndReason, StandingState
from keyholder.standing.decide import Parties, Wanted, Yes
from keyholder.standing.events import StandingApproved, StandingCameIntoForce, StandingDrawn
from keyholder.standing.terms import parse_terms, read_terms
from keyholder.vocabulary import ContentHash, DomainId, IdentifierType, OrganisationCode, ProjectId, RequestId, Role
from tests.unit.requests import world
from tests.unit.requests.world import (
    AUDITOR,
    BOTH,
    COLLEAGUE,
    DEV,
    EVERYBODY,
    GP,
    HOSPITAL,
    NADIA,
    NHSE,
    NILS,
    NOW,
    OPERATOR,
    OTHER,
    ROSA,
    STRANGER,
    TARA,
    TRUST,
)

HASH = ContentHash("1" * 64)
TOM = world.person("tom", (Role.CONTROLLER, TRUST))
TERMS = world.bounds()


def parties(**changes: object) -> Parties:
    known = Parties(
        {GP: world.a_domain(), HOSPITAL: world.a_domain(HOSPITAL, TRUST)},
        world.a_project(),
        {who.id: who for who in (*EVERYBODY, TOM)},
    )
    return replace(known, **changes)  # type: ignore[arg-type]  # a test names the fields it changes


def asked(**changes: object) -> StandingApproval:
    standing = StandingApproval(world.STANDING_ID, TERMS, TERMS.hash(), COLLEAGUE.id, NOW)
    return replace(standing, **changes)  # type: ignore[arg-type]  # as above


def agreed(*who: tuple[Person, DomainId, OrganisationCode], **changes: object) -> StandingApproval:
    given = tuple(Approval(person.id, domain, Factor.CONTROLLER, code, NOW) for person, domain, code in who)
    return asked(approvals=given, **changes)


def wanted(records: int = 2, **changes: object) -> Wanted:
    asks = Wanted(
        RequestId("REQ-" + "0" * 26), HASH, world.PROJECT, frozenset({GP}), frozenset({IdentifierType.NHS_NUMBER}),
        "research", "s251_reg5", OTHER, records,
    )  # fmt: skip
    return replace(asks, **changes)  # type: ignore[arg-type]  # as above


def code(outcome: object) -> str | None:
    return outcome.code if isinstance(outcome, Refusal) else None


def yes(standing: StandingApproval, who: Person | None, domain: DomainId = GP, **changes: object) -> object:
    said = replace(Yes(domain, standing.terms_hash), **changes)  # type: ignore[arg-type]  # as above
    return decide.approve(who, standing, parties(), said, NOW)


@pytest.mark.parametrize(
    ("who", "wrong"),
    [
        (ROSA, None),
        (COLLEAGUE, None),
        (STRANGER, "NOT_ON_THE_PROJECT"),
        (NADIA, "NOT_ON_THE_PROJECT"),
        (OPERATOR, "NOT_ON_THE_PROJECT"),
        (None, "NOT_ON_THE_PROJECT"),
        (replace(ROSA, disabled=True), "NOT_ON_THE_PROJECT"),
        (replace(ROSA, roles=(Membership(Role.CONTROLLER, NHSE),)), "NOT_ON_THE_PROJECT"),
        (replace(ROSA, accredited_until=None), "NOT_ACCREDITED"),
        (replace(ROSA, accredited_until=NOW.date() - timedelta(days=1)), "NOT_ACCREDITED"),
    ],
)
def test_a_researcher_on_the_project_asks(who: Person | None, wrong: str | None) -> None:
    assert code(decide.ask(who, TERMS, None, parties(), NOW)) == wrong


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"domains": (GP, DomainId("elsewhere"))}, "DOMAIN_NOT_COVERED"),
        ({"identifier_types": (IdentifierType.DATE_OF_BIRTH,)}, "TYPE_NOT_IN_DOMAINS"),
        ({"until": NOW.date() - timedelta(days=1)}, "UNTIL_OUT_OF_RANGE"),
        ({"until": NOW.date() + timedelta(days=367)}, "UNTIL_OUT_OF_RANGE"),
        ({"until": NOW.date()}, None),
        ({"until": NOW.date() + timedelta(days=366)}, None),
        ({"project": ProjectId("PRJ-2")}, "NOT_ON_THE_PROJECT"),
    ],
)
def test_what_can_be_asked_for(changes: dict[str, object], wrong: str | None) -> None:
    assert code(decide.ask(ROSA, world.bounds(**changes), None, parties(), NOW)) == wrong


def test_nothing_is_asked_for_a_project_that_is_over_or_twice_under_one_id() -> None:
    over = replace(world.a_project(), active_until=NOW.date() - timedelta(days=1))
    assert code(decide.ask(ROSA, TERMS, None, parties(project=over), NOW)) == "PROJECT_OVER"
    assert code(decide.ask(ROSA, TERMS, asked(), parties(), NOW)) == "ALREADY_ASKED"


def test_what_nobody_could_approve_is_not_asked() -> None:
    """NADIA and TARA suffice; whoever asks, is on the project, suspended or a machine doesn't help."""

    def asks(*candidates: Person, **changes: object) -> str | None:
        return code(decide.ask(ROSA, TERMS, None, parties(candidates=candidates, **changes), NOW))

    assert asks(NADIA, TARA) is None
    assert asks(BOTH, NADIA) is None
    assert asks(NADIA, NILS) == "QUORUM_UNATTAINABLE", "nobody of the trust"
    assert asks(BOTH) == "QUORUM_UNATTAINABLE", "one person fills one place"
    for gone in (
        replace(TARA, disabled=True),
        replace(TARA, kind=PersonKind.MACHINE),
        replace(TARA, awaiting=frozenset(TARA.roles)),
        replace(COLLEAGUE, roles=TARA.roles),
        replace(ROSA, roles=TARA.roles),
    ):
        assert asks(NADIA, gone) == "QUORUM_UNATTAINABLE"
    more = {GP: world.a_domain(caldicott_guardian=1)}
    assert asks(NADIA, TARA, domains=more) == "QUORUM_UNATTAINABLE"
    assert asks(NADIA, TARA, world.GRETA, domains=more) is None


def test_it_is_in_force_with_the_quorum_of_every_domain() -> None:
    terms = world.bounds(GP, HOSPITAL)
    standing = asked(terms=terms, terms_hash=terms.hash())
    for who, domain, done in ((NADIA, GP, False), (TARA, HOSPITAL, False), (TARA, GP, False), (TOM, HOSPITAL, True)):
        outcome = yes(standing, who, domain)
        assert isinstance(outcome, tuple), outcome
        assert (StandingCameIntoForce(terms) in outcome) == done
        (given, *_) = outcome
        assert isinstance(given, StandingApproved)
        more = Approval(who.id, domain, given.factor, given.organisation, NOW)
        standing = replace(standing, approvals=(*standing.approvals, more))


@pytest.mark.parametrize(
    ("who", "changes", "wrong"),
    [
        (COLLEAGUE, {}, "SELF_APPROVAL"),
        (replace(ROSA, roles=(*ROSA.roles, *NADIA.roles)), {}, "ON_THE_PROJECT"),
        (replace(NADIA, kind=PersonKind.MACHINE), {}, "NOT_HUMAN"),
        (replace(NADIA, disabled=True), {}, "NOT_A_CONTROLLER"),
        (STRANGER, {}, "NOT_A_CONTROLLER"),
        (AUDITOR, {}, "NOT_A_CONTROLLER"),
        (None, {}, "NOT_A_CONTROLLER"),
        (replace(NADIA, awaiting=frozenset(NADIA.roles)), {}, "ROLE_NOT_CONFIRMED"),
        (replace(NADIA, awaiting=frozenset(NADIA.roles), disabled=True), {}, "NOT_A_CONTROLLER"),
        (NADIA, {"terms_hash": HASH}, "OTHER_TERMS"),
        (NADIA, {"domain": HOSPITAL}, "DOMAIN_NOT_ASKED"),
        (NADIA, {"organisation": TRUST}, "NOT_A_CONTROLLER"),
        (BOTH, {}, "PART_UNCLEAR"),
        (BOTH, {"organisation": TRUST}, None),
        (DEV, {}, "PLACE_TAKEN"),
    ],
)
def test_whose_yes_counts(who: Person | None, changes: dict[str, object], wrong: str | None) -> None:
    assert code(yes(asked(), who, **changes)) == wrong


def test_one_person_fills_one_place_and_one_organisation_does_not_stand_for_the_other() -> None:
    standing = agreed((NADIA, GP, NHSE))
    assert code(yes(standing, NADIA)) == "ALREADY_DECIDED"
    assert code(yes(standing, NILS)) == "PLACE_TAKEN"
    both = agreed((BOTH, GP, NHSE))
    assert code(yes(both, BOTH, organisation=TRUST)) == "ALREADY_DECIDED"


def test_who_asked_before_they_left_the_project_does_not_approve() -> None:
    left = replace(world.a_project(), members=(ROSA.id,), former_members=frozenset({NADIA.id}))
    known = parties(project=left)
    assert code(decide.approve(NADIA, asked(), known, Yes(GP, TERMS.hash()), NOW)) == "ON_THE_PROJECT"
    unknown = parties(project=None)
    assert code(decide.approve(NADIA, asked(), unknown, Yes(GP, TERMS.hash()), NOW)) == "ON_THE_PROJECT"


def test_silence_never_approves_and_what_is_over_is_over() -> None:
    late = NOW + timedelta(days=30)
    assert asked().state(late - timedelta(microseconds=1)) is StandingState.ASKED
    assert asked().state(late) is StandingState.EXPIRED
    assert code(decide.approve(NADIA, asked(), parties(), Yes(GP, TERMS.hash()), late)) == "STANDING_NOT_OPEN"
    assert code(decide.end(NADIA, asked(), parties(), StandingEndReason.OTHER, late)) == "STANDING_OVER"
    last = world.bounds(until=date(2026, 11, 20))
    standing = world.a_standing(terms=last, terms_hash=last.hash())
    assert standing.state(NOW.replace(day=20, hour=23)) is StandingState.IN_FORCE
    assert standing.state(NOW.replace(day=21, hour=0, minute=0)) is StandingState.EXPIRED


@pytest.mark.parametrize("standing", [asked(), world.a_standing()])
def test_any_one_controller_ends_it(standing: StandingApproval) -> None:
    for who in (NADIA, TARA, NILS, DEV):
        assert isinstance(decide.end(who, standing, parties(), StandingEndReason.OTHER, NOW), tuple)
    for who in (ROSA, STRANGER, AUDITOR, replace(NADIA, disabled=True), replace(NADIA, kind=PersonKind.MACHINE)):
        assert code(decide.end(who, standing, parties(), StandingEndReason.OTHER, NOW)) in {
            "NOT_A_CONTROLLER",
            "NOT_HUMAN",
        }


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({}, None),
        ({"records": 5}, None),
        ({"records": 6}, "STANDING_WEEK_SPENT"),
        ({"records": 0}, "BEYOND_STANDING_APPROVAL"),
        ({"domains": frozenset({GP, HOSPITAL})}, "BEYOND_STANDING_APPROVAL"),
        ({"domains": frozenset()}, "BEYOND_STANDING_APPROVAL"),
        ({"identifier_types": frozenset({IdentifierType.POSTCODE})}, "BEYOND_STANDING_APPROVAL"),
        ({"purpose": Purpose.INDIVIDUAL_CARE.value}, "BEYOND_STANDING_APPROVAL"),
        ({"legal_basis": LegalBasis.EXPLICIT_CONSENT.value}, "BEYOND_STANDING_APPROVAL"),
        ({"recipient": NHSE}, "BEYOND_STANDING_APPROVAL"),
        ({"project": ProjectId("PRJ-2")}, "STANDING_UNKNOWN"),
    ],
)
def test_what_it_covers(changes: dict[str, object], wrong: str | None) -> None:
    refused = decide.covers(world.a_standing(), wanted(**changes), NOW)
    assert (refused.code if refused else None) == wrong


def test_what_is_not_in_force_covers_nothing() -> None:
    assert code(decide.covers(None, wanted(), NOW)) == "STANDING_UNKNOWN"
    assert code(decide.covers(world.a_standing(in_force_since=None), wanted(), NOW)) == "STANDING_NOT_IN_FORCE"
    assert code(decide.covers(world.a_standing(), wanted(), NOW + timedelta(days=60))) == "STANDING_OVER"


def test_a_draw_is_made_once_and_counted_again_with_todays_people() -> None:
    standing = world.a_standing()
    assert decide.draw(ROSA, standing, parties(), wanted(), NOW) == (StandingDrawn(TERMS, wanted().request, HASH, 2),)
    drawn = replace(standing, draws=(Draw(wanted().request, HASH, 2, NOW),))
    assert decide.draw(ROSA, drawn, parties(), wanted(), NOW) == ()
    assert code(decide.draw(ROSA, drawn, parties(), wanted(3), NOW)) == "STANDING_WEEK_SPENT"
    assert code(decide.draw(STRANGER, standing, parties(), wanted(), NOW)) == "NOT_ON_THE_PROJECT"
    for gone in (replace(TARA, disabled=True), replace(TARA, roles=())):
        without = parties(approvers={NADIA.id: NADIA, TARA.id: gone})
        assert code(decide.draw(ROSA, standing, without, wanted(), NOW)) == "STANDING_NOT_IN_FORCE"
    joined = replace(world.a_project(), members=(ROSA.id, TARA.id))
    assert code(decide.draw(ROSA, standing, parties(project=joined), wanted(), NOW)) == "STANDING_NOT_IN_FORCE"
    more = {GP: world.a_domain(GP, NHSE, TRUST, quorum=3)}
    assert code(decide.draw(ROSA, standing, parties(domains=more), wanted(), NOW)) == "STANDING_NOT_IN_FORCE"


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 72)), max_size=30))
def test_no_seven_days_have_more_than_was_allowed(steps: list[tuple[int, int]]) -> None:
    """Requests of some size, some hours after one another: whichever seven days one looks at."""
    standing, now = world.a_standing(), NOW
    for number, (records, hours) in enumerate(steps):
        now += timedelta(hours=hours)
        asks = wanted(records, request=RequestId(f"REQ-{number:026}"))
        outcome = decide.draw(ROSA, standing, parties(), asks, now)
        if isinstance(outcome, tuple):
            standing = replace(standing, draws=(*standing.draws, Draw(asks.request, HASH, records, now)))
    for last in standing.draws:
        week = [draw.records for draw in standing.draws if last.at - timedelta(days=7) < draw.at <= last.at]
        assert sum(week) <= TERMS.most_records_a_week


def test_terms_are_read_as_they_are_written_and_nothing_else_is() -> None:
    terms = world.bounds(HOSPITAL, GP)
    assert read_terms(Fields(terms.json())) == replace(terms, domains=(GP, HOSPITAL))
    raw = {name: value for name, value in terms.json().items() if name != "format"}
    for wrong in ({"domains": []}, {"identifier_types": []}, {"most_records_a_week": 0}, {"more": 1}):
        assert isinstance(parse_terms({**raw, **wrong}), Refusal)


def test_who_reads_it() -> None:
    domains = tuple(parties().domains.values())
    for who in (ROSA, COLLEAGUE, NADIA, DEV, AUDITOR):
        assert decide.may_read(who, asked(), world.a_project(), domains)
        assert not decide.may_read(replace(who, disabled=True), asked(), world.a_project(), domains)
    for who in (STRANGER, OPERATOR):
        assert not decide.may_read(who, asked(), world.a_project(), domains)
