"""Conditions: a closed list with typed parameters, merged into one set, accepted exactly."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.canonical import canonical_json
from keyholder.refusals import Refusal
from keyholder.registry.fields import FieldError, Fields
from keyholder.requests import commands as ask
from keyholder.requests.codes import ExpiryReason, RejectReason, RevokeReason, State
from keyholder.requests.conditions import KINDS, Condition, ConditionCode, Parameter, conditions_hash, merged
from keyholder.requests.events import RequestApproved
from keyholder.vocabulary import ContentHash, RequestId
from tests.unit.requests import world
from tests.unit.requests.world import EARLIER, GP, HOSPITAL, NADIA, NILS, NOT_SHARED, ROSA, SWEEPER, TARA

DAYS = st.dates(date(2026, 11, 3), date(2027, 6, 29))


def some(code: ConditionCode) -> st.SearchStrategy[Condition]:
    kind = KINDS[code]
    numbers = st.integers(kind.least, kind.most)
    return st.builds(
        Condition,
        st.just(code),
        by=DAYS if kind.parameter is Parameter.BY else st.none(),
        days=numbers if kind.parameter is Parameter.DAYS else st.none(),
        times=numbers if kind.parameter is Parameter.TIMES else st.none(),
    )


CONDITIONS = st.sampled_from(ConditionCode).flatmap(some)
SETS = st.lists(CONDITIONS, max_size=12).map(tuple)


@pytest.mark.parametrize("code", ConditionCode)
def test_every_kind_has_a_plain_sentence(code: ConditionCode) -> None:
    kind = KINDS[code]
    assert kind.sentence.endswith(".")
    assert kind.sentence.count("{}") == (kind.parameter is not None)
    assert kind.least <= kind.most


def test_a_sentence_says_its_parameter() -> None:
    assert EARLIER.sentence() == "The identifiers are destroyed by 31 January 2027, earlier than was asked for."
    told = Condition(ConditionCode.RESULTS_BEFORE_PUBLICATION, days=30).sentence()
    assert told == "The controllers have the results 30 days before they are published."


@given(CONDITIONS)
def test_a_condition_comes_back_as_it_was(condition: Condition) -> None:
    assert Condition.read(Fields(json.loads(canonical_json(condition.json())))) == condition


@given(CONDITIONS, st.sampled_from(Parameter))
def test_a_parameter_of_another_kind_is_not_read(condition: Condition, other: Parameter) -> None:
    value = "2027-01-31" if other is Parameter.BY else 1
    body = {**condition.json(), other.value: value}
    if other is KINDS[condition.code].parameter:
        body = {name: told for name, told in body.items() if name != other.value}
    with pytest.raises(FieldError):
        Condition.read(Fields(body))


@given(SETS, SETS)
def test_one_set_is_made_of_all_and_nothing_gets_weaker(
    some: tuple[Condition, ...], more: tuple[Condition, ...]
) -> None:
    whole = merged((*some, *more))
    assert whole == merged((*more, *some)) == merged((*merged(some), *merged(more))) == merged(whole)
    assert [one.code for one in whole] == [
        code for code in ConditionCode if code in {one.code for one in (*some, *more)}
    ]
    for one in (*some, *more):
        (kept,) = [strictest for strictest in whole if strictest.code is one.code]
        assert (kept.by or date.max) <= (one.by or date.max)
        assert (kept.days or 0) >= (one.days or 0)
        assert (kept.times or 99) <= (one.times or 99)


@given(SETS, SETS)
def test_a_hash_names_one_set_of_one_content_of_one_request(
    some: tuple[Condition, ...], more: tuple[Condition, ...]
) -> None:
    request, content = RequestId("REQ-1"), ContentHash("a" * 64)
    named = conditions_hash(request, content, merged(some))
    assert (named == conditions_hash(request, content, merged(more))) == (merged(some) == merged(more))
    assert named != conditions_hash(RequestId("REQ-2"), content, merged(some))
    assert named != conditions_hash(request, ContentHash("b" * 64), merged(some))


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        (Condition(ConditionCode.DESTROY_EARLIER), "CONDITION_PARAMETER"),
        (Condition(ConditionCode.NO_ONWARD_SHARING, days=9), "CONDITION_PARAMETER"),
        (Condition(ConditionCode.DESTROY_EARLIER, by=date(2027, 6, 30)), "CONDITION_OUT_OF_RANGE"),
        (Condition(ConditionCode.DESTROY_EARLIER, by=world.NOW.date()), "CONDITION_OUT_OF_RANGE"),
        (Condition(ConditionCode.RESULTS_BEFORE_PUBLICATION, days=6), "CONDITION_OUT_OF_RANGE"),
        (Condition(ConditionCode.RESULTS_BEFORE_PUBLICATION, days=181), "CONDITION_OUT_OF_RANGE"),
        (Condition(ConditionCode.MOST_RETRIEVALS, times=4), "CONDITION_OUT_OF_RANGE"),
        (Condition(ConditionCode.MOST_RETRIEVALS, times=0), "CONDITION_OUT_OF_RANGE"),
        (Condition(ConditionCode.MOST_RETRIEVALS, times=3), None),
        (EARLIER, None),
    ],
)
def test_a_condition_fits_the_request(condition: Condition, code: str | None) -> None:
    course = world.in_review()
    assert course.state.content_hash
    outcome = course.ask(ask.Approve(GP, course.state.content_hash, conditions=(condition,)), NADIA)
    assert (outcome.code if isinstance(outcome, Refusal) else None) == code


def test_conditions_of_all_approvals_are_offered_as_one() -> None:
    course = world.in_review(GP, HOSPITAL)
    assert course.state.content_hash
    named = course.state.content_hash
    earliest = Condition(ConditionCode.DESTROY_EARLIER, by=date(2026, 12, 24))
    tom = world.person("tom", (world.Role.CONTROLLER, world.TRUST))
    course.clear(tom)
    course.do(ask.Approve(GP, named, conditions=(EARLIER,)), NADIA)
    course.do(ask.Approve(GP, named), TARA)
    course.do(ask.Approve(HOSPITAL, named, conditions=(NOT_SHARED, earliest)), TARA)
    assert course.state.status is State.IN_REVIEW
    course.do(ask.Approve(HOSPITAL, named), tom)
    assert course.state.status is State.CONDITIONS_OFFERED
    assert course.state.conditions
    assert course.state.conditions.items == (earliest, NOT_SHARED)
    assert course.state.destroy_by == earliest.by
    assert course.refused(world.release_of(course), ROSA) == "WRONG_STATE"


def test_a_domain_that_says_no_asks_for_nothing() -> None:
    course = world.in_review(GP, HOSPITAL)
    assert course.state.content_hash
    named = course.state.content_hash
    course.approve(NADIA).approve(TARA)
    course.do(ask.Approve(HOSPITAL, named, conditions=(NOT_SHARED,)), TARA)
    tom = world.person("tom", (world.Role.CONTROLLER, world.TRUST))
    course.clear(tom)
    course.do(ask.Reject(HOSPITAL, named, RejectReason.OTHER), tom)
    assert course.state.status is State.APPROVED
    assert course.state.conditions is None


def test_what_is_accepted_opens_the_window_and_counts() -> None:
    course = world.offered(EARLIER, Condition(ConditionCode.MOST_RETRIEVALS, times=1))
    course.now += timedelta(days=3)
    course.do(world.acceptance(course), ROSA)
    assert course.state.status is State.APPROVED
    assert course.state.until == course.now + timedelta(days=14)
    assert course.state.retrievals == 1
    assert isinstance(course.happened[-1], RequestApproved)
    world.released(course=course)
    assert course.refused(world.release_of(course, 2), ROSA) == "NO_RETRIEVALS_LEFT"


def test_nobody_else_accepts_and_nothing_else_is_accepted() -> None:
    course = world.offered()
    assert course.refused(world.acceptance(course), world.COLLEAGUE) == "NOT_THE_REQUESTER"
    assert course.refused(world.acceptance(course), NADIA) == "NOT_THE_REQUESTER"
    assert course.refused(ask.AcceptConditions(ContentHash("0" * 64)), ROSA) == "OTHER_CONDITIONS"


def test_conditions_nobody_accepts_run_out() -> None:
    course = world.offered()
    course.now += timedelta(days=14)
    assert course.refused(world.acceptance(course), ROSA) == "CONDITIONS_LATE"
    course.do(ask.Expire(), SWEEPER)
    assert course.state.status is State.EXPIRED
    assert course.state.reasons == (ExpiryReason.CONDITIONS_NOT_ACCEPTED,)


def test_an_approval_that_ends_sooner_ends_the_offer() -> None:
    course = world.offered(until=world.NOW + timedelta(days=2))
    assert course.state.due_at == world.NOW + timedelta(days=2)


@pytest.mark.parametrize("who", [NADIA, NILS, TARA])
def test_one_controller_stops_what_is_only_offered(who: world.Person) -> None:
    course = world.offered().do(ask.Revoke(RevokeReason.OTHER), who)
    assert course.state.status is State.REVOKED
    assert course.state.destruction_required_by is None


def test_the_requester_may_decline_by_withdrawing() -> None:
    assert world.offered().do(ask.Withdraw(), ROSA).state.status is State.WITHDRAWN
