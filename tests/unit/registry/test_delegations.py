"""Deciding in somebody's place: who lends a role to whom, who confirms it, and everything that ends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import pytest

from keyholder.canonical import JsonObject
from keyholder.refusals import Refusal
from keyholder.registry.decide_delegations import may_read
from keyholder.registry.delegation_book import Delegations
from keyholder.registry.delegation_events import delegation_stream
from keyholder.registry.delegations import Delegation, DelegationReason, Wish, delegation_view, parse_wish
from keyholder.registry.domains import Domain
from keyholder.registry.people import Membership, Person, PersonKind
from keyholder.registry.service import Call, Entry
from keyholder.registry.sign_in import SignIn
from keyholder.vocabulary import DomainId, OrganisationCode, Role
from tests.fakes.ledger import ManualClock, Memory, memory_ledger
from tests.unit.requests import world
from tests.unit.requests.world import (
    AUDITOR,
    CONFIRMER,
    GP,
    GRETA,
    HOSPITAL,
    NADIA,
    NHSE,
    NILS,
    OPERATOR,
    ROSA,
    TARA,
    TRUST,
)

NAME, OTHER_NAME = (f"DLG-{number:026}" for number in (1, 2))
ADA = world.person("ada", (Role.RESEARCHER, NHSE))
"""Works for the same organisation as NADIA, and decides nothing."""
MIA = world.person("mia", (Role.PROVIDER, NHSE), kind=PersonKind.MACHINE)
HELD = Membership(Role.CONTROLLER, NHSE)
TODAY = world.NOW.date()


def wish(who: Person = ADA, held: Membership = HELD, first: int = 0, days: int = 14) -> Wish:
    begins = TODAY + timedelta(days=first)
    return Wish(who.id, held, begins, begins + timedelta(days=days - 1), DelegationReason.PLANNED_ABSENCE)


@dataclass
class Office:
    """Everybody registered, and delegations."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(world.NOW))
    domains: Mapping[DomainId, Domain] = field(
        default_factory=lambda: {GP: world.a_domain(), HOSPITAL: world.a_domain(HOSPITAL, TRUST)}
    )

    def __post_init__(self) -> None:
        log = memory_ledger(self.clock, Memory())
        self.house = world.House(log, self.clock, domains=self.domains, terms=world.some_terms())
        self.book = Delegations(self.house.log, self.house.ids, terms=self.house.terms)
        self.number = 0
        for who in (ADA, MIA):
            self.house.register(who)
        self.house.accept(ADA)
        # What was registered is older than what is lent.
        self.clock.moment += timedelta(seconds=1)

    def call(self, who: Person) -> Call:
        self.number += 1
        return Call(who.id, f"t-{self.number}")

    def sign_in(self, acr: str = "AAL2") -> SignIn:
        return SignIn(acr, self.clock.now())

    def name(self, who: Person = NADIA, what: Wish | None = None, name: str = NAME, acr: str = "AAL2") -> object:
        return self.book.name(self.call(who), self.sign_in(acr), name, what or wish(), self.clock.now())

    def confirm(self, who: Person = CONFIRMER, acr: str = "AAL2") -> object:
        return self.book.confirm(self.call(who), self.sign_in(acr), NAME, self.clock.now())

    def withdraw(self, who: Person = NADIA) -> object:
        return self.book.withdraw(self.call(who), NAME, self.clock.now())

    def lent(self, what: Wish | None = None) -> Office:
        for outcome in (self.name(what=what), self.confirm()):
            assert isinstance(outcome, Entry), outcome
        return self

    def changed(self, who: Person, **changes: object) -> None:
        """An operator writes another record of somebody."""
        self.clock.moment += timedelta(seconds=1)
        record = replace(who, **changes)  # type: ignore[arg-type] - a test names the fields it changes
        entry = self.house.registry.change_person(self.call(OPERATOR), record)
        assert isinstance(entry, Entry), entry
        if not entry.value.disabled:
            self.house.confirm(entry.value)
        self.clock.moment += timedelta(seconds=1)

    @property
    def in_force(self) -> bool:
        return bool(self.book.lent_to(ADA.id, self.clock.now()))

    @property
    def delegation(self) -> Delegation:
        entry = self.book.entry(NAME)
        assert entry
        return entry.value


@pytest.fixture
def office() -> Office:
    return Office()


def code(outcome: object) -> str | None:
    return outcome.code if isinstance(outcome, Refusal) else None


@pytest.mark.parametrize("who", [ADA, ROSA, OPERATOR, AUDITOR, TARA, GRETA])
def test_only_who_holds_a_role_lends_it(office: Office, who: Person) -> None:
    assert code(office.name(who)) == "NOT_THE_HOLDER"


