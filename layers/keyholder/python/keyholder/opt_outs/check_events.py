"""What happens to one check, and the form it has in the ledger: stream `opt-out-check/<id>`, the id sent as LocalId.

No NHS number and no hash of one: whom a check was about is a register of keyed digests, and its hash stands here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import ClassVar, Self

from keyholder.canonical import JsonObject
from keyholder.ledger.event import Event, NewEvent
from keyholder.opt_outs.list_events import LIST_ID
from keyholder.policy.opt_outs import ReplyFault
from keyholder.registry.fields import SHA256, Fields, UnknownEventError

MESSAGE_ID = re.compile(r"[0-9A-Za-z_-]{11,64}")
"""What MESH calls a message. Longer than an NHS number, so that it can't be one."""

MOST_LISTS = 400
"""A step of the ledger takes 300,000 bytes, and an event 65,535."""


class SendFault(StrEnum):
    """Why MESH refused to take a list."""

    RECIPIENT_UNKNOWN = "recipient_unknown"
    """417: no such mailbox, or it does not take this workflow."""
    REFUSED = "refused"
    """Anything else that trying again does not mend."""


class EndReason(StrEnum):
    """Why a check ended without an answer. The first eight are `policy.opt_outs.ReplyFault`."""

    ERROR_LINE = ReplyFault.ERROR_LINE.value
    BAD_LINE = ReplyFault.BAD_LINE.value
    TRUNCATED = ReplyFault.TRUNCATED.value
    REPEATED_NUMBER = ReplyFault.REPEATED_NUMBER.value
    FOREIGN_NUMBER = ReplyFault.FOREIGN_NUMBER.value
    EMPTY = ReplyFault.EMPTY.value
    BAD_MESSAGE = ReplyFault.BAD_MESSAGE.value
    OTHER_JOB = ReplyFault.OTHER_JOB.value
    UNDELIVERED = "undelivered"
    """MESH reports that nobody collected the list, or that it could not be delivered."""
    NO_ANSWER = "no_answer"
    LISTS_GONE = "lists_gone"
    """It was never sent, and the numbers to send are not kept any more."""
    REGISTER_LOST = "register_lost"
    """The register of whom it was about is not there, or is not the one the ledger names."""


class DiscardReason(StrEnum):
    """Why a message about a check is put to no use."""

    DUPLICATE = "duplicate"
    LATE = "late"
    """The check had ended before it came."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A list is about to be sent. `sha256` is that of the register of everybody on it (`policy.registers`)."""

    TYPE: ClassVar = "opt_out_check.asked"
    people: int
    lists: tuple[str, ...]
    """Whose people: list ids (`opt_outs.lists`), each a request's."""
    performed_on: date
    sha256: str

    def data(self) -> JsonObject:
        return {
            "people": self.people,
            "lists": list(self.lists),
            "performed_on": self.performed_on.isoformat(),
            "sha256": self.sha256,
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            people=fields.number("people", 1),
            lists=fields.texts("lists", LIST_ID, MOST_LISTS),
            performed_on=fields.day("performed_on"),
            sha256=fields.text("sha256", SHA256),
        )


@dataclass(frozen=True, slots=True)
class Sent:
    """MESH has taken the list, under this message id of its own."""

    TYPE: ClassVar = "opt_out_check.sent"
    message: str

    def data(self) -> JsonObject:
        return {"message": self.message}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(fields.text("message", MESSAGE_ID))


@dataclass(frozen=True, slots=True)
class SendRefused:
    """MESH did not take the list; it is tried again as long as there is something to send."""

    TYPE: ClassVar = "opt_out_check.send_refused"
    fault: SendFault

    def data(self) -> JsonObject:
        return {"fault": self.fault.value}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(fields.choice("fault", SendFault))


@dataclass(frozen=True, slots=True)
class JobCreated:
    """The service has begun to work on the list."""

    TYPE: ClassVar = "opt_out_check.job_created"

    def data(self) -> JsonObject:
        return {}

    @classmethod
    def read(cls, fields: Fields) -> Self:  # noqa: ARG003 - the shape of all of them
        return cls()


@dataclass(frozen=True, slots=True)
class Answered:
    """The cleaned list came; `sha256` is that of the register made of it, which is put to use after this."""

    TYPE: ClassVar = "opt_out_check.answered"
    clear: int
    opted_out: int
    sha256: str

    def data(self) -> JsonObject:
        return {"clear": self.clear, "opted_out": self.opted_out, "sha256": self.sha256}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(fields.number("clear"), fields.number("opted_out"), fields.text("sha256", SHA256))


@dataclass(frozen=True, slots=True)
class Ended:
    """There will be no answer. `line` is the line at fault, where there is one."""

    TYPE: ClassVar = "opt_out_check.ended"
    why: EndReason
    line: int | None = None

    def data(self) -> JsonObject:
        return {"why": self.why.value, "line": self.line}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(fields.choice("why", EndReason), fields.maybe_number("line", 1))


@dataclass(frozen=True, slots=True)
class Discarded:
    """One more message about a check that has its answer, or has ended."""

    TYPE: ClassVar = "opt_out_check.discarded"
    why: DiscardReason

    def data(self) -> JsonObject:
        return {"why": self.why.value}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(fields.choice("why", DiscardReason))


@dataclass(frozen=True, slots=True)
class Removed:
    """Its register is past the cap, and is deleted after this."""

    TYPE: ClassVar = "opt_out_check.removed"

    def data(self) -> JsonObject:
        return {}

    @classmethod
    def read(cls, fields: Fields) -> Self:  # noqa: ARG003 - the shape of all of them
        return cls()


CheckEvent = Asked | Sent | SendRefused | JobCreated | Answered | Ended | Discarded | Removed

EVENTS: Mapping[str, type[CheckEvent]] = {
    kind.TYPE: kind for kind in (Asked, Sent, SendRefused, JobCreated, Answered, Ended, Discarded, Removed)
}


def to_new_event(event: CheckEvent) -> NewEvent:
    return NewEvent(event.TYPE, event.data())


def from_event(event: Event) -> CheckEvent:
    """Raises `UnknownEventError` for a type this version doesn't know, `FieldError` for data it can't read."""
    kind = EVENTS.get(event.type)
    if kind is None:
        raise UnknownEventError(event.type)
    fields = Fields(event.data)
    happened = kind.read(fields)
    fields.end()
    return happened
