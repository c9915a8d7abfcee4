"""The life of domain keys under two people: what no order of proposals, confirmations and hours can bring about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyholder.ledger.event import Event
from keyholder.ledger.log import EventLog, IdempotencyKey
from keyholder.refusals import Refusal
from keyholder.registry import decide_keys
from keyholder.registry.domains import Domain, KeyState
from keyholder.registry.events import (
    DOMAIN_KEY_CHANGED,
    DOMAIN_KEYS_MADE,
    KEY_CHANGE_CONFIRMED,
    KEY_CHANGE_PROPOSED,
    KeyChangeWithdrawn,
    UnknownEventError,
    fold_domain,
)
from keyholder.registry.key_changes import OPEN_FOR, Change, ChangeReason, ChangeState, Wish, open_changes, parse_wish
from keyholder.registry.people import PersonKind
from keyholder.registry.service import Call, Entry, Registry
from keyholder.vocabulary import ActorId, IdentifierType, PersonId, Role, StreamId
from tests.fakes.ledger import ManualClock, memory_ledger
from tests.unit.requests import world
from tests.unit.requests.world import GP, OPERATOR, OTHER, ROSA, CountedIds

SECOND = world.person("second operator", (Role.OPERATOR, OTHER))
THIRD = world.person("third operator", (Role.OPERATOR, OTHER))
NHS, POSTCODE = IdentifierType.NHS_NUMBER, IdentifierType.POSTCODE
STREAM = StreamId(f"domain/{GP}")
Outcome = Entry[Domain] | Refusal


class House:
    """A registry with three operators, a researcher, and a domain with its first keys."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.log: EventLog = memory_ledger(self.clock)
        self.registry = Registry(self.log, CountedIds(), OPERATOR.id)
        self.made = 0
        for who in (OPERATOR, SECOND, THIRD, ROSA):
            assert isinstance(self.registry.register_person(Call(OPERATOR.id, "trace"), who), Entry)
        assert isinstance(self.registry.register_domain(Call(OPERATOR.id, "trace"), world.a_domain()), Entry)
        first = ((NHS, 1), (POSTCODE, 1))
        assert isinstance(self.registry.make_keys(Call(OPERATOR.id, "trace"), GP, first), Entry)

    @property
    def now(self) -> datetime:
        return self.clock.now()

    @property
    def domain(self) -> Domain:
        found = self.registry.domain(GP)
        assert found is not None
        return found

    def events(self) -> tuple[Event, ...]:
        return self.log.read(STREAM)

    def propose(
        self,
        change: Change,
        *versions: int,
        kind: IdentifierType = NHS,
        who: PersonId = OPERATOR.id,
        key: IdempotencyKey | None = None,
    ) -> Outcome:
        self.made += 1
        wish = Wish(change, (kind,), versions, ChangeReason.ROUTINE)
        return self.registry.propose_key_change(Call(who, "trace", key), GP, f"KCH-{self.made:026}", wish, self.now)

    def proposed(self, change: Change, *versions: int, kind: IdentifierType = NHS) -> str:
        outcome = self.propose(change, *versions, kind=kind)
        assert isinstance(outcome, Entry), outcome
        return outcome.value.key_changes[-1].id

    def confirm(self, change_id: str, who: PersonId = SECOND.id, key: IdempotencyKey | None = None) -> Outcome:
        return self.registry.confirm_key_change(Call(who, "trace", key), GP, change_id, self.now)

    def withdraw(self, change_id: str, who: PersonId = SECOND.id, key: IdempotencyKey | None = None) -> Outcome:
        return self.registry.withdraw_key_change(Call(who, "trace", key), GP, change_id, self.now)

    def done(self, change: Change, *versions: int, kind: IdentifierType = NHS) -> None:
        assert isinstance(self.confirm(self.proposed(change, *versions, kind=kind)), Entry)


@pytest.fixture
def house() -> House:
    return House()


def code(outcome: Outcome) -> str:
    assert isinstance(outcome, Refusal), outcome
    return outcome.code


def test_the_life_of_a_key(house: House) -> None:
    house.done(Change.ROTATE)
    assert house.domain.keys[NHS] == {1: KeyState.REVERSIBLE, 2: KeyState.ACTIVE}
    house.done(Change.RETIRE, 1)
    assert house.domain.keys[NHS] == {1: KeyState.RETIRED, 2: KeyState.ACTIVE}
    house.done(Change.DESTROY, 1)
    assert house.domain.keys[NHS] == {1: KeyState.DESTROYED, 2: KeyState.ACTIVE}
    assert house.domain.keys[POSTCODE] == {1: KeyState.ACTIVE}
    assert [change.state(house.now) for change in house.domain.key_changes] == [ChangeState.CONFIRMED] * 3
    assert {(change.proposed_by, change.closed_by) for change in house.domain.key_changes} == {(OPERATOR.id, SECOND.id)}


