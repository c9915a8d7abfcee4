"""The clocks: each state that waits has one, each reminder is sent once, and silence never approves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.ledger.ports import Head
from keyholder.requests import commands as ask
from keyholder.requests.actors import Limits
from keyholder.requests.codes import TERMINAL, Awaited, EscalationReason, ExpiryReason, State
from keyholder.requests.desk.core import Done
from keyholder.requests.events import Escalated, Reminded, RequestExpired
from keyholder.requests.listings import request_head
from keyholder.requests.waiting import AWAITED, awaited, look_again_at, overdue_command
from tests.fakes.ledger import ManualClock, Memory, memory_ledger
from tests.unit.requests import world
from tests.unit.requests.world import GP, NADIA, ROSA, SWEEPER

DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
LIMITS = Limits()


def submitted() -> world.Course:
    return world.drafted().do(ask.Submit(), ROSA)


COURSES: dict[str, tuple[Callable[[], world.Course], timedelta, ExpiryReason]] = {
    "draft": (world.drafted, LIMITS.draft_within, ExpiryReason.DRAFT_LEFT),
    "submitted": (submitted, LIMITS.checks_within, ExpiryReason.NOT_CHECKED),
    "in_review": (world.in_review, LIMITS.decision_within, ExpiryReason.NOT_DECIDED),
    "approved": (world.approved, timedelta(days=14), ExpiryReason.WINDOW_OVER),
}


def due_at(course: world.Course) -> datetime:
    assert course.state.due_at
    return course.state.due_at


def sweep(course: world.Course) -> list[object]:
    """All that Keyholder does now."""
    before = len(course.happened)
    for _ in range(5):
        command = overdue_command(course.state, LIMITS, course.now)
        if command is None:
            break
        course.do(command, SWEEPER)
    return list(course.happened[before:])


def test_every_state_that_is_not_the_end_waits_for_something() -> None:
    assert set(AWAITED) == set(State) - TERMINAL
    assert set(AWAITED.values()) == set(Awaited)


@pytest.mark.parametrize("name", COURSES)
def test_each_state_expires_at_its_moment_and_not_before_with_its_own_reason(name: str) -> None:
    make, within, reason = COURSES[name]
    course = make()
    assert course.state.status is not None
    assert (course.state.status.value, due_at(course)) == (name, course.now + within)
    assert awaited(course.state) is AWAITED[course.state.status]
    course.now = due_at(course) - TICK
    assert course.refused(ask.Expire(), SWEEPER) == "NOT_DUE"
    course.now += TICK
    assert sweep(course) == [RequestExpired(reason)]
    assert course.state.status is State.EXPIRED
    assert look_again_at(course.state, LIMITS) is None


@pytest.mark.parametrize("name", ["draft", "in_review", "approved"])
@pytest.mark.parametrize("days", LIMITS.remind_days)
def test_each_reminder_comes_at_its_moment_once(name: str, days: int) -> None:
    course = COURSES[name][0]()
    for earlier in (one for one in LIMITS.remind_days if one > days):
        course.now = due_at(course) - earlier * DAY
        sweep(course)
    course.now = due_at(course) - days * DAY - TICK
    sweep(course)
    assert course.refused(ask.Remind(days), SWEEPER) == "NOT_DUE"
    course.now += TICK
    assert course.state.status
    assert sweep(course) == [Reminded(AWAITED[course.state.status], days, due_at(course))]
    assert sweep(course) == []
    assert course.refused(ask.Remind(days), SWEEPER) == "NOT_DUE"


def test_of_reminders_that_were_missed_the_last_is_sent() -> None:
    course = world.drafted()
    course.now = due_at(course) - DAY
    assert sweep(course) == [Reminded(Awaited.SUBMISSION, 2, due_at(course))]
    assert sweep(course) == []


def test_what_waits_shorter_than_a_reminder_is_not_reminded_of_the_past() -> None:
    course = world.approved(window_days=3)
    assert sweep(course) == []
    course.now += DAY
    assert [event.days for event in sweep(course) if isinstance(event, Reminded)] == [2]


def test_a_draft_that_is_saved_again_has_its_time_again() -> None:
    course = world.drafted()
    course.now = due_at(course) - 7 * DAY
    sweep(course)
    course.do(ask.Save(world.a_draft(records=3).content.summary()), ROSA)
    assert due_at(course) == course.now + LIMITS.draft_within
    assert sweep(course) == []
    course.now = due_at(course) - 7 * DAY
    assert [event.days for event in sweep(course) if isinstance(event, Reminded)] == [7]


def test_a_draft_from_before_there_was_a_clock_waits_for_ever() -> None:
    course = world.drafted()
    course.state = replace(course.state, due_at=None)
    course.now += 1_000 * DAY
    assert sweep(course) == []
    assert course.refused(ask.Expire(), SWEEPER) == "NOT_DUE"


@pytest.mark.parametrize(
    ("make", "reason"), [(submitted, EscalationReason.UNCHECKED), (world.in_review, EscalationReason.UNATTENDED)]
)
def test_escalation_tells_more_people_once(make: Callable[[], world.Course], reason: EscalationReason) -> None:
    course = make()
    course.now = due_at(course) - LIMITS.escalate_before - TICK
    assert sweep(course) == []
    course.now += TICK
    assert sweep(course) == [Escalated(reason, (GP,))]
    assert sweep(course) == []
    assert course.state.status in (State.SUBMITTED, State.IN_REVIEW)


def test_an_escalation_takes_it_from_whoever_looked_after_it() -> None:
    course = world.in_review().do(ask.Claim(GP), NADIA)
    course.now = due_at(course) - LIMITS.escalate_before
    sweep(course)
    assert course.state.handlers == {}
    course.do(ask.Claim(GP), NADIA)


def test_people_can_neither_remind_nor_escalate_nor_expire() -> None:
    course = world.in_review()
    course.now = due_at(course)
    for command in (ask.Remind(2), ask.Escalate(EscalationReason.UNATTENDED), ask.Expire()):
        assert course.refused(command, NADIA) == "NOT_FOR_PEOPLE"


@given(st.lists(st.integers(0, 200), min_size=1, max_size=12), st.sampled_from(sorted(COURSES)))
def test_however_the_sweeps_fall_nothing_is_said_twice_and_the_end_comes(hours: list[int], name: str) -> None:
    course = COURSES[name][0]()
    end, said = due_at(course), []
    for pause in hours:
        course.now += timedelta(hours=pause)
        at = look_again_at(course.state, LIMITS)
        happened = sweep(course)
        assert bool(happened) == (at is not None and at <= course.now), "the head's hint is when there is work"
        said += [event for event in happened if not isinstance(event, RequestExpired)]
    assert len(said) == len(set(map(repr, said)))
    assert (course.state.status is State.EXPIRED) == (course.now >= end)


def test_the_sweeper_finds_each_moment_by_the_index() -> None:
    memory, clock = Memory(), ManualClock(world.NOW)
    house = world.House(memory_ledger(clock, memory), clock)
    created = house.desk.create(house.call(ROSA), world.a_body())
    assert isinstance(created, Done)
    request = created.state.id
    stream = f"request/{request}"
    seen = []
    while True:
        head: Head = memory.steps.heads[stream]  # type: ignore[index]  # a stream's name is text
        assert head == request_head(house.desk.load(request))
        if head.due_at is None:
            break
        clock.moment = head.due_at
        assert memory.steps.due(clock.now(), 10) == [stream]
        seen += [type(event) for event in house.desk.keep_time(request, "sweep")]
        assert house.desk.keep_time(request, "sweep") == ()
    assert seen == [Reminded, Reminded, RequestExpired]
