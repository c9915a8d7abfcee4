"""What happens to a request until it is released or over, and the form it has in the ledger.

Each event has a `TYPE`, the data it writes (`data`) and the way back (`read`, which raises `FieldError`). None holds a
pseudonym, a row id or a free text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from keyholder.canonical import JsonObject
from keyholder.ledger.event import rfc3339
from keyholder.registry.domains import LEAST_QUORUM
from keyholder.registry.fields import CODE, ORGANISATION, PERSON, SHA256, Fields
from keyholder.registry.people import Capacity
from keyholder.registry.projects import DOMAIN, PROJECT
from keyholder.requests.codes import ExpiryReason, RejectReason, RevokeReason
from keyholder.requests.content import Delivery, Summary
from keyholder.vocabulary import (
    ContentHash,
    DomainId,
    IdentifierType,
    OrganisationCode,
    PersonId,
    ProjectId,
)

_SAFE_COUNT = re.compile(r"0|1-7|[1-9][0-9]*")


@dataclass(frozen=True, slots=True)
class RequestCreated:
    TYPE: ClassVar[str] = "request.created"
    requester: PersonId
    project: ProjectId

    def data(self) -> JsonObject:
        return {"requester": self.requester, "project": self.project}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(PersonId(fields.text("requester", PERSON)), ProjectId(fields.text("project", PROJECT)))


@dataclass(frozen=True, slots=True)
class DraftSaved:
    TYPE: ClassVar[str] = "request.saved"
    summary: Summary

    def data(self) -> JsonObject:
        return summary_json(self.summary)

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(_read_summary(fields))


@dataclass(frozen=True, slots=True)
class RequestDiscarded:
    TYPE: ClassVar[str] = "request.discarded"

    def data(self) -> JsonObject:
        return {}

    @classmethod
    def read(cls, fields: Fields) -> Self:  # noqa: ARG003 - nothing to read, and every event reads alike
        return cls()


@dataclass(frozen=True, slots=True)
class Needs:
    """Who must agree for one domain: that many distinct people, every organisation among them."""

    controllers: tuple[OrganisationCode, ...]
    quorum: int


@dataclass(frozen=True, slots=True)
class RequestSubmitted:
    """Revision `revision` is frozen. `needed_by` is what each domain asked for at this moment."""

    TYPE: ClassVar[str] = "request.submitted"
    revision: int
    summary: Summary
    policy_hash: str
    needed_by: Mapping[DomainId, Needs]
    due_at: datetime

    def data(self) -> JsonObject:
        return {
            **summary_json(self.summary),
            "revision": self.revision,
            "policy_hash": self.policy_hash,
            "needed_by": {
                domain: {"controllers": list(needs.controllers), "quorum": needs.quorum}
                for domain, needs in self.needed_by.items()
            },
            "due_at": rfc3339(self.due_at),
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        needed = fields.inner("needed_by")
        return cls(
            revision=fields.number("revision", 1),
            summary=_read_summary(fields),
            policy_hash=fields.text("policy_hash", SHA256),
            needed_by={DomainId(name): _read_needs(needed.inner(name)) for name in needed.codes(DOMAIN)},
            due_at=fields.moment("due_at"),
        )


@dataclass(frozen=True, slots=True)
class ChecksRecorded:
    """The checks left something to decide on. Counts are safe to show (`codes.safe_count`)."""

    TYPE: ClassVar[str] = "request.checks_recorded"
    content_hash: ContentHash
    policy_hash: str
    counts: Mapping[str, str]
    due_at: datetime

    def data(self) -> JsonObject:
        return {
            "content_hash": self.content_hash,
            "policy_hash": self.policy_hash,
            "counts": dict(self.counts),
            "due_at": rfc3339(self.due_at),
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        counts = fields.inner("counts")
        return cls(
            content_hash=_hash(fields),
            policy_hash=fields.text("policy_hash", SHA256),
            counts={name: counts.text(name, _SAFE_COUNT) for name in counts.codes()},
            due_at=fields.moment("due_at"),
        )


@dataclass(frozen=True, slots=True)
class ChecksHeld:
    """The checks can't be made for now, and are tried again until they can; `code` says what is missing."""

    TYPE: ClassVar[str] = "request.checks_held"
    content_hash: ContentHash
    code: str

    def data(self) -> JsonObject:
        return {"content_hash": self.content_hash, "code": self.code}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(_hash(fields), fields.text("code", CODE))


