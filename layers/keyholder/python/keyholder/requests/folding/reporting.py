"""The state after its outcome was reported."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from keyholder.requests.codes import State
from keyholder.requests.events import OutcomeReported
from keyholder.requests.folding.rules import apply, over
from keyholder.requests.state import Report, RequestState


@apply.register
def _reported(event: OutcomeReported, state: RequestState, at: datetime) -> RequestState:
    report = Report(
        event.author, at, event.used, event.finding, event.destruction, event.destroyed_on, event.text_sha256
    )
    return replace(over(state, State.CLOSED), report=report)
