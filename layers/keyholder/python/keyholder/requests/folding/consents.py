"""The state after consents were withdrawn."""

# ruff: noqa: ARG001 - one rule for each event, all of one shape
from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from keyholder.requests.events import ConsentFell
from keyholder.requests.folding.rules import apply
from keyholder.requests.state import RequestState


@apply.register
def _consent_fell(event: ConsentFell, state: RequestState, at: datetime) -> RequestState:
    return replace(state, consents_withdrawn=event.people)
