"""What the requester asks a standing approval for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from keyholder.requests.commands.names import CommandName


@dataclass(frozen=True, slots=True)
class UseStanding:
    """Have the request approved, as it stands, by the standing approval of this id."""

    NAME: ClassVar[CommandName] = CommandName.USE_STANDING_APPROVAL
    standing: str
