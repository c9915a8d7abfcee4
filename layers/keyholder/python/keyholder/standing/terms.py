"""The bounds of a standing approval, to the letter. Whoever approves names the hash of exactly this."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from keyholder.canonical import JsonObject, content_hash
from keyholder.policy.vocabulary import LegalBasis, Purpose
from keyholder.refusals import Refusal
from keyholder.registry.fields import ORGANISATION, FieldError, FieldFault, Fields
from keyholder.registry.projects import DOMAIN, PROJECT
from keyholder.vocabulary import ContentHash, DomainId, IdentifierType, OrganisationCode, ProjectId

FORMAT = 1
MOST_RECORDS_A_WEEK = 100_000
"""What one standing approval can allow in seven days."""
MOST_DOMAINS = 20
LONGEST = timedelta(days=366)
"""How far ahead its last day may lie."""

STANDING = re.compile(r"STA-[0-9A-HJKMNP-TV-Z]{26}")


@dataclass(frozen=True, slots=True)
class Terms:
    """What a request has to keep within. `until` is the last day, in London; records are counted over all domains, in
    any seven days. A request may ask from fewer domains and for fewer identifier types."""

    project: ProjectId
    domains: tuple[DomainId, ...]
    identifier_types: tuple[IdentifierType, ...]
    purpose: Purpose
    legal_basis: LegalBasis
    recipient: OrganisationCode
    most_records_a_week: int
    until: date

    def json(self) -> JsonObject:
        """The form of events and answers, and what the hash is of."""
        return {
            "format": FORMAT,
            "project": self.project,
            "domains": list(self.domains),
            "identifier_types": [kind.value for kind in self.identifier_types],
            "purpose": self.purpose.value,
            "legal_basis": self.legal_basis.value,
            "recipient": self.recipient,
            "most_records_a_week": self.most_records_a_week,
            "until": self.until.isoformat(),
        }

    def hash(self) -> ContentHash:
        """SHA-256 of the canonical terms."""
        return content_hash(self.json())


def read_terms(fields: Fields) -> Terms:
    """The terms as `json` writes them. Raises `FieldError`."""
    fields.number("format", FORMAT, FORMAT)
    kinds = fields.choices("identifier_types", IdentifierType)
    domains = fields.texts("domains", DOMAIN, MOST_DOMAINS)
    for name, listed in (("identifier_types", kinds), ("domains", domains)):
        if not listed:
            raise FieldError(fields.at(name), FieldFault.RANGE)
    terms = Terms(
        project=ProjectId(fields.text("project", PROJECT)),
        domains=tuple(DomainId(name) for name in sorted(set(domains))),
        identifier_types=tuple(kind for kind in IdentifierType if kind in kinds),
        purpose=fields.choice("purpose", Purpose),
        legal_basis=fields.choice("legal_basis", LegalBasis),
        recipient=OrganisationCode(fields.text("recipient", ORGANISATION)),
        most_records_a_week=fields.number("most_records_a_week", 1, MOST_RECORDS_A_WEEK),
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
