"""What people said to each other. Every text is in the erasable store; its salted hash stands for it here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from keyholder.canonical import JsonObject
from keyholder.registry.fields import PERSON, SHA256, Fields
from keyholder.requests.codes import Advice, Audience
from keyholder.vocabulary import PersonId


@dataclass(frozen=True, slots=True)
class Commented:
    """`about` names the text that this one answers."""

    TYPE: ClassVar[str] = "request.commented"
    author: PersonId
    audience: Audience
    text_sha256: str
    about: str | None

    def data(self) -> JsonObject:
        return {
            "author": self.author,
            "audience": self.audience.value,
            "text_sha256": self.text_sha256,
            "about": self.about,
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            PersonId(fields.text("author", PERSON)),
            fields.choice("audience", Audience),
            fields.text("text_sha256", SHA256),
            fields.maybe_text("about", SHA256),
        )


@dataclass(frozen=True, slots=True)
class Replied:
    TYPE: ClassVar[str] = "request.replied"
    author: PersonId
    text_sha256: str
    about: str | None

    def data(self) -> JsonObject:
        return {"author": self.author, "text_sha256": self.text_sha256, "about": self.about}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            PersonId(fields.text("author", PERSON)),
            fields.text("text_sha256", SHA256),
            fields.maybe_text("about", SHA256),
        )


@dataclass(frozen=True, slots=True)
class Nudged:
    """The requester waits, and says so."""

    TYPE: ClassVar[str] = "request.nudged"
    author: PersonId

    def data(self) -> JsonObject:
        return {"author": self.author}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(PersonId(fields.text("author", PERSON)))


@dataclass(frozen=True, slots=True)
class AdviceRequested:
    """From now on the adviser sees the request, its texts and what those who decide say to each other."""

    TYPE: ClassVar[str] = "request.advice_requested"
    author: PersonId
    adviser: PersonId
    question_sha256: str

    def data(self) -> JsonObject:
        return {"author": self.author, "adviser": self.adviser, "question_sha256": self.question_sha256}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            PersonId(fields.text("author", PERSON)),
            PersonId(fields.text("adviser", PERSON)),
            fields.text("question_sha256", SHA256),
        )


@dataclass(frozen=True, slots=True)
class AdviceGiven:
    TYPE: ClassVar[str] = "request.advice_given"
    adviser: PersonId
    question_sha256: str
    advice: Advice
    text_sha256: str | None

    def data(self) -> JsonObject:
        return {
            "adviser": self.adviser,
            "question_sha256": self.question_sha256,
            "advice": self.advice.value,
            "text_sha256": self.text_sha256,
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            PersonId(fields.text("adviser", PERSON)),
            fields.text("question_sha256", SHA256),
            fields.choice("advice", Advice),
            fields.maybe_text("text_sha256", SHA256),
        )
