"""Roles that take two people, and terms of use, over the real ledger in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.ledger.event import Event, NewEvent
from keyholder.ledger.log import EventLog, IdempotencyKey
from keyholder.refusals import Refusal
from keyholder.registry import decide_people
from keyholder.registry.decide_people import CONFIRM_WITHIN, Moment
from keyholder.registry.fields import UnknownEventError
from keyholder.registry.people import APPROVING, Membership, Person, PersonKind, person_json
from keyholder.registry.people_events import PERSON_REGISTERED, RolesConfirmed, fold_person
from keyholder.registry.service import Call, Entry, Registry
from keyholder.registry.sign_in import SignIn
from keyholder.registry.terms import Document, Terms, current
from keyholder.registry.terms_texts import in_force, newest, texts
from keyholder.vocabulary import ActorId, PersonId, Role, StreamId
from tests.fakes.ledger import ManualClock, memory_ledger
from tests.unit.requests import world
from tests.unit.requests.world import GRETA, NADIA, NHSE, NILS, OPERATOR, OTHER, ROSA, TARA, TRUST, CountedIds

SECOND = world.person("second operator", (Role.OPERATOR, OTHER))
THIRD = world.person("third operator", (Role.OPERATOR, OTHER))
CONTROLLER = Membership(Role.CONTROLLER, NHSE)
Outcome = Entry[Person] | Refusal


class House:
    """A registry with three operators and no controller yet."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.log: EventLog = memory_ledger(self.clock)
        self.registry = Registry(self.log, CountedIds(), OPERATOR.id, terms=world.some_terms())
        for who in (OPERATOR, SECOND, THIRD, ROSA):
            self.done(self.registry.register_person(self.call(OPERATOR.id), who))

    def call(self, who: PersonId, acr: str = "AAL2", key: str | None = None) -> Call:
        idempotency = IdempotencyKey(key * 64, "b" * 64) if key else None
        return Call(who, "trace", idempotency, None, SignIn(acr, self.clock.now()))

    def done(self, outcome: Outcome) -> Person:
        assert isinstance(outcome, Entry), outcome
        return outcome.value

    def register(self, person: Person, who: PersonId = OPERATOR.id) -> Person:
        return self.done(self.registry.register_person(self.call(who), person))

    def change(self, person: Person, who: PersonId = OPERATOR.id) -> Person:
        return self.done(self.registry.change_person(self.call(who), person))

    def confirm(
        self, person: Person, *roles: Membership, who: PersonId = SECOND.id, acr: str = "AAL2", key: str | None = None
    ) -> Outcome:
        call = self.call(who, acr, key)
        return self.registry.confirm_roles(call, person.id, roles or person.roles, self.clock.now())

    def person(self, who: Person) -> Person:
        found = self.registry.person(who.id)
        assert found
        return found


@pytest.fixture
def house() -> House:
    return House()


def code(outcome: Outcome) -> str:
    assert isinstance(outcome, Refusal), outcome
    return outcome.code


def test_a_role_that_decides_counts_once_a_second_person_has_confirmed_it(house: House) -> None:
    registered = house.register(NADIA)
    assert registered.awaiting == {CONTROLLER}
    assert not registered.has(Role.CONTROLLER)
    assert not registered.approves_for(NHSE)
    confirmed = house.done(house.confirm(NADIA))
    assert confirmed.has(Role.CONTROLLER)
    assert confirmed.organisations(Role.CONTROLLER) == {NHSE}
    assert confirmed.awaiting == frozenset()
    assert confirmed.grants[CONTROLLER].since == house.clock.now()


@pytest.mark.parametrize("role", Role)
def test_only_roles_that_decide_wait(house: House, role: Role) -> None:
    somebody = house.register(world.person("somebody", (role, NHSE)))
    assert bool(somebody.awaiting) == (role in APPROVING)
    assert somebody.has(role) == (role not in APPROVING)


