"""Emergency access: every guard alone, one at a time whatever comes at once, and a review by two others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from keyholder.emergency import decide
from keyholder.emergency.access import (
    CUT_SHORT,
    MOST_RECORDS,
    REVIEW_WITHIN,
    Access,
    Accesses,
    EmergencyReason,
    ReviewFinding,
    Stage,
    Verdict,
    emergency_head,
    owner_of,
)
from keyholder.emergency.decide import Opening, Policy, Wanted
from keyholder.emergency.desk import Call, EmergencyDesk, Noted
from keyholder.emergency.events import Released, fold_accesses
from keyholder.ledger.event import Event
from keyholder.ledger.log import EventLog, IdempotencyKey, Recorded
from keyholder.refusals import Refusal
from keyholder.registry.people import Capacity, Person, PersonKind
from keyholder.registry.service import Call as RegistryCall
from keyholder.registry.sign_in import SignIn, SignInRules
from keyholder.release.emergency_release import policy_request
from keyholder.vocabulary import ActorId, IdentifierType, StreamId
from tests.fakes.ledger import ManualClock, memory_ledger
from tests.unit.requests import world
from tests.unit.requests.world import DEV, GP, GRETA, NADIA, NILS, OPERATOR, ROSA, TARA

KINDS = (IdentifierType.NHS_NUMBER,)
WANTED = Wanted(EmergencyReason.LIFE_AT_RISK, KINDS, 2)
CLINICIAN = replace(ROSA, capacities=(Capacity.CLINICIAN,))
OPEN_DOMAIN = replace(world.a_domain(), emergency_access=True)
POLICY = Policy(world.POLICY)
HERE = Opening(CLINICIAN, SignIn("AAL2", world.NOW), OPEN_DOMAIN, WANTED)


def _opened(opening: Opening = HERE, accesses: Accesses | None = None, policy: Policy = POLICY) -> object:
    return decide.open_access(opening, accesses or Accesses(CLINICIAN.id), policy, SignInRules(), world.NOW)


def _some(access_records: int = 2) -> Accesses:
    """One access that was opened."""
    events = _opened(replace(HERE, wanted=replace(WANTED, records=access_records)))
    assert isinstance(events, tuple)
    new = events[0].new_event()
    stream = StreamId(f"emergency/{CLINICIAN.id.removeprefix('person/')}")
    return fold_accesses(CLINICIAN.id, [Event(stream, 1, new.type, world.NOW, ActorId(CLINICIAN.id), "t", new.data)])


def test_a_clinician_opens_one_where_the_domain_allows_it() -> None:
    events = _opened()
    assert isinstance(events, tuple)
    assert events[0].new_event().data["review_by"] == "2026-11-05T09:30:00.000000Z"


SPOILERS: dict[str, tuple[Callable[[], object], Refusal]] = {
    "no clinician": (lambda: _opened(replace(HERE, person=ROSA)), decide.NOT_A_CLINICIAN),
    "a machine": (
        lambda: _opened(replace(HERE, person=replace(CLINICIAN, kind=PersonKind.MACHINE))),
        decide.NOT_A_CLINICIAN,
    ),
    "disabled": (lambda: _opened(replace(HERE, person=replace(CLINICIAN, disabled=True))), decide.NOT_A_CLINICIAN),
    "a clinician who may not ask": (
        lambda: _opened(replace(HERE, person=replace(CLINICIAN, roles=NADIA.roles))),
        decide.NOT_A_CLINICIAN,
    ),
    "accredited until yesterday": (
        lambda: _opened(replace(HERE, person=replace(CLINICIAN, accredited_until=date(2026, 11, 1)))),
        decide.CLINICIAN_NOT_ACCREDITED,
    ),
    "off by default": (lambda: _opened(replace(HERE, domain=world.a_domain())), decide.EMERGENCY_OFF),
    "no such domain": (lambda: _opened(replace(HERE, domain=None)), decide.EMERGENCY_OFF),
    "too many": (lambda: _opened(replace(HERE, wanted=replace(WANTED, records=6))), decide.EMERGENCY_TOO_MANY),
    "none": (lambda: _opened(replace(HERE, wanted=replace(WANTED, records=0))), decide.EMERGENCY_TOO_MANY),
    "a type the domain has not": (
        lambda: _opened(replace(HERE, wanted=replace(WANTED, identifier_types=(IdentifierType.DATE_OF_DEATH,)))),
        decide.EMERGENCY_TYPE,
    ),
    "no type": (lambda: _opened(replace(HERE, wanted=replace(WANTED, identifier_types=()))), decide.EMERGENCY_TYPE),
    "another not reviewed": (lambda: _opened(accesses=_some()), decide.EMERGENCY_UNREVIEWED),
    "the policy forbids it": (
        lambda: _opened(policy=Policy(world.POLICY, ("PURPOSE_PROHIBITED",))),
        decide.EMERGENCY_POLICY,
    ),
}


@pytest.mark.parametrize("name", SPOILERS)
def test_each_guard_refuses_by_itself(name: str) -> None:
    tried, refusal = SPOILERS[name]
    assert tried() == refusal


@pytest.mark.parametrize(("acr", "minutes"), [("AAL1", 0), ("AAL2", 16), ("nobody knows", 0)])
def test_a_weak_or_an_old_sign_in_opens_nothing(acr: str, minutes: int) -> None:
    refused = _opened(replace(HERE, sign_in=SignIn(acr, world.NOW - timedelta(minutes=minutes))))
    assert isinstance(refused, Refusal)
    assert refused.step_up is not None


def test_what_stands_in_for_an_approval_is_the_domains_own_rule() -> None:
    """Without it the engine would say that nobody has approved, and that there is no agreement."""
    allowed = policy_request(OPEN_DOMAIN, CLINICIAN, KINDS, world.NOW)
    assert set(allowed.controllers_approved) == set(allowed.controllers_required) != set()
    off = policy_request(world.a_domain(), CLINICIAN, KINDS, world.NOW)
    assert (off.controllers_approved, off.agreement) == ((), None)


# -- over a ledger ----------------------------------------------------------------------------------------------------


@dataclass
class House:
    """A registry with one open domain and a clinician, and the desk."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(world.NOW))
    log: EventLog = field(init=False)
    house: world.House = field(init=False)
    desk: EmergencyDesk = field(init=False)

    def __post_init__(self) -> None:
        self.log = memory_ledger(self.clock)
        self.house = world.House(
            self.log, self.clock, domains={GP: OPEN_DOMAIN, world.HOSPITAL: world.a_domain(world.HOSPITAL)}
        )
        changed = self.house.registry.change_person(RegistryCall(OPERATOR.id, "t"), CLINICIAN)
        assert not isinstance(changed, Refusal)
        self.desk = EmergencyDesk(self.log, self.house.registry, self.house.ids, self.clock)

    def open(self, key: IdempotencyKey | None = None) -> Noted | Refusal:
        opening = Opening(CLINICIAN, SignIn("AAL2", self.clock.now()), OPEN_DOMAIN, WANTED)
        return self.desk.open(Call(ActorId(CLINICIAN.id), "t", key), opening, lambda _domain, _now: POLICY)

    def release(self, access: str, count: int = 2) -> Noted | Refusal:
        tags = tuple(f"{place:032x}" for place in range(count))
        return self.desk.released(
            CLINICIAN.id, Released(access, GP, "2026", {"CARE_RELATIONSHIP": tags}, {}, None), "t"
        )

    def review(self, who: Person, access: str, finding: ReviewFinding = ReviewFinding.JUSTIFIED) -> Noted | Refusal:
        return self.desk.review(Call(ActorId(who.id), "t"), who, access, finding)

    def given(self) -> str:
        """The id of one that was opened and released."""
        opened = self.open()
        assert isinstance(opened, Noted), opened
        released = self.release(opened.access.id)
        assert isinstance(released, Noted), released
        return opened.access.id


