"""What the checks of a submitted request leave."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Self

from keyholder.canonical import JsonObject
from keyholder.ledger.event import rfc3339
from keyholder.registry.fields import CODE, SHA256, Fields
from keyholder.registry.projects import DOMAIN
from keyholder.requests.events.summaries import read_hash
from keyholder.vocabulary import ContentHash, DomainId

_SAFE_COUNT = re.compile(r"0|1-7|[1-9][0-9]*")


@dataclass(frozen=True, slots=True)
class ChecksRecorded:
    """The checks left something to decide on. Counts are safe to show (`codes.safe_count`)."""

    TYPE: ClassVar[str] = "request.checks_recorded"
    content_hash: ContentHash
    policy_hash: str
    counts: Mapping[str, str]
    due_at: datetime
    domains: Mapping[DomainId, Mapping[str, str]] = field(default_factory=dict)
    """The same counts for each domain, for its own controllers; none in an event from before they were told apart."""

    def data(self) -> JsonObject:
        return {
            "content_hash": self.content_hash,
            "policy_hash": self.policy_hash,
            "counts": dict(self.counts),
            "due_at": rfc3339(self.due_at),
            **({"domains": {name: dict(counts) for name, counts in self.domains.items()}} if self.domains else {}),
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        domains = fields.maybe_inner("domains")
        return cls(
            content_hash=read_hash(fields),
            policy_hash=fields.text("policy_hash", SHA256),
            counts=_counts(fields.inner("counts")),
            due_at=fields.moment("due_at"),
            domains={DomainId(name): _counts(domains.inner(name)) for name in domains.codes(DOMAIN)} if domains else {},
        )


def _counts(fields: Fields) -> Mapping[str, str]:
    return {name: fields.text(name, _SAFE_COUNT) for name in fields.codes()}


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
        return cls(read_hash(fields), fields.text("code", CODE))


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
        return cls(read_hash(fields), fields.text("policy_hash", SHA256), fields.texts("reasons", CODE))
