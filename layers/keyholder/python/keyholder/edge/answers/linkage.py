"""What callers are answered about linkage agreements and translations; as in `answers`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from keyholder.edge.answers.form import Answer, Count, Hash, Kinds, PersonReference, Success, Text
from keyholder.edge.answers.receipts import Receipt
from keyholder.linkage.agreement import AgreementState, LinkageEndReason
from keyholder.linkage.terms import Covers
from keyholder.linkage.translating import TranslateStatus
from keyholder.policy.vocabulary import LegalBasis, Purpose
from keyholder.registry.factors import Factor
from keyholder.vocabulary import IdentifierType


class LinkageTermsView(Answer):
    """What a linkage agreement allows."""

    format: Literal[1]
    from_domain: str
    to_domain: str
    identifier_types: Annotated[Kinds, Field(min_length=1)]
    covers: Covers
    purpose: Purpose
    legal_basis: LegalBasis
    project: str | None
    carried_out_by: str
    """Whose providers translate (ODS code)."""
    most_tokens: Annotated[int, Field(ge=1)]
    until: dt.date
    """The last day."""


class LinkageApproval(Answer):
    """One person's yes for one of the two domains, and the place they fill."""

    person: PersonReference
    domain: str
    factor: Factor
    organisation: str
    at: AwareDatetime


class LinkageEnd(Answer):
    """Who refused or ended an agreement."""

    by: PersonReference
    at: AwareDatetime
    reason: LinkageEndReason


class LinkageAgreementView(Answer):
    """An agreement between two domains' controllers that one's pseudonyms may be translated into the other's."""

    agreement_id: Annotated[str, StringConstraints(pattern=r"^LNK-[0-9A-HJKMNP-TV-Z]{26}$")]
    version: Annotated[int, Field(ge=1)]
    """What the ETag says: name it in If-Match."""
    state: AgreementState
    terms: LinkageTermsView
    terms_hash: Hash
    """SHA-256 of the canonical terms."""
    proposed_by: PersonReference
    proposed_at: AwareDatetime
    proposal_ends_at: AwareDatetime
    """From this moment on nobody can approve it."""
    approvals: list[LinkageApproval]
    in_force_since: AwareDatetime | None
    ended: LinkageEnd | None
    tokens_used: Count
    """Pseudonyms that were sent so far."""
    translations: Count


class CommandedLinkageAgreement(LinkageAgreementView):
    """The agreement as the command left it, and proof that the command is in the ledger."""

    receipts: list[Receipt]


class LinkagePage(Answer):
    """A page of agreements, in order. It may be shorter than asked for, even empty, and still not be the last."""

    items: list[LinkageAgreementView]
    next: str | None
    """`cursor` of the next page; null on the last."""


class TranslatedRow(Answer):
    """What became of each of a row's pseudonyms that the agreement is about, and the target domain's where there are
    any. Everything that lies in one person or one code is `not_available`."""

    row_id: str
    statuses: dict[IdentifierType, TranslateStatus]
    pseudonyms: dict[IdentifierType, Text]


class Translated(Answer):
    """The rows in the order they were sent; their pseudonyms are of `domain`."""

    agreement_id: str
    domain: str
    rows: list[TranslatedRow]


SUCCESSES: Mapping[str, Success] = {
    "POST /v1/linkage-agreements": Success(CommandedLinkageAgreement, versioned=True),
    "GET /v1/linkage-agreements/{agreement_id}": Success(LinkageAgreementView, versioned=True),
    "GET /v1/domains/{domain_id}/linkage-agreements": Success(LinkagePage),
    "POST /v1/linkage-agreements/{agreement_id}/approve": Success(CommandedLinkageAgreement, versioned=True),
    "POST /v1/linkage-agreements/{agreement_id}/end": Success(CommandedLinkageAgreement, versioned=True),
    "POST /v1/linkage-agreements/{agreement_id}/translations": Success(Translated),
}
"""By route."""