def test_nobody_confirms_what_they_gave_and_nobody_their_own(house: House) -> None:
    house.register(NADIA)
    assert code(house.confirm(NADIA, who=OPERATOR.id)) == "OWN_GRANT"
    assert code(house.confirm(NADIA, who=NADIA.id)) == "NOT_TO_CONFIRM"
    assert code(house.confirm(NADIA, who=ROSA.id)) == "NOT_TO_CONFIRM"
    assert code(house.confirm(NADIA, who=PersonId("person/" + "0" * 32))) == "NOT_TO_CONFIRM"
    house.done(house.confirm(NADIA))
    more = replace(NADIA, roles=(*NADIA.roles, Membership(Role.CALDICOTT_GUARDIAN, NHSE)))
    house.change(more)
    assert code(house.confirm(more, more.roles[1], who=NADIA.id)) == "OWN_RECORD"


def test_whoever_wrote_the_record_again_has_given_the_role_too(house: House) -> None:
    """Else one operator could have another touch the record, and confirm what is their own."""
    house.register(NADIA)
    house.change(NADIA, SECOND.id)
    for giver in (OPERATOR.id, SECOND.id):
        assert code(house.confirm(NADIA, who=giver)) == "OWN_GRANT"
    house.done(house.confirm(NADIA, who=THIRD.id))


def test_who_decides_for_the_organisation_may_confirm_and_nobody_of_another(house: House) -> None:
    for who in (NADIA, TARA):
        house.register(who)
        house.done(house.confirm(who))
    house.register(GRETA)
    assert code(house.confirm(GRETA, who=TARA.id)) == "NOT_TO_CONFIRM"
    house.register(NILS)
    assert code(house.confirm(NILS, who=GRETA.id)) == "NOT_TO_CONFIRM", "she waits herself"
    house.done(house.confirm(GRETA, who=NADIA.id))
    house.done(house.confirm(NILS, who=GRETA.id))
    both = house.register(world.BOTH)
    assert code(house.confirm(both, who=NADIA.id)) == "NOT_TO_CONFIRM", "one of them is the other organisation's"
    house.done(house.confirm(both, CONTROLLER, who=NADIA.id))
    assert house.person(both).organisations(Role.CONTROLLER) == {NHSE}
    house.done(house.confirm(both, Membership(Role.CONTROLLER, TRUST), who=TARA.id))


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ((Membership(Role.CONTROLLER, TRUST),), "ROLES_NOT_AWAITING"),
        ((Membership(Role.CALDICOTT_GUARDIAN, NHSE),), "ROLES_NOT_AWAITING"),
        ((CONTROLLER, CONTROLLER), "ROLES_NOT_AWAITING"),
        ((CONTROLLER, Membership(Role.OPERATOR, OTHER)), "ROLES_NOT_AWAITING"),
    ],
)
def test_what_is_confirmed_is_named_and_waits(house: House, roles: tuple[Membership, ...], expected: str) -> None:
    house.register(NADIA)
    assert code(house.confirm(NADIA, *roles)) == expected
    house.done(house.confirm(NADIA))
    assert code(house.confirm(NADIA)) == "ROLES_NOT_AWAITING"
    nothing = decide_people.confirm(SECOND, house.person(NADIA), (), Moment(house.clock.now(), house.registry.person))
    assert nothing is decide_people.ROLES_NOT_AWAITING


def test_who_is_not_registered_has_no_role_to_confirm(house: House) -> None:
    assert code(house.confirm(NADIA)) == "NOT_REGISTERED"


@pytest.mark.parametrize("changed", [replace(OPERATOR, disabled=True), replace(OPERATOR, roles=ROSA.roles)])
def test_a_giver_who_is_no_operator_any_more_is_no_first_person(house: House, changed: Person) -> None:
    house.register(NADIA)
    house.change(changed, THIRD.id)
    assert code(house.confirm(NADIA)) == "GIVER_NO_OPERATOR"
    house.change(NADIA, THIRD.id)
    house.done(house.confirm(NADIA))


@pytest.mark.parametrize(("early", "confirmed"), [(timedelta(seconds=1), True), (timedelta(0), False)])
def test_it_waits_seven_days(house: House, early: timedelta, confirmed: bool) -> None:
    given = house.register(NADIA).grants[CONTROLLER]
    house.clock.moment = given.given_at + CONFIRM_WITHIN - early
    outcome = house.confirm(NADIA)
    assert isinstance(outcome, Entry) == confirmed
    if not confirmed:
        assert code(outcome) == "GRANT_EXPIRED"
        house.change(NADIA)
        house.done(house.confirm(NADIA))


