"""A request as its events leave it. Only `fold` makes one; nothing else is the truth."""

# ruff: noqa: ARG001 - one rule for each event, all of one shape
from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import singledispatch

from keyholder.ledger.event import Event
from keyholder.requests.codec import Happened, from_event
from keyholder.requests.codes import DecisionState, State, Vote
from keyholder.requests.content import Delivery, Summary
from keyholder.requests.events import (
    ChecksHeld,
    ChecksRecorded,
    DomainApproved,
    DomainRejected,
    DraftSaved,
    Needs,
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
from keyholder.vocabulary import ContentHash, DomainId, IdentifierType, OrganisationCode, PersonId, RequestId


@dataclass(frozen=True, slots=True)
class Ballot:
    """What one person decided for one domain, standing for one organisation."""

    person: PersonId
    organisation: OrganisationCode
    vote: Vote
    content_hash: ContentHash
    at: datetime
    identifier_types: tuple[IdentifierType, ...] = ()
    until: datetime | None = None
    reason: str | None = None
    comment_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class DomainDecision:
    """Where one domain stands."""

    needs: Needs
    state: DecisionState = DecisionState.OPEN
    ballots: tuple[Ballot, ...] = ()

    def approvals(self) -> tuple[Ballot, ...]:
        return tuple(ballot for ballot in self.ballots if ballot.vote is Vote.APPROVE)

    def granted(self) -> tuple[IdentifierType, ...]:
        """The identifier types every approval covers, in the order of the first."""
        approvals = self.approvals()
        if not approvals:
            return ()
        common = set(approvals[0].identifier_types).intersection(*(ballot.identifier_types for ballot in approvals))
        return tuple(kind for kind in approvals[0].identifier_types if kind in common)


@dataclass(frozen=True, slots=True)
class Release:
    """One retrieval. `chunks_written` of `chunks` have left."""

    id: str
    delivery: Delivery
    authorised_at: datetime
    granted: Mapping[DomainId, tuple[IdentifierType, ...]]
    chunks_written: int = 0
    chunks: int = 0
    finished_at: datetime | None = None
    failed: str | None = None
    collected_at: datetime | None = None

    @property
    def running(self) -> bool:
        return self.finished_at is None and self.failed is None

    @property
    def counts(self) -> bool:
        """Whether it uses up a retrieval: all do but one that failed before anything left."""
        return self.failed is None or self.chunks_written > 0


@dataclass(frozen=True, slots=True)
class RequestState:
    """One request. `version` is the number of its newest event, 0 before the first.

    `status` is None before the first event. `checks_held` says what the checks wait for. `until` and `retrievals` count
    from the approval.
    """

    id: RequestId
    version: int = 0
    status: State | None = None
    requester: PersonId | None = None
    summary: Summary | None = None
    revision: int = 0
    policy_hash: str | None = None
    counts: Mapping[str, str] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    checks_held: str | None = None
    domains: Mapping[DomainId, DomainDecision] = field(default_factory=dict)
    releases: tuple[Release, ...] = ()
    until: datetime | None = None
    retrievals: int = 0
    due_at: datetime | None = None
    created_at: datetime | None = None
    changed_at: datetime | None = None

    @property
    def content_hash(self) -> ContentHash | None:
        return self.summary.content_hash if self.summary else None

    def approved_domains(self) -> tuple[DomainId, ...]:
        return tuple(domain for domain, decision in self.domains.items() if decision.state is DecisionState.APPROVED)

    def retrievals_used(self) -> int:
        return sum(release.counts for release in self.releases)

    def release(self, release: str) -> Release | None:
        return next((known for known in self.releases if known.id == release), None)


def fold(request: RequestId, events: Iterable[Event]) -> RequestState:
    """The state after `events`. Raises `UnknownEventError` or `FieldError` for a stream nobody may decide on."""
    state = RequestState(request)
    for event in events:
        state = evolve(state, from_event(event))
    return state


def evolve(state: RequestState, happened: Happened) -> RequestState:
    """The state after one more event."""
    after = _apply(happened.event, state, happened.at)
    return replace(after, version=state.version + 1, created_at=state.created_at or happened.at, changed_at=happened.at)


@singledispatch
def _apply(event: object, state: RequestState, at: datetime) -> RequestState:
    raise TypeError(f"no rule for {type(event).__name__}")


def folds(kind: type) -> bool:
    """Whether there is a rule for events of this class."""
    return _apply.dispatch(kind) is not _apply.dispatch(object)


@_apply.register
def _created(event: RequestCreated, state: RequestState, at: datetime) -> RequestState:
    return replace(state, status=State.DRAFT, requester=event.requester)


@_apply.register
def _saved(event: DraftSaved, state: RequestState, at: datetime) -> RequestState:
    return replace(state, summary=event.summary)


@_apply.register
def _discarded(event: RequestDiscarded, state: RequestState, at: datetime) -> RequestState:
    return _over(state, State.DISCARDED)


@_apply.register
def _submitted(event: RequestSubmitted, state: RequestState, at: datetime) -> RequestState:
    return replace(
        state,
        status=State.SUBMITTED,
        revision=event.revision,
        summary=event.summary,
        policy_hash=event.policy_hash,
        domains={domain: DomainDecision(needs) for domain, needs in event.needed_by.items()},
        due_at=event.due_at,
    )


@_apply.register
def _held(event: ChecksHeld, state: RequestState, at: datetime) -> RequestState:
    return replace(state, checks_held=event.code)


@_apply.register
def _checked(event: ChecksRecorded, state: RequestState, at: datetime) -> RequestState:
    return replace(
        state,
        status=State.IN_REVIEW,
        policy_hash=event.policy_hash,
        counts=event.counts,
        due_at=event.due_at,
        checks_held=None,
    )


@_apply.register
def _blocked(event: RequestBlocked, state: RequestState, at: datetime) -> RequestState:
    return replace(_over(state, State.BLOCKED), policy_hash=event.policy_hash, reasons=event.reasons)


@_apply.register
def _domain_approved(event: DomainApproved, state: RequestState, at: datetime) -> RequestState:
    ballot = Ballot(
        person=event.approver,
        organisation=event.organisation,
        vote=Vote.APPROVE,
        content_hash=event.content_hash,
        at=at,
        identifier_types=event.identifier_types,
        until=event.until,
    )
    return _with_ballot(state, event.domain, ballot, DecisionState.APPROVED if event.complete else DecisionState.OPEN)


@_apply.register
def _domain_rejected(event: DomainRejected, state: RequestState, at: datetime) -> RequestState:
    ballot = Ballot(
        person=event.approver,
        organisation=event.organisation,
        vote=Vote.REJECT,
        content_hash=event.content_hash,
        at=at,
        reason=event.reason.value,
        comment_sha256=event.comment_sha256,
    )
    return _with_ballot(state, event.domain, ballot, DecisionState.REJECTED)


@_apply.register
def _approved(event: RequestApproved, state: RequestState, at: datetime) -> RequestState:
    return replace(state, status=State.APPROVED, until=event.until, retrievals=event.retrievals, due_at=event.until)


@_apply.register
def _rejected(event: RequestRejected, state: RequestState, at: datetime) -> RequestState:
    return _over(state, State.REJECTED)


@_apply.register
def _withdrawn(event: RequestWithdrawn, state: RequestState, at: datetime) -> RequestState:
    return _over(state, State.WITHDRAWN)


@_apply.register
def _revoked(event: RequestRevoked, state: RequestState, at: datetime) -> RequestState:
    return replace(_over(state, State.REVOKED), reasons=(event.reason.value,))


@_apply.register
def _expired(event: RequestExpired, state: RequestState, at: datetime) -> RequestState:
    return replace(_over(state, State.EXPIRED), reasons=(event.reason.value,))


@_apply.register
def _authorised(event: ReleaseAuthorised, state: RequestState, at: datetime) -> RequestState:
    release = Release(event.release, event.delivery, at, event.granted)
    return replace(state, releases=(*state.releases, release), policy_hash=event.policy_hash)


@_apply.register
def _items_released(event: ItemsReleased, state: RequestState, at: datetime) -> RequestState:
    after = _with_release(state, event.release, chunks_written=event.chunk, chunks=event.chunks)
    return replace(after, status=State.RELEASED)


@_apply.register
def _finished(event: ReleaseFinished, state: RequestState, at: datetime) -> RequestState:
    return _with_release(state, event.release, finished_at=at)


@_apply.register
def _failed(event: ReleaseFailed, state: RequestState, at: datetime) -> RequestState:
    return _with_release(state, event.release, failed=event.code)


@_apply.register
def _collected(event: ReleaseCollected, state: RequestState, at: datetime) -> RequestState:
    return _with_release(state, event.release, collected_at=at)


def _over(state: RequestState, status: State) -> RequestState:
    return replace(state, status=status, due_at=None, checks_held=None)


def _with_ballot(state: RequestState, domain: DomainId, ballot: Ballot, outcome: DecisionState) -> RequestState:
    decision = state.domains[domain]
    decided = replace(decision, state=outcome, ballots=(*decision.ballots, ballot))
    return replace(state, domains={**state.domains, domain: decided})


def _with_release(
    state: RequestState,
    release: str,
    *,
    chunks_written: int | None = None,
    chunks: int | None = None,
    finished_at: datetime | None = None,
    failed: str | None = None,
    collected_at: datetime | None = None,
) -> RequestState:
    def changed(known: Release) -> Release:
        return replace(
            known,
            chunks_written=known.chunks_written if chunks_written is None else chunks_written,
            chunks=known.chunks if chunks is None else chunks,
            finished_at=finished_at or known.finished_at,
            failed=failed or known.failed,
            collected_at=collected_at or known.collected_at,
        )

    return replace(state, releases=tuple(changed(known) if known.id == release else known for known in state.releases))
