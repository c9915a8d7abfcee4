"""What Keyholder does by itself about a request that waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from keyholder.requests.codes import EscalationReason
from keyholder.requests.commands.names import CommandName


@dataclass(frozen=True, slots=True)
class Remind:
    """Whoever has to act is reminded, so many days before the time runs out."""

    NAME: ClassVar[CommandName] = CommandName.REMIND
    days: int


@dataclass(frozen=True, slots=True)
class Escalate:
    """More people have to know."""

    NAME: ClassVar[CommandName] = CommandName.ESCALATE
    reason: EscalationReason
