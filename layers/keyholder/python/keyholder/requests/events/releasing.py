"""What happens while a request is released: authorised, handed out in chunks, finished or failed, collected."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Self

from keyholder.canonical import JsonObject
from keyholder.ledger.event import rfc3339
from keyholder.registry.fields import CODE, PERSON, SHA256, Fields
from keyholder.registry.projects import DOMAIN
from keyholder.requests.content import Delivery
from keyholder.vocabulary import ContentHash, DomainId, IdentifierType, PersonId

RELEASE = re.compile(r"REL-[0-9A-HJKMNP-TV-Z]{26}")
MOST_SUBJECTS = 1_000
"""Tags in one event, so that it fits into one entry of the log (DESIGN, section 4)."""
_TAG = re.compile(r"[A-Za-z0-9_-]{16,64}")


@dataclass(frozen=True, slots=True)
class ReleaseAuthorised:
    """Written before any key is used. `granted` are the identifier types approved for each domain.

    `records` is how many records are approved, for each domain where they are fewer than were asked for.
    `report_due_at` is when its outcome has to be reported; None in what was written before reports were asked for.
    """

    TYPE: ClassVar[str] = "request.release_authorised"
    release: str
    content_hash: ContentHash
    delivery: Delivery
    policy_hash: str
    granted: Mapping[DomainId, tuple[IdentifierType, ...]]
    records: Mapping[DomainId, int] = field(default_factory=dict)
    report_due_at: datetime | None = None

    def data(self) -> JsonObject:
        return {
            "release_id": self.release,
            "content_hash": self.content_hash,
            "delivery": self.delivery.value,
            "policy_hash": self.policy_hash,
            "granted": {domain: [kind.value for kind in kinds] for domain, kinds in self.granted.items()},
            **({"records": dict(self.records.items())} if self.records else {}),
            **({"report_due_at": rfc3339(self.report_due_at)} if self.report_due_at else {}),
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        granted = fields.inner("granted")
        return cls(
            release=_release(fields),
            content_hash=ContentHash(fields.text("content_hash", SHA256)),
            delivery=fields.choice("delivery", Delivery),
            policy_hash=fields.text("policy_hash", SHA256),
            granted={DomainId(name): granted.choices(name, IdentifierType) for name in granted.codes(DOMAIN)},
            records=_records(fields),
            report_due_at=fields.maybe_moment("report_due_at"),
        )


@dataclass(frozen=True, slots=True)
class ItemsReleased:
    """One chunk of at most 1,000 subjects, written before it is handed out.

    `count` is its number of records; `epoch` names the tag key; `subjects` are keyed tags by outcome; `unresolved`
    counts, by status, the records whose person could not be told.
    """

    TYPE: ClassVar[str] = "release.items_released"
    release: str
    chunk: int
    chunks: int
    count: int
    epoch: str
    subjects: Mapping[str, tuple[str, ...]]
    unresolved: Mapping[str, int]

    def data(self) -> JsonObject:
        return {
            "release_id": self.release,
            "chunk": self.chunk,
            "chunks": self.chunks,
            "count": self.count,
            "epoch": self.epoch,
            "subjects": {outcome: list(tags) for outcome, tags in self.subjects.items()},
            "unresolved": dict(self.unresolved),
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        subjects = fields.inner("subjects")
        return cls(
            release=_release(fields),
            chunk=fields.number("chunk", 1),
            chunks=fields.number("chunks", 1),
            count=fields.number("count"),
            epoch=fields.text("epoch"),
            subjects={name: subjects.repeatable(name, _TAG, MOST_SUBJECTS) for name in subjects.codes()},
            unresolved=fields.counts("unresolved"),
        )


@dataclass(frozen=True, slots=True)
class ReleaseFinished:
    """Everything was handed out, or lies ready for collection. `result_sha256` is the hash of the encrypted file."""

    TYPE: ClassVar[str] = "release.finished"
    release: str
    counts: Mapping[str, int]
    result_sha256: str | None

    def data(self) -> JsonObject:
        return {"release_id": self.release, "counts": dict(self.counts), "result_sha256": self.result_sha256}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(_release(fields), fields.counts("counts"), fields.maybe_text("result_sha256", SHA256))


@dataclass(frozen=True, slots=True)
class ReleaseFailed:
    """It was cut short; `code` says by what."""

    TYPE: ClassVar[str] = "release.failed"
    release: str
    code: str

    def data(self) -> JsonObject:
        return {"release_id": self.release, "code": self.code}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(_release(fields), fields.text("code", CODE))


@dataclass(frozen=True, slots=True)
class ReleaseCollected:
    """The file was handed over, once."""

    TYPE: ClassVar[str] = "release.collected"
    release: str
    collector: PersonId

    def data(self) -> JsonObject:
        return {"release_id": self.release, "collector": self.collector}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(_release(fields), PersonId(fields.text("collector", PERSON)))


def _release(fields: Fields) -> str:
    return fields.text("release_id", RELEASE)


def _records(fields: Fields) -> Mapping[DomainId, int]:
    """None in an event from before records could be narrowed."""
    if not fields.has("records"):
        return {}
    return {DomainId(name): count for name, count in fields.counts("records", DOMAIN).items()}