@pytest.mark.parametrize("acr", ["AAL1", ""])
def test_it_takes_a_strong_sign_in(house: House, acr: str) -> None:
    house.register(NADIA)
    assert code(house.confirm(NADIA, acr=acr)) == "SIGN_IN_WEAK"
    call = replace(house.call(SECOND.id), sign_in=None)
    assert code(house.registry.confirm_roles(call, NADIA.id, NADIA.roles, house.clock.now())) == "SIGN_IN_WEAK"
    old = replace(call, sign_in=SignIn("AAL2", house.clock.now() - timedelta(minutes=16)))
    assert code(house.registry.confirm_roles(old, NADIA.id, NADIA.roles, house.clock.now())) == "SIGN_IN_OLD"


@pytest.mark.parametrize("who", [replace(SECOND, disabled=True), replace(SECOND, kind=PersonKind.MACHINE), None])
def test_a_suspended_operator_or_a_machine_is_no_second_person(house: House, who: Person | None) -> None:
    house.register(NADIA)
    moment = Moment(house.clock.now(), house.registry.person)
    outcome = decide_people.confirm(who, house.person(NADIA), NADIA.roles, moment)
    assert outcome is decide_people.NOT_TO_CONFIRM


def test_what_was_confirmed_stays_so_and_what_comes_back_is_as_new(house: House) -> None:
    house.register(NADIA)
    house.done(house.confirm(NADIA))
    since = house.person(NADIA).grants[CONTROLLER].since
    house.clock.wait(timedelta(days=30))
    renewed = house.change(replace(NADIA, accredited_until=None))
    assert (renewed.awaiting, renewed.grants[CONTROLLER].since) == (frozenset(), since)
    for away in (replace(NADIA, disabled=True), replace(NADIA, roles=ROSA.roles)):
        gone = house.change(away)
        assert not gone.approves_for(NHSE) or gone.disabled
        back = house.change(NADIA)
        assert back.awaiting == {CONTROLLER}
        house.done(house.confirm(NADIA))


def test_the_suspended_are_not_confirmed(house: House) -> None:
    house.register(NADIA)
    suspended = house.change(replace(NADIA, disabled=True))
    assert code(house.confirm(suspended)) == "ROLES_NOT_AWAITING"


def test_a_repeated_confirmation_adds_nothing(house: House) -> None:
    house.register(NADIA)
    first = house.confirm(NADIA, key="c")
    before = house.log.read(StreamId(NADIA.id))
    assert house.confirm(NADIA, key="c") == first
    assert house.log.read(StreamId(NADIA.id)) == before


def test_a_record_from_before_there_were_two_counts_at_once() -> None:
    data = {name: value for name, value in person_json(NADIA).items() if name != "awaiting"}
    new = NewEvent(PERSON_REGISTERED, data)
    event = Event(StreamId(NADIA.id), 1, new.type, world.NOW, ActorId(OPERATOR.id), "trace", new.data)
    folded = fold_person([event])
    assert folded is not None
    assert folded.has(Role.CONTROLLER)
    assert folded.grants[CONTROLLER].since == world.NOW


def test_a_confirmation_of_what_does_not_wait_is_not_read(house: House) -> None:
    house.register(NADIA)
    house.done(house.confirm(NADIA))
    new = RolesConfirmed((CONTROLLER,)).new_event()
    stray = Event(StreamId(NADIA.id), 3, new.type, world.NOW, ActorId(SECOND.id), "trace", new.data)
    with pytest.raises(UnknownEventError):
        fold_person([*house.log.read(StreamId(NADIA.id)), stray])


STEPS = st.lists(
    st.tuples(
        st.sampled_from([OPERATOR, SECOND, THIRD, NADIA, NILS]),
        st.sampled_from(["give", "take", "suspend", "confirm", "wait"]),
        st.sampled_from([NADIA, NILS]),
    ),
    max_size=25,
)


class Account:
    """The model's own account of who stands behind each role."""

    def __init__(self) -> None:
        self.givers: dict[PersonId, set[PersonId]] = {who.id: {OPERATOR.id} for who in (NADIA, NILS)}
        self.behind: dict[PersonId, set[PersonId]] = {}

    def written(self, whom: PersonId, acting: PersonId, what: str) -> None:
        """A new record: what counted goes on, unless it was taken or suspended."""
        counted = whom in self.behind
        if what == "give" and counted:
            return
        self.behind.pop(whom, None)
        taken = what == "take" or counted
        self.givers[whom] = set() if taken else self.givers[whom] | {acting}

    def confirmed(self, whom: PersonId, acting: PersonId) -> None:
        assert acting not in self.givers[whom]
        assert acting != whom
        self.behind[whom] = self.givers[whom] | {acting}
        assert len(self.behind[whom] - {whom}) >= 2


