"""Deciding in somebody's place: the ledger names both, and two never come of one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from keyholder.refusals import Refusal
from keyholder.registry.delegations import Delegated
from keyholder.registry.people import Membership, Person
from keyholder.registry.service import Entry
from keyholder.requests import commands as ask
from keyholder.requests.codes import Audience, QuestionTopic, RecuseReason, RejectReason, RevokeReason, State
from keyholder.requests.content import Delivery
from keyholder.requests.events import DomainApproved, DomainRejected, RequestReturned, RequestRevoked, VolumeLetThrough
from keyholder.requests.service import Call, Done
from keyholder.vocabulary import ContentHash, DomainId, RequestId, Role
from tests.unit.registry.test_delegations import ADA, NAME, Office, wish
from tests.unit.requests import world
from tests.unit.requests.test_guards import VOLUME
from tests.unit.requests.world import GP, GRETA, HOSPITAL, NADIA, NHSE, NILS, OPERATOR, ROSA, TARA, TRUST

BOTH = Delegated(NAME, NADIA.id)


class Away(Office):
    """NADIA is away; ADA, or whoever else is named, decides in her place."""

    def __init__(self, who: Person = ADA, **factors: int) -> None:
        super().__init__(domains={GP: world.a_domain(**factors), HOSPITAL: world.a_domain(HOSPITAL, TRUST)})
        self.lent(wish(who))
        self.who = who

    def in_place(self, who: Person | None = None) -> Call:
        return replace(self.house.call(who or self.who), delegation=NAME)

    def reviewed(self, *domains: DomainId) -> RequestId:
        desk = self.house.desk
        made = desk.create(self.house.call(ROSA), world.a_body(*domains))
        assert isinstance(made, Done)
        submitted = desk.submit(self.house.call(ROSA), made.state.id)
        assert isinstance(submitted, Done), submitted
        assert submitted.state.content_hash
        desk.record_checks(made.state.id, submitted.state.content_hash, world.checks(), "t")
        self.house.clear(made.state.id, self.who, NADIA, NILS, TARA, GRETA)
        return made.state.id

    def hash(self, request: RequestId) -> ContentHash:
        found = self.house.desk.load(request).content_hash
        assert found
        return found

    def approve(self, request: RequestId, call: Call, domain: DomainId = GP) -> Done | Refusal:
        return self.house.desk.approve(call, request, domain, self.hash(request))

    def release(self, request: RequestId) -> Done | Refusal:
        return self.house.desk.authorise_release(self.house.call(ROSA), request, self.hash(request), Delivery.INLINE)

    def approved(self) -> RequestId:
        request = self.reviewed(GP)
        for call in (self.in_place(), self.house.call(TARA)):
            assert isinstance(self.approve(request, call), Done)
        assert self.house.desk.load(request).status is State.APPROVED
        return request


def code(outcome: object) -> str | None:
    return outcome.code if isinstance(outcome, Refusal) else None


@pytest.fixture
def away() -> Away:
    return Away()


def test_an_approval_in_somebodys_place_fills_their_place_and_names_both(away: Away) -> None:
    request = away.reviewed(GP)
    assert code(away.approve(request, away.house.call(ADA))) == "NOT_A_CONTROLLER", "not without naming it"
    done = away.approve(request, away.in_place())
    assert isinstance(done, Done), done
    (given,) = done.events
    assert isinstance(given, DomainApproved)
    assert (given.approver, given.organisation, given.delegated) == (ADA.id, NHSE, BOTH)
    assert isinstance(away.approve(request, away.house.call(TARA)), Done)
    assert isinstance(away.release(request), Done)


def test_who_lent_a_role_and_who_was_lent_it_never_count_as_two(away: Away) -> None:
    first, second = away.reviewed(GP), away.reviewed(GP)
    assert isinstance(away.approve(first, away.in_place()), Done)
    assert code(away.approve(first, away.house.call(NADIA))) == "COUNTS_ONCE"
    assert code(away.approve(first, away.in_place())) == "ALREADY_DECIDED"
    assert isinstance(away.approve(second, away.house.call(NADIA)), Done)
    assert code(away.approve(second, away.in_place())) == "COUNTS_ONCE"
    assert isinstance(away.approve(second, away.house.call(TARA)), Done), "and anybody else goes on"


def test_a_guardian_who_stands_in_fills_one_place_and_not_their_own_beside_it() -> None:
    away = Away(GRETA, caldicott_guardian=1)
    first, second = away.reviewed(GP, HOSPITAL), away.reviewed(GP)
    assert isinstance(away.approve(first, away.in_place()), Done)
    assert code(away.approve(first, away.house.call(GRETA))) == "ALREADY_DECIDED"
    assert isinstance(away.approve(second, away.house.call(GRETA)), Done)
    assert code(away.approve(second, away.in_place())) == "ALREADY_DECIDED"


@pytest.mark.parametrize("first", [NADIA, GRETA])
def test_two_who_stand_in_for_each_other_are_one_even_in_their_own_right(first: Person) -> None:
    away = Away(GRETA, caldicott_guardian=1)
    request = away.reviewed(GP)
    second = GRETA if first is NADIA else NADIA
    assert isinstance(away.approve(request, away.house.call(first)), Done)
    assert code(away.approve(request, away.house.call(second))) == "COUNTS_ONCE"
    away.withdraw()
    assert isinstance(away.approve(request, away.house.call(second)), Done), "once neither stands in for the other"


@pytest.mark.parametrize("what", ["suspended", "role lost", "on the project"])
@pytest.mark.parametrize("who", [NADIA, ADA])
def test_an_approval_counts_at_release_while_both_stand_behind_it(away: Away, who: Person, what: str) -> None:
    request = away.approved()
    if what == "on the project":
        project = world.a_project()
        more = replace(project, members=(*project.members, who.id))
        assert isinstance(away.house.registry.change_project(away.call(OPERATOR), more), Entry)
    elif what == "suspended":
        away.changed(who, disabled=True)
    else:
        away.changed(who, roles=(Membership(Role.RESEARCHER, NHSE),) if who is NADIA else ())
    expected = {
        "suspended": "APPROVER_SUSPENDED",
        "on the project": "APPROVER_ON_PROJECT",
        "role lost": "APPROVER_WITHOUT_ROLE",
    }[what]
    assert code(away.release(request)) == expected


def test_what_was_decided_stays_decided_when_the_days_are_over(away: Away) -> None:
    request = away.approved()
    away.withdraw()
    assert isinstance(away.release(request), Done)
    waiting = away.reviewed(GP)
    assert code(away.approve(waiting, away.in_place())) == "DELEGATION_NOT_IN_FORCE"


def test_a_delegation_is_in_force_at_the_moment_of_the_decision(away: Away) -> None:
    request = away.reviewed(GP)
    away.clock.wait(timedelta(days=14))
    assert code(away.approve(request, away.in_place())) == "DELEGATION_NOT_IN_FORCE"
    assert code(away.approve(request, away.in_place(TARA))) == "DELEGATION_UNKNOWN"


def test_who_is_on_the_project_or_stepped_aside_decides_in_nobodys_place(away: Away) -> None:
    request = away.reviewed(GP)
    assert isinstance(away.house.desk.recuse(away.house.call(ADA), request, RecuseReason.TOOK_PART), Done)
    assert code(away.approve(request, away.in_place())) == "RECUSED"
    other = away.reviewed(GP)
    project = world.a_project()
    more = replace(project, members=(*project.members, ADA.id))
    assert isinstance(away.house.registry.change_project(away.call(OPERATOR), more), Entry)
    assert code(away.approve(other, away.in_place())) == "ON_THE_PROJECT"


def test_whoever_may_not_decide_is_stood_in_for_by_nobody(away: Away) -> None:
    request = away.reviewed(GP)
    assert isinstance(away.house.desk.recuse(away.house.call(NADIA), request, RecuseReason.CONFLICT_OF_INTEREST), Done)
    assert code(away.approve(request, away.in_place())) == "DELEGATOR_BARRED"
    no = away.house.desk.reject(away.in_place(), request, GP, away.hash(request), RejectReason.OTHER)
    assert code(no) == "DELEGATOR_BARRED"


def test_whoever_is_lent_a_role_reads_declares_and_speaks_as_those_who_decide(away: Away) -> None:
    request, desk = away.reviewed(GP), away.house.desk
    actor = away.house.call(ADA).actor
    view = desk.view(actor, request)
    assert isinstance(view, dict)
    assert view["records"] == {GP: 2}
    assert not isinstance(desk.narrative(actor, request), Refusal)
    assert isinstance(desk.comment(away.house.call(ADA), request, Audience.INTERNAL, "Is it plausible?"), Done)
    assert isinstance(desk.carry_out(away.house.call(ADA), request, ask.Claim(GP)), Done)
    away.withdraw()
    assert code(desk.view(actor, request)) == "UNKNOWN_REQUEST"
    assert code(desk.comment(away.house.call(ADA), request, Audience.INTERNAL, "And now?")) == "NOT_A_CONTROLLER"


def test_who_stands_in_is_told_what_they_could_decide_and_under_which_delegation(away: Away) -> None:
    request = away.reviewed(GP)
    view = away.house.desk.view(away.house.call(ADA).actor, request)
    assert isinstance(view, dict)
    approvals = {one["delegation"]: one["code"] for one in view["allowed_commands"] if one["command"] == "approve"}
    assert approvals == {None: "NOT_A_CONTROLLER", NAME: None}
    commenting = {one["code"] for one in view["allowed_commands"] if one["command"] == "comment"}
    assert commenting == {None}
    away.approve(request, away.in_place())
    theirs = away.house.desk.view(away.house.call(NADIA).actor, request)
    assert isinstance(theirs, dict)
    (ballot,) = theirs["decisions"][0]["ballots"]
    assert ballot["delegation"] == {"delegation_id": NAME, "in_place_of": NADIA.id}
    (approval,) = [one for one in theirs["allowed_commands"] if one["command"] == "approve"]
    assert approval["code"] == "COUNTS_ONCE"


def test_every_decision_names_both(away: Away) -> None:
    desk = away.house.desk
    rejected, returned, revoked = away.reviewed(GP), away.reviewed(GP), away.approved()
    no = desk.reject(away.in_place(), rejected, GP, away.hash(rejected), RejectReason.OTHER)
    why = [(QuestionTopic.RECORDS, "Why are so many needed?")]
    back = desk.return_to_author(away.in_place(), returned, GP, away.hash(returned), why)
    stop = desk.revoke(away.in_place(), revoked, RevokeReason.OTHER)
    for outcome, kind in ((no, DomainRejected), (back, RequestReturned), (stop, RequestRevoked)):
        assert isinstance(outcome, Done), outcome
        first = outcome.events[0]
        assert isinstance(first, kind)
        assert first.delegated == BOTH
    held = away.approved()
    assert isinstance(away.release(held), Done)
    (going,) = [one.id for one in desk.load(held).releases]
    assert isinstance(desk.record_volume(held, replace(VOLUME, release=going), "t"), Done)
    let = desk.let_through(away.in_place(), held, away.hash(held))
    assert isinstance(let, Done), let
    assert isinstance(let.events[0], VolumeLetThrough)
    assert let.events[0].delegated == BOTH
