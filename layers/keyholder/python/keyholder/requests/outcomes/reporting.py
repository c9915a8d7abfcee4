"""What follows when the outcome is reported."""

from __future__ import annotations

from datetime import date, datetime

from keyholder.policy.days import end_of_london_day
from keyholder.requests.case import Case
from keyholder.requests.commands import ReportOutcome
from keyholder.requests.events import OutcomeReported
from keyholder.requests.outcomes.outcome import Outcome

_FARTHEST = date(9000, 1, 1)
"""Whoever names a day after this means never; sums of moments have to stay in the calendar."""


def report(case: Case) -> Outcome:
    command = case.of(ReportOutcome)
    return (
        OutcomeReported(
            case.person.id,
            command.used,
            command.finding,
            command.destruction,
            command.destroyed_on,
            command.text_sha256,
        ),
    )


def report_due(case: Case) -> datetime | None:
    """After the day by which what is released has to be destroyed, or the end of the window where that is later.

    Only then can it be stated that everything is destroyed and that no more will come.
    """
    until, destroy_by = case.state.until, case.state.destroy_by
    if until is None or destroy_by is None:
        return None
    return max(until, end_of_london_day(min(destroy_by, _FARTHEST))) + case.facts.limits.report_within
