"""What days decide in a collection: who had died before it began, and which events are too old for it."""

from __future__ import annotations

from datetime import date

from keyholder.collection.vocabulary import DropRule
from keyholder.identifiers import dates
from keyholder.identifiers.not_an_identifier import NotAnIdentifierError


def death_rule(cell: str, began_on: date, today: date) -> DropRule | None:
    """The rule a date of death breaks. Empty is a living patient; who died on the first day lived when it began."""
    if not cell.strip():
        return None
    died = day_of(cell, today)
    if died is None:
        return DropRule.DATE_OF_DEATH_UNREADABLE
    return DropRule.DIED_BEFORE_START if died < began_on else None


def oldest_day(today: date, years: int) -> date:
    """The earliest day an event may be of: the same day `years` ago, and 1 March where that year has no 29 February."""
    try:
        return today.replace(year=today.year - years)
    except ValueError:
        return date(today.year - years, 3, 1)


def day_of(cell: str, today: date) -> date | None:
    """The day a cell holds, from 1850 to today; None where it holds none."""
    try:
        return date.fromisoformat(dates.parse(cell, today))
    except NotAnIdentifierError:
        return None
