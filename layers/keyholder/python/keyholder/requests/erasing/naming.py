"""Which texts a request's events name, what each is, and who wrote it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from keyholder.registry.key_changes import actor_of
from keyholder.requests.codec import Happened, RequestEvent
from keyholder.requests.events import (
    AdviceGiven,
    AdviceRequested,
    Commented,
    DomainRejected,
    DraftSaved,
    OutcomeReported,
    Replied,
    RequestReturned,
    RequestSubmitted,
)
from keyholder.vocabulary import PersonId


class TextKind(StrEnum):
    """What a text was written for."""

    JUSTIFICATION = "justification"
    """Of a draft or a revision."""
    QUESTION = "question"
    """To the author, with which a request was returned."""
    COMMENT = "comment"
    """On a rejection."""
    MESSAGE = "message"
    """In the conversation: never a part of a decision."""
    REPORT = "report"
    """On what came of a release."""


@dataclass(frozen=True, slots=True)
class NamedText:
    """A text by its hash, which is also its name in the erasable store."""

    sha256: str
    kind: TextKind
    author: PersonId
    written_at: datetime

    @property
    def decided_on(self) -> bool:
        """Whether a decision rests on it: then one person can't have it erased."""
        return self.kind is not TextKind.MESSAGE


def texts_of(happened: Iterable[Happened]) -> Mapping[str, NamedText]:
    """Every text a request's events name, by its hash; each is whose event named it first."""
    found: dict[str, NamedText] = {}
    for one in happened:
        for kind, sha256 in _named(one.event):
            if sha256 is not None:
                found.setdefault(sha256, NamedText(sha256, kind, actor_of(one.actor), one.at))
    return found


def _named(event: RequestEvent) -> Iterator[tuple[TextKind, str | None]]:
    match event:
        case DraftSaved(summary=summary) | RequestSubmitted(summary=summary):
            yield TextKind.JUSTIFICATION, summary.justification_sha256
        case RequestReturned(questions=questions):
            yield from ((TextKind.QUESTION, question.sha256) for question in questions)
        case DomainRejected(comment_sha256=comment):
            yield TextKind.COMMENT, comment
        case Commented(text_sha256=text) | Replied(text_sha256=text) | AdviceGiven(text_sha256=text):
            yield TextKind.MESSAGE, text
        case AdviceRequested(question_sha256=question):
            yield TextKind.MESSAGE, question
        case OutcomeReported(text_sha256=text):
            yield TextKind.REPORT, text
        case _:
            return
