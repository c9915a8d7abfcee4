"""Settings change under two people, in the ledger, and within caps that nobody can set aside."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.canonical import canonical_json
from keyholder.ledger.event import MAX_LEAF_BYTES, Event
from keyholder.ledger.log import IdempotencyKey
from keyholder.policy.book import PolicyBook
from keyholder.policy.changes import (
    OPEN_FOR,
    SETTINGS,
    ChangeProposed,
    ChangeReason,
    PolicyState,
    change_view,
    fold_policy,
    policy_view,
    settings_hash,
)
from keyholder.policy.settings import (
    CAPS,
    CHECK_AT_DISCLOSURE,
    PUBLISHED_EXCLUSIONS,
    STATED,
    Cap,
    CollectionType1,
    ExemptFlow,
    Freshness,
    PolicyFacts,
    settings_json,
)
from keyholder.policy.settings_form import MOST_ROWS, differences, parse_settings
from keyholder.policy.vocabulary import LegalBasis, Purpose
from keyholder.refusals import Refusal
from keyholder.registry.events import UnknownEventError
from keyholder.registry.key_changes import ChangeState
from keyholder.registry.people import Person, PersonKind
from keyholder.registry.service import Call, Entry, Registry
from keyholder.registry.sign_in import SignIn
from keyholder.registry.terms import Document, terms_json
from keyholder.vocabulary import ActorId, OrganisationCode, PersonId, Role
from tests.fakes.ledger import ManualClock, memory_ledger
from tests.unit.requests import world
from tests.unit.requests.world import DEV, GP, GRETA, HOSPITAL, NADIA, OPERATOR, PROJECT, ROSA, TARA

DAY = timedelta(days=1)
LOOSER = replace(CHECK_AT_DISCLOSURE, freshness=Freshness(direct_days=20, cache_days=13))
SECOND = world.person("second operator", (Role.OPERATOR, world.OTHER))
NOBODY = world.person("controls nothing", (Role.CONTROLLER, OrganisationCode("ZZ8")))
MACHINE = world.person("machine", (Role.PROVIDER, world.NHSE), kind=PersonKind.MACHINE)


class House:
    """A book over a ledger, with everybody registered."""

    def __init__(self) -> None:
        self.clock = ManualClock(world.NOW)
        self.log = memory_ledger(self.clock)
        house = world.House(self.log, self.clock)
        self.registry = house.registry
        self.ids = world.CountedIds()
        for who in (SECOND, NOBODY):
            house.register(who)
        self.book = PolicyBook(self.log, self.ids, self.registry)
        self.made = 0

    def propose(
        self,
        facts: PolicyFacts = LOOSER,
        who: PersonId = OPERATOR.id,
        reason: ChangeReason = ChangeReason.GUIDANCE_CHANGED,
        key: IdempotencyKey | None = None,
    ) -> Entry[PolicyState] | Refusal:
        self.made += 1
        return self.book.propose(Call(who, "trace", key), f"PCH-{self.made:026}", facts, reason, self.clock.now())

    def proposed(self, facts: PolicyFacts = LOOSER) -> str:
        outcome = self.propose(facts)
        assert isinstance(outcome, Entry), outcome
        return outcome.value.changes[-1].id

    def confirm(self, change: str, who: PersonId = NADIA.id, **sign_in: object) -> Entry[PolicyState] | Refusal:
        signed_in = replace(SignIn("AAL2", self.clock.now()), **sign_in)  # type: ignore[arg-type]
        return self.book.confirm(Call(who, "trace"), change, signed_in, self.clock.now())

    def withdraw(self, change: str, who: PersonId = OPERATOR.id) -> Entry[PolicyState] | Refusal:
        return self.book.withdraw(Call(who, "trace"), change, self.clock.now())

    @property
    def events(self) -> tuple[Event, ...]:
        return self.log.read(SETTINGS)


@pytest.fixture
def house() -> House:
    return House()


def test_who_confirms_has_accepted_the_terms_of_use_and_the_ledger_says_which(house: House) -> None:
    change = house.proposed()
    in_force = world.some_terms()
    asking = PolicyBook(house.log, house.ids, house.registry, terms=in_force)
    call, sign_in = Call(NADIA.id, "trace"), SignIn("AAL2", house.clock.now())
    refused = asking.confirm(call, change, sign_in, house.clock.now())
    assert code(refused) == "TERMS_NOT_ACCEPTED"
    accepting = Registry(house.log, house.ids, terms=in_force)
    terms = in_force[Document.APPROVER]
    accepted = accepting.accept_terms(Call(NADIA.id, "accepts", sign_in=sign_in), terms, house.clock.now())
    assert isinstance(accepted, Entry)
    assert isinstance(asking.confirm(call, change, sign_in, house.clock.now()), Entry)
    assert house.events[-1].data["accepted_terms"] == terms_json(terms)


def code(outcome: Entry[PolicyState] | Refusal) -> str | None:
    return outcome.code if isinstance(outcome, Refusal) else None


def test_without_a_change_the_default_is_in_force(house: House) -> None:
    assert house.book.in_force() == CHECK_AT_DISCLOSURE
    assert house.book.entry().version == 0


def test_a_proposal_changes_nothing_and_a_confirmation_all(house: House) -> None:
    change = house.proposed()
    assert house.book.in_force() == CHECK_AT_DISCLOSURE
    assert code(house.confirm(change)) is None
    assert house.book.in_force() == LOOSER
    assert house.book.in_force().policy_hash == LOOSER.policy_hash != CHECK_AT_DISCLOSURE.policy_hash
    (found,) = house.book.entry().value.changes
    assert (found.proposed_by, found.closed_by, found.closed) == (OPERATOR.id, NADIA.id, ChangeState.CONFIRMED)
    assert [(event.type, event.actor) for event in house.events] == [
        ("policy.change_proposed", OPERATOR.id),
        ("policy.change_confirmed", NADIA.id),
    ]


def test_going_back_is_another_change(house: House) -> None:
    house.confirm(house.proposed())
    house.confirm(house.proposed(CHECK_AT_DISCLOSURE), TARA.id)
    assert house.book.in_force() == CHECK_AT_DISCLOSURE
    assert len(house.events) == 4
    first = house.book.entry().value.changes[0]
    assert parse_settings(first.settings) == LOOSER


@pytest.mark.parametrize("who", [ROSA, NADIA, GRETA, DEV, NOBODY], ids=lambda who: who.roles[0].role)
def test_only_an_operator_proposes(house: House, who: Person) -> None:
    assert code(house.propose(who=who.id)) == "NOT_AN_OPERATOR"
    assert house.events == ()


@pytest.mark.parametrize("who", [NADIA, TARA, GRETA], ids=lambda who: who.roles[0].role)
def test_the_controllers_side_confirms(house: House, who: Person) -> None:
    assert code(house.confirm(house.proposed(), who.id)) is None


@pytest.mark.parametrize("who", [OPERATOR, SECOND, ROSA, DEV, NOBODY], ids=lambda who: who.roles[0].role)
def test_nobody_else_confirms(house: House, who: Person) -> None:
    """Neither the proposer nor another operator, nor a data protection officer, who watches what is decided."""
    assert code(house.confirm(house.proposed(), who.id)) == "NOT_A_CONFIRMER"
    assert house.book.in_force() == CHECK_AT_DISCLOSURE


def test_who_became_a_controller_does_not_confirm_their_own(house: House) -> None:
    change = house.proposed()
    now_controller = replace(OPERATOR, roles=NADIA.roles)
    changed = house.registry.change_person(Call(SECOND.id, "trace"), now_controller)
    assert isinstance(changed, Entry)
    world.confirm(house.registry, changed.value, house.clock.now())
    assert code(house.confirm(change, OPERATOR.id)) == "OWN_POLICY_CHANGE"


def test_a_proposal_of_somebody_who_is_no_operator_any_more_has_one_person_behind_it(house: House) -> None:
    change = house.proposed()
    assert isinstance(house.registry.change_person(Call(SECOND.id, "t"), replace(OPERATOR, disabled=True)), Entry)
    assert code(house.confirm(change)) == "PROPOSER_NO_OPERATOR"


def test_a_disabled_controller_confirms_nothing(house: House) -> None:
    change = house.proposed()
    assert isinstance(house.registry.change_person(Call(SECOND.id, "t"), replace(NADIA, disabled=True)), Entry)
    assert code(house.confirm(change)) == "NOT_A_CONFIRMER"
    assert code(house.withdraw(change, NADIA.id)) == "NOT_A_STOPPER"


@pytest.mark.parametrize("sign_in", [{"acr": "AAL1"}, {"acr": ""}, {"at": world.NOW - timedelta(minutes=16)}])
def test_confirming_needs_a_fresh_and_strong_sign_in(house: House, sign_in: dict[str, object]) -> None:
    assert code(house.confirm(house.proposed(), **sign_in)) in {"SIGN_IN_WEAK", "SIGN_IN_OLD"}
    assert house.book.in_force() == CHECK_AT_DISCLOSURE


@pytest.mark.parametrize("who", [OPERATOR, SECOND, NADIA, GRETA, DEV], ids=lambda who: who.roles[0].role)
def test_one_is_enough_to_stop_it(house: House, who: Person) -> None:
    change = house.proposed()
    assert code(house.withdraw(change, who.id)) is None
    assert code(house.confirm(change)) == "POLICY_CHANGE_CLOSED"
    assert code(house.withdraw(change)) == "POLICY_CHANGE_CLOSED"
    assert house.book.in_force() == CHECK_AT_DISCLOSURE


@pytest.mark.parametrize("who", [ROSA, NOBODY], ids=lambda who: who.roles[0].role)
def test_not_everybody_stops_it(house: House, who: Person) -> None:
    assert code(house.withdraw(house.proposed(), who.id)) == "NOT_A_STOPPER"


@pytest.mark.parametrize("waited", [OPEN_FOR, OPEN_FOR + DAY])
def test_a_proposal_expires_on_its_second(house: House, waited: timedelta) -> None:
    change = house.proposed()
    house.clock.moment += waited
    assert code(house.confirm(change)) == "POLICY_CHANGE_EXPIRED"
    assert code(house.withdraw(change)) == "POLICY_CHANGE_EXPIRED"
    assert house.book.entry().value.open_change(house.clock.now()) is None
    assert code(house.confirm(house.proposed())) is None


def test_until_then_it_can_be_confirmed(house: House) -> None:
    change = house.proposed()
    house.clock.moment += OPEN_FOR - timedelta(seconds=1)
    assert code(house.confirm(change)) is None


def test_one_proposal_at_a_time(house: House) -> None:
    house.proposed()
    assert code(house.propose(STATED)) == "POLICY_CHANGE_OPEN"


def test_what_is_in_force_is_no_change(house: House) -> None:
    assert code(house.propose(CHECK_AT_DISCLOSURE)) == "POLICY_UNCHANGED"


def test_an_unknown_change_is_unknown(house: House) -> None:
    for command, who in ((house.confirm, NADIA), (house.withdraw, OPERATOR)):
        assert code(command("PCH-" + "9" * 26, who.id)) == "POLICY_CHANGE_UNKNOWN"


def rule(collection: str = GP, *, upheld: bool = False) -> CollectionType1:
    return CollectionType1(
        collection, LegalBasis.STATUTORY_DIRECTION, upheld, "gpes-transparency-notice", date(2026, 1, 1)
    )


def flow(project: str = PROJECT) -> ExemptFlow:
    return ExemptFlow(Purpose.PLANNING_COMMISSIONING, False, "22/CAG/0129", date(2026, 1, 1), None, project)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (replace(STATED, type1_by_collection=(rule("nowhere"),)), "COLLECTION_UNKNOWN"),
        (replace(STATED, exempt_flows=(flow("PRJ-9999"),)), "PROJECT_UNKNOWN"),
    ],
)
def test_rows_name_what_is_registered(house: House, facts: PolicyFacts, expected: str) -> None:
    assert code(house.propose(facts)) == expected


def test_a_collections_row_is_for_its_own_controllers(house: House) -> None:
    """The hospital's data is the trust's alone."""
    change = house.proposed(replace(STATED, type1_by_collection=(rule(HOSPITAL),)))
    assert code(house.confirm(change, NADIA.id)) == "OTHERS_COLLECTION"
    assert code(house.confirm(change, TARA.id)) is None
    gone = house.proposed(STATED)
    assert code(house.confirm(gone, NADIA.id)) == "OTHERS_COLLECTION"


def test_a_projects_exemption_is_for_controllers_of_all_it_asks_from(house: House) -> None:
    change = house.proposed(replace(CHECK_AT_DISCLOSURE, exempt_flows=(flow(),)))
    assert code(house.confirm(change, NADIA.id)) == "OTHERS_COLLECTION"
    assert code(house.confirm(change, TARA.id)) is None
    assert house.book.in_force().exempt_flow(Purpose.PLANNING_COMMISSIONING, PROJECT, date(2026, 6, 1))
    assert not house.book.in_force().exempt_flow(Purpose.PLANNING_COMMISSIONING, "PRJ-2", date(2026, 6, 1))


def test_a_repeated_proposal_is_one(house: House) -> None:
    key = IdempotencyKey("k" * 20, "ab" * 32)
    first, second = house.propose(key=key), house.propose(key=key)
    assert isinstance(first, Entry)
    assert isinstance(second, Entry)
    assert first.value.changes == second.value.changes
    assert len(house.events) == 1


def test_refusals_are_in_the_ledger(house: House) -> None:
    house.confirm(house.proposed(), DEV.id)
    attempts = house.log.listed(f"attempts/{SETTINGS}", None, 10)
    (event,) = [event for stream in attempts for event in house.log.read(stream)]
    assert event.data == {"command": "confirm_policy_change", "code": "NOT_A_CONFIRMER", "subject": SETTINGS}


def test_events_this_version_cannot_read_stop_every_decision() -> None:
    house = House()
    house.proposed()
    (event,) = house.events
    for data in (
        {**event.data, "settings_sha256": "0" * 64},
        {**event.data, "reason": "mood"},
        {**event.data, "more": 1},
    ):
        with pytest.raises(ValueError):  # noqa: PT011 - unknown events and wrong fields alike
            fold_policy([replace(event, data=data)])
    for wrong in (replace(event, type="policy.forgotten"), replace(event, type="policy.change_confirmed")):
        with pytest.raises(ValueError):  # noqa: PT011
            fold_policy([wrong])
    with pytest.raises(UnknownEventError):
        fold_policy([event, event])


FORM: dict[str, Any] = json.loads(canonical_json(settings_json(STATED)))


def changed(path: str, value: object) -> dict[str, Any]:
    form: Any = copy.deepcopy(FORM)
    node, *_ = [form]
    *way, last = path.split("/")
    for step in way:
        node = node[int(step)] if isinstance(node, list) else node[step]
    if value is ...:
        del node[last]
    else:
        node[int(last) if isinstance(node, list) else last] = value
    return form


ROW = "/type1_by_collection/0"
EXEMPT: dict[str, Any] = {**FORM["exempt_flows"][0], "project": "PRJ-0001"}
TYPE1: dict[str, Any] = {
    "collection": "gp-2026",
    "legal_basis": "copi_reg3",
    "upheld": True,
    "source": "type-1-in-opensafely",
    "from": "2023-06-01",
    "to": None,
}


@pytest.mark.parametrize(
    ("path", "value", "expected", "pointer"),
    [
        ("freshness/direct_days", 21, Cap.FRESHNESS, "/freshness"),
        ("freshness/cache_days", 14, Cap.FRESHNESS, "/freshness"),
        ("freshness/cache_refresh_days", 8, Cap.FRESHNESS, "/freshness"),
        ("exempt_flows/0/purpose", "marketing", Cap.PURPOSE_NEVER_EXEMPT, "/exempt_flows/0"),
        ("exempt_flows/0/purpose", "individual_care", Cap.PURPOSE_NEVER_EXEMPT, "/exempt_flows/0"),
        ("exempt_flows/0/purpose", "research", Cap.EXEMPTION_NEEDS_PROJECT, "/exempt_flows/0"),
        ("exempt_flows/3/own_opt_out", False, Cap.OWN_OPT_OUT_STANDS, "/exempt_flows/3"),
        ("exempt_flows/1/to", "2018-05-24", Cap.DAYS_REVERSED, "/exempt_flows/1"),
        (
            "type1_by_collection",
            [{**TYPE1, "legal_basis": "s251_reg5"}],
            Cap.TYPE1_NO_SETTING,
            "/type1_by_collection/0",
        ),
        ("type1_by_collection", [{**TYPE1, "to": "2023-05-31"}], Cap.DAYS_REVERSED, ROW),
    ],
)
def test_caps_stand_whatever_is_proposed(path: str, value: object, expected: Cap, pointer: str) -> None:
    refused = parse_settings(changed(path, value))
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.advice, refused.field) == (expected.value, CAPS[expected], pointer)


@pytest.mark.parametrize(
    ("path", "value", "expected", "pointer"),
    [
        ("freshness/direct_days", "1", "FIELD_TYPE", "/freshness/direct_days"),
        ("freshness/direct_days", -1, "FIELD_RANGE", "/freshness/direct_days"),
        ("freshness/weeks", 1, "FIELD_UNKNOWN", "/freshness"),
        ("exempt_flows/0/source", "because I say so", "FIELD_FORMAT", "/exempt_flows/0/source"),
        ("exempt_flows/0/source", "9990000018", "FIELD_FORMAT", "/exempt_flows/0/source"),
        ("exempt_flows/0/source", "22/CAG/129", "FIELD_FORMAT", "/exempt_flows/0/source"),
        ("exempt_flows/0/from", "2018-05-25T00:00:00Z", "FIELD_FORMAT", "/exempt_flows/0/from"),
        ("exempt_flows/0/purpose", "resarch", "FIELD_FORMAT", "/exempt_flows/0/purpose"),
        ("exempt_flows/0/colour", "red", "FIELD_UNKNOWN", "/exempt_flows/0"),
        ("exempt_flows/0", FORM["exempt_flows"][1], "FIELD_REPEATED", "/exempt_flows"),
        ("exempt_flows", [EXEMPT] * (MOST_ROWS + 1), "FIELD_RANGE", "/exempt_flows"),
        ("untraced_is_restricted", ..., "FIELD_MISSING", "/untraced_is_restricted"),
        ("untraced_is_restricted", 1, "FIELD_TYPE", "/untraced_is_restricted"),
        ("prohibitions", [], "FIELD_UNKNOWN", None),
        ("matrix", {}, "FIELD_UNKNOWN", None),
    ],
)
def test_a_wrong_setting_is_refused_with_its_place(
    path: str, value: object, expected: str, pointer: str | None
) -> None:
    """No prohibition and no part of the matrix is a setting."""
    refused = parse_settings(changed(path, value))
    assert isinstance(refused, Refusal)
    assert (refused.code, refused.field or None) == (expected, pointer)


@pytest.mark.parametrize("source", ["manage-your-choice", "22/CAG/0129", "CAG 7-04(a)/2013", "sha256:" + "0f" * 32])
def test_a_row_rests_on_a_published_text_a_reference_or_a_paper(source: str) -> None:
    assert not isinstance(parse_settings(changed("exempt_flows/0/source", source)), Refusal)


FLOWS = [purpose for purpose, own_opt_out in PUBLISHED_EXCLUSIONS.items() if not own_opt_out]
days = st.dates(date(2018, 5, 25), date(2030, 1, 1))
freshness = st.builds(Freshness, st.integers(0, 20), st.integers(0, 13), st.integers(0, 7))
flows = st.builds(
    lambda purpose, project, first, length: ExemptFlow(
        purpose, True, "operational-policy-ch7", first, None if length is None else first + length * DAY, project
    ),
    st.sampled_from([Purpose.RESEARCH, Purpose.CANCER_REGISTRATION, Purpose.CQC_PATIENT_SURVEY]),
    st.sampled_from([PROJECT, "PRJ-2"]),
    days,
    st.none() | st.integers(0, 400),
)
rules = st.builds(
    CollectionType1,
    st.sampled_from([GP, HOSPITAL]),
    st.sampled_from([LegalBasis.COPI_REG3, LegalBasis.STATUTORY_DIRECTION]),
    st.booleans(),
    st.just("sha256:" + "0f" * 32),
    days,
)
any_settings = st.builds(
    PolicyFacts,
    freshness,
    st.lists(flows, max_size=4, unique=True).map(tuple),
    st.lists(rules, max_size=4, unique=True).map(tuple),
    st.booleans(),
    st.booleans(),
)


@given(any_settings)
def test_settings_are_read_back_the_same(facts: PolicyFacts) -> None:
    assert parse_settings(json.loads(canonical_json(settings_json(facts)))) == facts


@given(any_settings, any_settings)
def test_differences_are_all_there_is_between_two_settings(before: PolicyFacts, after: PolicyFacts) -> None:
    told = differences(settings_json(before), settings_json(after))
    assert bool(told) == (sorted_rows(before) != sorted_rows(after))
    assert all(one["before"] != one["after"] for one in told)


def sorted_rows(facts: PolicyFacts) -> object:
    form = settings_json(facts)
    return {name: sorted(map(canonical_json, part)) if isinstance(part, list) else part for name, part in form.items()}


def test_most_rows_of_both_lists_fit_into_an_entry_of_the_ledger() -> None:
    first, last, source = date(2026, 1, 1), date(2030, 1, 1), "sha256:" + "0" * 64
    longest = max(Purpose, key=lambda purpose: len(purpose) if purpose in FLOWS else 0)
    facts = replace(
        STATED,
        exempt_flows=tuple(
            ExemptFlow(longest, False, source, first, last, f"P{number}".ljust(63, "x")) for number in range(MOST_ROWS)
        ),
        type1_by_collection=tuple(
            CollectionType1(f"d{number}".ljust(63, "x"), LegalBasis.STATUTORY_DIRECTION, False, source, first, last)
            for number in range(MOST_ROWS)
        ),
    )
    assert parse_settings(settings_json(facts)) == facts
    proposed = ChangeProposed("PCH-" + "0" * 26, facts, ChangeReason.CONTROLLER_DECISION).new_event()
    event = Event(SETTINGS, 1, proposed.type, world.NOW, ActorId(OPERATOR.id), "0" * 36, proposed.data)
    assert len(event.line()) < MAX_LEAF_BYTES


def test_views_say_what_differs_and_who(house: House) -> None:
    change = house.proposed()
    now = house.clock.now()
    waiting = policy_view(house.book.entry().value, now)["waiting"]
    found = house.book.entry().value.change(change)
    assert found is not None
    assert waiting == change_view(found, now)
    assert {(one["field"], one["before"], one["after"]) for one in waiting["differences"]} == {
        ("freshness.direct_days", 1, 20),
        ("freshness.cache_days", 1, 13),
    }
    house.confirm(change)
    shown = policy_view(house.book.entry().value, now)
    assert shown["waiting"] is None
    assert shown["policy_hash"] == LOOSER.policy_hash
    assert shown["settings_sha256"] == settings_hash(LOOSER)
    assert [line["state"] for line in shown["changes"]] == ["confirmed"]


@given(
    st.lists(st.tuples(st.sampled_from(["propose", "confirm", "withdraw", "wait"]), st.integers(0, 20)), max_size=14)
)
def test_settings_never_change_without_two(steps: list[tuple[str, int]]) -> None:
    """Whatever anybody tries: what is in force was proposed by an operator and confirmed by somebody else."""
    house, people = House(), (OPERATOR, SECOND, NADIA, TARA, GRETA, DEV, ROSA)
    acts: dict[str, Callable[[Person, str, int], object]] = {
        "propose": lambda who, _, number: house.propose((LOOSER, STATED, CHECK_AT_DISCLOSURE)[number % 3], who.id),
        "confirm": lambda who, change, _: house.confirm(change, who.id),
        "withdraw": lambda who, change, _: house.withdraw(change, who.id),
        "wait": lambda *_: setattr(house.clock, "moment", house.clock.moment + 3 * DAY),
    }
    for act, number in steps:
        changes = house.book.entry().value.changes
        acts[act](people[number % len(people)], changes[number % len(changes)].id if changes else "PCH-0", number)
    state = house.book.entry().value
    confirmed = [change for change in state.changes if change.closed is ChangeState.CONFIRMED]
    for change in confirmed:
        assert change.proposed_by in {OPERATOR.id, SECOND.id}
        assert change.closed_by in {NADIA.id, TARA.id, GRETA.id}
        assert change.closed_at is not None
        assert change.closed_at < change.expires_at
    newest = max(confirmed, key=lambda change: change.closed_at or world.NOW, default=None)
    assert settings_json(state.facts) == (settings_json(CHECK_AT_DISCLOSURE) if newest is None else newest.settings)
