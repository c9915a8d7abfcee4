"""Version and time as they are told outside move when the requester could see why, and never otherwise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

import pytest

from keyholder.canonical import JsonObject
from keyholder.limits.counting import Exceeded
from keyholder.limits.vocabulary import Action
from keyholder.refusals import Refusal
from keyholder.requests import commands as ask
from keyholder.requests.codec import from_event
from keyholder.requests.codes import Advice, Audience, RecuseReason
from keyholder.requests.folding import evolve
from keyholder.requests.service import Done
from keyholder.requests.sight import Side
from keyholder.requests.state import RequestState
from keyholder.requests.view import request_view
from keyholder.vocabulary import RequestId
from tests.fakes.ledger import ManualClock, Memory, memory_ledger
from tests.kept_ledger import Story
from tests.unit.requests import world
from tests.unit.requests.world import DEV, GP, NADIA, RELEASE, ROSA, SWEEPER, TARA


def seen(state: RequestState) -> JsonObject:
    """What the requester is shown."""
    return request_view(state, Side.ASKING, frozenset(state.summary.records if state.summary else ()))


def shown(state: RequestState) -> JsonObject:
    """All the requester is shown but the version and its time."""
    view = dict(seen(state))
    said = [message for message in state.messages if message.audience is Audience.REQUESTER]
    return {**view, "version": 0, "changed_at": None, "heard": len(said)}


def test_whatever_the_requester_sees_change_moves_the_version_and_nothing_internal_does() -> None:
    """Over a whole ledger in which everything happens."""
    states: dict[str, RequestState] = {}
    moved: dict[str, set[bool]] = defaultdict(set)
    for event in Story().tell().events():
        if not event.stream.startswith("request/"):
            continue
        before = states.get(event.stream, RequestState(RequestId(event.stream.removeprefix("request/"))))
        after = states[event.stream] = evolve(before, from_event(event))
        moves = after.edition != before.edition
        assert moves or after.edition_at == before.edition_at
        assert moves or shown(after) == shown(before), event.type
        moved[event.type].add(moves)
    never = {kind for kind, moves in moved.items() if moves == {False}}
    assert never == {
        "request.no_conflict_declared",
        "request.advice_requested",
        "request.advice_given",
        "request.reminded",
    }
    assert {kind for kind, moves in moved.items() if moves == {True, False}} >= {"request.commented"}


QUIET: dict[str, Callable[[world.Course], object]] = {
    "an internal comment": lambda course: course.do(ask.Comment(Audience.INTERNAL, "1" * 64), NADIA),
    "advice": lambda course: course.do(ask.AskAdvice(DEV.id, "2" * 64), NADIA).do(
        ask.Advise("2" * 64, Advice.OBJECTS), DEV
    ),
    "a declaration": lambda course: course.do(ask.DeclareNoConflict(), NADIA),
    "somebody without a vote steps aside": lambda course: course.do(ask.Recuse(RecuseReason.OTHER), NADIA),
}


@pytest.mark.parametrize("name", QUIET)
def test_what_is_internal_leaves_what_the_requester_is_shown_as_it_was(name: str) -> None:
    facts = world.some_facts(adviser=DEV, candidates=world.DECIDERS)
    course = world.unread(facts=facts) if "declar" in name else world.in_review(facts=facts)
    before = seen(course.state)
    course.now += world.timedelta(hours=1)
    QUIET[name](course)
    assert seen(course.state) == before


def test_a_volume_warning_is_not_told_to_who_is_counted_and_a_hold_is() -> None:
    for action, stopped in ((Action.WARN, False), (Action.HOLD, True)):
        course = world.approved()
        course.do(world.release_of(course), ROSA)
        before = seen(course.state)
        exceeded = (Exceeded("night", action, 2, 1),)
        course.do(ask.RecordVolume("REL-" + "0" * 25 + "1", "a" * 64, action, stopped, exceeded), RELEASE)
        assert (seen(course.state) == before) == (not stopped)


def test_a_second_consent_that_falls_is_not_told_to_the_requester() -> None:
    course = world.approved(legal_basis="explicit_consent")
    assert course.state.content_hash
    views = [seen(course.state)]
    for people in (1, 2):
        course.do(ask.RecordConsentFall(course.state.content_hash, people), RELEASE)
        views.append(seen(course.state))
    assert views[0] != views[1] == views[2]


def test_a_reminder_takes_no_draft_out_of_its_authors_hands() -> None:
    course = world.drafted()
    assert course.state.due_at
    before = course.state.edition
    course.now = course.state.due_at - world.timedelta(days=2)
    assert course.do(ask.Remind(2), SWEEPER).state.edition == before


def test_a_decision_stands_on_the_version_that_was_told_and_falls_with_the_next_vote() -> None:
    clock = ManualClock(world.NOW)
    house = world.House(memory_ledger(clock, Memory()), clock)
    desk = house.desk
    created = desk.create(house.call(ROSA), world.a_body())
    assert isinstance(created, Done)
    request = created.state.id
    desk.submit(house.call(ROSA), request)
    named = desk.load(request).content_hash
    assert named
    desk.record_checks(request, named, world.checks(), "trace")
    house.clear(request)
    told = desk.load(request).edition
    assert isinstance(desk.comment(house.call(TARA), request, Audience.INTERNAL, "Well?"), Done)
    first = desk.approve(replace(house.call(NADIA), expected=told), request, GP, named)
    assert isinstance(first, Done)
    second = desk.approve(replace(house.call(TARA), expected=told), request, GP, named)
    assert isinstance(second, Refusal)
    assert second.code == "STALE"
    assert isinstance(desk.approve(replace(house.call(TARA), expected=first.state.edition), request, GP, named), Done)
