"""What ends a request in order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Self

from keyholder.canonical import JsonObject
from keyholder.registry.fields import PERSON, SHA256, Fields
from keyholder.requests.codes import Destruction, Finding
from keyholder.vocabulary import PersonId


@dataclass(frozen=True, slots=True)
class OutcomeReported:
    """What came of a release, and the statement that it is destroyed; the words, if any, are in the erasable store."""

    TYPE: ClassVar[str] = "request.outcome_reported"
    author: PersonId
    used: int
    finding: Finding
    destruction: Destruction
    destroyed_on: date | None = None
    text_sha256: str | None = None

    def data(self) -> JsonObject:
        return {
            "author": self.author,
            "used": self.used,
            "finding": self.finding.value,
            "destruction": self.destruction.value,
            "destroyed_on": self.destroyed_on.isoformat() if self.destroyed_on else None,
            "text_sha256": self.text_sha256,
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            author=PersonId(fields.text("author", PERSON)),
            used=fields.number("used"),
            finding=fields.choice("finding", Finding),
            destruction=fields.choice("destruction", Destruction),
            destroyed_on=fields.maybe_day("destroyed_on"),
            text_sha256=fields.maybe_text("text_sha256", SHA256),
        )
