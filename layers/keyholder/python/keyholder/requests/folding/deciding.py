"""The state after a decision."""

# ruff: noqa: ARG001 - one rule for each event, all of one shape
from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from keyholder.requests.codes import DecisionState, State, Vote
from keyholder.requests.events import (
    DestructionRequired,
    DomainApproved,
    DomainRejected,
    RequestApproved,
    RequestRejected,
    RequestRevoked,
)
from keyholder.requests.folding.rules import apply, over
from keyholder.requests.state import Ballot, RequestState
from keyholder.vocabulary import DomainId


@apply.register
def _domain_approved(event: DomainApproved, state: RequestState, at: datetime) -> RequestState:
    ballot = Ballot(
        person=event.approver,
        organisation=event.organisation,
        vote=Vote.APPROVE,
        content_hash=event.content_hash,
        at=at,
        identifier_types=event.identifier_types,
        until=event.until,
        factor=event.factor,
        records=event.records,
        conditions=event.conditions,
        delegated=event.delegated,
    )
    outcome = DecisionState.APPROVED if event.complete else DecisionState.OPEN
    return _with_ballot(state, event.domain, ballot, outcome, event.records_left)


@apply.register
def _domain_rejected(event: DomainRejected, state: RequestState, at: datetime) -> RequestState:
    ballot = Ballot(
        person=event.approver,
        organisation=event.organisation,
        vote=Vote.REJECT,
        content_hash=event.content_hash,
        at=at,
        reason=event.reason.value,
        comment_sha256=event.comment_sha256,
        factor=event.factor,
        delegated=event.delegated,
    )
    return _with_ballot(state, event.domain, ballot, DecisionState.REJECTED, None)


@apply.register
def _approved(event: RequestApproved, state: RequestState, at: datetime) -> RequestState:
    return replace(state, status=State.APPROVED, until=event.until, retrievals=event.retrievals, due_at=event.until)


@apply.register
def _rejected(event: RequestRejected, state: RequestState, at: datetime) -> RequestState:
    return over(state, State.REJECTED)


@apply.register
def _revoked(event: RequestRevoked, state: RequestState, at: datetime) -> RequestState:
    return replace(over(state, State.REVOKED), reasons=(event.reason.value,))


@apply.register
def _destruction_required(event: DestructionRequired, state: RequestState, at: datetime) -> RequestState:
    return replace(state, destruction_required_by=event.destroy_by)


def _with_ballot(
    state: RequestState, domain: DomainId, ballot: Ballot, outcome: DecisionState, records_left: int | None
) -> RequestState:
    decision = state.domains[domain]
    decided = replace(decision, state=outcome, ballots=(*decision.ballots, ballot), records_left=records_left)
    return replace(state, domains={**state.domains, domain: decided})
