"""What is answered about standing approvals, as in `answers`."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from keyholder.edge.answers.form import Answer, Count, Hash, Kinds, PersonReference, Success
from keyholder.edge.answers.receipts import Receipt
from keyholder.edge.answers.requests import CommandedRequest
from keyholder.edge.standing_bodies import StandingId
from keyholder.policy.vocabulary import LegalBasis, Purpose
from keyholder.registry.factors import Factor
from keyholder.standing.approval import StandingEndReason, StandingState


class StandingTermsView(Answer):
    """What a request has to keep within."""

    format: Literal[1]
    project: str
    domains: Annotated[list[str], Field(min_length=1)]
    identifier_types: Annotated[Kinds, Field(min_length=1)]
    purpose: Purpose
    legal_basis: LegalBasis
    recipient: str
    """Who gets the identifiers (ODS code)."""
    most_records_a_week: Annotated[int, Field(ge=1)]
    until: dt.date
    """The last day."""


class StandingApprovalGiven(Answer):
    """One person's yes for one domain, and the place they fill."""

    person: PersonReference
    domain: str
    factor: Factor
    organisation: str
    at: AwareDatetime


class StandingEnd(Answer):
    """Who refused or revoked it."""

    by: PersonReference
    at: AwareDatetime
    reason: StandingEndReason


class StandingApprovalView(Answer):
    """Bounds within which a project's requests are approved without being decided one by one."""

    standing_approval_id: StandingId
    version: Annotated[int, Field(ge=1)]
    """What the ETag says: name it in If-Match."""
    state: StandingState
    terms: StandingTermsView
    terms_hash: Hash
    """SHA-256 of the canonical terms."""
    asked_by: PersonReference
    asked_at: AwareDatetime
    open_until: AwareDatetime
    """From this moment on nobody can approve it."""
    approvals: list[StandingApprovalGiven]
    in_force_since: AwareDatetime | None
    ended: StandingEnd | None
    requests: Count
    """How many requests drew on it."""
    records_left_this_week: Count
    """What it still allows in the seven days that end now."""


class StandingPage(Answer):
    """A page of standing approvals, in order. It may be shorter than asked for, even empty, and still not be the
    last."""

    items: list[StandingApprovalView]
    next: str | None
    """`cursor` of the next page; null on the last."""


class CommandedStandingApproval(StandingApprovalView):
    """The standing approval as the command left it, and proof that the command is in the ledger."""

    receipts: list[Receipt]


_STANDING = Success(StandingApprovalView, versioned=True)
_COMMANDED = Success(CommandedStandingApproval, versioned=True)

SUCCESSES = {
    "POST /v1/standing-approvals": _COMMANDED,
    "GET /v1/standing-approvals": Success(StandingPage),
    "GET /v1/standing-approvals/{standing_id}": _STANDING,
    "POST /v1/standing-approvals/{standing_id}/approve": _COMMANDED,
    "POST /v1/standing-approvals/{standing_id}/end": _COMMANDED,
    "POST /v1/requests/{request_id}/use-standing-approval": Success(CommandedRequest, versioned=True),
}
