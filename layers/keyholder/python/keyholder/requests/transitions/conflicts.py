"""What those who decide say about their own interest, and stepping aside."""

from __future__ import annotations

from keyholder.requests import guards as g
from keyholder.requests.codes import State
from keyholder.requests.commands import CommandName
from keyholder.requests.events import ConflictCleared, Escalated, Recused
from keyholder.requests.outcomes import conflicts
from keyholder.requests.transitions.row import STAYS, Transition, Who, states, types

ROWS: tuple[Transition, ...] = (
    Transition(
        sources=states(State.SUBMITTED, State.IN_REVIEW, State.APPROVED, State.RELEASED),
        command=CommandName.DECLARE_NO_CONFLICT,
        who=Who.CONTROLLER,
        guards=(g.SOMEBODY_ELSE, g.OFF_THE_PROJECT, g.NOT_RECUSED, g.NOT_CLEARED_YET),
        events=types(ConflictCleared),
        to=STAYS,
        outcome=conflicts.declare_no_conflict,
    ),
    Transition(
        sources=states(State.SUBMITTED, State.IN_REVIEW),
        command=CommandName.RECUSE,
        who=Who.CONTROLLER,
        guards=(g.NOT_RECUSED, g.NO_SETTLED_VOTE),
        events=types(Recused, Escalated),
        to=STAYS,
        outcome=conflicts.recuse,
    ),
)
