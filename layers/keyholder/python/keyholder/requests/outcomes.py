"""What a permitted command makes happen."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from keyholder.requests.case import Case
from keyholder.requests.codec import RequestEvent
from keyholder.requests.codes import DecisionState, ExpiryReason, State, Vote, safe_count
from keyholder.requests.commands import (
    Approve,
    AuthoriseRelease,
    Collect,
    FailRelease,
    FinishRelease,
    HoldChecks,
    RecordChecks,
    RecordChunk,
    Reject,
    Revoke,
)
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
from keyholder.requests.guards import deciding_organisation
from keyholder.requests.quorum import quorum_met
from keyholder.requests.release_events import (
    ItemsReleased,
    ReleaseAuthorised,
    ReleaseCollected,
    ReleaseFailed,
    ReleaseFinished,
)
from keyholder.requests.state import Ballot, DomainDecision
from keyholder.vocabulary import DomainId, OrganisationCode

Outcome = tuple[RequestEvent, ...]


def create(case: Case) -> Outcome:
    return RequestCreated(case.person.id, case.summary.project), DraftSaved(case.summary)


def save(case: Case) -> Outcome:
    return (DraftSaved(case.summary),)


def discard(case: Case) -> Outcome:  # noqa: ARG001 - every outcome has one shape
    return (RequestDiscarded(),)


def submit(case: Case) -> Outcome:
    return (
        RequestSubmitted(
            revision=case.state.revision + 1,
            summary=case.summary,
            policy_hash=_policy_hash(case),
            needed_by={domain: _needs(case, domain) for domain in case.summary.records},
            due_at=case.now + case.facts.limits.checks_within,
        ),
    )


def record_checks(case: Case) -> Outcome:
    """Only what stands against the request as a whole blocks it.

    A request none of whose people may be released goes to review like any other: to end it here would tell its author,
    before anybody had looked, what the people in it chose. Those who decide see the counts.
    """
    command = case.of(RecordChecks)
    checks = command.checks
    if checks.reasons:
        return (RequestBlocked(command.content_hash, checks.policy_hash, checks.reasons),)
    counts = {"eligible": checks.eligible, "held": checks.held, "withheld": checks.withheld}
    return (
        ChecksRecorded(
            content_hash=command.content_hash,
            policy_hash=checks.policy_hash,
            counts={name: safe_count(count) for name, count in counts.items()},
            due_at=case.now + case.facts.limits.decision_within,
        ),
    )


def hold_checks(case: Case) -> Outcome:
    command = case.of(HoldChecks)
    return (ChecksHeld(command.content_hash, command.code),)


def approve(case: Case) -> Outcome:
    """A ballot; with the quorum, the domain's yes; with every domain decided, the request's."""
    command, decision = case.of(Approve), case.state.domains[case.of(Approve).domain]
    ballot = Ballot(
        person=case.person.id,
        organisation=_organisation(case),
        vote=Vote.APPROVE,
        content_hash=command.content_hash,
        at=case.now,
        identifier_types=command.identifier_types or case.summary.identifier_types,
        until=command.until,
    )
    decided = replace(decision, ballots=(*decision.ballots, ballot))
    known = case.facts.domains[command.domain]
    counted = [(yes.person, yes.organisation) for yes in decided.approvals()]
    complete = all(quorum_met(counted, needs.controllers, needs.quorum) for needs in (decision.needs, known))
    event = DomainApproved(
        domain=command.domain,
        approver=ballot.person,
        organisation=ballot.organisation,
        content_hash=ballot.content_hash,
        identifier_types=ballot.identifier_types,
        until=ballot.until,
        complete=complete,
    )
    state = DecisionState.APPROVED if complete else DecisionState.OPEN
    return (event, *_conclusion(case, command.domain, replace(decided, state=state)))


def reject(case: Case) -> Outcome:
    """One no is the domain's no; with every domain decided, the request's fate."""
    command = case.of(Reject)
    event = DomainRejected(
        domain=command.domain,
        approver=case.person.id,
        organisation=_organisation(case),
        content_hash=command.content_hash,
        reason=command.reason,
        comment_sha256=command.comment_sha256,
    )
    decided = replace(case.state.domains[command.domain], state=DecisionState.REJECTED)
    return (event, *_conclusion(case, command.domain, decided))


def withdraw(case: Case) -> Outcome:  # noqa: ARG001
    return (RequestWithdrawn(),)


def revoke(case: Case) -> Outcome:
    return (RequestRevoked(case.person.id, case.of(Revoke).reason),)


def authorise_release(case: Case) -> Outcome:
    command = case.of(AuthoriseRelease)
    granted = {domain: case.state.domains[domain].granted() for domain in case.state.approved_domains()}
    return (ReleaseAuthorised(command.release, command.content_hash, command.delivery, _policy_hash(case), granted),)


def record_chunk(case: Case) -> Outcome:
    command = case.of(RecordChunk)
    return (
        ItemsReleased(
            release=command.release,
            chunk=command.chunk,
            chunks=command.chunks,
            count=command.count,
            epoch=command.epoch,
            subjects=command.subjects,
            unresolved=command.unresolved,
        ),
    )


def finish_release(case: Case) -> Outcome:
    command = case.of(FinishRelease)
    return (ReleaseFinished(command.release, command.counts, command.result_sha256),)


def fail_release(case: Case) -> Outcome:
    command = case.of(FailRelease)
    return (ReleaseFailed(command.release, command.code),)


def collect(case: Case) -> Outcome:
    return (ReleaseCollected(case.of(Collect).release, case.person.id),)


def expire(case: Case) -> Outcome:
    approved = case.state.status in (State.APPROVED, State.RELEASED)
    return (RequestExpired(ExpiryReason.WINDOW_OVER if approved else ExpiryReason.NOT_DECIDED),)


def _conclusion(case: Case, domain: DomainId, decided: DomainDecision) -> Outcome:
    """What follows once no domain is open: the approved ones may be released; if there is none, it is rejected."""
    decisions = {**case.state.domains, domain: decided}
    if any(decision.state is DecisionState.OPEN for decision in decisions.values()):
        return ()
    content_hash = case.summary.content_hash
    approved = {name: decision for name, decision in decisions.items() if decision.state is DecisionState.APPROVED}
    if not approved:
        return (RequestRejected(content_hash),)
    narrowed = [yes.until for decision in approved.values() for yes in decision.approvals() if yes.until]
    until = min([case.now + timedelta(days=case.summary.window_days), *narrowed])
    return (RequestApproved(content_hash, tuple(approved), until, case.facts.limits.retrievals),)


def _needs(case: Case, domain: DomainId) -> Needs:
    known = case.facts.domains[domain]
    return Needs(known.controllers, known.quorum)


def _policy_hash(case: Case) -> str:
    if case.facts.assessment is None:
        raise TypeError("the table lets this happen without asking the policy")
    return case.facts.assessment.policy_hash


def _organisation(case: Case) -> OrganisationCode:
    organisation = deciding_organisation(case)
    if organisation is None:
        raise TypeError("the table lets this happen without an organisation")
    return organisation
