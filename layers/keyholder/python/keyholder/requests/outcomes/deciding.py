"""What follows from a decision."""

from __future__ import annotations

from dataclasses import replace

from keyholder.policy.days import london_day
from keyholder.refusals import Refusal
from keyholder.registry.factors import Standing
from keyholder.registry.terms import Document
from keyholder.requests.case import Case
from keyholder.requests.codes import DecisionState, State, Vote
from keyholder.requests.commands import (
    Approve,
    Reject,
    Revoke,
)
from keyholder.requests.eligibility import count
from keyholder.requests.events import (
    DestructionRequired,
    DomainApproved,
    DomainRejected,
    RequestRevoked,
)
from keyholder.requests.guards import deciding_part
from keyholder.requests.outcomes.concluding import conclusion
from keyholder.requests.outcomes.outcome import Outcome
from keyholder.requests.state import Ballot, DomainDecision
from keyholder.vocabulary import DomainId


def approve(case: Case) -> Outcome:
    """A ballot; with the quorum, the domain's yes; with every domain decided, the request's."""
    command, decision = case.of(Approve), case.state.domains[case.of(Approve).domain]
    factor, organisation = part(case)
    ballot = Ballot(
        person=case.person.id,
        organisation=organisation,
        factor=factor,
        vote=Vote.APPROVE,
        content_hash=command.content_hash,
        at=case.now,
        identifier_types=command.identifier_types or case.summary.identifier_types,
        until=command.until,
        records=command.records,
        conditions=command.conditions,
        delegated=case.delegated,
    )
    decided = replace(decision, ballots=(*decision.ballots, ballot), records_left=command.records_left)
    # Counted with the people of today: who was suspended since they approved counts no more.
    people = {**case.facts.approvers, case.person.id: case.person}
    if case.under is not None:
        people[case.under.delegator.id] = case.under.delegator
    complete = count(case.state, decided, case.facts.domains[command.domain], case.facts.project, people).met
    event = DomainApproved(
        domain=command.domain,
        approver=ballot.person,
        organisation=ballot.organisation,
        factor=ballot.factor,
        content_hash=ballot.content_hash,
        identifier_types=ballot.identifier_types,
        until=ballot.until,
        complete=complete,
        records=ballot.records,
        records_left=command.records_left,
        conditions=ballot.conditions,
        terms=case.facts.terms.get(Document.APPROVER),
        delegated=case.delegated,
    )
    state = DecisionState.APPROVED if complete else DecisionState.OPEN
    return (event, *_concluded(case, command.domain, replace(decided, state=state)))


def reject(case: Case) -> Outcome:
    """One no is the domain's no; with every domain decided, the request's fate."""
    command = case.of(Reject)
    factor, organisation = part(case)
    event = DomainRejected(
        domain=command.domain,
        approver=case.person.id,
        organisation=organisation,
        factor=factor,
        content_hash=command.content_hash,
        reason=command.reason,
        comment_sha256=command.comment_sha256,
        delegated=case.delegated,
    )
    decided = replace(case.state.domains[command.domain], state=DecisionState.REJECTED)
    return (event, *_concluded(case, command.domain, decided))


def revoke(case: Case) -> Outcome:
    """Nothing more is released; what was is to be destroyed."""
    revoked = RequestRevoked(case.person.id, case.of(Revoke).reason, case.delegated)
    if case.state.status is not State.RELEASED:
        return (revoked,)
    soon = london_day(case.now + case.facts.limits.destroy_within)
    return revoked, DestructionRequired(min(soon, case.state.destroy_by or soon))


def _concluded(case: Case, domain: DomainId, decided: DomainDecision) -> Outcome:
    return conclusion(case, {**case.state.domains, domain: decided})


def part(case: Case) -> Standing:
    """The factor and the organisation a decision is given for. Raises `TypeError` where none is clear."""
    found = deciding_part(case)
    if isinstance(found, Refusal):
        raise TypeError("the table lets this happen without a part to take")
    return found