@pytest.fixture
def house() -> House:
    return House()


def _stage(noted: Noted | Refusal) -> Stage:
    assert isinstance(noted, Noted), noted
    return noted.access.stage


def test_two_others_review_it_and_then_another_can_be_opened(house: House) -> None:
    access = house.given()
    assert owner_of(access) == CLINICIAN.id
    assert house.open() == decide.EMERGENCY_UNREVIEWED
    assert house.review(CLINICIAN, access) == decide.NOT_A_REVIEWER
    assert _stage(house.review(NADIA, access)) is Stage.RELEASED
    assert house.review(NADIA, access) == decide.ALREADY_REVIEWED
    assert house.open() == decide.EMERGENCY_UNREVIEWED
    assert _stage(house.review(GRETA, access)) is Stage.UPHELD
    assert house.review(TARA, access) == decide.REVIEW_OVER
    again = house.open()
    assert isinstance(again, Noted)
    assert again.access.id.endswith("-2")


def test_one_who_finds_it_unjustified_is_enough_not_to_uphold_it(house: House) -> None:
    access = house.given()
    house.review(NADIA, access, ReviewFinding.NOT_JUSTIFIED)
    done = house.review(DEV, access)
    assert isinstance(done, Noted)
    assert done.access.verdict is Verdict.NOT_UPHELD


