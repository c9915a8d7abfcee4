"""What follows when the requester accepts the conditions."""

from __future__ import annotations

from keyholder.requests.case import Case
from keyholder.requests.commands import AcceptConditions
from keyholder.requests.events import ConditionsAccepted
from keyholder.requests.outcomes.concluding import approval
from keyholder.requests.outcomes.outcome import Outcome


def accept_conditions(case: Case) -> Outcome:
    """Only now is the request approved, and only now does its window open."""
    state = case.state
    accepted = ConditionsAccepted(case.person.id, case.summary.content_hash, case.of(AcceptConditions).conditions_hash)
    approved = {domain: state.domains[domain] for domain in state.approved_domains()}
    return accepted, approval(case, approved, state.conditions_asked())
