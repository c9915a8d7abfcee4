"""What people may say to each other about a request: advisory, and never a vote."""

from __future__ import annotations

from keyholder.requests import guards as g
from keyholder.requests.codes import State
from keyholder.requests.commands import CommandName
from keyholder.requests.events import AdviceGiven, AdviceRequested, Commented, Nudged, Replied
from keyholder.requests.outcomes import conversing
from keyholder.requests.transitions.row import STAYS, Transition, Who, states, types

_SUBMITTED_AND_LIVING = states(
    State.SUBMITTED, State.IN_REVIEW, State.RETURNED, State.CONDITIONS_OFFERED, State.APPROVED, State.RELEASED
)

ROWS: tuple[Transition, ...] = (
    Transition(
        sources=_SUBMITTED_AND_LIVING,
        command=CommandName.COMMENT,
        who=Who.CONTROLLER,
        guards=(
            g.SOMEBODY_ELSE,
            g.OFF_THE_PROJECT,
            g.NOT_RECUSED,
            g.NO_CONFLICT,
            g.ANSWERS_WHAT_STANDS,
            g.ROOM_LEFT,
        ),
        events=types(Commented),
        to=STAYS,
        outcome=conversing.comment,
    ),
    Transition(
        sources=_SUBMITTED_AND_LIVING,
        command=CommandName.REPLY,
        who=Who.REQUESTER,
        guards=(g.ANSWERS_WHAT_STANDS, g.ROOM_LEFT),
        events=types(Replied),
        to=STAYS,
        outcome=conversing.reply,
    ),
    Transition(
        sources=states(State.IN_REVIEW),
        command=CommandName.NUDGE,
        who=Who.REQUESTER,
        guards=(g.NUDGED_LONG_AGO,),
        events=types(Nudged),
        to=STAYS,
        outcome=conversing.nudge,
    ),
    Transition(
        sources=states(State.IN_REVIEW),
        command=CommandName.ASK_ADVICE,
        who=Who.CONTROLLER,
        guards=(
            g.SOMEBODY_ELSE,
            g.OFF_THE_PROJECT,
            g.NOT_RECUSED,
            g.NO_CONFLICT,
            g.ADVISER_FIT,
            g.ROOM_LEFT,
        ),
        events=types(AdviceRequested),
        to=STAYS,
        outcome=conversing.ask_advice,
    ),
    Transition(
        sources=states(State.IN_REVIEW),
        command=CommandName.ADVISE,
        who=Who.ADVISER,
        guards=(g.QUESTION_OPEN, g.ADVISER_STILL_FIT, g.ROOM_LEFT),
        events=types(AdviceGiven),
        to=STAYS,
        outcome=conversing.advise,
    ),
)
