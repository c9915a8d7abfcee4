"""What may be sent about emergency accesses; as in `bodies`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from keyholder.edge.bodies import Body, Name, RecordBody
from keyholder.emergency.access import MOST_RECORDS, EmergencyReason, ReviewFinding
from keyholder.vocabulary import IdentifierType


class EmergencyBody(Body):
    """A few records opened at once, for the care of these very people, and reviewed by two others afterwards."""

    domain: Name
    reason: EmergencyReason
    identifier_types: Annotated[list[IdentifierType], Field(min_length=1, max_length=5)]
    records: Annotated[list[RecordBody], Field(min_length=1, max_length=MOST_RECORDS)]
    direct_care: Literal[True]
    """I declare that I care for each of these people now."""
    public_key: Annotated[str, StringConstraints(max_length=200)] | None = None
    """An age or ssh-ed25519 public key to which the result is encrypted; without it the items are in the answer."""


class EmergencyReviewBody(Body):
    """What a reviewer finds of an emergency access."""

    finding: ReviewFinding