@dataclass(frozen=True, slots=True)
class RequestBlocked:
    """The checks left nothing: a rule refuses the whole request, or no record may be released."""

    TYPE: ClassVar[str] = "request.blocked"
    content_hash: ContentHash
    policy_hash: str
    reasons: tuple[str, ...]

    def data(self) -> JsonObject:
        return {
            "content_hash": self.content_hash,
            "policy_hash": self.policy_hash,
            "reasons": list(self.reasons),
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(_hash(fields), fields.text("policy_hash", SHA256), fields.texts("reasons", CODE))


@dataclass(frozen=True, slots=True)
class DomainApproved:
    """One person's yes for one domain. `complete`: with it the domain's quorum is met."""

    TYPE: ClassVar[str] = "request.domain_approved"
    domain: DomainId
    approver: PersonId
    organisation: OrganisationCode
    content_hash: ContentHash
    identifier_types: tuple[IdentifierType, ...]
    until: datetime | None
    complete: bool

    def data(self) -> JsonObject:
        return {
            "domain": self.domain,
            "approver": self.approver,
            "organisation": self.organisation,
            "content_hash": self.content_hash,
            "identifier_types": [kind.value for kind in self.identifier_types],
            "until": rfc3339(self.until) if self.until else None,
            "complete": self.complete,
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            domain=_domain(fields),
            approver=PersonId(fields.text("approver", PERSON)),
            organisation=OrganisationCode(fields.text("organisation", ORGANISATION)),
            content_hash=_hash(fields),
            identifier_types=fields.choices("identifier_types", IdentifierType),
            until=fields.maybe_moment("until"),
            complete=fields.flag("complete"),
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

    def data(self) -> JsonObject:
        return {
            "domain": self.domain,
            "approver": self.approver,
            "organisation": self.organisation,
            "content_hash": self.content_hash,
            "reason": self.reason.value,
            "comment_sha256": self.comment_sha256,
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            domain=_domain(fields),
            approver=PersonId(fields.text("approver", PERSON)),
            organisation=OrganisationCode(fields.text("organisation", ORGANISATION)),
            content_hash=_hash(fields),
            reason=fields.choice("reason", RejectReason),
            comment_sha256=fields.maybe_text("comment_sha256", SHA256),
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
            content_hash=_hash(fields),
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
        return cls(_hash(fields))


@dataclass(frozen=True, slots=True)
class RequestWithdrawn:
    TYPE: ClassVar[str] = "request.withdrawn"

    def data(self) -> JsonObject:
        return {}

    @classmethod
    def read(cls, fields: Fields) -> Self:  # noqa: ARG003
        return cls()


@dataclass(frozen=True, slots=True)
class RequestRevoked:
    """One controller stopped it, for the whole request."""

    TYPE: ClassVar[str] = "request.revoked"
    controller: PersonId
    reason: RevokeReason

    def data(self) -> JsonObject:
        return {"controller": self.controller, "reason": self.reason.value}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(PersonId(fields.text("controller", PERSON)), fields.choice("reason", RevokeReason))


@dataclass(frozen=True, slots=True)
class RequestExpired:
    TYPE: ClassVar[str] = "request.expired"
    reason: ExpiryReason

    def data(self) -> JsonObject:
        return {"reason": self.reason.value}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(fields.choice("reason", ExpiryReason))


def summary_json(summary: Summary) -> JsonObject:
    """The form a summary has in events and answers."""
    return {
        "project": summary.project,
        "purpose": summary.purpose,
        "legal_basis": summary.legal_basis,
        "capacity": summary.capacity.value,
        "identifier_types": [kind.value for kind in summary.identifier_types],
        "records": dict(summary.records.items()),
        "recipient": summary.recipient,
        "delivery": summary.delivery.value,
        "window_days": summary.window_days,
        "destroy_by": summary.destroy_by.isoformat(),
        "content_hash": summary.content_hash,
        "justification_sha256": summary.justification_sha256,
    }


def _read_summary(fields: Fields) -> Summary:
    return Summary(
        project=ProjectId(fields.text("project", PROJECT)),
        purpose=fields.text("purpose"),
        legal_basis=fields.text("legal_basis"),
        capacity=fields.choice("capacity", Capacity),
        identifier_types=fields.choices("identifier_types", IdentifierType),
        records={DomainId(name): count for name, count in fields.counts("records", DOMAIN).items()},
        recipient=OrganisationCode(fields.text("recipient", ORGANISATION)),
        delivery=fields.choice("delivery", Delivery),
        window_days=fields.number("window_days", 1),
        destroy_by=fields.day("destroy_by"),
        content_hash=_hash(fields),
        justification_sha256=fields.text("justification_sha256", SHA256),
    )


def _read_needs(fields: Fields) -> Needs:
    needs = Needs(
        tuple(OrganisationCode(text) for text in fields.texts("controllers", ORGANISATION)),
        fields.number("quorum", LEAST_QUORUM),
    )
    fields.end()
    return needs


def _hash(fields: Fields) -> ContentHash:
    return ContentHash(fields.text("content_hash", SHA256))


def _domain(fields: Fields) -> DomainId:
    return DomainId(fields.text("domain", DOMAIN))
