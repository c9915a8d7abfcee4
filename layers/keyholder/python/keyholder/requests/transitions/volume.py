"""What happens when a release goes above a volume limit."""

from __future__ import annotations

from keyholder.requests import guards as g
from keyholder.requests.codes import State
from keyholder.requests.commands import CommandName
from keyholder.requests.events import VolumeExceeded, VolumeLetThrough
from keyholder.requests.outcomes import volume
from keyholder.requests.transitions.row import STAYS, Transition, Who, states, types

ROWS: tuple[Transition, ...] = (
    Transition(
        sources=states(State.APPROVED, State.RELEASED),
        command=CommandName.RECORD_VOLUME,
        who=Who.RELEASE_FUNCTION,
        guards=(g.RELEASE_IN_TIME, g.STOPPED_AS_LET_THROUGH),
        events=types(VolumeExceeded),
        to=STAYS,
        outcome=volume.record_volume,
    ),
    Transition(
        sources=states(State.APPROVED, State.RELEASED),
        command=CommandName.LET_THROUGH,
        who=Who.CONTROLLER,
        guards=(g.HELD, g.LETS_THROUGH_FOR_OTHERS, g.DELEGATOR_APART, g.SAME_CONTENT),
        events=types(VolumeLetThrough),
        to=STAYS,
        outcome=volume.let_through,
        fresh_sign_in=True,
    ),
)
