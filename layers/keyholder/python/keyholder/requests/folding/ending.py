"""The state after a time ran out."""

# ruff: noqa: ARG001 - one rule for each event, all of one shape
from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from keyholder.requests.codes import State
from keyholder.requests.events import (
    RequestExpired,
)
from keyholder.requests.folding.rules import apply, over
from keyholder.requests.state import RequestState


@apply.register
def _expired(event: RequestExpired, state: RequestState, at: datetime) -> RequestState:
    return replace(over(state, State.EXPIRED), reasons=(event.reason.value,))
