"""Who agrees to a linkage and who stops it: what no order of proposals, approvals, ends and days can bring about."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyholder.ledger.log import IdempotencyKey
from keyholder.linkage import decide, refusals
from keyholder.linkage.agreement import OPEN_FOR, LinkageEndReason
from keyholder.linkage.decide import Parties, Proposal, Yes
from keyholder.linkage.terms import LONGEST, MOST_TOKENS, Covers, Terms, parse_terms, read_terms
from keyholder.policy.vocabulary import LegalBasis, Purpose
from keyholder.refusals import Refusal
from keyholder.registry.factors import Factor
from keyholder.registry.fields import Fields
from keyholder.registry.people import Membership, Person, PersonKind
from keyholder.registry.quorum import met
from keyholder.registry.service import Call, Entry
from keyholder.registry.sign_in import SignIn
from keyholder.registry.terms import Document, terms_json
from keyholder.vocabulary import DomainId, IdentifierType, OrganisationCode, ProjectId, Role
from tests.unit.linkage.world import (
    ALAN,
    ANNE,
    AUDITOR,
    BETH,
    BILL,
    BORN,
    CARRIER,
    ELSEWHERE,
    EVERYBODY,
    GUARDIAN,
    ID,
    MEMBER,
    NHSE,
    NOW,
    NUMBER,
    OPERATOR,
    PAULA,
    POSTCODE,
    PROJECT,
    ROBOT,
    SOURCE,
    STRANGER,
    TARGET,
    TERMS,
    TRUST,
    TWO_HATS,
    YES,
    House,
    a_domain,
    code,
)
from tests.unit.requests.world import person, some_terms


@pytest.fixture
def house() -> House:
    return House()


# -- proposing --------------------------------------------------------------------------------------------------------


def test_the_life_of_an_agreement(house: House) -> None:
    house.agreed()
    assert [event.type for event in house.events()] == [
        "linkage.proposed",
        *["linkage.approved"] * 4,
        "linkage.came_into_force",
    ]
    assert all(event.data["domains"] == [SOURCE, TARGET] for event in house.events())
    assert {event.data.get("terms_hash") for event in house.events()} == {TERMS.hash()}
    assert isinstance(house.end(BETH, LinkageEndReason.NO_LONGER_NEEDED), Entry)
    assert house.state == "ended"
    assert house.agreement.ended is not None
    assert (house.agreement.ended.by, house.agreement.ended.reason) == (BETH.id, LinkageEndReason.NO_LONGER_NEEDED)


@pytest.mark.parametrize("who", [OPERATOR, CARRIER, ROBOT, STRANGER, AUDITOR])
def test_only_a_controller_of_one_of_the_domains_proposes(house: House, who: Person) -> None:
    assert code(house.propose(who)) == "NOT_A_CONTROLLER"
    assert not house.events()


def test_an_id_has_one_agreement(house: House) -> None:
    house.propose()
    assert code(house.propose(terms=replace(TERMS, most_tokens=7))) == "ALREADY_PROPOSED"
    assert house.agreement.terms == TERMS


def test_a_machine_decides_nothing() -> None:
    """Nobody can register one with such a role; the rule holds all the same."""
    house = House().agreed()
    acting = replace(BETH, kind=PersonKind.MACHINE)
    parties = Parties({SOURCE: house.source, TARGET: house.target}, None, {})
    proposed = decide.propose(acting, Proposal(TERMS, lambda _: None), parties, NOW)
    assert proposed is refusals.NOT_HUMAN
    assert decide.end(acting, house.agreement, parties, LinkageEndReason.OTHER, NOW) is refusals.NOT_HUMAN
    yes = Yes(TARGET, TERMS.hash())
    assert decide.approve(acting, house.agreement, parties, yes, NOW) is refusals.NOT_HUMAN


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"to_domain": SOURCE}, "SAME_DOMAIN"),
        ({"to_domain": DomainId("none")}, "DOMAIN_UNKNOWN"),
        ({"identifier_types": (IdentifierType.DATE_OF_DEATH,)}, "TYPE_NOT_IN_DOMAINS"),
        ({"carried_out_by": ELSEWHERE}, "CARRIER_CONTROLS_NEITHER"),
        ({"until": NOW.date() - timedelta(days=1)}, "UNTIL_OUT_OF_RANGE"),
        ({"until": NOW.date() + LONGEST + timedelta(days=1)}, "UNTIL_OUT_OF_RANGE"),
        ({"purpose": Purpose.INSURANCE}, "PURPOSE_PROHIBITED"),
        ({"purpose": Purpose.OPT_OUT_TARGETING}, "PURPOSE_PROHIBITED"),
        ({"legal_basis": LegalBasis.NONE}, "BASIS_MISSING"),
        ({"legal_basis": LegalBasis.COURT_ORDER}, "BASIS_PURPOSE_MISMATCH"),
        (
            {
                "legal_basis": LegalBasis.IMPLIED_CONSENT_DIRECT_CARE,
                "purpose": Purpose.RISK_STRATIFICATION_CASE_FINDING,
            },
            "BASIS_NOT_FOR_LINKAGE",
        ),
        ({"legal_basis": LegalBasis.EXPLICIT_CONSENT, "purpose": Purpose.RESEARCH}, "CONSENT_NEEDS_PROJECT"),
        ({"project": ProjectId("PRJ-9999")}, "PROJECT_UNKNOWN"),
    ],
)
def test_terms_that_can_not_be_agreed_are_not_proposed(house: House, changes: dict[str, object], expected: str) -> None:
    assert code(house.propose(terms=replace(TERMS, **changes))) == expected  # type: ignore[arg-type]
    assert not house.events()


def test_a_domain_without_nhs_numbers_has_nobody_to_ask_about() -> None:
    house = House(target=a_domain(TARGET, TRUST, identifier_types=(POSTCODE, BORN)))
    assert code(house.propose(terms=replace(TERMS, identifier_types=(POSTCODE,)))) == "TYPE_NOT_IN_DOMAINS"


@pytest.mark.parametrize("sign_in", [SignIn("AAL1", NOW), SignIn("", NOW), SignIn("AAL2", NOW - timedelta(minutes=16))])
def test_proposing_and_approving_take_a_strong_and_recent_sign_in(house: House, sign_in: SignIn) -> None:
    assert code(house.linkage.propose(Call(PAULA.id, "t"), sign_in, ID, TERMS, NOW)).startswith("SIGN_IN")
    house.propose()
    yes = Yes(TARGET, TERMS.hash())
    assert code(house.linkage.approve(Call(BETH.id, "t"), sign_in, ID, yes, NOW)).startswith("SIGN_IN")
    assert not house.agreement.approvals


def terms() -> st.SearchStrategy[Terms]:
    names = st.from_regex(r"\A[a-z][a-z0-9-]{1,20}\Z")
    return st.builds(
        Terms,
        from_domain=names.map(DomainId),
        to_domain=names.map(DomainId),
        identifier_types=st.sets(st.sampled_from(list(IdentifierType)), min_size=1).map(
            lambda kinds: tuple(kind for kind in IdentifierType if kind in kinds)
        ),
        covers=st.sampled_from(Covers),
        purpose=st.sampled_from(Purpose),
        legal_basis=st.sampled_from(LegalBasis),
        project=st.none() | names.map(ProjectId),
        carried_out_by=st.sampled_from([NHSE, TRUST]),
        most_tokens=st.integers(1, MOST_TOKENS),
        until=st.dates(date(2026, 1, 1), date(2030, 1, 1)),
    )


@given(terms(), terms())
def test_terms_are_read_as_they_were_written_and_their_hash_tells_them_apart(one: Terms, other: Terms) -> None:
    assert read_terms(Fields(one.json())) == one
    body = {name: value for name, value in one.json().items() if name != "format"}
    assert parse_terms(body) == one
    assert (one.hash() == other.hash()) == (one == other)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"most_tokens": MOST_TOKENS + 1}, "/most_tokens"),
        ({"most_tokens": 0}, "/most_tokens"),
        ({"identifier_types": []}, "/identifier_types"),
        ({"covers": "nobody"}, "/covers"),
        ({"note": "about 9990000018"}, ""),
    ],
)
def test_terms_out_of_form_name_the_field(changes: dict[str, object], pointer: str) -> None:
    body = {name: value for name, value in TERMS.json().items() if name != "format"}
    refused = parse_terms({**body, **changes})  # type: ignore[dict-item]  # on purpose
    assert isinstance(refused, Refusal)
    assert refused.field == pointer
    assert "999" not in repr(refused)


# -- approving --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("left_out", YES)
def test_every_approval_of_both_domains_is_needed(house: House, left_out: str) -> None:
    house.propose()
    for name, yes in YES.items():
        if name != left_out:
            assert isinstance(house.approve(*yes), Entry)
    assert house.state == "proposed"
    assert code(house.authorise()) == "AGREEMENT_NOT_IN_FORCE"
    assert isinstance(house.approve(*YES[left_out]), Entry)
    assert house.state == "in_force"


def test_nobody_counts_twice_and_the_proposer_not_at_all(house: House) -> None:
    house.propose(BETH)
    assert code(house.approve(BETH, TARGET)) == "OWN_PROPOSAL"
    assert code(house.approve(BETH, SOURCE)) == "OWN_PROPOSAL"
    assert isinstance(house.approve(ALAN, TARGET), Entry)
    for domain in (TARGET, SOURCE):
        assert code(house.approve(ALAN, domain)) == "ALREADY_APPROVED"
    assert len(house.agreement.approvals) == 1


@pytest.mark.parametrize("who", [OPERATOR, CARRIER, STRANGER, AUDITOR, ROBOT])
def test_only_people_of_the_controllers_approve(house: House, who: Person) -> None:
    house.propose()
    assert code(house.approve(who, TARGET)) == "NOT_A_CONTROLLER"


def test_who_controls_one_domain_does_not_approve_for_the_other(house: House) -> None:
    house.propose()
    assert code(house.approve(ANNE, TARGET)) == "NOT_A_CONTROLLER"
    assert code(house.approve(ANNE, DomainId("gp-2025"))) == "DOMAIN_NOT_ASKED"


def test_an_approval_names_the_hash_of_exactly_these_terms(house: House) -> None:
    house.propose()
    other = replace(TERMS, most_tokens=TERMS.most_tokens + 1)
    assert code(house.approve(BETH, TARGET, terms=other)) == "OTHER_TERMS"
    assert code(house.approve(BETH, TARGET, expected=7)) == "STALE"


def test_who_is_on_the_project_does_not_approve_its_linkage(house: House) -> None:
    house.propose(terms=replace(TERMS, project=PROJECT))
    assert code(house.approve(MEMBER, TARGET)) == "ON_THE_PROJECT"
    assert isinstance(house.approve(BETH, TARGET), Entry)


def test_a_place_that_is_filled_takes_nobody_else(house: House) -> None:
    house.propose()
    assert isinstance(house.approve(ANNE, SOURCE), Entry)
    third = replace(PAULA)
    assert third.id == house.agreement.proposed_by
    assert isinstance(house.approve(BETH, TARGET), Entry)
    assert isinstance(house.approve(BILL, TARGET), Entry)
    assert code(house.approve(TWO_HATS, TARGET)) == "PLACE_TAKEN"
    assert isinstance(house.approve(TWO_HATS, SOURCE), Entry)
    assert house.state == "in_force"


def test_a_domain_that_asks_for_a_guardian_gets_one() -> None:
    house = House(target=a_domain(TARGET, TRUST, factors={Factor.CALDICOTT_GUARDIAN: 1}))
    house.propose()
    for yes in YES.values():
        assert isinstance(house.approve(*yes), Entry)
    assert house.state == "proposed"
    assert isinstance(house.approve(GUARDIAN, TARGET), Entry)
    assert house.state == "in_force"


def test_who_could_fill_two_places_says_which() -> None:
    house = House(target=a_domain(TARGET, TRUST, NHSE))
    both = replace(ANNE, roles=(*ANNE.roles, Membership(Role.CONTROLLER, TRUST)))
    house.changed(both)
    house.propose()
    assert code(house.approve(both, TARGET)) == "PART_UNCLEAR"
    assert isinstance(house.approve(both, TARGET, organisation=TRUST), Entry)
    assert house.agreement.approvals[0].organisation == TRUST


def test_an_approval_sent_twice_is_one(house: House) -> None:
    house.propose()
    key = IdempotencyKey("k" * 64, "b" * 64)
    first, again = (house.approve(BETH, TARGET, key=key) for _ in range(2))
    assert first == again
    assert len(house.agreement.approvals) == 1


# -- ending and expiring ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", [PAULA, ANNE, ALAN, BETH, BILL, GUARDIAN, MEMBER, TWO_HATS])
@pytest.mark.parametrize("agreed", [False, True])
def test_any_one_of_the_controllers_stops_it(house: House, who: Person, agreed: bool) -> None:
    if agreed:
        house.agreed()
    else:
        house.propose()
    assert isinstance(house.end(who), Entry)
    assert house.state == "ended"
    assert code(house.approve(BETH, TARGET)) in {"AGREEMENT_NOT_OPEN", "ALREADY_APPROVED"}
    assert code(house.authorise()) == "AGREEMENT_OVER"
    assert code(house.end(who)) == "AGREEMENT_OVER"


@pytest.mark.parametrize("who", [OPERATOR, CARRIER, STRANGER, AUDITOR])
def test_nobody_else_ends_it(house: House, who: Person) -> None:
    house.agreed()
    assert code(house.end(who)) == "NOT_A_CONTROLLER"
    assert house.state == "in_force"


@pytest.mark.parametrize(("waited", "expired"), [(OPEN_FOR - timedelta(seconds=1), False), (OPEN_FOR, True)])
def test_a_proposal_expires_and_silence_approves_nothing(house: House, waited: timedelta, expired: bool) -> None:
    house.propose()
    house.clock.moment = house.agreement.proposed_at + waited
    assert house.state == ("expired" if expired else "proposed")
    outcome = house.approve(BETH, TARGET)
    assert isinstance(outcome, Refusal) == expired


@pytest.mark.parametrize(
    ("moment", "expired"),
    [
        (datetime.fromisoformat("2026-12-31T23:59:59+00:00"), False),
        (datetime.fromisoformat("2027-01-01T00:00:00+00:00"), True),
    ],
)
def test_an_agreement_ends_with_its_last_day_in_london(house: House, moment: datetime, expired: bool) -> None:
    house.agreed()
    house.clock.moment = moment
    assert house.state == ("expired" if expired else "in_force")
    outcome = house.authorise()
    assert isinstance(outcome, Refusal) == expired
    if expired:
        assert code(house.end(BETH)) == "AGREEMENT_OVER"


# -- leave to translate -----------------------------------------------------------------------------------------------


def test_pseudonyms_count_when_leave_is_given_and_no_more_than_agreed(house: House) -> None:
    house.agreed()
    assert isinstance(house.authorise(nhs_number=40, postcode=40), Entry)
    assert house.agreement.tokens_used == 80
    assert code(house.authorise(name="T2", nhs_number=21)) == "TOKENS_SPENT"
    assert isinstance(house.authorise(name="T2", nhs_number=20), Entry)
    assert code(house.authorise(name="T3", nhs_number=1)) == "TOKENS_SPENT"
    assert (house.agreement.tokens_used, house.agreement.translations) == (100, 2)


def test_what_was_not_agreed_is_not_translated(house: House) -> None:
    house.agreed(replace(TERMS, identifier_types=(POSTCODE,)))
    assert code(house.authorise(date_of_birth=1)) == "TYPE_NOT_AGREED"
    assert code(house.authorise(nhs_number=1)) == "TYPE_NOT_AGREED"
    assert isinstance(house.authorise(nhs_number=9, postcode=5), Entry)
    assert house.agreement.tokens_used == 5, "the numbers are only asked about"


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (PAULA, "NOT_THE_CARRIER"),
        (BETH, "NOT_THE_CARRIER"),
        (ROBOT, "NOT_THE_CARRIER"),
        (STRANGER, "NOT_THE_CARRIER"),
        (OPERATOR, "NOT_THE_CARRIER"),
    ],
)
def test_only_providers_of_the_agreed_organisation_translate(house: House, who: Person, expected: str) -> None:
    house.agreed()
    assert code(house.authorise(who)) == expected


def test_whoever_approved_does_not_translate(house: House) -> None:
    house.propose()
    for who, domain in ((ANNE, SOURCE), (ALAN, SOURCE), (BETH, TARGET), (TWO_HATS, TARGET)):
        assert isinstance(house.approve(who, domain), Entry)
    assert house.state == "in_force"
    assert code(house.authorise(TWO_HATS)) == "APPROVER_TRANSLATES"
    assert isinstance(house.authorise(CARRIER), Entry)


@pytest.mark.parametrize("name", YES)
@pytest.mark.parametrize(
    "changes", [{"disabled": True}, {"roles": (Membership(Role.CONTROLLER, ELSEWHERE),)}], ids=["disabled", "moved on"]
)
def test_an_approval_counts_as_long_as_its_person_has_their_place(
    house: House, name: str, changes: dict[str, object]
) -> None:
    house.agreed()
    house.changed(YES[name][0], **changes)
    assert code(house.authorise()) == "APPROVALS_LOST"


def test_a_project_that_ended_or_an_approver_who_joined_it_stops_translation(house: House) -> None:
    house.agreed(replace(TERMS, project=PROJECT, until=date(2027, 2, 1)))
    assert isinstance(house.authorise(), Entry)
    project = house.registry.project(PROJECT)
    assert project is not None
    joined = replace(project, members=(*project.members, BETH.id))
    assert isinstance(house.registry.change_project(Call(OPERATOR.id, "t"), joined), Entry)
    assert code(house.authorise(name="T2")) == "APPROVALS_LOST"
    assert isinstance(house.registry.change_project(Call(OPERATOR.id, "t"), project), Entry)
    assert code(house.authorise(name="T2")) == "APPROVALS_LOST", "whoever was on the project once"
    house.clock.moment = datetime.fromisoformat("2027-01-01T09:00:00+00:00")
    assert code(house.authorise(name="T2")) == "APPROVALS_LOST"


def test_an_agreement_of_a_project_ends_with_it(house: House) -> None:
    house.agreed(replace(TERMS, project=PROJECT, until=date(2027, 2, 1)))
    house.clock.moment = datetime.fromisoformat("2027-01-01T09:00:00+00:00")
    assert code(house.authorise()) == "PROJECT_OVER"


def test_who_proposes_and_who_approves_has_accepted_the_terms_of_use_and_the_ledger_says_which() -> None:
    house = House(terms=some_terms())
    assert code(house.propose()) == "TERMS_NOT_ACCEPTED"
    house.accept(PAULA)
    assert isinstance(house.propose(), Entry)
    assert code(house.approve(ANNE, SOURCE)) == "TERMS_NOT_ACCEPTED"
    house.accept(ANNE)
    assert isinstance(house.approve(ANNE, SOURCE), Entry)
    assert isinstance(house.end(BILL), Entry), "one stops it, whatever they have accepted"
    wanted = terms_json(some_terms()[Document.APPROVER])
    assert [event.data.get("accepted_terms") for event in house.events()] == [wanted, wanted, None]


def test_a_role_that_nobody_confirmed_says_so_and_counts_for_nothing(house: House) -> None:
    house.propose()
    new = person("new", (Role.CONTROLLER, NHSE))
    assert isinstance(house.registry.register_person(Call(OPERATOR.id, "new"), new), Entry)
    assert code(house.approve(new, SOURCE)) == "ROLE_NOT_CONFIRMED"
    assert code(house.end(new)) == "ROLE_NOT_CONFIRMED"
    assert code(house.approve(AUDITOR, SOURCE)) == "NOT_A_CONTROLLER"


# -- all of it --------------------------------------------------------------------------------------------------------

STEP = st.tuples(
    st.sampled_from(["propose", "approve", "approve", "approve", "end", "authorise", "wait", "change"]),
    st.sampled_from(EVERYBODY),
    st.sampled_from([SOURCE, TARGET]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, max_size=25))
def test_nothing_is_translated_but_under_an_agreement_that_distinct_people_of_both_domains_approved(
    steps: list[tuple[str, Person, DomainId]],
) -> None:
    house = House()
    house.propose()
    for number, (what, who, domain) in enumerate(steps):
        if what == "propose":
            house.propose(who, name=f"LNK-{number:026}")
        elif what == "approve":
            house.approve(who, domain)
        elif what == "end" and number > 15:
            house.end(who)
        elif what == "wait":
            house.clock.moment += timedelta(days=1)
        elif what == "change" and who.id != OPERATOR.id:
            house.changed(who, disabled=number % 2 == 0)
        elif what == "authorise":
            outcome = house.authorise(who, name=f"T{number}", nhs_number=1)
            if isinstance(outcome, Entry):
                _has_what_it_takes(house, who)
    assert len(house.agreement.approvers) == len(house.agreement.approvals)


def _has_what_it_takes(house: House, who: Person) -> None:
    agreement = house.agreement
    assert agreement.ended is None
    assert agreement.tokens_used <= agreement.terms.most_tokens
    assert who.id not in agreement.approvers
    assert agreement.proposed_by not in agreement.approvers
    people = [house.registry.person(approval.person) for approval in agreement.approvals]
    standing = {
        approval.person: approval
        for approval, person in zip(agreement.approvals, people, strict=True)
        if person is not None and not person.disabled
    }
    for domain in (house.source, house.target):
        able = {one: frozenset({yes.part}) for one, yes in standing.items() if yes.domain == domain.id}
        assert met(able, domain.needs())
    assert OrganisationCode(TRUST) in who.organisations(Role.PROVIDER)
    assert NUMBER in agreement.terms.identifier_types
