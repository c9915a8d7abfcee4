"""The state after conditions were offered or accepted."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from keyholder.requests.codes import State
from keyholder.requests.events import ConditionsAccepted, ConditionsOffered
from keyholder.requests.folding.rules import apply
from keyholder.requests.state import Conditions, RequestState


@apply.register
def _offered(event: ConditionsOffered, state: RequestState, at: datetime) -> RequestState:
    offered = Conditions(event.conditions_hash, event.conditions, at)
    return replace(state, status=State.CONDITIONS_OFFERED, conditions=offered, due_at=event.due_at)


@apply.register
def _accepted(event: ConditionsAccepted, state: RequestState, at: datetime) -> RequestState:  # noqa: ARG001
    accepted = replace(state.conditions, accepted_at=at) if state.conditions else None
    return replace(state, conditions=accepted)