def test_the_ledger_says_who_proposed_and_who_confirmed(house: House) -> None:
    house.done(Change.ROTATE)
    told = [(event.type, event.actor) for event in house.events()[2:]]
    assert told == [
        (KEY_CHANGE_PROPOSED, OPERATOR.id),
        (KEY_CHANGE_CONFIRMED, SECOND.id),
        (DOMAIN_KEYS_MADE, SECOND.id),
    ]


def test_a_proposal_alone_changes_no_key(house: House) -> None:
    before = house.domain.keys
    change_id = house.proposed(Change.ROTATE)
    assert house.domain.keys == before
    assert [change.id for change in open_changes(house.domain.key_changes, house.now)] == [change_id]


def test_nobody_confirms_their_own_and_only_operators_take_part(house: House) -> None:
    change_id = house.proposed(Change.ROTATE)
    assert code(house.confirm(change_id, OPERATOR.id)) == "OWN_KEY_CHANGE"
    for attempt in (house.confirm, house.withdraw):
        assert code(attempt(change_id, ROSA.id)) == "NOT_AN_OPERATOR"
        assert code(attempt("KCH-" + "9" * 26, SECOND.id)) == "KEY_CHANGE_UNKNOWN"
    assert code(house.propose(Change.ROTATE, kind=POSTCODE, who=ROSA.id)) == "NOT_AN_OPERATOR"
    assert isinstance(house.confirm(change_id), Entry)


@pytest.mark.parametrize("who", [OPERATOR.id, SECOND.id])
def test_either_may_stop_it(house: House, who: PersonId) -> None:
    change_id = house.proposed(Change.ROTATE)
    assert isinstance(house.withdraw(change_id, who), Entry)
    assert code(house.confirm(change_id)) == "KEY_CHANGE_CLOSED"
    assert code(house.withdraw(change_id)) == "KEY_CHANGE_CLOSED"
    assert house.domain.newest_version(NHS) == 1


def test_what_is_confirmed_can_not_be_withdrawn(house: House) -> None:
    change_id = house.proposed(Change.ROTATE)
    house.confirm(change_id)
    assert code(house.withdraw(change_id)) == "KEY_CHANGE_CLOSED"


@pytest.mark.parametrize(("waited", "expired"), [(OPEN_FOR - timedelta(seconds=1), False), (OPEN_FOR, True)])
def test_a_proposal_expires_after_24_hours(house: House, waited: timedelta, expired: bool) -> None:
    change_id = house.proposed(Change.ROTATE)
    house.clock.moment = house.domain.key_changes[-1].proposed_at + waited
    if expired:
        assert code(house.withdraw(change_id)) == "KEY_CHANGE_EXPIRED"
        assert code(house.confirm(change_id)) == "KEY_CHANGE_EXPIRED"
        assert not open_changes(house.domain.key_changes, house.now)
        house.proposed(Change.ROTATE)
    else:
        assert isinstance(house.confirm(change_id), Entry)


@pytest.mark.parametrize(
    "changed", [replace(OPERATOR, disabled=True), replace(OPERATOR, roles=ROSA.roles)], ids=["disabled", "moved on"]
)
def test_a_proposer_who_is_no_operator_any_more_is_no_first_person(house: House, changed: object) -> None:
    change_id = house.proposed(Change.ROTATE)
    assert isinstance(house.registry.change_person(Call(SECOND.id, "trace"), changed), Entry)  # type: ignore[arg-type]  # a person
    assert code(house.confirm(change_id)) == "PROPOSER_NO_OPERATOR"
    assert house.domain.newest_version(NHS) == 1


def test_a_machine_is_no_second_person(house: House) -> None:
    change_id = house.proposed(Change.ROTATE)
    acting = replace(SECOND, kind=PersonKind.MACHINE)
    outcome = decide_keys.confirm(acting, house.domain, change_id, house.now, house.registry.person)
    assert outcome is decide_keys.NOT_AN_OPERATOR


@pytest.mark.parametrize(
    ("change", "versions", "expected"),
    [
        (Change.RETIRE, (1,), "KEY_STATE_ORDER"),
        (Change.RETIRE, (7,), "KEY_STATE_ORDER"),
        (Change.DESTROY, (1,), "KEY_STATE_ORDER"),
        (Change.ROTATE, (2,), "ROTATION_NAMES_NO_VERSION"),
        (Change.RETIRE, (), "VERSIONS_MISSING"),
    ],
)
def test_what_can_not_be_done_can_not_be_proposed(
    house: House, change: Change, versions: tuple[int, ...], expected: str
) -> None:
    assert code(house.propose(change, *versions)) == expected
    assert code(house.propose(Change.ROTATE, kind=IdentifierType.DATE_OF_BIRTH)) == "KEY_TYPE_NOT_IN_DOMAIN"
    assert len(house.events()) == 2


