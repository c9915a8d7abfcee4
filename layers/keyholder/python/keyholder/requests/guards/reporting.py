"""Rules about reporting what came of a release."""

from __future__ import annotations

from keyholder.policy.days import london_day
from keyholder.refusals import Refusal
from keyholder.requests import reasons
from keyholder.requests.case import Case
from keyholder.requests.codes import Destruction, Finding
from keyholder.requests.commands import ReportOutcome
from keyholder.requests.guards.guard import Guard


def _used_of_released(case: Case) -> Refusal | None:
    command = case.of(ReportOutcome)
    if command.used > sum(case.state.records_approved().values()):
        return reasons.USED_TOO_MANY
    return None if (command.used == 0) == (command.finding is Finding.NOT_USED) else reasons.USED_AND_FINDING_DIFFER


def _destruction_plausible(case: Case) -> Refusal | None:
    """Nothing is destroyed before it was there, or in the future; what was received can't be called never received."""
    command = case.of(ReportOutcome)
    received = case.state.left_keyholder()
    if command.destruction is Destruction.NEVER_RECEIVED:
        return reasons.WAS_RECEIVED if received or command.used or command.destroyed_on else None
    if command.destroyed_on is None or not received:
        return reasons.DESTRUCTION_DAY_MISSING if received else reasons.WAS_NOT_RECEIVED
    first = min(london_day(release.authorised_at) for release in case.state.releases)
    return None if first <= command.destroyed_on <= case.today else reasons.DESTRUCTION_DAY_IMPOSSIBLE


def _no_report_overdue(case: Case) -> Refusal | None:
    return reasons.REPORT_OVERDUE if case.facts.reports_overdue else None


USED_OF_RELEASED = Guard(
    "says how many of the records that were approved were used, and of none that none was", _used_of_released
)
DESTRUCTION_PLAUSIBLE = Guard(
    "says since when all is destroyed, not before the first release and not in the future; or that no result ever left "
    "Keyholder, where none did",
    _destruction_plausible,
)
NO_REPORT_OVERDUE = Guard("neither the requester nor the project owes a report that is overdue", _no_report_overdue)
