"""Who looks after a request for a domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from keyholder.canonical import JsonObject
from keyholder.registry.fields import PERSON, Fields
from keyholder.registry.projects import DOMAIN
from keyholder.vocabulary import DomainId, PersonId


@dataclass(frozen=True, slots=True)
class Claimed:
    """`taken_from` is who looked after it until now."""

    TYPE: ClassVar[str] = "request.claimed"
    domain: DomainId
    person: PersonId
    taken_from: PersonId | None

    def data(self) -> JsonObject:
        return {"domain": self.domain, "person": self.person, "taken_from": self.taken_from}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        before = fields.maybe_text("taken_from", PERSON)
        return cls(
            DomainId(fields.text("domain", DOMAIN)),
            PersonId(fields.text("person", PERSON)),
            PersonId(before) if before else None,
        )


@dataclass(frozen=True, slots=True)
class HandedBack:
    TYPE: ClassVar[str] = "request.handed_back"
    domain: DomainId
    person: PersonId

    def data(self) -> JsonObject:
        return {"domain": self.domain, "person": self.person}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(DomainId(fields.text("domain", DOMAIN)), PersonId(fields.text("person", PERSON)))