def test_who_decides_nothing_for_the_domain_reviews_nothing(house: House) -> None:
    access = house.given()
    for who in (world.STRANGER, OPERATOR, world.AUDITOR, replace(NADIA, disabled=True)):
        assert house.review(who, access) == decide.NOT_A_REVIEWER
    assert house.review(NADIA, access + "9") == decide.NO_SUCH_ACCESS
    assert house.review(NADIA, "EMG-1") == decide.NO_SUCH_ACCESS


def test_a_clinician_who_decides_for_the_domain_does_not_review_their_own() -> None:
    both = replace(CLINICIAN, roles=(*CLINICIAN.roles, *NADIA.roles))
    accesses = _some()
    released = replace(accesses.all[0], released_at=world.NOW)
    assert decide.review(both, OPEN_DOMAIN, accesses.with_access(released), released.id, ReviewFinding.JUSTIFIED) == (
        decide.OWN_ACCESS
    )


def test_only_what_was_opened_leaves_and_only_once(house: House) -> None:
    opened = house.open()
    assert isinstance(opened, Noted)
    assert house.review(NADIA, opened.access.id) == decide.NOT_RELEASED_YET
    assert house.release(opened.access.id, 3) == decide.NOT_RUNNING
    assert isinstance(house.release(opened.access.id), Noted)
    assert house.release(opened.access.id) == decide.NOT_RUNNING


def test_what_was_cut_short_gives_nothing_any_more_and_is_reviewed_all_the_same(house: House) -> None:
    opened = house.open()
    assert isinstance(opened, Noted)
    assert emergency_head(opened.accesses).due_at == world.NOW + CUT_SHORT
    assert house.desk.keep_time(CLINICIAN.id, "t") is None
    house.clock.moment += CUT_SHORT
    assert house.desk.keep_time(CLINICIAN.id, "t") == "failed"
    assert house.release(opened.access.id) == decide.NOT_RUNNING
    assert house.open() == decide.EMERGENCY_UNREVIEWED
    assert _stage(house.review(NADIA, opened.access.id)) is Stage.FAILED
    assert _stage(house.review(NILS, opened.access.id)) is Stage.UPHELD


def test_a_review_that_is_late_is_said_once_and_waits_on(house: House) -> None:
    access = house.given()
    house.clock.moment += REVIEW_WITHIN - timedelta(microseconds=1)
    assert house.desk.keep_time(CLINICIAN.id, "t") is None
    house.clock.moment += timedelta(microseconds=1)
    assert house.desk.keep_time(CLINICIAN.id, "t") == "overdue"
    assert house.desk.keep_time(CLINICIAN.id, "t") is None
    assert emergency_head(house.desk.load(CLINICIAN.id)).due_at is None
    assert house.open() == decide.EMERGENCY_UNREVIEWED
    house.review(NADIA, access)
    assert _stage(house.review(NILS, access)) is Stage.UPHELD


