"""Rules of a domain under two people and more: what no order of proposals, confirmations and days can bring about."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.canonical import JsonObject, JsonValue
from keyholder.ledger.event import Event
from keyholder.ledger.log import EventLog, IdempotencyKey
from keyholder.pseudonyms.token import Scheme
from keyholder.refusals import Refusal
from keyholder.registry.domains import CareOrigin, Domain, SourceDataset
from keyholder.registry.events import DOMAIN_KEYS_MADE, fold_domain
from keyholder.registry.factors import BESIDE_CONTROLLERS, Factor
from keyholder.registry.fields import Fields, UnknownEventError
from keyholder.registry.people import Person
from keyholder.registry.quorum import met
from keyholder.registry.rule_changes import OPEN_FOR, RuleChangeReason, open_rule_changes
from keyholder.registry.rule_events import RULE_CHANGE_CONFIRMED, RuleChangeWithdrawn
from keyholder.registry.rules import Rule, Rules, changed, loosened, read_rules, rules_json
from keyholder.registry.service import Call, Entry, Registry
from keyholder.registry.sign_in import SignIn
from keyholder.vocabulary import ActorId, IdentifierType, OrganisationCode, PersonId, Role, StreamId
from tests.fakes.ledger import ManualClock, memory_ledger
from tests.unit.requests import world
from tests.unit.requests.world import (
    BOTH,
    CONFIRMER,
    GP,
    GRETA,
    NADIA,
    NHSE,
    NILS,
    OPERATOR,
    OTHER,
    ROSA,
    TARA,
    TRUST,
    CountedIds,
)

SECOND = world.person("second guardian", (Role.CALDICOTT_GUARDIAN, TRUST))
STREAM = StreamId(f"domain/{GP}")
NHS, POSTCODE, BORN = IdentifierType.NHS_NUMBER, IdentifierType.POSTCODE, IdentifierType.DATE_OF_BIRTH
Outcome = Entry[Domain] | Refusal


class House:
    """Two operators, controllers of two organisations, a guardian of each, and a domain with its keys."""

    def __init__(self, **factors: int) -> None:
        self.clock = ManualClock()
        self.log: EventLog = memory_ledger(self.clock)
        self.registry = Registry(self.log, CountedIds(), OPERATOR.id)
        for who in (OPERATOR, CONFIRMER, ROSA, NADIA, NILS, TARA, BOTH, GRETA, SECOND):
            self.register(who)
        domain = world.a_domain(GP, quorum=3, **factors)
        assert isinstance(self.registry.register_domain(self.call(OPERATOR.id), domain), Entry)
        assert isinstance(self.registry.make_keys(self.call(OPERATOR.id), GP, ((NHS, 1), (POSTCODE, 1))), Entry)
        self.clock.wait(timedelta(minutes=1))
        self.made = 0

    def register(self, who: Person) -> None:
        entry = self.registry.register_person(self.call(OPERATOR.id), who)
        assert isinstance(entry, Entry)
        self.confirm_roles(entry.value)

    def confirm_roles(self, who: Person) -> None:
        if who.awaiting:
            confirmed = self.registry.confirm_roles(self.call(CONFIRMER.id), who.id, who.roles, self.clock.now())
            assert isinstance(confirmed, Entry)

    def change(self, who: Person, by: PersonId = OPERATOR.id) -> None:
        assert isinstance(self.registry.change_person(self.call(by), who), Entry)

    def call(self, who: PersonId, acr: str = "AAL2", key: str | None = None) -> Call:
        idempotency = IdempotencyKey(key * 64, "b" * 64) if key else None
        return Call(who, "trace", idempotency, None, SignIn(acr, self.clock.now()))

    @property
    def domain(self) -> Domain:
        found = self.registry.domain(GP)
        assert found is not None
        return found

    def propose(
        self, who: Person = OPERATOR, acr: str = "AAL2", key: str | None = None, /, **wanted: JsonValue
    ) -> Outcome:
        self.made += 1
        proposal = (f"RCH-{self.made:026}", wanted, RuleChangeReason.CONTROLLER_REQUEST)
        return self.registry.propose_rule_change(self.call(who.id, acr, key), GP, proposal, self.clock.now())

    def proposed(self, **wanted: JsonValue) -> str:
        outcome = self.propose(**wanted)
        assert isinstance(outcome, Entry), outcome
        return outcome.value.rule_changes[-1].id

    def confirm(self, change_id: str, who: Person, acr: str = "AAL2", key: str | None = None) -> Outcome:
        return self.registry.confirm_rule_change(self.call(who.id, acr, key), GP, change_id, self.clock.now())

    def withdraw(self, change_id: str, who: Person) -> Outcome:
        return self.registry.withdraw_rule_change(self.call(who.id), GP, change_id, self.clock.now())


@pytest.fixture
def house() -> House:
    return House()


def code(outcome: Outcome) -> str:
    assert isinstance(outcome, Refusal), outcome
    return outcome.code


def done(outcome: Outcome) -> Domain:
    assert isinstance(outcome, Entry), outcome
    return outcome.value


def test_one_of_the_domain_s_people_confirms_what_is_only_stricter(house: House) -> None:
    change_id = house.proposed(quorum=4, factors={"caldicott_guardian": 1})
    assert house.domain.quorum == 3, "a proposal alone changes nothing"
    changed_domain = done(house.confirm(change_id, NADIA))
    assert (changed_domain.quorum, changed_domain.factors) == (4, {Factor.CALDICOTT_GUARDIAN: 1})
    (change,) = house.domain.rule_changes
    assert (change.loosens, change.confirmed_by, change.closed_by) == ((), (NADIA.id,), NADIA.id)


def test_what_loosens_takes_the_people_that_a_release_takes(house: House) -> None:
    change_id = house.proposed(quorum=2)
    for who in (NADIA, NILS):
        assert done(house.confirm(change_id, who)).quorum == 3
    assert code(house.confirm(change_id, NADIA)) == "ALREADY_CONFIRMED"
    assert done(house.confirm(change_id, TARA)).quorum == 2, "three controllers, one of each organisation"
    assert house.domain.rule_changes[0].confirmed_by == (NADIA.id, NILS.id, TARA.id)


def test_no_organisation_loses_its_say_without_its_own_people(house: House) -> None:
    change_id = house.proposed(controllers=[NHSE], quorum=2)
    for who in (NADIA, NILS):
        assert done(house.confirm(change_id, who)).controllers == (NHSE, TRUST)
    house.clock.wait(timedelta(microseconds=1))
    third = world.person("third of NHSE", (Role.CONTROLLER, NHSE))
    house.register(third)
    assert code(house.confirm(change_id, third)) == "NEWLY_ADMITTED"
    assert done(house.confirm(change_id, TARA)).controllers == (NHSE,)


def test_a_factor_is_not_taken_away_without_those_who_fill_it() -> None:
    house = House(caldicott_guardian=1)
    change_id = house.proposed(factors={})
    for who in (NADIA, NILS, TARA):
        assert done(house.confirm(change_id, who)).factors
    assert done(house.confirm(change_id, GRETA)).factors == {}


def test_a_person_in_two_roles_is_one_of_those_it_takes(house: House) -> None:
    change_id = house.proposed(quorum=2)
    assert done(house.confirm(change_id, BOTH)).quorum == 3
    assert done(house.confirm(change_id, NADIA)).quorum == 3
    assert done(house.confirm(change_id, TARA)).quorum == 2


@pytest.mark.parametrize(
    ("who", "expected"),
    [(OPERATOR, "NOT_THIS_DOMAIN_S"), (CONFIRMER, "NOT_THIS_DOMAIN_S"), (ROSA, "NOT_THIS_DOMAIN_S")],
)
def test_only_who_decides_for_the_domain_confirms(house: House, who: Person, expected: str) -> None:
    change_id = house.proposed(quorum=4)
    assert code(house.confirm(change_id, who)) == expected
    assert code(house.propose(NADIA, quorum=5)) == "NOT_AN_OPERATOR"
    assert code(house.confirm("RCH-" + "9" * 26, NADIA)) == "RULE_CHANGE_UNKNOWN"


def test_who_is_admitted_by_the_change_does_not_confirm_it(house: House) -> None:
    other = world.person("controller of another", (Role.CONTROLLER, OTHER))
    house.register(other)
    change_id = house.proposed(controllers=[NHSE, TRUST, OTHER])
    assert code(house.confirm(change_id, other)) == "NOT_THIS_DOMAIN_S"


def test_who_proposed_it_never_confirms_it_whatever_they_became(house: House) -> None:
    change_id = house.proposed(quorum=4)
    house.change(replace(OPERATOR, roles=NADIA.roles), CONFIRMER.id)
    assert code(house.confirm(change_id, OPERATOR)) == "NOT_THIS_DOMAIN_S", "the role waits"
    found = house.registry.person(OPERATOR.id)
    assert found
    outcome = house.registry.confirm_roles(house.call(NADIA.id), OPERATOR.id, found.roles, house.clock.now())
    assert isinstance(outcome, Entry)
    assert code(house.confirm(change_id, OPERATOR)) == "OWN_RULE_CHANGE"
    assert code(house.confirm(change_id, NADIA)) == "PROPOSER_NO_OPERATOR"


def test_a_suspended_confirmation_counts_no_more(house: House) -> None:
    change_id = house.proposed(quorum=2)
    for who in (NADIA, NILS):
        house.confirm(change_id, who)
    house.change(replace(NADIA, disabled=True))
    assert done(house.confirm(change_id, TARA)).quorum == 3
    assert done(house.confirm(change_id, BOTH)).quorum == 2


@pytest.mark.parametrize("who", [OPERATOR, CONFIRMER, NADIA, GRETA])
def test_any_one_of_them_stops_it(house: House, who: Person) -> None:
    change_id = house.proposed(quorum=4)
    done(house.withdraw(change_id, who))
    assert code(house.confirm(change_id, NADIA)) == "RULE_CHANGE_CLOSED"
    assert code(house.withdraw(change_id, who)) == "RULE_CHANGE_CLOSED"
    assert house.domain.quorum == 3
    house.proposed(quorum=4)


def test_nobody_else_stops_it(house: House) -> None:
    change_id = house.proposed(quorum=4)
    assert code(house.withdraw(change_id, ROSA)) == "NOT_THIS_DOMAIN_S"
    done(house.confirm(change_id, NADIA))
    assert code(house.withdraw(change_id, OPERATOR)) == "RULE_CHANGE_CLOSED"


@pytest.mark.parametrize(("waited", "expired"), [(OPEN_FOR - timedelta(seconds=1), False), (OPEN_FOR, True)])
def test_it_waits_seven_days(house: House, waited: timedelta, expired: bool) -> None:
    change_id = house.proposed(quorum=4)
    assert code(house.propose(quorum=5)) == "RULE_CHANGE_OPEN"
    house.clock.moment = house.domain.rule_changes[-1].proposed_at + waited
    if expired:
        assert code(house.confirm(change_id, NADIA)) == "RULE_CHANGE_EXPIRED"
        assert code(house.withdraw(change_id, NADIA)) == "RULE_CHANGE_EXPIRED"
        assert not open_rule_changes(house.domain.rule_changes, house.clock.now())
        house.proposed(quorum=2)
    else:
        done(house.confirm(change_id, NADIA))


@pytest.mark.parametrize(
    ("wanted", "expected", "field"),
    [
        ({"quorum": 0}, "QUORUM_TOO_SMALL", "/quorum"),
        ({"quorum": 1}, "QUORUM_TOO_SMALL", "/quorum"),
        ({"quorum": -1}, "QUORUM_TOO_SMALL", "/quorum"),
        ({"quorum": 21}, "FIELD_RANGE", "/quorum"),
        ({"factors": {"caldicott_guardian": 6}}, "FIELD_RANGE", "/factors/caldicott_guardian"),
        ({"factors": {"controller": 1}}, "FIELD_UNKNOWN", "/factors"),
        ({"controllers": []}, "FIELD_RANGE", "/controllers"),
        ({"identifier_types": []}, "FIELD_RANGE", "/identifier_types"),
        ({"unknown": 1}, "FIELD_UNKNOWN", ""),
        ({"kms_key_arn": "x"}, "FIELD_UNKNOWN", ""),
        ({}, "NOTHING_CHANGES", None),
        ({"quorum": 3, "controllers": [TRUST, NHSE]}, "NOTHING_CHANGES", None),
        ({"schemes": {"nhs_number": "ff1"}}, "SCHEME_FIXED", "/schemes"),
        ({"schemes": {"date_of_birth": "ff1"}}, "SCHEME_TYPE_NOT_IN_DOMAIN", "/schemes"),
        ({"collection_began_on": "2021-07-01"}, "COLLECTION_WITHOUT_DEATHS", "/collection_began_on"),
        ({"quorum": 9}, "RULES_UNATTAINABLE", None),
        ({"factors": {"data_protection_officer": 1}}, "RULES_UNATTAINABLE", None),
        ({"controllers": [NHSE, TRUST, OTHER]}, "RULES_UNATTAINABLE", None),
    ],
)
def test_what_is_no_rule_is_refused_before_anybody_is_asked(
    house: House, wanted: JsonObject, expected: str, field: str | None
) -> None:
    outcome = house.propose(**wanted)
    assert isinstance(outcome, Refusal)
    assert (outcome.code, outcome.field) == (expected, field)
    assert not house.domain.rule_changes


def test_both_sign_in_strongly(house: House) -> None:
    assert code(house.propose(OPERATOR, "AAL1", quorum=4)) == "SIGN_IN_WEAK"
    change_id = house.proposed(quorum=4)
    assert code(house.confirm(change_id, NADIA, "AAL1")) == "SIGN_IN_WEAK"
    done(house.withdraw(change_id, NADIA))


def test_a_new_type_gets_its_first_key_in_the_same_step_and_the_sweeper_is_told(house: House) -> None:
    change_id = house.proposed(identifier_types=[NHS, POSTCODE, BORN])
    for who in (NADIA, NILS, TARA):
        domain = done(house.confirm(change_id, who))
    assert domain.newest_version(BORN) == 1
    assert domain.keys_behind
    assert [event.type for event in house.log.read(STREAM)][-1] == DOMAIN_KEYS_MADE
    entry = house.registry.domain_entry(GP)
    assert entry
    assert house.registry.keys_followed(GP, entry.version, "sweep")
    less = house.proposed(identifier_types=[NHS])
    assert house.domain.rule_changes[-1].loosens == ()
    fewer = done(house.confirm(less, NADIA))
    assert (fewer.identifier_types, fewer.newest_version(BORN), fewer.keys_behind) == ((NHS,), 1, False)
    again = house.proposed(identifier_types=[NHS, BORN])
    for who in (NADIA, NILS, TARA):
        back = done(house.confirm(again, who))
    assert (back.newest_version(BORN), back.keys_behind) == (1, False), "its key is still there"
    assert (
        code(house.propose(identifier_types=[NHS, BORN], schemes={"date_of_birth": "ff1"})) == "SCHEME_TOO_FEW_VALUES"
    )


def test_a_replay_adds_nothing(house: House) -> None:
    first = house.propose(OPERATOR, "AAL2", "p", quorum=4)
    change_id = done(first).rule_changes[-1].id
    confirmed = house.confirm(change_id, NADIA, key="c")
    before = house.log.read(STREAM)
    assert house.propose(OPERATOR, "AAL2", "p", quorum=4) == first
    assert house.confirm(change_id, NADIA, key="c") == confirmed
    assert done(house.confirm(change_id, TARA)).quorum == 4, "confirming what is done is answered"
    assert house.log.read(STREAM) == before


def test_refusals_are_in_the_ledger(house: House) -> None:
    change_id = house.proposed(quorum=4)
    house.confirm(change_id, ROSA)
    (attempt,) = house.log.listed(f"attempts/{ROSA.id}", None, 10)
    (event,) = house.log.read(attempt)
    assert event.data == {"command": "confirm_rule_change", "code": "NOT_THIS_DOMAIN_S", "subject": STREAM}


def test_an_event_about_a_change_that_is_not_open_is_not_read(house: House) -> None:
    change_id = house.proposed(quorum=4)
    done(house.confirm(change_id, NADIA))
    for new in (RuleChangeWithdrawn(change_id).new_event(), RuleChangeWithdrawn("RCH-" + "9" * 26).new_event()):
        stray = Event(STREAM, 9, new.type, house.clock.now(), ActorId(NADIA.id), "trace", new.data)
        with pytest.raises(UnknownEventError):
            fold_domain((*house.log.read(STREAM), stray))


# -- what loosens -----------------------------------------------------------------------------------------------------

CODES = [OrganisationCode(name) for name in ("X26", "RJ1", "ZZ9")]
RULES = st.builds(
    Rules,
    controllers=st.lists(st.sampled_from(CODES), min_size=1, max_size=3, unique=True).map(tuple),
    quorum=st.integers(2, 4),
    factors=st.dictionaries(st.sampled_from(BESIDE_CONTROLLERS), st.integers(1, 2)),
    identifier_types=st.lists(st.sampled_from(IdentifierType), min_size=1, unique=True).map(tuple),
    schemes=st.just({}) | st.just({NHS: Scheme.FF1}),
    source_dataset=st.sampled_from(SourceDataset),
    care_origin=st.sampled_from(CareOrigin),
    collection_began_on=st.none() | st.sampled_from([date(2021, 7, 1), date(2022, 1, 1)]),
    emergency_access=st.booleans(),
)
PEOPLE = st.dictionaries(
    st.sampled_from([PersonId(f"person/{name}") for name in "abcdef"]),
    st.frozensets(st.tuples(st.sampled_from(Factor), st.sampled_from(CODES)), max_size=3),
)


@given(RULES, RULES, PEOPLE)
def test_whoever_could_not_release_before_can_not_after_what_is_said_to_be_stricter(
    before: Rules, after: Rules, people: dict[PersonId, frozenset[tuple[Factor, OrganisationCode]]]
) -> None:
    if not loosened(before, after):
        assert met(people, before.needs()) or not met(people, after.needs())
        assert set(after.identifier_types) <= set(before.identifier_types)
        assert before.emergency_access or not after.emergency_access
        assert (after.source_dataset, after.care_origin) == (before.source_dataset, before.care_origin)


@given(RULES, RULES)
def test_a_change_and_its_way_back_are_never_both_stricter(before: Rules, after: Rules) -> None:
    there, back = changed(before, after), changed(after, before)
    assert there == back
    assert set(loosened(before, after)) <= set(there)
    assert set(there) <= set(loosened(before, after)) | set(loosened(after, before))


@given(RULES)
def test_rules_come_back_as_they_were(rules: Rules) -> None:
    assert read_rules(Fields(rules_json(rules))) == rules
    assert changed(rules, rules) == ()


def test_every_rule_is_a_field_and_every_field_a_rule() -> None:
    assert {rule.value for rule in Rule} == set(Rules.__dataclass_fields__) == set(rules_json(world.a_domain().rules()))


STEPS = st.lists(
    st.tuples(
        st.sampled_from([OPERATOR, CONFIRMER, NADIA, NILS, TARA, GRETA, ROSA]),
        st.sampled_from(["stricter", "looser", "confirm", "confirm", "confirm", "withdraw", "wait"]),
    ),
    max_size=25,
)


@given(STEPS)
def test_no_order_of_steps_loosens_without_a_release_s_people(steps: list[tuple[Person, str]]) -> None:
    house = House(caldicott_guardian=1)
    agreed: set[PersonId] = set()
    for who, what in steps:
        before = house.domain
        waiting = open_rule_changes(before.rule_changes, house.clock.now())
        if what in ("stricter", "looser"):
            outcome = house.propose(who, quorum=before.quorum + (1 if what == "stricter" and before.quorum < 4 else -1))
            agreed = set() if isinstance(outcome, Entry) else agreed
            assert not isinstance(outcome, Entry) or who in (OPERATOR, CONFIRMER)
        elif what == "wait":
            house.clock.wait(timedelta(days=2))
        elif waiting and what == "withdraw":
            house.withdraw(waiting[0].id, who)
        elif waiting and isinstance(house.confirm(waiting[0].id, who), Entry):
            agreed.add(who.id)
        if house.domain.quorum < before.quorum:
            assert {GRETA.id, TARA.id} <= agreed
            assert len(agreed - {GRETA.id}) >= before.quorum
        elif house.domain.quorum > before.quorum:
            assert agreed
        assert house.domain.quorum >= 2
    confirmations = [event for event in house.log.read(STREAM) if event.type == RULE_CHANGE_CONFIRMED]
    assert not {event.actor for event in confirmations} & {OPERATOR.id, CONFIRMER.id, ROSA.id}
