"""Calendar days in England: accreditation, agreements and projects end with a day, not at a moment."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta


def london_day(moment: datetime) -> date:
    """The day it is in London at `moment`.

    Summer time runs from the last Sunday of March to the last Sunday of October, 01:00 UTC (Summer Time Order 2002).
    Computed here because a function's runtime need not carry a time zone database.
    """
    utc = moment.astimezone(UTC)
    summer = _changes_over(utc.year, 3) <= utc < _changes_over(utc.year, 10)
    return (utc + timedelta(hours=1 if summer else 0)).date()


def _changes_over(year: int, month: int) -> datetime:
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=(last.weekday() + 1) % 7)