def test_a_reversible_version_is_not_destroyed_before_it_is_retired(house: House) -> None:
    house.done(Change.ROTATE)
    assert code(house.propose(Change.DESTROY, 1)) == "KEY_STATE_ORDER"
    house.done(Change.RETIRE, 1)
    house.done(Change.DESTROY, 1)
    for change in (Change.RETIRE, Change.DESTROY):
        assert code(house.propose(change, 1)) == "KEY_STATE_ORDER"


def test_the_last_version_a_token_can_name_is_not_rotated(house: House) -> None:
    spent = replace(house.domain, keys={NHS: {1023: KeyState.ACTIVE}})
    wish = Wish(Change.ROTATE, (NHS,), (), ChangeReason.ROUTINE)
    assert decide_keys.propose(OPERATOR, spent, "KCH-" + "0" * 26, wish, house.now) is decide_keys.KEY_VERSIONS_SPENT


def test_what_was_in_order_when_it_was_proposed_has_to_be_so_when_it_is_confirmed(house: House) -> None:
    change_id = house.proposed(Change.ROTATE)
    for keys in ({NHS: {1: KeyState.REVERSIBLE, 2: KeyState.ACTIVE}}, {}):
        moved_on = replace(house.domain, keys=keys)
        outcome = decide_keys.confirm(SECOND, moved_on, change_id, house.now, house.registry.person)
        assert outcome is decide_keys.KEY_STATE_ORDER


def test_two_proposals_about_one_version_do_not_wait_at_once(house: House) -> None:
    change_id = house.proposed(Change.ROTATE)
    assert code(house.propose(Change.ROTATE, who=SECOND.id)) == "KEY_CHANGE_OPEN"
    house.proposed(Change.ROTATE, kind=POSTCODE)
    house.withdraw(change_id)
    house.proposed(Change.ROTATE)


def test_a_replay_adds_nothing(house: House) -> None:
    keys = [IdempotencyKey(letter * 64, "b" * 64) for letter in "pcw"]
    proposed = house.propose(Change.ROTATE, key=keys[0])
    assert isinstance(proposed, Entry)
    change_id = proposed.value.key_changes[-1].id
    confirmed = house.confirm(change_id, key=keys[1])
    before = house.events()
    house.clock.moment += timedelta(days=3)
    assert house.propose(Change.ROTATE, key=keys[0]) == proposed
    assert house.confirm(change_id, key=keys[1]) == confirmed
    assert house.events() == before
    other = house.proposed(Change.ROTATE)
    withdrawn = house.withdraw(other, key=keys[2])
    before = house.events()
    assert house.withdraw(other, key=keys[2]) == withdrawn
    assert house.events() == before
    assert code(house.confirm(other, key=replace(keys[1], body="d" * 64))) == "KEY_REUSED"


def test_confirming_what_was_confirmed_adds_nothing_and_is_answered(house: House) -> None:
    change_id = house.proposed(Change.ROTATE)
    house.confirm(change_id)
    before = house.events()
    again = house.confirm(change_id, THIRD.id)
    assert isinstance(again, Entry)
    assert again.value == house.domain
    assert house.events() == before
    assert code(house.confirm(change_id, OPERATOR.id)) == "OWN_KEY_CHANGE"


def test_refusals_are_in_the_ledger(house: House) -> None:
    change_id = house.proposed(Change.ROTATE)
    house.confirm(change_id, OPERATOR.id)
    (attempt,) = house.log.listed(f"attempts/{OPERATOR.id}", None, 10)
    (event,) = house.log.read(attempt)
    assert event.data == {"command": "confirm_key_change", "code": "OWN_KEY_CHANGE", "subject": STREAM}


def test_a_closing_event_without_an_open_proposal_is_not_read(house: House) -> None:
    new = KeyChangeWithdrawn("KCH-" + "0" * 26).new_event()
    stray = Event(STREAM, 3, new.type, house.now, ActorId(SECOND.id), "trace", new.data)
    with pytest.raises(UnknownEventError):
        fold_domain((*house.events(), stray))


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"change": "rotate", "identifier_types": ["nhs_number"]},
        {"change": "burn", "identifier_types": ["nhs_number"], "reason": "routine"},
        {"change": "rotate", "identifier_types": ["nhs_number", "nhs_number"], "reason": "routine"},
        {"change": "retire", "identifier_types": ["nhs_number"], "versions": [1, 1], "reason": "routine"},
        {"change": "retire", "identifier_types": ["nhs_number"], "versions": [0], "reason": "routine"},
        {"change": "retire", "identifier_types": ["nhs_number"], "versions": ["1"], "reason": "routine"},
        {"change": "retire", "identifier_types": ["nhs_number"], "reason": "because he said so"},
        {"change": "rotate", "identifier_types": ["nhs_number"], "reason": "routine", "note": "x"},
    ],
)
def test_a_wish_is_read_strictly(raw: dict[str, object]) -> None:
    assert isinstance(parse_wish(raw), Refusal)  # type: ignore[arg-type]  # JSON of a caller


