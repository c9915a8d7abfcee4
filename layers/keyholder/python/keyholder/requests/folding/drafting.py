"""The state after what its author did."""

# ruff: noqa: ARG001 - one rule for each event, all of one shape
from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from keyholder.requests.codes import FileStage, State
from keyholder.requests.events import (
    DraftSaved,
    RequestCreated,
    RequestDiscarded,
    RequestSubmitted,
    RequestTakenOver,
    RequestWithdrawn,
)
from keyholder.requests.folding.rules import apply, over
from keyholder.requests.state import DomainDecision, FileProgress, RequestState, Revision


@apply.register
def _created(event: RequestCreated, state: RequestState, at: datetime) -> RequestState:
    return replace(state, status=State.DRAFT, requester=event.requester)


@apply.register
def _saved(event: DraftSaved, state: RequestState, at: datetime) -> RequestState:
    file = FileProgress(FileStage.DECLARED, at) if event.summary.file else None
    return replace(state, summary=event.summary, due_at=event.due_at or state.due_at, file=file)


@apply.register
def _discarded(event: RequestDiscarded, state: RequestState, at: datetime) -> RequestState:
    return over(state, State.DISCARDED)


@apply.register
def _submitted(event: RequestSubmitted, state: RequestState, at: datetime) -> RequestState:
    return replace(
        state,
        status=State.SUBMITTED,
        revision=event.revision,
        summary=event.summary,
        policy_hash=event.policy_hash,
        domains={domain: DomainDecision(needs) for domain, needs in event.needed_by.items()},
        revisions=(*state.revisions, Revision(event.revision, event.summary, at)),
        counts={},
        domain_counts={},
        due_at=event.due_at,
    )


@apply.register
def _withdrawn(event: RequestWithdrawn, state: RequestState, at: datetime) -> RequestState:
    return over(state, State.WITHDRAWN)


@apply.register
def _taken_over(event: RequestTakenOver, state: RequestState, at: datetime) -> RequestState:
    return replace(state, requester=event.requester, due_at=event.due_at or state.due_at)