def test_only_a_role_that_decides_is_lent(office: Office) -> None:
    researcher = Membership(Role.RESEARCHER, world.OTHER)
    assert code(office.name(ROSA, wish(world.STRANGER, researcher))) == "NOT_THE_HOLDER"


def test_a_role_that_nobody_confirmed_is_not_lent(office: Office) -> None:
    new = world.person("new", (Role.CONTROLLER, NHSE))
    assert isinstance(office.house.registry.register_person(office.call(OPERATOR), new), Entry)
    assert code(office.name(new)) == "NOT_THE_HOLDER"


@pytest.mark.parametrize(
    ("who", "wrong"),
    [
        (NADIA, "OWN_DELEGATE"),
        (NILS, "DELEGATE_UNFIT"),
        (TARA, "DELEGATE_UNFIT"),
        (MIA, "DELEGATE_UNFIT"),
        (OPERATOR, "DELEGATE_UNFIT"),
        (world.person("nobody"), "DELEGATE_UNFIT"),
        (GRETA, None),
        (ADA, None),
    ],
    ids=[
        "oneself",
        "holds it already",
        "another organisation",
        "a machine",
        "an operator",
        "unknown",
        "guardian",
        "ok",
    ],
)
def test_who_can_be_lent_a_role(office: Office, who: Person, wrong: str | None) -> None:
    assert code(office.name(what=wish(who))) == wrong


def test_an_operator_or_an_auditor_of_the_organisation_is_lent_nothing(office: Office) -> None:
    for role in (Role.OPERATOR, Role.AUDITOR):
        who = world.person(f"{role} of it", (role, NHSE))
        office.house.register(who)
        office.house.accept(who)
        office.clock.moment += timedelta(seconds=1)
        assert code(office.name(what=wish(who))) == "DELEGATE_UNFIT"


def test_who_is_suspended_lends_nothing_and_is_lent_nothing(office: Office) -> None:
    office.changed(ADA, disabled=True)
    assert code(office.name()) == "DELEGATE_UNFIT"
    office.changed(NADIA, disabled=True)
    assert code(office.name(what=wish(GRETA))) == "NOT_THE_HOLDER"


def test_both_have_accepted_the_terms_of_use(office: Office) -> None:
    new = world.person("late", (Role.RESEARCHER, NHSE))
    office.house.register(new)
    office.clock.moment += timedelta(seconds=1)
    assert code(office.name(what=wish(new))) == "DELEGATE_TERMS"
    newer = Delegations(office.house.log, office.house.ids, terms=world.some_terms(2))
    outcome = newer.name(office.call(NADIA), office.sign_in(), NAME, wish(), office.clock.now())
    assert code(outcome) == "TERMS_NOT_ACCEPTED"


@pytest.mark.parametrize(
    ("first", "days", "fine"),
    [(0, 1, True), (0, 30, True), (90, 30, True), (-1, 5, False), (91, 1, False), (0, 31, False), (5, 0, False)],
)
def test_its_days_are_bounded(office: Office, first: int, days: int, *, fine: bool) -> None:
    assert code(office.name(what=wish(first=first, days=days))) == (None if fine else "DAYS_OUT_OF_RANGE")


def test_a_role_is_lent_to_one_at_a_time(office: Office) -> None:
    office.lent()
    assert code(office.name(what=wish(GRETA, first=13), name=OTHER_NAME)) == "DELEGATION_OVERLAPS"
    assert code(office.name(what=wish(GRETA, first=14), name=OTHER_NAME)) is None
    assert code(office.name()) == "ALREADY_NAMED"


def test_it_takes_a_second_person_who_is_neither_of_the_two(office: Office) -> None:
    office.name()
    assert not office.in_force
    for who, wrong in (
        (NADIA, "OWN_DELEGATION"),
        (ADA, "NOT_TO_CONFIRM"),
        (ROSA, "NOT_TO_CONFIRM"),
        (TARA, "NOT_TO_CONFIRM"),
        (AUDITOR, "NOT_TO_CONFIRM"),
    ):
        assert code(office.confirm(who)) == wrong
    assert code(office.confirm(acr="AAL1")) == "SIGN_IN_WEAK"
    assert isinstance(office.confirm(NILS), Entry)
    assert office.in_force
    assert code(office.confirm()) == "DELEGATION_CLOSED"


def test_the_delegate_who_decides_otherwise_does_not_confirm_it(office: Office) -> None:
    office.name(what=wish(GRETA))
    assert code(office.confirm(GRETA)) == "OWN_DELEGATION"


def test_it_needs_a_strong_and_recent_sign_in(office: Office) -> None:
    assert code(office.name(acr="AAL1")) == "SIGN_IN_WEAK"


