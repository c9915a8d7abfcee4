"""Rules about a request that a standing approval approves."""

from __future__ import annotations

from dataclasses import replace

from keyholder.refusals import Refusal
from keyholder.requests import reasons
from keyholder.requests.case import Case
from keyholder.requests.commands import UseStanding
from keyholder.requests.eligibility import count
from keyholder.requests.guards.guard import Guard
from keyholder.requests.under_bounds import ballots, wanted
from keyholder.standing.approval import StandingApproval
from keyholder.standing.decide import covers, not_in_force
from keyholder.standing.refusals import STANDING_UNKNOWN


def _named(case: Case) -> StandingApproval | None:
    standing = case.facts.standing
    return standing if standing is not None and standing.id == case.of(UseStanding).standing else None


def _nobody_decided(case: Case) -> Refusal | None:
    decided = any(decision.ballots for decision in case.state.domains.values())
    return reasons.BEING_DECIDED if decided else None


def _standing_covers(case: Case) -> Refusal | None:
    return covers(_named(case), wanted(case.state, case.summary), case.now)


def _standing_quorum(case: Case) -> Refusal | None:
    """Counted as the approvals of a request are: today's people and members, the rules of then and now."""
    standing, facts = _named(case), case.facts
    if standing is None or facts.project is None:
        return STANDING_UNKNOWN
    for name, decision in case.state.domains.items():
        known = facts.domains.get(name)
        if known is None:
            return reasons.APPROVALS_LOST
        voted = replace(decision, ballots=ballots(standing, name, case.summary, case.now))
        counted = count(case.state, voted, known, facts.project, facts.approvers)
        if not counted.met:
            return counted.lost[0] if counted.lost else reasons.RULES_ASK_MORE
    return None


def _standing_in_force(case: Case) -> Refusal | None:
    """Where a standing approval approved it: one controller who ends that stops every release under it."""
    if case.state.standing is None:
        return None
    standing = case.facts.standing
    if standing is None or standing.id != case.state.standing:
        return STANDING_UNKNOWN
    return not_in_force(standing, case.now)


NOBODY_DECIDED = Guard("nobody has decided on this revision", _nobody_decided)
STANDING_COVERS = Guard(
    "the standing approval is in force, is the project's, and covers domains, types, purpose, basis, recipient and, "
    "with what it allows in seven days, the records",
    _standing_covers,
)
STANDING_QUORUM = Guard("the approvals of its bounds suffice for every domain, counted again", _standing_quorum)
STANDING_IN_FORCE = Guard("the standing approval that approved it, if one did, is in force", _standing_in_force)
