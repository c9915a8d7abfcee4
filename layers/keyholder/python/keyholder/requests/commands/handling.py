"""Who is looking after a request: told to the others, and nothing more than that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from keyholder.requests.commands.names import CommandName
from keyholder.vocabulary import DomainId


@dataclass(frozen=True, slots=True)
class Claim:
    """The person looks after it for one domain, from whoever did before."""

    NAME: ClassVar[CommandName] = CommandName.CLAIM
    domain: DomainId


@dataclass(frozen=True, slots=True)
class HandBack:
    """The person no longer looks after it for one domain."""

    NAME: ClassVar[CommandName] = CommandName.HAND_BACK
    domain: DomainId
