"""What those who decide may do."""

from __future__ import annotations

from keyholder.requests import guards as g
from keyholder.requests.codes import State
from keyholder.requests.commands import CommandName
from keyholder.requests.events import (
    ConditionsOffered,
    DestructionRequired,
    DomainApproved,
    DomainRejected,
    RequestApproved,
    RequestRejected,
    RequestRevoked,
)
from keyholder.requests.outcomes import deciding
from keyholder.requests.transitions.row import Transition, Who, states, types

ROWS: tuple[Transition, ...] = (
    Transition(
        sources=states(State.IN_REVIEW),
        command=CommandName.APPROVE,
        who=Who.CONTROLLER,
        guards=(
            g.CONTROLS_DOMAIN,
            g.SOMEBODY_ELSE,
            g.OFF_THE_PROJECT,
            g.NOT_RECUSED,
            g.APPROVER_TERMS,
            g.FIRST_DECISION,
            g.DELEGATOR_APART,
            g.COUNTS_ONCE,
            g.DOMAIN_OPEN,
            g.SAME_CONTENT,
            g.NO_CONFLICT,
            g.ORGANISATION_CLEAR,
            g.NARROWED_ONLY,
            g.RECORDS_LEFT,
            g.CONDITIONS_FIT,
        ),
        events=types(DomainApproved, ConditionsOffered, RequestApproved),
        to=states(State.IN_REVIEW, State.CONDITIONS_OFFERED, State.APPROVED),
        outcome=deciding.approve,
        fresh_sign_in=True,
    ),
    Transition(
        sources=states(State.IN_REVIEW),
        command=CommandName.REJECT,
        who=Who.CONTROLLER,
        guards=(
            g.CONTROLS_DOMAIN,
            g.SOMEBODY_ELSE,
            g.OFF_THE_PROJECT,
            g.NOT_RECUSED,
            g.FIRST_DECISION,
            g.DELEGATOR_APART,
            g.DOMAIN_NOT_REJECTED,
            g.SAME_CONTENT,
            g.NO_CONFLICT,
            g.ORGANISATION_CLEAR,
        ),
        events=types(DomainRejected, RequestRejected, ConditionsOffered, RequestApproved),
        to=states(State.IN_REVIEW, State.REJECTED, State.CONDITIONS_OFFERED, State.APPROVED),
        outcome=deciding.reject,
        fresh_sign_in=True,
    ),
    Transition(
        sources=states(State.CONDITIONS_OFFERED, State.APPROVED, State.RELEASED),
        command=CommandName.REVOKE,
        who=Who.CONTROLLER,
        guards=(),
        events=types(RequestRevoked, DestructionRequired),
        to=states(State.REVOKED),
        outcome=deciding.revoke,
    ),
)
