"""What those who decide may do short of deciding."""

from __future__ import annotations

from keyholder.requests import guards as g
from keyholder.requests.codes import State
from keyholder.requests.commands import CommandName
from keyholder.requests.events import RequestReturned, VoteWithdrawn
from keyholder.requests.outcomes import reviewing
from keyholder.requests.transitions.row import STAYS, Transition, Who, states, types

ROWS: tuple[Transition, ...] = (
    Transition(
        sources=states(State.IN_REVIEW),
        command=CommandName.RETURN,
        who=Who.CONTROLLER,
        # Whoever has approved may still ask back: it stops, and takes their own vote away with all the others.
        guards=(
            g.CONTROLS_DOMAIN,
            g.SOMEBODY_ELSE,
            g.OFF_THE_PROJECT,
            g.NOT_RECUSED,
            g.DELEGATOR_APART,
            g.DOMAIN_NOT_REJECTED,
            g.SAME_CONTENT,
            g.NO_CONFLICT,
            g.ORGANISATION_CLEAR,
            g.ASKS_SOMETHING,
        ),
        events=types(RequestReturned),
        to=states(State.RETURNED),
        outcome=reviewing.return_to_author,
        fresh_sign_in=True,
    ),
    Transition(
        sources=states(State.IN_REVIEW),
        command=CommandName.WITHDRAW_VOTE,
        who=Who.CONTROLLER,
        guards=(g.CONTROLS_DOMAIN, g.APPROVED_BEFORE, g.DOMAIN_OPEN, g.SAME_CONTENT),
        events=types(VoteWithdrawn),
        to=STAYS,
        outcome=reviewing.withdraw_vote,
    ),
)
