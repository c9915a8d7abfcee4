"""The state after a standing approval approved a request."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from keyholder.requests.codes import DecisionState, Vote
from keyholder.requests.events.standing import StandingApprovalUsed
from keyholder.requests.folding.rules import apply
from keyholder.requests.state import Ballot, RequestState


@apply.register
def _used(event: StandingApprovalUsed, state: RequestState, at: datetime) -> RequestState:
    kinds = state.summary.identifier_types if state.summary else ()
    domains = {
        name: replace(
            decision,
            state=DecisionState.APPROVED,
            ballots=tuple(
                Ballot(
                    person=one.person,
                    organisation=one.organisation,
                    vote=Vote.APPROVE,
                    content_hash=event.content_hash,
                    at=at,
                    identifier_types=kinds,
                    factor=one.factor,
                )
                for one in event.approvals
                if one.domain == name
            ),
        )
        for name, decision in state.domains.items()
    }
    return replace(state, domains=domains, standing=event.standing)
