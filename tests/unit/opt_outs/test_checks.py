"""What may happen to a check, and when a request's people are looked at again."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.canonical import JsonObject
from keyholder.ledger.event import Event
from keyholder.opt_outs import check_events as happened
from keyholder.opt_outs import lists as request_lists
from keyholder.opt_outs.check_events import (
    Answered,
    Asked,
    CheckEvent,
    Discarded,
    DiscardReason,
    Ended,
    EndReason,
    JobCreated,
    Removed,
    SendFault,
    SendRefused,
    Sent,
)
from keyholder.opt_outs.checks import (
    NO_ANSWER_AFTER,
    Check,
    CheckEventError,
    Stage,
    evolve,
    past_cap,
)
from keyholder.opt_outs.list_events import LIST_ID, ListDropped, PeopleListed, PeopleOpened, list_id
from keyholder.opt_outs.list_events import from_event as read_list_event
from keyholder.opt_outs.list_events import to_new_event as write_list_event
from keyholder.opt_outs.lists import AFTER_A_FAILURE, AGAIN_AFTER, MOST_A_DAY, NOTICE, Lists, due, going_stale
from keyholder.opt_outs.mailbox import Correspondence, Envelope, MessageKind
from keyholder.registry.events import UnknownEventError
from keyholder.registry.fields import FieldError
from keyholder.vocabulary import ActorId, StreamId
from tests.unit.opt_outs.world import NOW, request_id

ID = "0" * 26
SHA = "ab" * 32
TODAY = NOW.date()
REQUEST = request_id(1)
LIST = list_id(REQUEST, 2)
ASKED = Asked(3, (LIST,), TODAY, SHA)
EXAMPLES: tuple[CheckEvent, ...] = (
    ASKED,
    Sent("20261102093000123_ACDED1"),
    SendRefused(SendFault.RECIPIENT_UNKNOWN),
    JobCreated(),
    Answered(2, 1, SHA),
    Ended(EndReason.ERROR_LINE, 1),
    Discarded(DiscardReason.DUPLICATE),
    Removed(),
)
SOON = NOW + timedelta(minutes=5)


def after(*events: CheckEvent, at: datetime = SOON) -> Check:
    """A check that was asked, and then these."""
    check = evolve(ID, None, ASKED, NOW)
    for event in events:
        check = evolve(ID, check, event, at)
    return check


def event_of(data: JsonObject, kind: str) -> Event:
    return Event(StreamId("opt-out-check/x"), 1, kind, NOW, ActorId("system/opt_outs"), "t", data)


@pytest.mark.parametrize("event", EXAMPLES)
def test_every_event_is_read_as_it_was_written(event: CheckEvent) -> None:
    written = happened.to_new_event(event)
    assert happened.from_event(event_of(written.data, written.type)) == event
    with pytest.raises((FieldError, ValueError)):
        happened.from_event(event_of({**written.data, "more": 1}, written.type))


@pytest.mark.parametrize("event", [PeopleOpened(), PeopleListed(3, TODAY), ListDropped(2)])
def test_every_list_event_is_read_as_it_was_written(event: PeopleOpened | PeopleListed | ListDropped) -> None:
    written = write_list_event(event, REQUEST)
    assert written.data["subject"] == f"request/{REQUEST}"
    assert read_list_event(event_of(written.data, written.type)) == event


def test_an_event_nobody_knows_is_an_error() -> None:
    for read in (happened.from_event, read_list_event):
        with pytest.raises(UnknownEventError):
            read(event_of({}, "opt_out_check.other"))


@pytest.mark.parametrize(
    "name", ["9990000018", "", "REQ-1.2", f"{REQUEST}", f"{REQUEST}.0", f"{REQUEST}.2 ", f"{REQUEST}.2x"]
)
def test_a_list_is_named_after_its_request(name: str) -> None:
    assert LIST_ID.fullmatch(LIST)
    assert not LIST_ID.fullmatch(name)


LIVES = {
    Stage.ASKED: after(),
    Stage.SENT: after(EXAMPLES[1]),
    Stage.JOB_CREATED: after(EXAMPLES[1], JobCreated()),
    Stage.ANSWERED: after(Answered(2, 1, SHA)),
    Stage.ENDED: after(Ended(EndReason.UNDELIVERED)),
}
ALLOWED = {
    Stage.ASKED: "sent send_refused job_created answered ended",
    Stage.SENT: "job_created answered ended",
    Stage.JOB_CREATED: "answered ended discarded",
    Stage.ANSWERED: "discarded",
    Stage.ENDED: "discarded",
}
"""Written out again, so that a slip in the table is not its own excuse. A removal depends on the day alone."""


@pytest.mark.parametrize(("stage", "event"), list(itertools.product(Stage, EXAMPLES)))
def test_what_may_follow(stage: Stage, event: CheckEvent) -> None:
    if isinstance(event, Discarded) and stage is Stage.ENDED:
        event = Discarded(DiscardReason.LATE)
    allowed = event.TYPE.partition(".")[2] in ALLOWED[stage].split()
    if allowed:
        assert evolve(ID, LIVES[stage], event, SOON).version == LIVES[stage].version + 1
    else:
        with pytest.raises(CheckEventError):
            evolve(ID, LIVES[stage], event, SOON)


@pytest.mark.parametrize(
    ("check", "event", "at"),
    [
        (None, Sent("20261102093000123_ACDED1"), NOW),
        (None, replace(ASKED, performed_on=TODAY + timedelta(days=1)), NOW),
        (None, replace(ASKED, lists=()), NOW),
        (after(), Answered(3, 1, SHA), SOON),
        (after(), Answered(2, 1, SHA), NOW + timedelta(days=21)),
        (after(), Ended(EndReason.NO_ANSWER), NOW + NO_ANSWER_AFTER - timedelta(seconds=1)),
        (LIVES[Stage.SENT], Ended(EndReason.LISTS_GONE), SOON),
        (LIVES[Stage.ANSWERED], Removed(), NOW + timedelta(days=20)),
        (LIVES[Stage.ANSWERED], Discarded(DiscardReason.LATE), SOON),
        (LIVES[Stage.ENDED], Discarded(DiscardReason.DUPLICATE), SOON),
    ],
)
def test_what_could_not_happen(check: Check | None, event: CheckEvent, at: datetime) -> None:
    with pytest.raises(CheckEventError):
        evolve(ID, check, event, at)


def test_nothing_happens_to_a_check_without_an_id_of_ours() -> None:
    with pytest.raises(CheckEventError):
        evolve("9990000018", None, ASKED, NOW)


@pytest.mark.parametrize("stage", list(Stage))
def test_a_register_is_removed_once_and_only_past_the_cap(stage: Stage) -> None:
    removed = evolve(ID, LIVES[stage], Removed(), NOW + timedelta(days=21))
    assert removed.removed
    with pytest.raises(CheckEventError):
        evolve(ID, removed, Removed(), NOW + timedelta(days=22))


@pytest.mark.parametrize(
    ("at", "over"),
    [
        (datetime(2026, 11, 22, 23, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 23, 0, 0, tzinfo=UTC), True),
    ],
)
def test_the_cap_is_twenty_days_of_london(at: datetime, over: bool) -> None:
    assert past_cap(date(2026, 11, 2), at) is over


def test_the_cap_counts_londons_days_in_summer() -> None:
    late = datetime(2026, 7, 21, 23, 30, tzinfo=UTC)
    assert past_cap(date(2026, 7, 1), late), "it is the 22nd in London"
    assert not past_cap(date(2026, 7, 2), late)


# -- lists ------------------------------------------------------------------------------------------------------------


def listed(people: int = 1, *, ago: timedelta = timedelta(), again_on: date | None = None) -> Lists:
    """A request whose people were listed some time ago, to be looked at again tomorrow."""
    at = NOW - ago
    state = request_lists.evolve(Lists(REQUEST), PeopleOpened(), at)
    return request_lists.evolve(state, PeopleListed(people, again_on or at.date() + timedelta(days=1)), at)


def test_a_request_nobody_looked_at_is_due() -> None:
    assert due(Lists(REQUEST), (), frozenset(), NOW)
    opened = request_lists.evolve(Lists(REQUEST), PeopleOpened(), NOW)
    assert not due(opened, (), frozenset(), NOW + AGAIN_AFTER)
    assert due(opened, (), frozenset(), NOW + AGAIN_AFTER + timedelta(seconds=1)), "it was cut short"


def test_a_request_is_due_on_its_day() -> None:
    tomorrow = datetime(2026, 11, 3, 0, 0, tzinfo=UTC)
    for state in (listed(0), listed(1)):
        checks = (after(),)
        assert not due(state, checks, frozenset(), tomorrow - timedelta(seconds=1))
        assert due(state, checks, frozenset(), tomorrow)


def test_a_list_that_got_lost_is_made_again() -> None:
    state = listed()
    assert not due(state, (), frozenset({LIST}), NOW + timedelta(hours=3))
    assert not due(state, (), frozenset(), NOW + AGAIN_AFTER)
    assert due(state, (), frozenset(), NOW + AGAIN_AFTER + timedelta(seconds=1))
    dropped = request_lists.evolve(state, ListDropped(2), NOW)
    assert due(dropped, (), frozenset(), NOW)


def test_after_a_failed_check_it_is_tried_again_a_few_times_a_day() -> None:
    state, failed = listed(), LIVES[Stage.ENDED]
    assert failed.closed_at is not None
    assert not due(state, (failed,), frozenset(), failed.closed_at + AFTER_A_FAILURE)
    assert due(state, (failed,), frozenset(), failed.closed_at + AFTER_A_FAILURE + timedelta(seconds=1))
    assert not due(replace(state, listed_on=(TODAY,) * MOST_A_DAY), (failed,), frozenset(), NOW + timedelta(hours=9))
    assert not due(state, (LIVES[Stage.SENT],), frozenset(), NOW + timedelta(hours=9)), "the answer may come"


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (Lists(REQUEST), PeopleListed(1, TODAY + timedelta(days=1))),
        (request_lists.evolve(Lists(REQUEST), PeopleOpened(), NOW), PeopleListed(1, TODAY)),
        (listed(), ListDropped(1)),
        (listed(0), ListDropped(2)),
        (request_lists.evolve(listed(), ListDropped(2), NOW), ListDropped(2)),
    ],
)
def test_what_could_not_happen_to_lists(state: Lists, event: PeopleListed | ListDropped) -> None:
    with pytest.raises(CheckEventError):
        request_lists.evolve(state, event, NOW)


def test_whose_answers_go_stale_is_told_before_they_are() -> None:
    answered = LIVES[Stage.ANSWERED]
    tomorrow_night = datetime(2026, 11, 4, 0, 0, tzinfo=UTC) - NOTICE
    state = listed()
    assert not going_stale(state, (answered,), 1, tomorrow_night - timedelta(seconds=1))
    assert going_stale(state, (answered,), 1, tomorrow_night)
    assert not going_stale(state, (answered,), 2, tomorrow_night)
    assert not going_stale(state, (LIVES[Stage.SENT],), 1, NOW + NOTICE)
    assert going_stale(state, (LIVES[Stage.SENT],), 1, NOW + NOTICE + timedelta(seconds=1)), "none was ever answered"
    assert not going_stale(Lists(REQUEST), (), 1, NOW), "its people have not been looked at yet"
    assert not going_stale(listed(0), (), 1, NOW + timedelta(hours=12)), "everybody had a check already"


# -- letters ----------------------------------------------------------------------------------------------------------


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.integers(1, 20_000))
def test_file_names_are_in_the_services_form(day: date, number: int) -> None:
    name = Correspondence("8HQ50OT001", "X26HC036", "W", frozenset()).file_name(day, number)
    assert name == f"8HQ50OT001-{day.day:02}{day.month:02}{day.year % 100:02}-{number % 10000:04}.dat"
    assert (
        Correspondence("8HQ50OT001", "", "", frozenset()).file_name(date(2020, 6, 3), 1) == "8HQ50OT001-030620-0001.dat"
    )


def test_whose_messages_count() -> None:
    to = Correspondence("A", "B", "W", frozenset({"B", "C"}))
    message = Envelope("M", MessageKind.DATA, "W", "B", "", "")
    assert to.concerns(message)
    assert to.concerns(replace(message, sender="C"))
    assert not to.concerns(replace(message, sender=""))
    assert not to.concerns(replace(message, workflow="V"))
    assert to.concerns(replace(message, kind=MessageKind.REPORT, sender="")), "MESH's own word"
