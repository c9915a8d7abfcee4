"""What ends a request because a time ran out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from keyholder.canonical import JsonObject
from keyholder.registry.fields import Fields
from keyholder.requests.codes import ExpiryReason


@dataclass(frozen=True, slots=True)
class RequestExpired:
    TYPE: ClassVar[str] = "request.expired"
    reason: ExpiryReason

    def data(self) -> JsonObject:
        return {"reason": self.reason.value}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(fields.choice("reason", ExpiryReason))
