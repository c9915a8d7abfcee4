"""The state after the author was asked back, or a vote was taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from keyholder.requests.codes import DecisionState, State
from keyholder.requests.events import RequestReturned, VoteWithdrawn
from keyholder.requests.folding.rules import apply
from keyholder.requests.state import DomainDecision, RequestState, Returned


@apply.register
def _returned(event: RequestReturned, state: RequestState, at: datetime) -> RequestState:
    *before, newest = state.revisions
    void = {domain: decision.ballots for domain, decision in state.domains.items()}
    came_back = replace(newest, returned=Returned(event.controller, event.domain, at, event.questions, void))
    return replace(
        state,
        status=State.RETURNED,
        domains={
            domain: DomainDecision(decision.needs, DecisionState.VOID) for domain, decision in state.domains.items()
        },
        revisions=(*before, came_back),
        due_at=event.due_at,
    )


@apply.register
def _vote_withdrawn(event: VoteWithdrawn, state: RequestState, at: datetime) -> RequestState:  # noqa: ARG001
    decision = state.domains[event.domain]
    others = tuple(ballot for ballot in decision.ballots if ballot.person != event.approver)
    changed = replace(decision, ballots=others, records_left=None)
    return replace(state, domains={**state.domains, event.domain: changed})
