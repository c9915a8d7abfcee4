"""A request under a standing approval: what it wants of it, and what its approvals are to the request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from keyholder.requests.codes import DecisionState, Vote
from keyholder.requests.content import Summary
from keyholder.requests.state import Ballot, DomainDecision, RequestState
from keyholder.standing.approval import StandingApproval
from keyholder.standing.decide import Wanted
from keyholder.vocabulary import DomainId


def wanted(state: RequestState, summary: Summary) -> Wanted:
    """What a request asks for, as far as standing approvals are about it."""
    return Wanted(
        request=state.id,
        content_hash=summary.content_hash,
        project=summary.project,
        domains=frozenset(summary.records),
        identifier_types=frozenset(summary.identifier_types),
        purpose=summary.purpose,
        legal_basis=summary.legal_basis,
        recipient=summary.recipient,
        records=sum(summary.records.values()),
    )


def approved_by(
    state: RequestState, standing: StandingApproval, summary: Summary, at: datetime
) -> Mapping[DomainId, DomainDecision]:
    """Every domain's decision, with the approvals of the bounds."""
    return {
        name: replace(decision, state=DecisionState.APPROVED, ballots=ballots(standing, name, summary, at))
        for name, decision in state.domains.items()
    }


def ballots(standing: StandingApproval, domain: DomainId, summary: Summary, at: datetime) -> tuple[Ballot, ...]:
    """The approvals of a domain as approvals of exactly this content, for all that it asks for."""
    return tuple(
        Ballot(
            person=approval.person,
            organisation=approval.organisation,
            vote=Vote.APPROVE,
            content_hash=summary.content_hash,
            at=at,
            identifier_types=summary.identifier_types,
            factor=approval.factor,
        )
        for approval in standing.approvals_of(domain)
    )
