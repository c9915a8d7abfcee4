"""The state after the checks."""

# ruff: noqa: ARG001 - one rule for each event, all of one shape
from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from keyholder.requests.codes import State
from keyholder.requests.events import (
    ChecksHeld,
    ChecksRecorded,
    RequestBlocked,
)
from keyholder.requests.folding.rules import apply, over
from keyholder.requests.state import RequestState


@apply.register
def _held(event: ChecksHeld, state: RequestState, at: datetime) -> RequestState:
    return replace(state, checks_held=event.code)


@apply.register
def _checked(event: ChecksRecorded, state: RequestState, at: datetime) -> RequestState:
    return replace(
        state,
        status=State.IN_REVIEW,
        policy_hash=event.policy_hash,
        counts=event.counts,
        domain_counts=event.domains,
        due_at=event.due_at,
        checks_held=None,
    )


@apply.register
def _blocked(event: RequestBlocked, state: RequestState, at: datetime) -> RequestState:
    return replace(over(state, State.BLOCKED), policy_hash=event.policy_hash, reasons=event.reasons)
