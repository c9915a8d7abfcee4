"""A request approved by a standing approval: whose approvals of the bounds count as approvals of this content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from keyholder.canonical import JsonObject
from keyholder.registry.factors import Factor
from keyholder.registry.fields import ORGANISATION, PERSON, SHA256, Fields
from keyholder.registry.projects import DOMAIN
from keyholder.requests.events.summaries import read_hash
from keyholder.standing.terms import STANDING
from keyholder.vocabulary import ContentHash, DomainId, OrganisationCode, PersonId


@dataclass(frozen=True, slots=True)
class Stood:
    """One person's approval of the bounds, for one domain of the request."""

    person: PersonId
    domain: DomainId
    factor: Factor
    organisation: OrganisationCode

    def json(self) -> JsonObject:
        return {
            "person": self.person,
            "domain": self.domain,
            "factor": self.factor.value,
            "organisation": self.organisation,
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            PersonId(fields.text("person", PERSON)),
            DomainId(fields.text("domain", DOMAIN)),
            fields.choice("factor", Factor),
            OrganisationCode(fields.text("organisation", ORGANISATION)),
        )


@dataclass(frozen=True, slots=True)
class StandingApprovalUsed:
    """Every domain is approved with these approvals. `records` were taken from the weekly volume before."""

    TYPE: ClassVar[str] = "request.standing_approval_used"
    requester: PersonId
    content_hash: ContentHash
    standing: str
    terms_hash: ContentHash
    records: int
    approvals: tuple[Stood, ...]

    def data(self) -> JsonObject:
        return {
            "requester": self.requester,
            "content_hash": self.content_hash,
            "standing_approval": self.standing,
            "terms_hash": self.terms_hash,
            "records": self.records,
            "approvals": [approval.json() for approval in self.approvals],
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            requester=PersonId(fields.text("requester", PERSON)),
            content_hash=read_hash(fields),
            standing=fields.text("standing_approval", STANDING),
            terms_hash=ContentHash(fields.text("terms_hash", SHA256)),
            records=fields.number("records", 1),
            approvals=tuple(Stood.read(one) for one in fields.inners("approvals")),
        )
