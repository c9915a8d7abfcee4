"""The state after somebody said what their own interest is."""

# ruff: noqa: ARG001 - one rule for each event, all of one shape
from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from keyholder.requests.codes import DecisionState
from keyholder.requests.events import ConflictCleared, Recused
from keyholder.requests.folding.rules import apply
from keyholder.requests.state import DomainDecision, RequestState
from keyholder.vocabulary import PersonId


@apply.register
def _cleared(event: ConflictCleared, state: RequestState, at: datetime) -> RequestState:
    return replace(state, cleared={**state.cleared, event.person: event.content_hash})


@apply.register
def _recused(event: Recused, state: RequestState, at: datetime) -> RequestState:
    return replace(
        state,
        recused={**state.recused, event.person: event.reason},
        cleared={person: content for person, content in state.cleared.items() if person != event.person},
        handlers={domain: person for domain, person in state.handlers.items() if person != event.person},
        domains={domain: _without(decision, event.person) for domain, decision in state.domains.items()},
    )


def _without(decision: DomainDecision, person: PersonId) -> DomainDecision:
    if decision.state is not DecisionState.OPEN:
        return decision
    others = tuple(ballot for ballot in decision.ballots if ballot.person != person)
    return decision if others == decision.ballots else replace(decision, ballots=others, records_left=None)
