"""Whoever asked and left: nothing is released to them; somebody else on the project goes on with what they wrote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from keyholder.refusals import Refusal
from keyholder.registry.people import Person
from keyholder.registry.service import Entry
from keyholder.requests import commands as ask
from keyholder.requests.codes import State
from keyholder.requests.content import Delivery
from keyholder.requests.events.drafting import RequestTakenOver
from keyholder.requests.listings import own_requests
from keyholder.requests.service import Done
from keyholder.vocabulary import RequestId
from tests.unit.registry.test_delegations import Office
from tests.unit.requests import world
from tests.unit.requests.test_guards import FILE, RELEASE_ID
from tests.unit.requests.world import COLLEAGUE, GP, NADIA, OPERATOR, ROSA, STRANGER, TARA, Course

Leaving = Callable[[Course], Person]


def _suspended(_course: Course) -> Person:
    return replace(ROSA, disabled=True)


def _no_researcher(_course: Course) -> Person:
    return replace(ROSA, roles=())


def _not_accredited(_course: Course) -> Person:
    return replace(ROSA, accredited_until=world.NOW.date() - timedelta(days=1))


def _off_the_project(course: Course) -> Person:
    assert course.facts.project
    project = replace(course.facts.project, members=(COLLEAGUE.id,), former_members=frozenset({ROSA.id}))
    course.facts = replace(course.facts, project=project)
    return ROSA


EVERY_WAY: dict[Leaving, str] = {
    _suspended: "PERSON_DISABLED",
    _no_researcher: "NOT_A_RESEARCHER",
    _not_accredited: "NOT_ACCREDITED",
    _off_the_project: "NOT_ON_THE_PROJECT",
}


@pytest.mark.parametrize("leaving", EVERY_WAY)
@pytest.mark.parametrize("step", ["submit", "accept", "use", "release", "again", "collect"])
def test_nothing_goes_on_for_who_left(leaving: Leaving, step: str) -> None:
    """At every step of the requester's that brings identifiers nearer, whatever had been agreed before."""
    standing = world.in_review(facts=world.some_facts(standing=world.a_standing()))
    steps: dict[str, tuple[Course, Callable[[Course], ask.Command]]] = {
        "submit": (world.drafted(), lambda _: ask.Submit()),
        "accept": (world.offered(), world.acceptance),
        "use": (standing, lambda _: ask.UseStanding(world.STANDING_ID)),
        "release": (world.approved(), world.release_of),
        "again": (world.released(), lambda course: world.release_of(course, 2)),
        "collect": (world.released(**FILE), lambda _: ask.Collect(RELEASE_ID)),
    }
    course, make = steps[step]
    assert isinstance(course.ask(make(course), ROSA), tuple), "it would go on, had they not left"
    assert course.refused(make(course), leaving(course)) == EVERY_WAY[leaving]


@pytest.mark.parametrize("leaving", EVERY_WAY)
@pytest.mark.parametrize("course", [world.drafted, world.returned])
def test_somebody_else_on_the_project_goes_on(leaving: Leaving, course: Callable[[], Course]) -> None:
    written = course()
    due, status = written.state.due_at, written.state.status
    written.now += timedelta(days=2)
    gone = leaving(written)
    written.facts = replace(written.facts, author=gone)
    written.do(ask.TakeOver(), COLLEAGUE)
    assert (written.state.requester, written.state.status) == (COLLEAGUE.id, status)
    (taken,) = [event for event in written.happened if isinstance(event, RequestTakenOver)]
    assert taken.taken_from == ROSA.id
    assert written.state.due_at == (due if status is State.RETURNED else written.now + timedelta(days=90))
    assert written.refused(ask.Submit(), ROSA) == "NOT_THE_REQUESTER"
    written.facts = replace(written.facts, author=None)
    written.do(ask.Submit(), COLLEAGUE)
    assert written.state.status is State.SUBMITTED


