"""Calendar days in England. Every age and every last day in the policy is counted in them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_LONDON = ZoneInfo("Europe/London")


def london_day(moment: datetime) -> date:
    """The day it is in London at `moment`. Raises `ValueError` for a moment without a zone."""
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise ValueError("a moment needs its zone")
    return moment.astimezone(_LONDON).date()


def end_of_london_day(day: date) -> datetime:
    """The moment, in UTC, at which `day` is over in London. Raises `OverflowError` for the last day there is."""
    return datetime.combine(day + timedelta(days=1), time(), _LONDON).astimezone(UTC)


def over(last_day: date, today: date) -> bool:
    """Whether something that holds up to and including `last_day` has ended."""
    return last_day < today
