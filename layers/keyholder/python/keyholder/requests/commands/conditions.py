"""What the requester says to the conditions of an approval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from keyholder.requests.commands.names import CommandName
from keyholder.vocabulary import ContentHash


@dataclass(frozen=True, slots=True)
class AcceptConditions:
    """The requester undertakes exactly the conditions of this hash."""

    NAME: ClassVar[CommandName] = CommandName.ACCEPT_CONDITIONS
    conditions_hash: ContentHash
