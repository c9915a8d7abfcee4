"""What people say to each other about a request. Each text is in the erasable store, under the hash named here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from keyholder.requests.codes import Advice, Audience
from keyholder.requests.commands.names import CommandName
from keyholder.vocabulary import PersonId


@dataclass(frozen=True, slots=True)
class Comment:
    """Words of somebody who decides, to the others or to the requester; `about` is what they answer."""

    NAME: ClassVar[CommandName] = CommandName.COMMENT
    audience: Audience
    text_sha256: str
    about: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """Words of the requester to those who decide."""

    NAME: ClassVar[CommandName] = CommandName.REPLY
    text_sha256: str
    about: str | None = None


@dataclass(frozen=True, slots=True)
class Nudge:
    """The requester reminds those who decide that they wait."""

    NAME: ClassVar[CommandName] = CommandName.NUDGE


@dataclass(frozen=True, slots=True)
class AskAdvice:
    """A question to a named person, for example a data protection officer."""

    NAME: ClassVar[CommandName] = CommandName.ASK_ADVICE
    adviser: PersonId
    question_sha256: str


@dataclass(frozen=True, slots=True)
class Advise:
    """Their answer. It is never a vote."""

    NAME: ClassVar[CommandName] = CommandName.ADVISE
    question_sha256: str
    advice: Advice
    text_sha256: str | None = None
