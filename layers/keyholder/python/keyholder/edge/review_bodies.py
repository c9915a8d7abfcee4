"""What those who decide may send about themselves and to each other: shapes and limits only, as in `bodies`."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import Field, StringConstraints

from keyholder.edge.bodies import Body, Delegation, Hash, Name, Organisation, PersonReference
from keyholder.registry.factors import Factor
from keyholder.requests.codes import Advice, Audience, Destruction, Finding, QuestionTopic, RecuseReason
from keyholder.requests.conversation import LONGEST_TEXT
from keyholder.requests.questions import LONGEST_QUESTION, MOST_QUESTIONS

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


class QuestionBody(Body):
    """One thing the author is asked; the text stays out of the ledger."""

    about: QuestionTopic
    text: Annotated[str, StringConstraints(min_length=3, max_length=LONGEST_QUESTION)]


class ReturnBody(Body):
    """Back to the author, with what they have to answer. Every vote on this revision is void."""

    domain: Name
    content_hash: Hash
    questions: Annotated[list[QuestionBody], Field(min_length=1, max_length=MOST_QUESTIONS)]
    organisation: Organisation | None = None
    factor: Factor | None = None
    delegation: Delegation | None = None
    """Under which delegation, if in somebody's place."""


class WithdrawVoteBody(Body):
    """One's own approval for a domain, taken back before the domain has decided."""

    domain: Name
    content_hash: Hash


class AcceptConditionsBody(Body):
    """Exactly the conditions that are offered, by their hash."""

    conditions_hash: Hash


class ReportOutcomeBody(Body):
    """What came of a release, and the statement that everything is destroyed. It closes the request."""

    used: Annotated[int, Field(ge=0)]
    """Of how many records identifiers were used: at most those approved, and 0 with the finding `not_used`."""
    finding: Finding
    destruction: Destruction
    """`never_received` only where no answer and no file of the request ever left Keyholder."""
    destroyed_on: dt.date | None = None
    """Since when every copy (but that in a person's own care record) is destroyed."""
    text: Words | None = None
    """In words, for those who approved; it stays out of the ledger, and can be erased."""
