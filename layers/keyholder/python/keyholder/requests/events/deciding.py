"""What those who decide do to a request, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Self

from keyholder.canonical import JsonObject
from keyholder.ledger.event import rfc3339
from keyholder.registry.delegations import Delegated, delegated_json, read_delegated
from keyholder.registry.factors import Factor
from keyholder.registry.fields import ORGANISATION, PERSON, SHA256, Fields
from keyholder.registry.projects import DOMAIN
from keyholder.registry.terms import Terms, read_terms, terms_json
from keyholder.requests.codes import RejectReason, RevokeReason
from keyholder.requests.conditions import Condition, read_conditions
from keyholder.requests.events.summaries import read_domain, read_hash
from keyholder.requests.records import Narrowed
from keyholder.vocabulary import (
    ContentHash,
    DomainId,
    IdentifierType,
    OrganisationCode,
    PersonId,
)


@dataclass(frozen=True, slots=True)
class DomainApproved:
    """One person's yes for one domain, filling one factor.

    `complete`: with it the domain's quorum is met. `records` is which records they approve, where not all;
    `records_left` how many every approval so far covers. `terms`: the text they had accepted, where there was one.
    `delegated`: in whose place they gave it.
    """

    TYPE: ClassVar[str] = "request.domain_approved"
    domain: DomainId
    approver: PersonId
    organisation: OrganisationCode
    content_hash: ContentHash
    identifier_types: tuple[IdentifierType, ...]
    until: datetime | None
    complete: bool
    factor: Factor = Factor.CONTROLLER
    records: Narrowed | None = None
    records_left: int | None = None
    conditions: tuple[Condition, ...] = ()
    terms: Terms | None = None
    delegated: Delegated | None = None

    def data(self) -> JsonObject:
        return {
            "domain": self.domain,
            "approver": self.approver,
            "organisation": self.organisation,
            "content_hash": self.content_hash,
            "identifier_types": [kind.value for kind in self.identifier_types],
            "until": rfc3339(self.until) if self.until else None,
            "complete": self.complete,
            **_factor_json(self.factor),
            **({"records": self.records.json()} if self.records else {}),
            **({"records_left": self.records_left} if self.records_left is not None else {}),
            **({"conditions": [condition.json() for condition in self.conditions]} if self.conditions else {}),
            **({"terms": terms_json(self.terms)} if self.terms else {}),
            **delegated_json(self.delegated),
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            domain=read_domain(fields),
            approver=PersonId(fields.text("approver", PERSON)),
            organisation=OrganisationCode(fields.text("organisation", ORGANISATION)),
            content_hash=read_hash(fields),
            identifier_types=fields.choices("identifier_types", IdentifierType),
            until=fields.maybe_moment("until"),
            complete=fields.flag("complete"),
            factor=_read_factor(fields),
            records=Narrowed.read(fields.inner("records")) if fields.has("records") else None,
            records_left=fields.maybe_number("records_left", 1),
            conditions=read_conditions(fields),
            terms=read_terms(fields.inner("terms")) if fields.has("terms") else None,
            delegated=read_delegated(fields),
        )


@dataclass(frozen=True, slots=True)
class DomainRejected:
    """One person's no, which is the domain's. The comment is in the erasable store under its hash."""

    TYPE: ClassVar[str] = "request.domain_rejected"
    domain: DomainId
    approver: PersonId
    organisation: OrganisationCode
    content_hash: ContentHash
    reason: RejectReason
    comment_sha256: str | None
    factor: Factor = Factor.CONTROLLER
    delegated: Delegated | None = None

    def data(self) -> JsonObject:
        return {
            "domain": self.domain,
            "approver": self.approver,
            "organisation": self.organisation,
            "content_hash": self.content_hash,
            "reason": self.reason.value,
            "comment_sha256": self.comment_sha256,
            **_factor_json(self.factor),
            **delegated_json(self.delegated),
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            domain=read_domain(fields),
            approver=PersonId(fields.text("approver", PERSON)),
            organisation=OrganisationCode(fields.text("organisation", ORGANISATION)),
            content_hash=read_hash(fields),
            reason=fields.choice("reason", RejectReason),
            comment_sha256=fields.maybe_text("comment_sha256", SHA256),
            factor=_read_factor(fields),
            delegated=read_delegated(fields),
        )


@dataclass(frozen=True, slots=True)
class RequestApproved:
    """Every domain has decided and some have approved: these may be released until `until`, `retrievals` times."""

    TYPE: ClassVar[str] = "request.approved"
    content_hash: ContentHash
    domains: tuple[DomainId, ...]
    until: datetime
    retrievals: int

    def data(self) -> JsonObject:
        return {
            "content_hash": self.content_hash,
            "domains": list(self.domains),
            "until": rfc3339(self.until),
            "retrievals": self.retrievals,
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            content_hash=read_hash(fields),
            domains=tuple(DomainId(text) for text in fields.texts("domains", DOMAIN)),
            until=fields.moment("until"),
            retrievals=fields.number("retrievals", 1),
        )


@dataclass(frozen=True, slots=True)
class RequestRejected:
    """Every domain has rejected."""

    TYPE: ClassVar[str] = "request.rejected"
    content_hash: ContentHash

    def data(self) -> JsonObject:
        return {"content_hash": self.content_hash}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(read_hash(fields))


@dataclass(frozen=True, slots=True)
class RequestRevoked:
    """One controller stopped it, for the whole request."""

    TYPE: ClassVar[str] = "request.revoked"
    controller: PersonId
    reason: RevokeReason
    delegated: Delegated | None = None

    def data(self) -> JsonObject:
        return {"controller": self.controller, "reason": self.reason.value, **delegated_json(self.delegated)}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        controller = PersonId(fields.text("controller", PERSON))
        return cls(controller, fields.choice("reason", RevokeReason), read_delegated(fields))


@dataclass(frozen=True, slots=True)
class DestructionRequired:
    """A request was revoked after identifiers had left: they are to be destroyed by this day at the latest."""

    TYPE: ClassVar[str] = "request.destruction_required"
    destroy_by: date

    def data(self) -> JsonObject:
        return {"destroy_by": self.destroy_by.isoformat()}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(fields.day("destroy_by"))


def _factor_json(factor: Factor) -> JsonObject:
    """Written where it is not a controller's, so that there is one form, and it is the one that ledgers began with."""
    return {} if factor is Factor.CONTROLLER else {"factor": factor.value}


def _read_factor(fields: Fields) -> Factor:
    return fields.choice("factor", Factor) if fields.has("factor") else Factor.CONTROLLER
