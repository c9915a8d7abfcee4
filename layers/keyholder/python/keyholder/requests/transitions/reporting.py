"""What ends a request in order."""

from __future__ import annotations

from keyholder.requests import guards as g
from keyholder.requests.codes import State
from keyholder.requests.commands import CommandName
from keyholder.requests.events import OutcomeReported
from keyholder.requests.outcomes import reporting
from keyholder.requests.transitions.row import Transition, Who, states, types

ROWS: tuple[Transition, ...] = (
    Transition(
        sources=states(State.RELEASED),
        command=CommandName.REPORT_OUTCOME,
        who=Who.PROJECT,
        guards=(g.NO_RELEASE_RUNNING, g.USED_OF_RELEASED, g.DESTRUCTION_PLAUSIBLE),
        events=types(OutcomeReported),
        to=states(State.CLOSED),
        outcome=reporting.report,
    ),
)
