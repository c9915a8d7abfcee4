"""What Keyholder does about a request that waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from keyholder.canonical import JsonObject
from keyholder.registry.fields import Fields
from keyholder.registry.projects import DOMAIN
from keyholder.requests.codes import EscalationReason
from keyholder.vocabulary import DomainId


@dataclass(frozen=True, slots=True)
class Escalated:
    """More people than those who look after it have to know; for `domains`, whose other controllers these are."""

    TYPE: ClassVar[str] = "request.escalated"
    reason: EscalationReason
    domains: tuple[DomainId, ...]

    def data(self) -> JsonObject:
        return {"reason": self.reason.value, "domains": list(self.domains)}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            fields.choice("reason", EscalationReason),
            tuple(DomainId(text) for text in fields.texts("domains", DOMAIN)),
        )
