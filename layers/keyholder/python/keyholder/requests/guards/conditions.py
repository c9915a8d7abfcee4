"""Rules about the conditions of an approval."""

from __future__ import annotations

from keyholder.refusals import Refusal
from keyholder.requests import reasons
from keyholder.requests.case import Case
from keyholder.requests.commands import AcceptConditions
from keyholder.requests.conditions import conditions_hash
from keyholder.requests.guards.guard import Guard


def _same_conditions(case: Case) -> Refusal | None:
    offered = case.state.conditions
    named = case.of(AcceptConditions).conditions_hash
    return None if offered is not None and offered.hash == named else reasons.OTHER_CONDITIONS


def _window_ahead(case: Case) -> Refusal | None:
    """An approver may have narrowed the window to a moment that has passed by now."""
    due = case.state.due_at
    return None if due is not None and case.now < due else reasons.CONDITIONS_LATE


def _conditions_accepted(case: Case) -> Refusal | None:
    """Whatever the counted approvals ask for is what the requester accepted, worked out again from the ballots."""
    asked, accepted = case.state.conditions_asked(), case.state.conditions
    if not asked:
        return None
    wanted = conditions_hash(case.state.id, case.summary.content_hash, asked)
    stands = accepted is not None and accepted.accepted_at is not None and accepted.hash == wanted
    return None if stands else reasons.CONDITIONS_NOT_ACCEPTED


SAME_CONDITIONS = Guard("names the hash of exactly the conditions that are offered", _same_conditions)
IN_TIME = Guard("the time to accept is not over", _window_ahead)
CONDITIONS_ACCEPTED = Guard("the requester has accepted exactly what the approvals ask for", _conditions_accepted)
