"""What Keyholder does about a request that waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from keyholder.canonical import JsonObject
from keyholder.ledger.event import rfc3339
from keyholder.registry.fields import Fields
from keyholder.registry.projects import DOMAIN
from keyholder.requests.codes import Awaited, EscalationReason
from keyholder.vocabulary import DomainId


@dataclass(frozen=True, slots=True)
class Reminded:
    """Whoever has to act (`waits_for`) was reminded, `days` before the time runs out at `due_at`."""

    TYPE: ClassVar[str] = "request.reminded"
    waits_for: Awaited
    days: int
    due_at: datetime

    def data(self) -> JsonObject:
        return {"waits_for": self.waits_for.value, "days": self.days, "due_at": rfc3339(self.due_at)}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(fields.choice("waits_for", Awaited), fields.number("days", 1), fields.moment("due_at"))


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
