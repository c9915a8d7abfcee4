"""What follows when a standing approval approves a request."""

from __future__ import annotations

from keyholder.requests.case import Case
from keyholder.requests.commands import UseStanding
from keyholder.requests.events.standing import StandingApprovalUsed, Stood
from keyholder.requests.outcomes.concluding import approval
from keyholder.requests.outcomes.outcome import Outcome
from keyholder.requests.under_bounds import approved_by
from keyholder.standing.approval import StandingApproval


def use_standing(case: Case) -> Outcome:
    """Every domain is approved, for all that was asked; the window opens now."""
    standing = case.facts.standing
    if not isinstance(standing, StandingApproval):
        raise TypeError("this needs the standing approval that a rule has found")
    used = StandingApprovalUsed(
        requester=case.person.id,
        content_hash=case.summary.content_hash,
        standing=case.of(UseStanding).standing,
        terms_hash=standing.terms_hash,
        records=sum(case.summary.records.values()),
        approvals=tuple(
            Stood(one.person, name, one.factor, one.organisation)
            for name in case.state.domains
            for one in standing.approvals_of(name)
        ),
    )
    approved = approved_by(case.state, standing, case.summary, case.now)
    return used, approval(case, approved, ())