def test_nothing_is_taken_from_an_author_who_can_go_on() -> None:
    course = world.drafted(facts=world.some_facts(author=ROSA))
    assert course.refused(ask.TakeOver(), COLLEAGUE) == "AUTHOR_STILL_HERE"
    course.facts = replace(course.facts, author=None)
    assert course.refused(ask.TakeOver(), COLLEAGUE) == "AUTHOR_STILL_HERE", "who is unknown counts as there"
    gone = world.drafted(facts=world.some_facts(author=replace(ROSA, disabled=True)))
    assert gone.refused(ask.TakeOver(), STRANGER) == "NOT_ON_THE_PROJECT"
    assert gone.refused(ask.TakeOver(), NADIA) == "NOT_ON_THE_PROJECT"


@pytest.mark.parametrize("course", [world.in_review, world.offered, world.approved, world.released])
def test_what_was_handed_in_is_nobody_elses(course: Callable[[], Course]) -> None:
    """Those who decide judged who asked: they ask it back, or it ends with its time, and a colleague asks anew."""
    handed_in = course()
    handed_in.facts = replace(handed_in.facts, author=replace(ROSA, disabled=True))
    assert handed_in.refused(ask.TakeOver(), COLLEAGUE) == "WRONG_STATE"
    assert handed_in.refused(world.release_of(handed_in, 7), COLLEAGUE) == "NOT_THE_REQUESTER"


def test_whoever_left_still_decides_nothing_about_it() -> None:
    """They were on the project, so they never approve what they wrote."""
    course = world.drafted(facts=world.some_facts(author=replace(ROSA, disabled=True))).do(ask.TakeOver(), COLLEAGUE)
    course.do(ask.Submit(), COLLEAGUE)
    assert course.state.content_hash
    course.do(ask.RecordChecks(course.state.content_hash, world.checks()), world.RELEASE)
    both = replace(ROSA, roles=(*ROSA.roles, *NADIA.roles))
    assert course.refused(ask.Approve(GP, course.state.content_hash), both) == "ON_THE_PROJECT"


def test_over_the_ledger_the_colleague_finds_it_and_its_releases_are_theirs() -> None:
    office = Office()
    desk = office.house.desk
    made = desk.create(office.house.call(ROSA), world.a_body(GP))
    assert isinstance(made, Done)
    assert isinstance(desk.take_over(office.house.call(COLLEAGUE), made.state.id), Refusal)
    view = desk.view(office.house.call(COLLEAGUE).actor, made.state.id)
    assert isinstance(view, dict)
    (offered,) = [one for one in view["allowed_commands"] if one["command"] == "take_over"]
    assert offered["code"] == "AUTHOR_STILL_HERE"
    gone = office.house.registry.change_person(office.call(OPERATOR), replace(ROSA, disabled=True))
    assert isinstance(gone, Entry)
    taken = desk.take_over(office.house.call(COLLEAGUE), made.state.id)
    assert isinstance(taken, Done), taken
    listed = office.house.log.listed(own_requests(COLLEAGUE.id), None, 5)
    assert [RequestId(stream.removeprefix("request/")) for stream in listed] == [made.state.id]
    submitted = desk.submit(office.house.call(COLLEAGUE), made.state.id)
    assert isinstance(submitted, Done), submitted
    content = submitted.state.content_hash
    assert content
    desk.record_checks(made.state.id, content, world.checks(), "t")
    office.house.clear(made.state.id, NADIA, TARA)
    for who in (NADIA, TARA):
        assert isinstance(desk.approve(office.house.call(who), made.state.id, GP, content), Done)
    assert isinstance(desk.authorise_release(office.house.call(ROSA), made.state.id, content, Delivery.INLINE), Refusal)
    assert isinstance(
        desk.authorise_release(office.house.call(COLLEAGUE), made.state.id, content, Delivery.INLINE), Done
    )
