"""The conversation about a request: who said something, to whom, about what. The words themselves are kept apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from keyholder.requests.codes import Advice, Audience, MessageKind
from keyholder.vocabulary import PersonId

LONGEST_TEXT = 4_000
"""Characters of a comment, a reply, a question or an answer."""
MOST_MESSAGES = 200
MOST_ADVISERS = 10


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `text_sha256` names its text in the erasable store, `about` the text it answers.

    `adviser` is who was asked, `advice` what they answered.
    """

    kind: MessageKind
    author: PersonId
    at: datetime
    audience: Audience
    text_sha256: str | None
    about: str | None = None
    adviser: PersonId | None = None
    advice: Advice | None = None


def visible(messages: Iterable[Message], *, internal: bool) -> tuple[Message, ...]:
    """What somebody may see who may see what is internal, or may not."""
    return tuple(one for one in messages if internal or one.audience is Audience.REQUESTER)


def open_question(messages: Iterable[Message], adviser: PersonId, question_sha256: str | None = None) -> Message | None:
    """The oldest question to a person that they have not answered, or the one of that text."""
    known = tuple(messages)
    answered = {one.about for one in known if one.kind is MessageKind.ADVICE}
    return next(
        (
            one
            for one in known
            if one.kind is MessageKind.QUESTION
            and one.adviser == adviser
            and one.text_sha256 not in answered
            and question_sha256 in (None, one.text_sha256)
        ),
        None,
    )


def advisers(messages: Iterable[Message]) -> frozenset[PersonId]:
    """Everybody whose advice was asked."""
    return frozenset(one.adviser for one in messages if one.adviser is not None)