# -- any order of steps -----------------------------------------------------------------------------------------------

PEOPLE = st.sampled_from([*[OPERATOR.id, SECOND.id, THIRD.id] * 3, ROSA.id])
CHANGES = st.sampled_from(
    [
        *[(Change.ROTATE, ())] * 3,
        *((change, (version,)) for change in (Change.RETIRE, Change.DESTROY) for version in (1, 1, 2)),
    ]
)
PLACES = st.sampled_from([*[-1] * 6, *range(4)])
"""Which proposal: most often the newest."""
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("propose"), PEOPLE, CHANGES),
        st.tuples(st.sampled_from([*["confirm"] * 5, "withdraw"]), PEOPLE, PLACES),
        st.tuples(st.just("wait"), st.sampled_from([1, 23, 24]), st.none()),
    ),
    min_size=8,
    max_size=30,
)
ORDER = [None, KeyState.ACTIVE, KeyState.REVERSIBLE, KeyState.RETIRED, KeyState.DESTROYED]


def _step(house: House, step: tuple[str, object, object], send: Callable[[], IdempotencyKey | None]) -> None:
    match step:
        case ("propose", str() as who, (Change() as change, tuple() as versions)):
            house.propose(change, *versions, who=PersonId(who), key=send())
        case ("wait", int() as hours, _):
            house.clock.moment += timedelta(hours=hours)
        case (name, str() as who, int() as place) if house.domain.key_changes:
            change_id = house.domain.key_changes[place % len(house.domain.key_changes)].id
            (house.confirm if name == "confirm" else house.withdraw)(change_id, PersonId(who), send())


@given(STEPS)
@settings(max_examples=150, deadline=None)
def test_no_order_of_steps_changes_a_key_without_two_operators(steps: list[tuple[str, object, object]]) -> None:
    house = House()
    for step in steps:
        before = house.domain.keys
        _step(house, step, lambda: None)
        for kind, versions in house.domain.keys.items():
            for version, state in versions.items():
                was = before.get(kind, {}).get(version)
                assert ORDER.index(state) - ORDER.index(was) in (0, 1), "a key goes one state at a time, never back"
    proposals: dict[str, Event] = {}
    confirmed: list[tuple[Event, Event]] = []
    for event in house.events()[2:]:
        change_id = str(event.data.get("change_id", ""))
        if event.type == KEY_CHANGE_PROPOSED:
            proposals[change_id] = event
        elif event.type == KEY_CHANGE_CONFIRMED:
            confirmed.append((proposals.pop(change_id), event))
        elif event.type in {DOMAIN_KEY_CHANGED, DOMAIN_KEYS_MADE}:
            proposal, confirmation = confirmed[-1]
            assert (event.at, event.actor) == (confirmation.at, confirmation.actor), "in the step that confirmed it"
            named = {(key["identifier_type"], key["version"]) for key in proposal.data["keys"]}  # type: ignore[union-attr, index, call-overload]  # our own event
            made = event.data.get("versions")
            changed = (
                set(made.items())
                if isinstance(made, dict)
                else {(event.data["identifier_type"], event.data["version"])}
            )
            assert changed <= named
    for proposal, confirmation in confirmed:
        assert proposal.actor != confirmation.actor
        assert {proposal.actor, confirmation.actor} <= {OPERATOR.id, SECOND.id, THIRD.id}
        assert confirmation.at - proposal.at < OPEN_FOR


@given(STEPS)
@settings(max_examples=25, deadline=None)
def test_every_call_sent_twice_leaves_what_it_leaves_when_sent_once(steps: list[tuple[str, object, object]]) -> None:
    once, twice = House(), House()
    for number, step in enumerate(steps):
        key = IdempotencyKey(f"{number:064}", "b" * 64)
        _step(once, step, lambda k=key: k)  # type: ignore[misc]  # bound at once
        places = twice.domain.key_changes
        _step(twice, step, lambda k=key: k)  # type: ignore[misc]  # bound at once
        if step[0] == "propose" or (step[0] != "wait" and places):
            _step(twice, step, lambda k=key: k)  # type: ignore[misc]  # bound at once
    told = [[(event.type, event.actor) for event in house.events()] for house in (once, twice)]
    assert told[0] == told[1]
