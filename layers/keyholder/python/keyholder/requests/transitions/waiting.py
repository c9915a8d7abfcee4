"""What Keyholder does by itself about a request that waits: reminding, and telling more people."""

from __future__ import annotations

from keyholder.requests import guards as g
from keyholder.requests.codes import State
from keyholder.requests.commands import CommandName
from keyholder.requests.events import Escalated, Reminded
from keyholder.requests.outcomes import waiting
from keyholder.requests.transitions.row import STAYS, Transition, Who, states, types

ROWS: tuple[Transition, ...] = (
    Transition(
        sources=states(
            State.DRAFT,
            State.IN_REVIEW,
            State.RETURNED,
            State.CONDITIONS_OFFERED,
            State.APPROVED,
            State.RELEASED,
        ),
        command=CommandName.REMIND,
        who=Who.SWEEPER,
        guards=(g.REMINDER_DUE,),
        events=types(Reminded),
        to=STAYS,
        outcome=waiting.remind,
    ),
    Transition(
        sources=states(State.SUBMITTED, State.IN_REVIEW, State.RELEASED),
        command=CommandName.ESCALATE,
        who=Who.SWEEPER,
        guards=(g.ESCALATION_DUE,),
        events=types(Escalated),
        to=STAYS,
        outcome=waiting.escalate,
    ),
)
