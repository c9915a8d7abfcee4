"""What follows from what its author does."""

from __future__ import annotations

from datetime import datetime

from keyholder.registry.factors import Needs
from keyholder.registry.terms import Document
from keyholder.requests.case import Case
from keyholder.requests.codes import State
from keyholder.requests.events import (
    DraftSaved,
    RequestCreated,
    RequestDiscarded,
    RequestSubmitted,
    RequestTakenOver,
    RequestWithdrawn,
)
from keyholder.requests.outcomes.assessed import policy_hash
from keyholder.requests.outcomes.outcome import Outcome
from keyholder.vocabulary import DomainId


def create(case: Case) -> Outcome:
    return RequestCreated(case.person.id, case.summary.project), DraftSaved(case.summary, _draft_due(case))


def save(case: Case) -> Outcome:
    """A draft has as long as a new one; what was returned has the time it was given."""
    return (DraftSaved(case.summary, _draft_due(case) if case.state.status is State.DRAFT else None),)


def discard(case: Case) -> Outcome:  # noqa: ARG001 - every outcome has one shape
    return (RequestDiscarded(),)


def submit(case: Case) -> Outcome:
    return (
        RequestSubmitted(
            revision=case.state.revision + 1,
            summary=case.summary,
            policy_hash=policy_hash(case),
            needed_by={domain: _needs(case, domain) for domain in case.summary.records},
            due_at=case.now + case.facts.limits.checks_within,
            terms=case.facts.terms.get(Document.REQUESTER),
        ),
    )


def withdraw(case: Case) -> Outcome:  # noqa: ARG001
    return (RequestWithdrawn(),)


def take_over(case: Case) -> Outcome:
    """A draft has as long as a new one; what was returned has the time it was given."""
    if case.state.requester is None:
        raise TypeError("a request without an author is taken over")
    due = _draft_due(case) if case.state.status is State.DRAFT else None
    return (RequestTakenOver(case.person.id, case.state.requester, due),)


def _draft_due(case: Case) -> datetime:
    return case.now + case.facts.limits.draft_within


def _needs(case: Case, domain: DomainId) -> Needs:
    return case.facts.domains[domain].needs()
