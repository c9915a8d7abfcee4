"""What follows from a decision."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from keyholder.refusals import Refusal
from keyholder.registry.factors import Standing
from keyholder.requests.case import Case
from keyholder.requests.codes import DecisionState, Vote
from keyholder.requests.commands import (
    Approve,
    Reject,
    Revoke,
)
from keyholder.requests.eligibility import count
from keyholder.requests.events import (
    DomainApproved,
    DomainRejected,
    RequestApproved,
    RequestRejected,
    RequestRevoked,
)
from keyholder.requests.guards import deciding_part
from keyholder.requests.outcomes.outcome import Outcome
from keyholder.requests.state import Ballot, DomainDecision
from keyholder.vocabulary import DomainId


def approve(case: Case) -> Outcome:
    """A ballot; with the quorum, the domain's yes; with every domain decided, the request's."""
    command, decision = case.of(Approve), case.state.domains[case.of(Approve).domain]
    factor, organisation = _part(case)
    ballot = Ballot(
        person=case.person.id,
        organisation=organisation,
        factor=factor,
        vote=Vote.APPROVE,
        content_hash=command.content_hash,
        at=case.now,
        identifier_types=command.identifier_types or case.summary.identifier_types,
        until=command.until,
    )
    decided = replace(decision, ballots=(*decision.ballots, ballot))
    # Counted with the people of today: who was suspended since they approved counts no more.
    people = {**case.facts.approvers, case.person.id: case.person}
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
    )
    state = DecisionState.APPROVED if complete else DecisionState.OPEN
    return (event, *_conclusion(case, command.domain, replace(decided, state=state)))


def reject(case: Case) -> Outcome:
    """One no is the domain's no; with every domain decided, the request's fate."""
    command = case.of(Reject)
    factor, organisation = _part(case)
    event = DomainRejected(
        domain=command.domain,
        approver=case.person.id,
        organisation=organisation,
        factor=factor,
        content_hash=command.content_hash,
        reason=command.reason,
        comment_sha256=command.comment_sha256,
    )
    decided = replace(case.state.domains[command.domain], state=DecisionState.REJECTED)
    return (event, *_conclusion(case, command.domain, decided))


def revoke(case: Case) -> Outcome:
    return (RequestRevoked(case.person.id, case.of(Revoke).reason),)


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


def _part(case: Case) -> Standing:
    part = deciding_part(case)
    if isinstance(part, Refusal):
        raise TypeError("the table lets this happen without a part to take")
    return part
