"""Registers of choices in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from keyholder.policy.choices import Choices, ChoicesUnavailableError, Stored
from keyholder.policy.register_form import RegisterKind
from keyholder.policy.registers import ConsentRegister, Register, Type1Register
from keyholder.vocabulary import DomainId

_KINDS = {Type1Register: RegisterKind.TYPE1, ConsentRegister: RegisterKind.CONSENTS}


@dataclass
class MemoryChoices:
    """A `ChoiceStore` and a `JoinStore`. Writing and deleting goes through `let`, where a test can make it fail."""

    kept: dict[tuple[RegisterKind, str], Register] = field(default_factory=dict)
    until_fault: int | None = None
    """How many more writes and deletions succeed."""

    def keep(self, register_id: str, register: Register) -> Stored:
        self._let()
        known = self.kept.setdefault((_KINDS.get(type(register), RegisterKind.OPT_OUTS), register_id), register)
        return Stored.STORED if known.to_bytes() == register.to_bytes() else Stored.EXISTS

    def remove(self, kind: RegisterKind, register_id: str) -> None:
        self._let()
        self.kept.pop((kind, register_id), None)

    def listed(self, kind: RegisterKind, limit: int) -> list[str]:
        return sorted((name for held, name in self.kept if held is kind), reverse=True)[:limit]

    def type_1_register(self, register_id: str) -> Type1Register:
        return Type1Register.parse(self.kept[RegisterKind.TYPE1, register_id].to_bytes())

    def consent_register(self, register_id: str) -> ConsentRegister:
        return ConsentRegister.parse(self.kept[RegisterKind.CONSENTS, register_id].to_bytes())

    def load(self, now: datetime) -> Choices:
        type1 = tuple(self.type_1_register(name) for name in self.listed(RegisterKind.TYPE1, 1_000))
        return Choices(
            (), type1, tuple(self.consent_register(name) for name in self.listed(RegisterKind.CONSENTS, 1_000))
        )

    def keep_links(self, domain: DomainId, job_id: str, links: bytes) -> Stored:
        return Stored.STORED

    def links(self, domain: DomainId) -> list[bytes]:
        return []

    def _let(self) -> None:
        if self.until_fault is not None:
            if self.until_fault == 0:
                raise ChoicesUnavailableError
            self.until_fault -= 1
