"""The state after what Keyholder did about a request that waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from keyholder.requests.codes import EscalationReason
from keyholder.requests.events import Escalated, Reminded
from keyholder.requests.folding.rules import apply
from keyholder.requests.state import RequestState


@apply.register
def _reminded(event: Reminded, state: RequestState, at: datetime) -> RequestState:  # noqa: ARG001 - the shape of a rule
    return replace(state, reminded=event.days)


@apply.register
def _escalated(event: Escalated, state: RequestState, at: datetime) -> RequestState:
    """Whoever looked after it no longer does: the others are asked."""
    kept = {domain: person for domain, person in state.handlers.items() if domain not in event.domains}
    handlers = kept if event.reason is EscalationReason.UNATTENDED else state.handlers
    return replace(state, escalated={**state.escalated, event.reason: at}, handlers=handlers)
