"""What callers are answered about emergency accesses; as in `answers`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from keyholder.edge.answers.form import Answer, Hash, Kinds, PersonReference, Success
from keyholder.edge.answers.receipts import Receipt
from keyholder.edge.answers.releases import GivenItem, WithheldItem
from keyholder.emergency.access import ACCESS, MOST_RECORDS, EmergencyReason, ReviewFinding, Stage
from keyholder.registry.factors import Factor

AccessReference = Annotated[str, StringConstraints(pattern=f"^{ACCESS.pattern}$")]


class EmergencyReview(Answer):
    """One reviewer's finding, for an organisation that controls the domain."""

    person: PersonReference
    factor: Factor
    organisation: str
    finding: ReviewFinding
    at: AwareDatetime


class EmergencyAccess(Answer):
    """An emergency access: who opened it, why, and how far its review is. Never whose records they were."""

    access_id: AccessReference
    person: PersonReference
    domain: str
    reason: EmergencyReason
    identifier_types: Kinds
    records: Annotated[int, Field(ge=1, le=MOST_RECORDS)]
    organisation: str
    """The clinician's (ODS code)."""
    stage: Stage
    opened_at: AwareDatetime
    review_by: AwareDatetime
    overdue: bool
    reviews: list[EmergencyReview]


class EmergencyReviewed(EmergencyAccess):
    """The access as the review left it, and proof that the review is in the ledger."""

    receipts: list[Receipt]


class EmergencyGiven(EmergencyAccess):
    """What was opened: the items, or an age file in base64, and the proof of each step."""

    items: list[GivenItem | WithheldItem] | None
    sealed: str | None
    """Base64 of an age file (CSV inside), where a public key was given."""
    sha256: Hash | None
    receipts: list[Receipt]


class EmergencyPage(Answer):
    """Emergency accesses; what waits for its review goes first."""

    items: list[EmergencyAccess]


SUCCESSES: Mapping[str, Success] = {
    "POST /v1/emergency-accesses": Success(EmergencyGiven, versioned=True),
    "GET /v1/emergency-accesses": Success(EmergencyPage),
    "GET /v1/emergency-accesses/{access_id}": Success(EmergencyAccess, versioned=True),
    "POST /v1/emergency-accesses/{access_id}/review": Success(EmergencyReviewed, versioned=True),
}
"""By route."""