@given(STEPS)
def test_no_order_of_steps_gives_a_role_by_one_person(steps: list[tuple[Person, str, Person]]) -> None:
    house, account = House(), Account()
    for who in (NADIA, NILS):
        house.register(who)
    for acting, what, whom in steps:
        record = {"give": whom, "take": replace(whom, roles=()), "suspend": replace(whom, disabled=True)}.get(what)
        if record is not None:
            if isinstance(house.registry.change_person(house.call(acting.id), record), Entry):
                account.written(whom.id, acting.id, what)
        elif what == "wait":
            house.clock.wait(timedelta(days=4))
        elif isinstance(house.confirm(whom, who=acting.id), Entry):
            account.confirmed(whom.id, acting.id)
        for one in (NADIA, NILS):
            known = house.person(one)
            assert (known.has(Role.CONTROLLER) and not known.disabled) == (one.id in account.behind)


# -- terms ------------------------------------------------------------------------------------------------------------


def accept(house: House, who: Person, terms: Terms, acr: str = "AAL2") -> Outcome:
    return house.registry.accept_terms(house.call(who.id, acr), terms, house.clock.now())


def test_only_the_text_in_force_is_accepted_and_only_by_oneself(house: House) -> None:
    wanted = world.some_terms()[Document.REQUESTER]
    assert not current(house.person(ROSA).terms, Document.REQUESTER, world.some_terms())
    for other in (replace(wanted, version=2), replace(wanted, sha256="ff" * 32)):
        assert code(accept(house, ROSA, other)) == "TERMS_OUTDATED"
    assert code(accept(house, ROSA, wanted, "AAL1")) == "SIGN_IN_WEAK"
    assert code(accept(house, NADIA, wanted)) == "NOT_A_PERSON_HERE"
    accepted = house.done(accept(house, ROSA, wanted))
    assert accepted.terms[Document.REQUESTER].at == house.clock.now()
    assert current(house.person(ROSA).terms, Document.REQUESTER, world.some_terms())
    assert not current(house.person(ROSA).terms, Document.APPROVER, world.some_terms())
    assert not current(house.person(ROSA).terms, Document.REQUESTER, world.some_terms(2))


def test_accepting_again_adds_nothing_and_a_changed_record_forgets_nothing(house: House) -> None:
    wanted = world.some_terms()[Document.REQUESTER]
    house.done(accept(house, ROSA, wanted))
    house.done(accept(house, ROSA, wanted))
    assert len(house.log.read(StreamId(ROSA.id))) == 2
    assert current(house.change(replace(ROSA, capacities=())).terms, Document.REQUESTER, world.some_terms())


def test_a_document_the_deployment_does_not_have_asks_nothing(house: House) -> None:
    registry = Registry(house.log, CountedIds())
    outcome = registry.accept_terms(house.call(ROSA.id), world.some_terms()[Document.REQUESTER], house.clock.now())
    assert code(outcome) == "TERMS_UNKNOWN"
    assert current({}, Document.REQUESTER, {})


def test_the_deployment_comes_with_a_text_for_each() -> None:
    assert set(texts()) == set(Document)
    assert {document: text.terms for document, text in texts().items()} == in_force()
    assert all(text.text.startswith("# ") and text.terms.version >= 1 for text in texts().values())


def test_the_newest_text_is_in_force_by_number_and_a_stray_file_is_seen() -> None:
    found = newest([("requester-9.md", b"nine"), ("requester-10.md", b"ten"), ("approver-1.md", b"one")])
    assert {document: text.text for document, text in found.items()} == {
        Document.REQUESTER: "ten",
        Document.APPROVER: "one",
    }
    for name in ("requester.md", "requester-0.md", "requester-01.md", "reader-1.md", "requester-1.md.md"):
        with pytest.raises(ValueError, match="no text of terms"):
            newest([(name, b"words")])
    with pytest.raises(ValueError, match="no text of terms"):
        newest([("requester-1.md", b" \n")])