def test_silence_confirms_nothing_and_it_holds_on_its_days_only(office: Office) -> None:
    office.name(what=wish(first=10, days=2))
    office.clock.wait(timedelta(days=7))
    assert code(office.confirm()) == "DELEGATION_CLOSED"
    later = Office()
    later.lent(wish(first=1, days=2))
    held = []
    for _ in range(4):
        held.append(later.in_force)
        later.clock.wait(timedelta(days=1))
    assert held == [False, True, True, False]
    assert code(later.withdraw()) == "DELEGATION_CLOSED"


@pytest.mark.parametrize("who", [NADIA, ADA, OPERATOR, NILS])
def test_one_person_ends_it(office: Office, who: Person) -> None:
    office.lent()
    assert isinstance(office.withdraw(who), Entry)
    assert not office.in_force


@pytest.mark.parametrize("who", [ROSA, TARA, AUDITOR])
def test_nobody_else_does_and_only_auditors_see_it_too(office: Office, who: Person) -> None:
    office.lent()
    assert code(office.withdraw(who)) == "NOT_TO_WITHDRAW"
    assert may_read(who, office.delegation) is (who is AUDITOR)


@pytest.mark.parametrize(
    ("who", "changes"),
    [
        (NADIA, {"disabled": True}),
        (NADIA, {"roles": ()}),
        (NADIA, {"roles": (Membership(Role.CONTROLLER, TRUST),)}),
        (ADA, {"disabled": True}),
        (ADA, {"roles": ()}),
        (ADA, {"roles": (Membership(Role.RESEARCHER, TRUST),)}),
        (ADA, {"roles": (Membership(Role.AUDITOR, NHSE),)}),
        (ADA, {"roles": (*ADA.roles, HELD)}),
    ],
)
def test_it_ends_with_what_it_rests_on_and_does_not_come_back(
    office: Office, who: Person, changes: dict[str, object]
) -> None:
    """Suspended, a role lost; whoever gets it back begins anew."""
    office.lent()
    assert office.in_force
    office.changed(who, **changes)
    assert not office.in_force
    assert office.book.stand_ins(NADIA.id, office.clock.now()) == frozenset()
    office.changed(who, disabled=False, roles=who.roles)
    if changes.get("roles") != (*ADA.roles, HELD):
        assert not office.in_force, "what was lost and given back is not what was lent"
    assert code(office.confirm()) == "DELEGATION_CLOSED"


def test_what_was_lost_meanwhile_is_not_confirmed(office: Office) -> None:
    office.name()
    office.changed(NADIA, disabled=True)
    office.changed(NADIA, disabled=False)
    assert code(office.confirm()) == "DELEGATION_LAPSED"


def test_nobody_lends_what_they_were_lent(office: Office) -> None:
    office.lent()
    assert code(office.name(ADA, wish(GRETA), OTHER_NAME)) == "NOT_THE_HOLDER"


def test_who_stands_in_for_whom_is_known_from_both_sides(office: Office) -> None:
    office.lent()
    now = office.clock.now()
    assert office.book.stand_ins(NADIA.id, now) == {ADA.id}
    assert office.book.stand_ins(ADA.id, now) == {NADIA.id}
    ((delegate, under),) = office.book.standing_in(OrganisationCode(NHSE), now)
    assert (delegate, under.delegator.id, under.membership) == (ADA.id, NADIA.id, HELD)
    assert under.lent_to(ADA).roles == (HELD,), "nobody acts in two capacities at once"
    assert code(office.book.under(GRETA.id, NAME, now)) == "DELEGATION_UNKNOWN"
    assert code(office.book.under(ADA.id, "nonsense", now)) == "DELEGATION_UNKNOWN"
    office.withdraw()
    assert code(office.book.under(ADA.id, NAME, now)) == "DELEGATION_NOT_IN_FORCE"


def test_the_ledger_names_both_and_says_nothing_of_health(office: Office) -> None:
    office.lent()
    office.withdraw()
    events = office.house.log.read(delegation_stream(NAME))
    assert [event.type for event in events] == ["delegation.named", "delegation.confirmed", "delegation.withdrawn"]
    assert all((one.data["delegator"], one.data["delegate"]) == (NADIA.id, ADA.id) for one in events)
    assert not any("sick" in reason or "health" in reason for reason in DelegationReason)


def test_a_body_is_read_as_it_is_written_and_nothing_else_is() -> None:
    raw: JsonObject = wish().json()
    assert parse_wish(raw) == wish()
    for wrong in ({"more": 1}, {"role": "king"}, {"until": "tomorrow"}, {"reason": "flu"}, {"delegate": "ada"}):
        assert isinstance(parse_wish({**raw, **wrong}), Refusal)


def test_what_is_shown_of_it(office: Office) -> None:
    office.lent()
    view = delegation_view(office.delegation, office.clock.now(), 2, in_force=True)
    assert (view["state"], view["in_force"], view["delegator"], view["delegate"]) == (
        "confirmed", True, NADIA.id, ADA.id,
    )  # fmt: skip
    assert date.fromisoformat(str(view["from"])) == TODAY
