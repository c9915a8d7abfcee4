"""What the requester may do with conditions."""

from __future__ import annotations

from keyholder.requests import guards as g
from keyholder.requests.codes import State
from keyholder.requests.commands import CommandName
from keyholder.requests.events import ConditionsAccepted, RequestApproved
from keyholder.requests.outcomes import conditions
from keyholder.requests.transitions.row import Transition, Who, states, types

ROWS: tuple[Transition, ...] = (
    Transition(
        sources=states(State.CONDITIONS_OFFERED),
        command=CommandName.ACCEPT_CONDITIONS,
        who=Who.REQUESTER,
        guards=(g.PROJECT_MEMBER, g.ACCREDITED, g.SAME_CONDITIONS, g.IN_TIME),
        events=types(ConditionsAccepted, RequestApproved),
        to=states(State.APPROVED),
        outcome=conditions.accept_conditions,
        fresh_sign_in=True,
    ),
)
