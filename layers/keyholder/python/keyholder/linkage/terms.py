"""What a linkage agreement allows, to the letter. Whoever approves names the hash of exactly this."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from keyholder.canonical import JsonObject, content_hash
from keyholder.policy.vocabulary import LegalBasis, Purpose
from keyholder.refusals import Refusal
from keyholder.registry.fields import ORGANISATION, FieldError, FieldFault, Fields
from keyholder.registry.projects import DOMAIN, PROJECT
from keyholder.vocabulary import ContentHash, DomainId, IdentifierType, OrganisationCode, ProjectId

FORMAT = 1

MOST_TOKENS = 10_000_000
"""What one agreement can allow. Whoever needs more makes another, which is approved for itself."""

LONGEST = timedelta(days=366)
"""How far ahead an agreement's last day may lie."""

AGREEMENT = re.compile(r"LNK-[0-9A-HJKMNP-TV-Z]{26}")


class Covers(StrEnum):
    """Whose pseudonyms are translated."""

    PEOPLE_OF_BOTH = "people_of_both"
    """Only people whom an extract of the target domain holds as well: nobody new can be found there afterwards."""
    EVERYBODY = "everybody"
    """All people of the source domain. The target domain's controllers decide about them then as about their own."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms. `until` is the last day, in London; `most_tokens` counts every pseudonym that is sent.

    Translations are carried out by providers of `carried_out_by` and by nobody else.
    """

    from_domain: DomainId
    to_domain: DomainId
    identifier_types: tuple[IdentifierType, ...]
    covers: Covers
    purpose: Purpose
    legal_basis: LegalBasis
    project: ProjectId | None
    carried_out_by: OrganisationCode
    most_tokens: int
    until: date

    @property
    def domains(self) -> tuple[DomainId, DomainId]:
        """Source and target."""
        return self.from_domain, self.to_domain

    def json(self) -> JsonObject:
        """The form of events and answers, and what the hash is of."""
        return {
            "format": FORMAT,
            "from_domain": self.from_domain,
            "to_domain": self.to_domain,
            "identifier_types": [kind.value for kind in self.identifier_types],
            "covers": self.covers.value,
            "purpose": self.purpose.value,
            "legal_basis": self.legal_basis.value,
            "project": self.project,
            "carried_out_by": self.carried_out_by,
            "most_tokens": self.most_tokens,
            "until": self.until.isoformat(),
        }

    def hash(self) -> ContentHash:
        """SHA-256 of the canonical terms."""
        return content_hash(self.json())


def read_terms(fields: Fields) -> Terms:
    """The terms as `json` writes them. Raises `FieldError`."""
    fields.number("format", FORMAT, FORMAT)
    kinds = fields.choices("identifier_types", IdentifierType)
    if not kinds:
        raise FieldError(fields.at("identifier_types"), FieldFault.RANGE)
    project = fields.maybe_text("project", PROJECT)
    terms = Terms(
        from_domain=DomainId(fields.text("from_domain", DOMAIN)),
        to_domain=DomainId(fields.text("to_domain", DOMAIN)),
        identifier_types=tuple(kind for kind in IdentifierType if kind in kinds),
        covers=fields.choice("covers", Covers),
        purpose=fields.choice("purpose", Purpose),
        legal_basis=fields.choice("legal_basis", LegalBasis),
        project=None if project is None else ProjectId(project),
        carried_out_by=OrganisationCode(fields.text("carried_out_by", ORGANISATION)),
        most_tokens=fields.number("most_tokens", 1, MOST_TOKENS),
        until=fields.day("until"),
    )
    fields.end()
    return terms


def parse_terms(raw: JsonObject) -> Terms | Refusal:
    """Terms from a request body, which has no format."""
    try:
        return read_terms(Fields({**raw, "format": FORMAT}))
    except FieldError as error:
        return error.refusal()
