"""Days at both ends of every boundary, London days across clock changes, and settings within their caps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.policy.assess import assess_person, assess_request, supposing_approved
from keyholder.policy.days import london_day, over
from keyholder.policy.facts import Agreement, Requester
from keyholder.policy.settings import STATED, CapError, CollectionType1, ExemptFlow, Freshness, PolicyFacts, policy_hash
from keyholder.policy.vocabulary import CheckState, Decision, LegalBasis, Purpose, Reason, RequesterRole
from tests.unit.policy.examples import (
    CONSENTED,
    DAY,
    NOW,
    TODAY,
    cached,
    consent,
    direct,
    person,
    request,
    support,
)

LONDON = ZoneInfo("Europe/London")
DAYS = st.dates(date(2019, 1, 1), date(2035, 12, 31))
AGES = st.integers(0, 40)
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def moments(day: date) -> st.SearchStrategy[datetime]:
    """Any moment of a London day, seen from any zone; the first and the last minute come up often."""
    first = datetime.combine(day, time(0, 0), LONDON).astimezone(UTC)
    last = datetime.combine(day + DAY, time(0, 0), LONDON).astimezone(UTC) - timedelta(microseconds=1)
    inner = st.datetimes(first.replace(tzinfo=None), last.replace(tzinfo=None), timezones=st.just(UTC))
    edge = st.sampled_from((first, last))
    return st.tuples(st.one_of(edge, inner), OFFSETS).map(lambda pair: pair[0].astimezone(pair[1]))


days_and_moments = DAYS.flatmap(lambda day: st.tuples(st.just(day), moments(day)))


@given(days_and_moments)
def test_a_london_day_is_the_same_from_anywhere(pair: tuple[date, datetime]) -> None:
    day, moment = pair
    assert london_day(moment) == day


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2025-03-30T00:59:59+00:00", date(2025, 3, 30)),
        ("2025-03-30T23:00:00+00:00", date(2025, 3, 31)),
        ("2025-10-25T23:00:00+00:00", date(2025, 10, 26)),
        ("2025-10-26T23:59:59+00:00", date(2025, 10, 26)),
        ("2025-10-27T00:00:00+00:00", date(2025, 10, 27)),
    ],
)
def test_days_around_the_clock_changes(moment: str, day: date) -> None:
    assert london_day(datetime.fromisoformat(moment)) == day


def test_a_moment_without_a_zone_is_a_fault() -> None:
    with pytest.raises(ValueError, match="zone"):
        assess_request(request(), STATED, datetime(2025, 6, 10, 10))  # noqa: DTZ001 - the fault under test


@given(DAYS, DAYS)
def test_a_last_day_is_included(last: date, today: date) -> None:
    assert over(last, today) == (today - last >= DAY)


def standing(today: date) -> dict[str, object]:
    """A request whose own dates hold on any day."""
    forever = date(2099, 1, 1)
    return {
        "agreement": Agreement("DARS-NIC-12345-A1B2C", forever),
        "requester": Requester(RequesterRole.RESEARCHER, forever),
        "cag": support(next_review_on=today),
    }


@given(days_and_moments, AGES)
def test_a_direct_check_is_good_for_twenty_days(pair: tuple[date, datetime], age: int) -> None:
    today, now = pair
    got = assess_person(request(**standing(today)), person(ndoo_check=direct(today - age * DAY)), STATED, now)
    stale = (Reason.NDOO_CHECK_STALE,)
    assert got.reasons == ((Reason.S251_SUPPORTED,) if age <= 20 else stale)


@given(days_and_moments, st.integers(-3, 20), st.integers(-3, 12))
def test_a_cached_check_is_good_for_seven_and_thirteen_days(pair: tuple[date, datetime], age: int, before: int) -> None:
    today, now = pair
    taken = today - age * DAY
    check = cached(taken, taken - before * DAY)
    got = assess_person(request(**standing(today)), person(ndoo_check=check), STATED, now)
    if age < 0 or before < 0:
        assert got.reasons == (Reason.NDOO_CHECK_INVALID,)
    else:
        assert (got.decision == Decision.RELEASE) == (age <= 13 and before <= 7)


@given(days_and_moments, st.integers(1, 400), st.sampled_from(CheckState))
def test_a_check_from_the_future_is_never_used(pair: tuple[date, datetime], ahead: int, state: CheckState) -> None:
    today, now = pair
    got = assess_person(request(**standing(today)), person(ndoo_check=direct(today + ahead * DAY, state)), STATED, now)
    assert got.decision == Decision.HOLD


@given(days_and_moments, AGES, st.sampled_from([CheckState.CLEAR, CheckState.OPTED_OUT]))
def test_an_old_answer_looks_alike_whatever_it_says(pair: tuple[date, datetime], age: int, state: CheckState) -> None:
    today, now = pair
    old = direct(today - (21 + age) * DAY, state)
    got = assess_person(request(**standing(today)), person(ndoo_check=old), STATED, now)
    assert got.reasons == (Reason.NDOO_CHECK_STALE,)


@given(days_and_moments, st.integers(-5, 5))
def test_every_last_day_of_a_request(pair: tuple[date, datetime], left: int) -> None:
    today, now = pair
    last = today + left * DAY
    for changes, reason in (
        ({"agreement": Agreement("DARS-NIC-12345-A1B2C", last)}, Reason.DSA_EXPIRED),
        ({"requester": Requester(RequesterRole.RESEARCHER, last)}, Reason.REQUESTER_NOT_ACCREDITED),
        ({"cag": support(ends_on=last, next_review_on=None)}, Reason.BASIS_EXPIRED),
    ):
        got = assess_request(request(**{**standing(today), **changes}), STATED, now)
        assert got.reasons == ((Reason.S251_SUPPORTED,) if left >= 0 else (reason,))
    reviewed = assess_request(request(**{**standing(today), "cag": support(next_review_on=last)}), STATED, now)
    assert reviewed.passes
    assert bool(reviewed.warnings) == (left < 0)


@given(days_and_moments, st.integers(-5, 5))
def test_consent_days(pair: tuple[date, datetime], away: int) -> None:
    today, now = pair
    day = today + away * DAY
    asked = request(**{**standing(today), **CONSENTED})
    past = date(2018, 1, 1)
    for given_consent, holds in (
        (consent(given_on=day), away <= 0),
        (consent(given_on=past, withdrawn_on=day), away > 0),
        (consent(given_on=past, ends_on=day), away >= 0),
    ):
        assert assess_person(asked, person(consent=given_consent), STATED, now).passes == holds


@pytest.mark.parametrize(
    "days", [{"direct_days": 21}, {"cache_days": 14}, {"cache_refresh_days": 8}, {"direct_days": -1}]
)
def test_no_setting_goes_over_a_cap(days: dict[str, int]) -> None:
    with pytest.raises(CapError, match="at most 20 days"):
        Freshness(**days)


@pytest.mark.parametrize("basis", [LegalBasis.S251_REG5, LegalBasis.S251_REG2, LegalBasis.COURT_ORDER, LegalBasis.NONE])
def test_type_1_is_a_setting_of_two_bases_alone(basis: LegalBasis) -> None:
    with pytest.raises(ValueError, match="setting"):
        CollectionType1("gdppr", basis, False, "test", TODAY)


def test_the_hash_names_every_setting() -> None:
    flow = ExemptFlow(Purpose.RESEARCH, False, "test", TODAY, project_id="PRJ-0001")
    rule = CollectionType1("gdppr", LegalBasis.COPI_REG3, True, "test", TODAY)
    others = [
        PolicyFacts(freshness=Freshness(direct_days=19)),
        PolicyFacts(exempt_flows=(flow,)),
        PolicyFacts(exempt_flows=(replace(flow, in_force_to=TODAY),)),
        PolicyFacts(type1_by_collection=(rule,)),
        PolicyFacts(type1_by_collection=(replace(rule, upheld=False),)),
        PolicyFacts(type1_after_extraction_withholds=False),
        PolicyFacts(untraced_is_restricted=False),
        STATED,
    ]
    assert len({policy_hash(facts) for facts in others}) == len(others)
    assert policy_hash(PolicyFacts()) == policy_hash(STATED)


def test_supposing_approval_changes_approval_alone() -> None:
    waiting = request(controllers_approved=(), identifiers_approved=())
    assert assess_person(waiting, person(), STATED, NOW).reasons == (Reason.AWAITING_CONTROLLER,)
    assert assess_person(supposing_approved(waiting), person(), STATED, NOW).passes
    refused = request(controllers_approved=(), controllers_refused=("X26",))
    assert not assess_person(supposing_approved(refused), person(), STATED, NOW).passes


def test_an_answer_does_not_print_why() -> None:
    got = assess_person(request(), person(ndoo_check=direct(TODAY, CheckState.OPTED_OUT)), STATED, NOW)
    assert "NDOO" not in repr(got)
    assert "opted" not in repr(person(ndoo_check=direct(TODAY, CheckState.OPTED_OUT)))
