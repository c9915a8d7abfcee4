"""What its author asks for: make, save, discard, submit, withdraw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from keyholder.requests.commands.names import CommandName
from keyholder.requests.content import Summary
from keyholder.vocabulary import ContentHash


@dataclass(frozen=True, slots=True)
class Create:
    NAME: ClassVar[CommandName] = CommandName.CREATE
    summary: Summary


@dataclass(frozen=True, slots=True)
class Save:
    NAME: ClassVar[CommandName] = CommandName.SAVE
    summary: Summary


@dataclass(frozen=True, slots=True)
class Discard:
    NAME: ClassVar[CommandName] = CommandName.DISCARD


@dataclass(frozen=True, slots=True)
class Submit:
    """Freeze the draft as it stands. `content_hash`, where sent, is the draft its author means."""

    NAME: ClassVar[CommandName] = CommandName.SUBMIT
    content_hash: ContentHash | None = None


@dataclass(frozen=True, slots=True)
class Withdraw:
    NAME: ClassVar[CommandName] = CommandName.WITHDRAW


@dataclass(frozen=True, slots=True)
class TakeOver:
    """Somebody else on the project goes on with what is being written, for its author has left."""

    NAME: ClassVar[CommandName] = CommandName.TAKE_OVER