def test_of_two_at_once_the_ledger_takes_one() -> None:
    """The second one's first look was before the first one's step."""
    house = House()

    class Raced:
        """The log, with somebody else's step between reading and writing, once."""

        def __getattr__(self, name: str) -> object:
            return getattr(house.log, name)

        def record(self, stream: StreamId, *rest: object, **more: object) -> Recorded:
            if stream.startswith("emergency/") and not house.desk.load(CLINICIAN.id).all:
                assert isinstance(house.open(), Noted)
            return house.log.record(stream, *rest, **more)  # type: ignore[arg-type] - handed on as it came

    raced = EmergencyDesk(Raced(), house.house.registry, house.house.ids, house.clock)  # type: ignore[arg-type]
    opening = Opening(CLINICIAN, SignIn("AAL2", world.NOW), OPEN_DOMAIN, WANTED)
    late = raced.open(Call(ActorId(CLINICIAN.id), "t"), opening, lambda _domain, _now: POLICY)
    assert late == decide.EMERGENCY_UNREVIEWED
    assert len(house.desk.load(CLINICIAN.id).all) == 1


def test_a_repeated_call_opens_no_second_one(house: House) -> None:
    key = IdempotencyKey("a" * 64, "b" * 64)
    first, second = house.open(key), house.open(key)
    assert isinstance(first, Noted)
    assert isinstance(second, Noted)
    assert (second.access.id, second.replayed) == (first.access.id, True)


def test_an_access_is_shown_to_those_it_concerns(house: House) -> None:
    access = house.given()
    for who in (CLINICIAN, NADIA, GRETA, world.AUDITOR):
        assert house.desk.shown(who, access) is not None
    for who in (world.STRANGER, OPERATOR, replace(NADIA, disabled=True)):
        assert house.desk.shown(who, access) is None
    assert [one.id for one, _ in house.desk.of_domain(NADIA, GP)] == [access]
    assert not house.desk.of_domain(world.STRANGER, GP)
    assert [one.id for one, _ in house.desk.own(CLINICIAN)] == [access]


class Emergencies(RuleBasedStateMachine):
    """Anything in any order: never two that are not reviewed, and no verdict without two others."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House()

    @rule()
    def open(self) -> None:
        self.house.open()

    @rule(count=st.integers(0, MOST_RECORDS))
    def release(self, count: int) -> None:
        self.house.release(f"EMG-{CLINICIAN.id.removeprefix('person/')}-{len(self._all()) or 1}", count)

    @rule(who=st.sampled_from([CLINICIAN, NADIA, NILS, GRETA, world.STRANGER]), finding=st.sampled_from(ReviewFinding))
    def review(self, who: Person, finding: ReviewFinding) -> None:
        for access in self._all()[-1:]:
            self.house.review(who, access.id, finding)

    @rule(minutes=st.integers(1, 5000))
    def sweep(self, minutes: int) -> None:
        self.house.clock.moment += timedelta(minutes=minutes)
        self.house.desk.keep_time(CLINICIAN.id, "t")

    @invariant()
    def at_most_one_waits(self) -> None:
        waiting = [access for access in self._all() if access.verdict is None]
        assert len(waiting) <= 1
        for access in self._all():
            reviewers = {review.person for review in access.reviews}
            assert CLINICIAN.id not in reviewers
            assert (access.verdict is not None) == (len(reviewers) == 2 == len(access.reviews))
            just = all(review.finding is ReviewFinding.JUSTIFIED for review in access.reviews)
            assert access.verdict is None or (access.verdict is Verdict.UPHELD) == just
            assert sum(access.counts.values()) in (0, access.records)

    def _all(self) -> tuple[Access, ...]:
        return self.house.desk.load(CLINICIAN.id).all


TestEmergencies = Emergencies.TestCase
