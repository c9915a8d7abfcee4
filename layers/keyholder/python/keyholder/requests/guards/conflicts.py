"""Rules about people's own interest in a request."""

from __future__ import annotations

from keyholder.refusals import Refusal
from keyholder.requests import reasons
from keyholder.requests.case import Case
from keyholder.requests.codes import DecisionState
from keyholder.requests.guards.guard import Guard


def _no_conflict(case: Case) -> Refusal | None:
    return None if case.state.cleared_for(case.person.id) else reasons.CONFLICT_NOT_DECLARED


def _not_cleared_yet(case: Case) -> Refusal | None:
    return reasons.ALREADY_DECLARED if case.state.cleared_for(case.person.id) else None


def _not_recused(case: Case) -> Refusal | None:
    return reasons.RECUSED if case.person.id in case.state.recused else None


def _no_settled_vote(case: Case) -> Refusal | None:
    settled = (one for one in case.state.domains.values() if one.state is not DecisionState.OPEN)
    voted = any(ballot.person == case.person.id for decision in settled for ballot in decision.ballots)
    return reasons.VOTE_SETTLED if voted else None


NO_CONFLICT = Guard("has declared that they have no conflict of interest in this content", _no_conflict)
NOT_CLEARED_YET = Guard("has not declared so yet for this content", _not_cleared_yet)
NOT_RECUSED = Guard("has not stepped aside", _not_recused)
NO_SETTLED_VOTE = Guard("no domain has decided with their vote", _no_settled_vote)
