"""Looking after a request: advisory, so that the others know."""

from __future__ import annotations

from keyholder.requests import guards as g
from keyholder.requests.codes import State
from keyholder.requests.commands import CommandName
from keyholder.requests.events import Claimed, HandedBack
from keyholder.requests.outcomes import handling
from keyholder.requests.transitions.row import STAYS, Transition, Who, states, types

ROWS: tuple[Transition, ...] = (
    Transition(
        sources=states(State.IN_REVIEW),
        command=CommandName.CLAIM,
        who=Who.CONTROLLER,
        guards=(g.CLAIMS_OWN_DOMAIN, g.SOMEBODY_ELSE, g.OFF_THE_PROJECT, g.NOT_RECUSED, g.NOT_THE_HANDLER),
        events=types(Claimed),
        to=STAYS,
        outcome=handling.claim,
    ),
    Transition(
        sources=states(State.IN_REVIEW),
        command=CommandName.HAND_BACK,
        who=Who.CONTROLLER,
        guards=(g.THE_HANDLER,),
        events=types(HandedBack),
        to=STAYS,
        outcome=handling.hand_back,
    ),
)
