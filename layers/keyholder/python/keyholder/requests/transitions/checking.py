"""What the checks of a submitted request may record."""

from __future__ import annotations

from keyholder.requests import guards as g
from keyholder.requests.codes import State
from keyholder.requests.commands import CommandName
from keyholder.requests.events import ChecksHeld, ChecksRecorded, RequestBlocked
from keyholder.requests.outcomes import checking
from keyholder.requests.transitions.row import STAYS, Transition, Who, states, types

ROWS: tuple[Transition, ...] = (
    Transition(
        sources=states(State.SUBMITTED),
        command=CommandName.RECORD_CHECKS,
        who=Who.RELEASE_FUNCTION,
        guards=(g.SAME_CONTENT,),
        events=types(ChecksRecorded, RequestBlocked),
        to=states(State.IN_REVIEW, State.BLOCKED),
        outcome=checking.record_checks,
    ),
    Transition(
        sources=states(State.SUBMITTED),
        command=CommandName.HOLD_CHECKS,
        who=Who.RELEASE_FUNCTION,
        guards=(g.SAME_CONTENT,),
        events=types(ChecksHeld),
        to=STAYS,
        outcome=checking.hold_checks,
    ),
)
