"""Conditions of an approval: offered as one set, accepted as exactly that set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from keyholder.canonical import JsonObject
from keyholder.ledger.event import rfc3339
from keyholder.registry.fields import PERSON, SHA256, Fields
from keyholder.registry.projects import DOMAIN
from keyholder.requests.conditions import Condition, read_conditions
from keyholder.requests.events.summaries import read_hash
from keyholder.vocabulary import ContentHash, DomainId, PersonId


@dataclass(frozen=True, slots=True)
class ConditionsOffered:
    """Every domain has decided, and approvals have conditions: nothing is approved until these are accepted."""

    TYPE: ClassVar[str] = "request.conditions_offered"
    content_hash: ContentHash
    domains: tuple[DomainId, ...]
    conditions: tuple[Condition, ...]
    conditions_hash: ContentHash
    due_at: datetime

    def data(self) -> JsonObject:
        return {
            "content_hash": self.content_hash,
            "domains": list(self.domains),
            "conditions": [condition.json() for condition in self.conditions],
            "conditions_hash": self.conditions_hash,
            "due_at": rfc3339(self.due_at),
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            content_hash=read_hash(fields),
            domains=tuple(DomainId(text) for text in fields.texts("domains", DOMAIN)),
            conditions=read_conditions(fields),
            conditions_hash=_conditions_hash(fields),
            due_at=fields.moment("due_at"),
        )


@dataclass(frozen=True, slots=True)
class ConditionsAccepted:
    """The requester undertakes these conditions."""

    TYPE: ClassVar[str] = "request.conditions_accepted"
    requester: PersonId
    content_hash: ContentHash
    conditions_hash: ContentHash

    def data(self) -> JsonObject:
        return {
            "requester": self.requester,
            "content_hash": self.content_hash,
            "conditions_hash": self.conditions_hash,
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(PersonId(fields.text("requester", PERSON)), read_hash(fields), _conditions_hash(fields))


def _conditions_hash(fields: Fields) -> ContentHash:
    return ContentHash(fields.text("conditions_hash", SHA256))
