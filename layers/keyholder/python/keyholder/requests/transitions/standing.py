"""What a standing approval does for a request."""

from __future__ import annotations

from keyholder.requests import guards as g
from keyholder.requests.codes import State
from keyholder.requests.commands import CommandName
from keyholder.requests.events import RequestApproved, StandingApprovalUsed
from keyholder.requests.outcomes import standing
from keyholder.requests.transitions.row import Transition, Who, states, types

ROWS: tuple[Transition, ...] = (
    Transition(
        sources=states(State.IN_REVIEW),
        command=CommandName.USE_STANDING_APPROVAL,
        who=Who.REQUESTER,
        guards=(
            g.PROJECT_MEMBER,
            g.ACCREDITED,
            g.CAPACITY_HELD,
            g.DOMAINS_COVERED,
            g.NOBODY_DECIDED,
            g.STANDING_COVERS,
            g.STANDING_QUORUM,
            g.POLICY_ALLOWS,
        ),
        events=types(StandingApprovalUsed, RequestApproved),
        to=states(State.APPROVED),
        outcome=standing.use_standing,
        fresh_sign_in=True,
    ),
)
