"""What those who decide do short of deciding: they ask the author back, they take a vote back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from keyholder.canonical import JsonObject
from keyholder.ledger.event import rfc3339
from keyholder.registry.delegations import Delegated, delegated_json, read_delegated
from keyholder.registry.factors import Factor
from keyholder.registry.fields import ORGANISATION, PERSON, Fields
from keyholder.requests.events.summaries import read_domain, read_hash
from keyholder.requests.questions import MOST_QUESTIONS, ReviewQuestion
from keyholder.vocabulary import ContentHash, DomainId, OrganisationCode, PersonId


@dataclass(frozen=True, slots=True)
class RequestReturned:
    """One controller asks the author something. Every vote on this revision, for whatever domain, is void."""

    TYPE: ClassVar[str] = "request.returned"
    domain: DomainId
    controller: PersonId
    organisation: OrganisationCode
    factor: Factor
    content_hash: ContentHash
    questions: tuple[ReviewQuestion, ...]
    due_at: datetime
    delegated: Delegated | None = None

    def data(self) -> JsonObject:
        return {
            "domain": self.domain,
            "controller": self.controller,
            "organisation": self.organisation,
            "factor": self.factor.value,
            "content_hash": self.content_hash,
            "questions": [question.json() for question in self.questions],
            "due_at": rfc3339(self.due_at),
            **delegated_json(self.delegated),
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            domain=read_domain(fields),
            controller=PersonId(fields.text("controller", PERSON)),
            organisation=OrganisationCode(fields.text("organisation", ORGANISATION)),
            factor=fields.choice("factor", Factor),
            content_hash=read_hash(fields),
            questions=tuple(map(ReviewQuestion.read, fields.inners("questions", MOST_QUESTIONS))),
            due_at=fields.moment("due_at"),
            delegated=read_delegated(fields),
        )


@dataclass(frozen=True, slots=True)
class VoteWithdrawn:
    """One person's approval no longer counts; they may vote again."""

    TYPE: ClassVar[str] = "request.vote_withdrawn"
    domain: DomainId
    approver: PersonId
    content_hash: ContentHash

    def data(self) -> JsonObject:
        return {"domain": self.domain, "approver": self.approver, "content_hash": self.content_hash}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(read_domain(fields), PersonId(fields.text("approver", PERSON)), read_hash(fields))
