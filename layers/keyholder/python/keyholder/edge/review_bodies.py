"""What those who decide may send about themselves and to each other: shapes and limits only, as in `bodies`."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from keyholder.edge.bodies import Body, Hash, Name, PersonReference
from keyholder.requests.codes import Advice, Audience, RecuseReason
from keyholder.requests.conversation import LONGEST_TEXT

Words = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_TEXT)]


class DeclareBody(Body):
    """Whether one has a conflict of interest in what this revision asks for. Who has one steps aside by saying so."""

    conflict_of_interest: bool


class RecuseBody(Body):
    """Stepping aside from a request, for good."""

    reason: RecuseReason


class HandledDomainBody(Body):
    """The domain for which one looks after a request, or no longer does."""

    domain: Name


class CommentBody(Body):
    """Words to the others who decide, or to the requester. They stay out of the ledger, and can be erased."""

    audience: Audience
    text: Words
    about: Hash | None = None
    """The text that this one answers."""


class ReplyBody(Body):
    """Words of the requester to those who decide."""

    text: Words
    about: Hash | None = None
    """The text that this one answers."""


class AskBody(Body):
    """A question to a named person, who sees the request and its texts from then on, as long as it is in review."""

    person: PersonReference
    question: Words


class AdviseBody(Body):
    """An answer to such a question, named by the hash of its text. It is never a vote."""

    question: Hash
    advice: Advice
    text: Words | None = None
