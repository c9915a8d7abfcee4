"""What may be sent about standing approvals."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from keyholder.edge.bodies import Body, Hash, Name, Organisation
from keyholder.policy.vocabulary import LegalBasis, Purpose
from keyholder.registry.factors import Factor
from keyholder.standing.approval import StandingEndReason
from keyholder.standing.terms import MOST_DOMAINS, MOST_RECORDS_A_WEEK
from keyholder.vocabulary import IdentifierType

StandingId = Annotated[str, StringConstraints(pattern=r"^STA-[0-9A-HJKMNP-TV-Z]{26}$")]


class StandingTermsBody(Body):
    """The bounds within which a project's requests are to be approved, to the letter: whoever approves names the hash
    of exactly this."""

    project: Name
    domains: Annotated[list[Name], Field(min_length=1, max_length=MOST_DOMAINS)]
    identifier_types: Annotated[list[IdentifierType], Field(min_length=1, max_length=5)]
    purpose: Purpose
    legal_basis: LegalBasis
    recipient: Organisation
    most_records_a_week: Annotated[int, Field(ge=1, le=MOST_RECORDS_A_WEEK)]
    """Records of all requests together, in any seven days."""
    until: dt.date
    """The last day, at most 366 days ahead."""


class ApproveStandingBody(Body):
    """Approval of exactly these terms for one domain."""

    domain: Name
    terms_hash: Hash
    no_conflict_of_interest: Literal[True]
    organisation: Organisation | None = None
    """Which organisation the approval stands for; needed only of who decides for several."""
    factor: Factor | None = None
    """Which place the approval fills; needed only of who could fill several."""


class EndStandingBody(Body):
    """One controller of any of its domains refuses or revokes it."""

    reason: StandingEndReason


class UseStandingBody(Body):
    """The standing approval that is to approve the request as it stands."""

    standing_approval_id: StandingId
