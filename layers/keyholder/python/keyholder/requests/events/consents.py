"""What happens when people in an approved request withdraw their consent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from keyholder.canonical import JsonObject
from keyholder.registry.fields import SHA256, Fields
from keyholder.vocabulary import ContentHash


@dataclass(frozen=True, slots=True)
class ConsentFell:
    """So many people of an approved request have withdrawn their consent by now. The next release leaves them out."""

    TYPE: ClassVar[str] = "request.consent_fell"
    content_hash: ContentHash
    people: int

    def data(self) -> JsonObject:
        return {"content_hash": self.content_hash, "people": self.people}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(ContentHash(fields.text("content_hash", SHA256)), fields.number("people", 1))
