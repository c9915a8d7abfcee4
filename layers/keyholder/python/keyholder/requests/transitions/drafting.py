"""What its author may do with a request."""

from __future__ import annotations

from keyholder.requests import guards as g
from keyholder.requests.codes import State
from keyholder.requests.commands import CommandName
from keyholder.requests.events import (
    DraftSaved,
    RequestCreated,
    RequestDiscarded,
    RequestSubmitted,
    RequestTakenOver,
    RequestWithdrawn,
)
from keyholder.requests.outcomes import drafting
from keyholder.requests.transitions.row import STAYS, Transition, Who, states, types

ROWS: tuple[Transition, ...] = (
    Transition(
        sources=None,
        command=CommandName.CREATE,
        who=Who.RESEARCHER,
        guards=(g.PROJECT_MEMBER,),
        events=types(RequestCreated, DraftSaved),
        to=states(State.DRAFT),
        outcome=drafting.create,
    ),
    Transition(
        sources=states(State.DRAFT, State.RETURNED),
        command=CommandName.SAVE,
        who=Who.REQUESTER,
        guards=(g.SAME_PROJECT, g.PROJECT_MEMBER),
        events=types(DraftSaved),
        to=STAYS,
        outcome=drafting.save,
    ),
    Transition(
        sources=states(State.DRAFT),
        command=CommandName.DISCARD,
        who=Who.REQUESTER,
        guards=(),
        events=types(RequestDiscarded),
        to=states(State.DISCARDED),
        outcome=drafting.discard,
    ),
    Transition(
        sources=states(State.DRAFT, State.RETURNED),
        command=CommandName.SUBMIT,
        who=Who.REQUESTER,
        guards=(
            g.PROJECT_MEMBER,
            g.ACCREDITED,
            g.CAPACITY_HELD,
            g.REQUESTER_TERMS,
            g.DRAFT_MEANT,
            g.FILE_WAS_READ,
            g.DOMAINS_COVERED,
            g.DESTROYED_LATER,
            g.POLICY_ALLOWS,
            g.QUORUM_ATTAINABLE,
            g.NO_REPORT_OVERDUE,
        ),
        events=types(RequestSubmitted),
        to=states(State.SUBMITTED),
        outcome=drafting.submit,
        fresh_sign_in=True,
    ),
    Transition(
        sources=states(State.DRAFT, State.RETURNED),
        command=CommandName.TAKE_OVER,
        who=Who.PROJECT,
        guards=(g.PROJECT_MEMBER, g.ACCREDITED, g.AUTHOR_LEFT),
        events=types(RequestTakenOver),
        to=STAYS,
        outcome=drafting.take_over,
        fresh_sign_in=True,
    ),
    Transition(
        sources=states(State.SUBMITTED, State.IN_REVIEW, State.RETURNED, State.CONDITIONS_OFFERED),
        command=CommandName.WITHDRAW,
        who=Who.REQUESTER,
        guards=(),
        events=types(RequestWithdrawn),
        to=states(State.WITHDRAWN),
        outcome=drafting.withdraw,
    ),
)
