"""The state after somebody looks after a request, or no longer does."""

# ruff: noqa: ARG001 - one rule for each event, all of one shape
from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from keyholder.requests.events import Claimed, HandedBack
from keyholder.requests.folding.rules import apply
from keyholder.requests.state import RequestState


@apply.register
def _claimed(event: Claimed, state: RequestState, at: datetime) -> RequestState:
    return replace(state, handlers={**state.handlers, event.domain: event.person})


@apply.register
def _handed_back(event: HandedBack, state: RequestState, at: datetime) -> RequestState:
    left = {domain: person for domain, person in state.handlers.items() if domain != event.domain}
    return replace(state, handlers=left)
