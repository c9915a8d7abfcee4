"""Every event written is read back the same, and none of another form is read at all."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from keyholder.canonical import canonical_json
from keyholder.ledger.event import Event
from keyholder.limits.counting import Exceeded
from keyholder.limits.vocabulary import Action
from keyholder.notices.table import TELLINGS, UNTOLD
from keyholder.registry.events import UnknownEventError
from keyholder.registry.fields import FieldError
from keyholder.requests import commands as ask
from keyholder.requests.codec import EVENTS, RequestEvent, from_event, to_new_event
from keyholder.requests.codes import (
    Advice,
    Audience,
    EscalationReason,
    RecuseReason,
    RejectReason,
    RevokeReason,
    safe_count,
)
from keyholder.requests.events.releasing import MOST_SUBJECTS, ItemsReleased
from keyholder.requests.records import Narrowed
from keyholder.vocabulary import ActorId, StreamId
from tests.unit.requests import world
from tests.unit.requests.world import COLLEAGUE, GP, HOSPITAL, NADIA, READER, RELEASE, ROSA, SWEEPER, TARA, TOKEN


def test_it_is_said_of_every_event_who_is_told_of_it_or_why_nobody_is() -> None:
    """Here too, for whoever adds an event runs these tests; tests/unit/notices has the rest."""
    assert set(EVENTS) <= set(TELLINGS) | set(UNTOLD), "see keyholder/notices/table.py"


def samples() -> dict[str, RequestEvent]:
    """One event of each type, each from a course of things that makes it."""
    mixed = world.in_review(GP, HOSPITAL).approve(NADIA).approve(TARA)
    assert mixed.state.content_hash
    no = ask.Reject(HOSPITAL, mixed.state.content_hash, RejectReason.OTHER, "c" * 64)
    mixed.do(no, TARA)
    blocked = world.drafted().do(ask.Submit(), ROSA)
    assert blocked.state.content_hash
    blocked.do(
        ask.RecordChecks(blocked.state.content_hash, replace(world.checks(0), reasons=("DSA_EXPIRED",))), RELEASE
    )
    held = world.drafted().do(ask.Submit(), ROSA)
    assert held.state.content_hash
    held.do(ask.HoldChecks(held.state.content_hash, "KEYS_UNAVAILABLE"), RELEASE)
    expired = world.approved()
    expired.now = expired.state.due_at or expired.now
    failed = world.approved()
    command = world.release_of(failed)
    file = world.released(delivery="file", recipient={"organisation": "ZZ9", "public_key": KEY})
    aside = world.unread(facts=world.some_facts(candidates=(NADIA, TARA)))
    aside.do(ask.Claim(GP), NADIA).do(ask.HandBack(GP), NADIA).do(ask.Recuse(RecuseReason.TOOK_PART), NADIA)
    talk = world.in_review(facts=world.some_facts(adviser=world.DEV))
    talk.do(ask.Comment(Audience.REQUESTER, "1" * 64), NADIA).do(ask.Reply("2" * 64, "1" * 64), ROSA)
    talk.do(ask.Nudge(), ROSA).do(ask.AskAdvice(world.DEV.id, "3" * 64), TARA)
    talk.do(ask.Advise("3" * 64, Advice.CONCERNS, "4" * 64), world.DEV)
    waited = world.in_review()
    assert waited.state.due_at
    waited.now = waited.state.due_at - timedelta(days=7)
    waited.do(ask.Escalate(EscalationReason.UNATTENDED), SWEEPER).do(ask.Remind(7), SWEEPER)
    courses = [
        mixed,
        waited,
        talk,
        aside,
        blocked,
        held,
        world.drafted().do(ask.Discard(), ROSA),
        world.drafted(facts=world.some_facts(author=replace(ROSA, disabled=True))).do(ask.TakeOver(), COLLEAGUE),
        world.in_review().do(ask.Withdraw(), ROSA),
        world.approved().do(ask.Revoke(RevokeReason.OTHER), NADIA),
        expired.do(ask.Expire(), SWEEPER),
        failed.do(command, ROSA).do(ask.FailRelease(command.release, "LEDGER_UNAVAILABLE"), RELEASE),
        file.do(ask.Collect(file.state.releases[0].id), ROSA),
        _rejected(),
        _let_through(),
        _fallen(),
        world.filed(),
        world.handed_in().do(world.refusal_of_file(), READER),
        _taken_back(),
        world.returned(),
        world.released(course=world.narrowed()).do(ask.Revoke(RevokeReason.OTHER), NADIA),
        world.accepted(),
        world.under_standing(),
        world.released().do(world.REPORT, ROSA),
        _reviewed_with_all_there_is(),
    ]
    return {event.TYPE: event for course in courses for event in course.happened}


KEY = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"


def _fallen() -> world.Course:
    course = world.approved(legal_basis="explicit_consent")
    assert course.state.content_hash
    return course.do(ask.RecordConsentFall(course.state.content_hash, 2), RELEASE)


def _let_through() -> world.Course:
    course = world.approved()
    command = world.release_of(course)
    exceeded = (Exceeded("night", Action.WARN, 2, 1), Exceeded("person_month", Action.HOLD, 2001, 2000))
    course.do(command, ROSA).do(
        ask.RecordVolume(command.release, "a" * 64, Action.HOLD, stopped=True, exceeded=exceeded), RELEASE
    )
    return course.do(ask.LetThrough(command.content_hash), NADIA)


def _taken_back() -> world.Course:
    course = world.in_review().approve(NADIA)
    assert course.state.content_hash
    return course.do(ask.WithdrawVote(GP, course.state.content_hash), NADIA)


def _reviewed_with_all_there_is() -> world.Course:
    """Checks that tell the domains apart; an approval that narrows and asks for something."""
    course = world.drafted(GP, HOSPITAL).do(ask.Submit(), ROSA)
    assert course.state.content_hash
    by_domain = {GP: ask.Found(1, 0, 1), HOSPITAL: ask.Found(2, 0, 0)}
    course.do(ask.RecordChecks(course.state.content_hash, replace(world.checks(), by_domain=by_domain)), RELEASE)
    course.clear(NADIA)
    return course.do(
        ask.Approve(
            GP,
            course.state.content_hash,
            until=world.NOW + timedelta(days=1),
            records=Narrowed("d" * 64, 1),
            records_left=1,
            conditions=(world.EARLIER,),
        ),
        NADIA,
    )


def _rejected() -> world.Course:
    course = world.in_review()
    assert course.state.content_hash
    return course.do(ask.Reject(GP, course.state.content_hash, RejectReason.OTHER), NADIA)


def written(event: RequestEvent) -> Event:
    new = to_new_event(event)
    return Event(StreamId(f"request/{world.REQUEST}"), 1, new.type, world.NOW, ActorId(ROSA.id), "trace", new.data)


def test_every_type_has_a_sample() -> None:
    assert set(samples()) == set(EVENTS)


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_an_event_comes_back_as_it_was(name: str) -> None:
    event = samples()[name]
    line = written(event).line()
    assert from_event(Event.parse(line)).event == event
    assert TOKEN.encode() not in line


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_a_field_more_or_less_is_refused(name: str) -> None:
    data = json.loads(canonical_json(to_new_event(samples()[name]).data))
    event = written(samples()[name])
    with pytest.raises(FieldError):
        from_event(Event(event.stream, 1, name, event.at, event.actor, "trace", {**data, "more": 1}))
    for field in data:
        if data[field] is None:
            continue
        less = {key: value for key, value in data.items() if key != field}
        try:
            again = from_event(Event(event.stream, 1, name, event.at, event.actor, "trace", less))
        except FieldError:
            continue
        assert again.event != samples()[name]


def test_a_type_nobody_knows_is_refused() -> None:
    event = written(samples()["request.withdrawn"])
    with pytest.raises(UnknownEventError):
        from_event(Event(event.stream, 1, "request.waved_through", event.at, event.actor, "trace", {}))


def test_a_full_chunk_fits_into_one_entry_of_the_log() -> None:
    tags = tuple(f"{number:022d}" for number in range(MOST_SUBJECTS))
    chunk = ItemsReleased(
        "REL-" + "0" * 26, 10, 10, MOST_SUBJECTS, "2026-11", {"released": tags}, {"malformed": 10_000}
    )
    assert len(written(chunk).line()) < 65_535


@pytest.mark.parametrize(
    ("count", "shown"), [(-1, "0"), (0, "0"), (1, "1-7"), (7, "1-7"), (8, "10"), (12, "10"), (13, "15"), (500, "500")]
)
def test_counts_are_safe_to_show(count: int, shown: str) -> None:
    assert safe_count(count) == shown
