"""What ends a request when a time ran out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from keyholder.requests.commands.names import CommandName


@dataclass(frozen=True, slots=True)
class Expire:
    NAME: ClassVar[CommandName] = CommandName.EXPIRE
