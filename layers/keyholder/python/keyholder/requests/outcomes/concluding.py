"""What becomes of a request once no domain is open: what is approved, under which conditions, until when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from keyholder.requests.case import Case
from keyholder.requests.codes import DecisionState
from keyholder.requests.conditions import Condition, conditions_hash, merged
from keyholder.requests.events import ConditionsOffered, RequestApproved, RequestRejected
from keyholder.requests.outcomes.outcome import Outcome
from keyholder.requests.state import DomainDecision
from keyholder.vocabulary import DomainId


def conclusion(case: Case, decisions: Mapping[DomainId, DomainDecision]) -> Outcome:
    """The approved domains may be released, once their conditions are accepted; if there is none, it is rejected."""
    if any(decision.state is DecisionState.OPEN for decision in decisions.values()):
        return ()
    content_hash = case.summary.content_hash
    approved = {name: decision for name, decision in decisions.items() if decision.state is DecisionState.APPROVED}
    if not approved:
        return (RequestRejected(content_hash),)
    conditions = merged(one for decision in approved.values() for one in decision.conditions())
    if not conditions:
        return (approval(case, approved, ()),)
    due_at = min([case.now + case.facts.limits.accept_within, *_narrowed(approved.values())])
    named = conditions_hash(case.state.id, content_hash, conditions)
    return (ConditionsOffered(content_hash, tuple(approved), conditions, named, due_at),)


def approval(
    case: Case, approved: Mapping[DomainId, DomainDecision], conditions: Iterable[Condition]
) -> RequestApproved:
    """The window opens now, and ends as early as any approval says."""
    until = min([case.now + timedelta(days=case.summary.window_days), *_narrowed(approved.values())])
    fewest = min([case.facts.limits.retrievals, *(one.times for one in conditions if one.times is not None)])
    return RequestApproved(case.summary.content_hash, tuple(approved), until, fewest)


def _narrowed(approved: Iterable[DomainDecision]) -> list[datetime]:
    return [yes.until for decision in approved for yes in decision.approvals() if yes.until]
