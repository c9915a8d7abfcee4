"""The day in London, against the time zone database."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from keyholder.policy.days import london_day

LONDON = ZoneInfo("Europe/London")


@given(st.datetimes(datetime(1997, 1, 1), datetime(2037, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001 - the strategy adds the zone
def test_it_is_the_day_the_time_zone_database_says(moment: datetime) -> None:
    assert london_day(moment) == moment.astimezone(LONDON).date()


@given(st.integers(2000, 2037), st.sampled_from((3, 10)), st.integers(24, 31), st.integers(-2, 2))
def test_also_around_the_changes(year: int, month: int, day: int, hours: int) -> None:
    for minute in (0, 29, 59):
        moment = datetime(year, month, day, (23 + hours) % 24, minute, tzinfo=UTC)
        assert london_day(moment) == moment.astimezone(LONDON).date()
