"""What people say about their own interest in a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from keyholder.canonical import JsonObject
from keyholder.registry.fields import PERSON, SHA256, Fields
from keyholder.requests.codes import RecuseReason
from keyholder.vocabulary import ContentHash, PersonId


@dataclass(frozen=True, slots=True)
class ConflictCleared:
    """The person declared that they have no conflict of interest in this content."""

    TYPE: ClassVar[str] = "request.no_conflict_declared"
    person: PersonId
    content_hash: ContentHash

    def data(self) -> JsonObject:
        return {"person": self.person, "content_hash": self.content_hash}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(PersonId(fields.text("person", PERSON)), ContentHash(fields.text("content_hash", SHA256)))


@dataclass(frozen=True, slots=True)
class Recused:
    """The person stepped aside: they don't decide on this request any more, and what they decided is void."""

    TYPE: ClassVar[str] = "request.recused"
    person: PersonId
    reason: RecuseReason

    def data(self) -> JsonObject:
        return {"person": self.person, "reason": self.reason.value}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(PersonId(fields.text("person", PERSON)), fields.choice("reason", RecuseReason))
