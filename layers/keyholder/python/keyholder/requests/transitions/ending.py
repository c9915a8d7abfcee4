"""What ends a request when a time has run out."""

from __future__ import annotations

from keyholder.requests import guards as g
from keyholder.requests.codes import State
from keyholder.requests.commands import CommandName
from keyholder.requests.events import RequestExpired
from keyholder.requests.outcomes import ending
from keyholder.requests.transitions.row import Transition, Who, states, types

ROWS: tuple[Transition, ...] = (
    Transition(
        sources=states(
            State.DRAFT,
            State.SUBMITTED,
            State.IN_REVIEW,
            State.RETURNED,
            State.CONDITIONS_OFFERED,
            State.APPROVED,
            State.RELEASED,
        ),
        command=CommandName.EXPIRE,
        who=Who.SWEEPER,
        guards=(g.DUE,),
        events=types(RequestExpired),
        to=states(State.EXPIRED),
        outcome=ending.expire,
    ),
)
