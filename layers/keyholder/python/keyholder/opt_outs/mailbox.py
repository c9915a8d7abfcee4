"""A MESH mailbox, as far as the opt-out check needs one. `adapters.mesh_mailbox` is the real one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Protocol

from keyholder.opt_outs.check_events import SendFault


class MailboxError(Exception):
    """Something with MESH. The text is constant words, never what was sent or received."""


class MailboxUnavailableError(MailboxError):
    """MESH does not answer, or says later: what was asked may or may not have happened. The next round asks again."""


class MailboxForbiddenError(MailboxError):
    """MESH does not know who asks: mailbox, password, shared key or certificate are wrong (403)."""


class SendRefusedError(MailboxError):
    """MESH does not take this message."""

    def __init__(self, fault: SendFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class MessageKind(StrEnum):
    """What a message is."""

    DATA = "DATA"
    REPORT = "REPORT"
    """MESH's own word on a message that was not delivered."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is written on a message. `local_id` is what its sender, or the request it answers, is called by us."""

    message_id: str
    kind: MessageKind
    workflow: str
    sender: str
    local_id: str
    linked_message: str
    """Of a report: the message it is about."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One list to send. MESH wants file name, subject and local id filled, in plain letters."""

    local_id: str
    file_name: str
    subject: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Correspondence:
    """Who writes to whom. All of it differs between deployments, and changes: configuration.

    `senders` are the mailboxes whose answers count; reports come from MESH itself, which has none.
    """

    mailbox: str
    recipient: str
    workflow: str
    senders: frozenset[str]

    def file_name(self, day: date, number: int) -> str:
        """The service's form: mailbox, day and a number of four digits within the day."""
        return f"{self.mailbox}-{day:%d%m%y}-{number % 10_000:04d}.dat"

    def concerns(self, envelope: Envelope) -> bool:
        """Whether a message can be about a check of ours: of the workflow, and from the service or MESH itself."""
        if envelope.workflow != self.workflow:
            return False
        return envelope.kind is MessageKind.REPORT or envelope.sender in self.senders


class Message(Protocol):
    """A message that is being collected."""

    @property
    def envelope(self) -> Envelope: ...

    def body(self) -> bytes | None:
        """What is in it, proven to be whole; None where it is not there any more. Not asked of what is not for us."""
        ...


class Mailbox(Protocol):
    """One mailbox, used by one at a time. Every method may raise `MailboxUnavailableError`, `MailboxForbiddenError`."""

    def handshake(self) -> None:
        """Say that the mailbox is looked after; MESH wants to hear it once in 24 hours."""
        ...

    def send(self, letter: Letter) -> str:
        """Hand a message in; what MESH calls it. Raises `SendRefusedError`."""
        ...

    def waiting(self) -> Sequence[str]:
        """The ids of every message of the workflow that is not acknowledged, however many pages that takes."""
        ...

    def open(self, message_id: str) -> AbstractContextManager[Message | None]:
        """A message, for a `with` block; None for one that is not there any more (404, 410)."""
        ...

    def acknowledge(self, message_id: str) -> None:
        """MESH deletes the message."""
        ...
