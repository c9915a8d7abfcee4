"""The one table: from which state, who, what, under which rules, and what it makes of the request.

`decide` carries it out, `allowed_commands` explains it to people, and `page` prints it for `docs/permissions.md`.
What is not in it can't happen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from keyholder.requests import guards as g
from keyholder.requests import outcomes
from keyholder.requests.case import Case
from keyholder.requests.codec import RequestEvent
from keyholder.requests.codes import State
from keyholder.requests.commands import CommandName
from keyholder.requests.events import (
    ChecksHeld,
    ChecksRecorded,
    DomainApproved,
    DomainRejected,
    DraftSaved,
    RequestApproved,
    RequestBlocked,
    RequestCreated,
    RequestDiscarded,
    RequestExpired,
    RequestRejected,
    RequestRevoked,
    RequestSubmitted,
    RequestWithdrawn,
)
from keyholder.requests.release_events import (
    ItemsReleased,
    ReleaseAuthorised,
    ReleaseCollected,
    ReleaseFailed,
    ReleaseFinished,
)


class Who(StrEnum):
    """Who may at all."""

    RESEARCHER = "a researcher"
    REQUESTER = "the requester"
    CONTROLLER = "a human controller of one of the request's domains"
    RELEASE_FUNCTION = "Keyholder's release function"
    SWEEPER = "Keyholder's sweeper"


@dataclass(frozen=True, slots=True)
class Transition:
    """One row. `sources` None stands for a request that does not exist yet; `to` lists what it may become.

    An empty `to` leaves it in the state it is in.
    """

    sources: frozenset[State] | None
    command: CommandName
    who: Who
    guards: tuple[g.Guard, ...]
    events: tuple[str, ...]
    to: frozenset[State]
    outcome: Callable[[Case], tuple[RequestEvent, ...]]
    fresh_sign_in: bool = False


def _types(*events: type[RequestEvent]) -> tuple[str, ...]:
    return tuple(event.TYPE for event in events)


STAYS: frozenset[State] = frozenset()


def _states(*states: State) -> frozenset[State]:
    return frozenset(states)


TRANSITIONS: tuple[Transition, ...] = (
    Transition(
        sources=None,
        command=CommandName.CREATE,
        who=Who.RESEARCHER,
        guards=(g.PROJECT_MEMBER,),
        events=_types(RequestCreated, DraftSaved),
        to=_states(State.DRAFT),
        outcome=outcomes.create,
    ),
    Transition(
        sources=_states(State.DRAFT),
        command=CommandName.SAVE,
        who=Who.REQUESTER,
        guards=(g.SAME_PROJECT, g.PROJECT_MEMBER),
        events=_types(DraftSaved),
        to=STAYS,
        outcome=outcomes.save,
    ),
    Transition(
        sources=_states(State.DRAFT),
        command=CommandName.DISCARD,
        who=Who.REQUESTER,
        guards=(),
        events=_types(RequestDiscarded),
        to=_states(State.DISCARDED),
        outcome=outcomes.discard,
    ),
    Transition(
        sources=_states(State.DRAFT),
        command=CommandName.SUBMIT,
        who=Who.REQUESTER,
        guards=(
            g.PROJECT_MEMBER,
            g.ACCREDITED,
            g.CAPACITY_HELD,
            g.DRAFT_MEANT,
            g.DOMAINS_COVERED,
            g.DESTROYED_LATER,
            g.POLICY_ALLOWS,
            g.QUORUM_ATTAINABLE,
        ),
        events=_types(RequestSubmitted),
        to=_states(State.SUBMITTED),
        outcome=outcomes.submit,
        fresh_sign_in=True,
    ),
    Transition(
        sources=_states(State.SUBMITTED),
        command=CommandName.RECORD_CHECKS,
        who=Who.RELEASE_FUNCTION,
        guards=(g.SAME_CONTENT,),
        events=_types(ChecksRecorded, RequestBlocked),
        to=_states(State.IN_REVIEW, State.BLOCKED),
        outcome=outcomes.record_checks,
    ),
    Transition(
        sources=_states(State.SUBMITTED),
        command=CommandName.HOLD_CHECKS,
        who=Who.RELEASE_FUNCTION,
        guards=(g.SAME_CONTENT,),
        events=_types(ChecksHeld),
        to=STAYS,
        outcome=outcomes.hold_checks,
    ),
    Transition(
        sources=_states(State.IN_REVIEW),
        command=CommandName.APPROVE,
        who=Who.CONTROLLER,
        guards=(
            g.CONTROLS_DOMAIN,
            g.SOMEBODY_ELSE,
            g.OFF_THE_PROJECT,
            g.FIRST_DECISION,
            g.DOMAIN_OPEN,
            g.SAME_CONTENT,
            g.ORGANISATION_CLEAR,
            g.NARROWED_ONLY,
        ),
        events=_types(DomainApproved, RequestApproved),
        to=_states(State.IN_REVIEW, State.APPROVED),
        outcome=outcomes.approve,
        fresh_sign_in=True,
    ),
    Transition(
        sources=_states(State.IN_REVIEW),
        command=CommandName.REJECT,
        who=Who.CONTROLLER,
        guards=(
            g.CONTROLS_DOMAIN,
            g.SOMEBODY_ELSE,
            g.OFF_THE_PROJECT,
            g.FIRST_DECISION,
            g.DOMAIN_NOT_REJECTED,
            g.SAME_CONTENT,
            g.ORGANISATION_CLEAR,
        ),
        events=_types(DomainRejected, RequestRejected, RequestApproved),
        to=_states(State.IN_REVIEW, State.REJECTED, State.APPROVED),
        outcome=outcomes.reject,
        fresh_sign_in=True,
    ),
    Transition(
        sources=_states(State.SUBMITTED, State.IN_REVIEW),
        command=CommandName.WITHDRAW,
        who=Who.REQUESTER,
        guards=(),
        events=_types(RequestWithdrawn),
        to=_states(State.WITHDRAWN),
        outcome=outcomes.withdraw,
    ),
    Transition(
        sources=_states(State.APPROVED, State.RELEASED),
        command=CommandName.REVOKE,
        who=Who.CONTROLLER,
        guards=(),
        events=_types(RequestRevoked),
        to=_states(State.REVOKED),
        outcome=outcomes.revoke,
    ),
    Transition(
        sources=_states(State.APPROVED, State.RELEASED),
        command=CommandName.RELEASE,
        who=Who.REQUESTER,
        guards=(
            g.PROJECT_MEMBER,
            g.ACCREDITED,
            g.CAPACITY_HELD,
            g.SAME_CONTENT,
            g.WINDOW_OPEN,
            g.RETRIEVALS_LEFT,
            g.NO_RELEASE_RUNNING,
            g.DELIVERY_AS_APPROVED,
            g.DOMAINS_COVERED,
            g.APPROVALS_STAND,
            g.POLICY_ALLOWS,
        ),
        events=_types(ReleaseAuthorised),
        to=STAYS,
        outcome=outcomes.authorise_release,
        fresh_sign_in=True,
    ),
    Transition(
        sources=_states(State.APPROVED, State.RELEASED),
        command=CommandName.RECORD_CHUNK,
        who=Who.RELEASE_FUNCTION,
        guards=(g.RELEASE_IN_TIME, g.NEXT_CHUNK),
        events=_types(ItemsReleased),
        to=_states(State.RELEASED),
        outcome=outcomes.record_chunk,
    ),
    Transition(
        sources=_states(State.RELEASED),
        command=CommandName.FINISH_RELEASE,
        who=Who.RELEASE_FUNCTION,
        guards=(g.RELEASE_IN_TIME, g.ALL_CHUNKS),
        events=_types(ReleaseFinished),
        to=STAYS,
        outcome=outcomes.finish_release,
    ),
    Transition(
        sources=_states(State.APPROVED, State.RELEASED),
        command=CommandName.FAIL_RELEASE,
        who=Who.RELEASE_FUNCTION,
        guards=(g.RELEASE_OPEN,),
        events=_types(ReleaseFailed),
        to=STAYS,
        outcome=outcomes.fail_release,
    ),
    Transition(
        sources=_states(State.RELEASED),
        command=CommandName.COLLECT,
        who=Who.REQUESTER,
        guards=(g.PROJECT_MEMBER, g.ACCREDITED, g.WINDOW_OPEN, g.APPROVALS_STAND, g.FILE_READY, g.POLICY_ALLOWS),
        events=_types(ReleaseCollected),
        to=STAYS,
        outcome=outcomes.collect,
        fresh_sign_in=True,
    ),
    Transition(
        sources=_states(State.SUBMITTED, State.IN_REVIEW, State.APPROVED, State.RELEASED),
        command=CommandName.EXPIRE,
        who=Who.SWEEPER,
        guards=(g.DUE,),
        events=_types(RequestExpired),
        to=_states(State.EXPIRED),
        outcome=outcomes.expire,
    ),
)

WHO = {row.command: row.who for row in TRANSITIONS}
"""A command is the same person's business in every state."""
