"""The state after what Keyholder did about a request that waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from keyholder.requests.events import Escalated
from keyholder.requests.folding.rules import apply
from keyholder.requests.state import RequestState


@apply.register
def _escalated(event: Escalated, state: RequestState, at: datetime) -> RequestState:
    return replace(state, escalated={**state.escalated, event.reason: at})
