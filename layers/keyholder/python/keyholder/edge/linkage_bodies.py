"""What controllers may send about linkage agreements."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field

from keyholder.edge.bodies import Body, Hash, Name, Organisation
from keyholder.linkage.agreement import LinkageEndReason
from keyholder.linkage.terms import MOST_TOKENS, Covers
from keyholder.policy.vocabulary import LegalBasis, Purpose
from keyholder.registry.factors import Factor
from keyholder.vocabulary import IdentifierType


class LinkageTermsBody(Body):
    """What a linkage agreement is to allow, to the letter: whoever approves names the hash of exactly this."""

    from_domain: Name
    to_domain: Name
    identifier_types: Annotated[list[IdentifierType], Field(min_length=1, max_length=5)]
    covers: Covers
    """`people_of_both`: only people whom an extract of the target domain holds too. `everybody`: the target domain's
    controllers decide about all of them from then on, releases included."""
    purpose: Purpose
    legal_basis: LegalBasis
    """People's opt-outs and consents are asked as for a release on this basis."""
    project: Name | None = None
    """Needed for `explicit_consent`; a project's own section 251 exemption counts only where it is named."""
    carried_out_by: Organisation
    """Whose providers translate."""
    most_tokens: Annotated[int, Field(ge=1, le=MOST_TOKENS)]
    """Pseudonyms that may be sent, all calls together."""
    until: dt.date
    """The last day, at most 366 days ahead."""


class ApproveLinkageBody(Body):
    """Approval of exactly these terms for one of the two domains."""

    domain: Name
    terms_hash: Hash
    no_conflict_of_interest: Literal[True]
    organisation: Organisation | None = None
    """Which organisation the approval stands for; needed only of who decides for several."""
    factor: Factor | None = None
    """Which place the approval fills; needed only of who could fill several."""


class EndLinkageBody(Body):
    """One controller of either domain refuses or ends it."""

    reason: LinkageEndReason
