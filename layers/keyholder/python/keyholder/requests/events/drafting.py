"""What its author does to a request: made, saved, discarded, submitted, withdrawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from keyholder.canonical import JsonObject
from keyholder.ledger.event import rfc3339
from keyholder.registry.factors import Needs, needs_json, read_needs
from keyholder.registry.fields import PERSON, SHA256, Fields
from keyholder.registry.projects import DOMAIN, PROJECT
from keyholder.registry.terms import Terms, read_terms, terms_json
from keyholder.requests.content import Summary
from keyholder.requests.events.summaries import read_summary, summary_json
from keyholder.vocabulary import (
    DomainId,
    PersonId,
    ProjectId,
)


@dataclass(frozen=True, slots=True)
class RequestCreated:
    TYPE: ClassVar[str] = "request.created"
    requester: PersonId
    project: ProjectId

    def data(self) -> JsonObject:
        return {"requester": self.requester, "project": self.project}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(PersonId(fields.text("requester", PERSON)), ProjectId(fields.text("project", PROJECT)))


@dataclass(frozen=True, slots=True)
class DraftSaved:
    """`due_at` is when a draft expires unless it is saved again; None where another clock runs, or where there was none
    yet when it was written."""

    TYPE: ClassVar[str] = "request.saved"
    summary: Summary
    due_at: datetime | None = None

    def data(self) -> JsonObject:
        due = {"due_at": rfc3339(self.due_at)} if self.due_at else {}
        return {**summary_json(self.summary), **due}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(read_summary(fields), fields.maybe_moment("due_at"))


@dataclass(frozen=True, slots=True)
class RequestDiscarded:
    TYPE: ClassVar[str] = "request.discarded"

    def data(self) -> JsonObject:
        return {}

    @classmethod
    def read(cls, fields: Fields) -> Self:  # noqa: ARG003 - nothing to read, and every event reads alike
        return cls()


@dataclass(frozen=True, slots=True)
class RequestSubmitted:
    """Revision `revision` is frozen.

    `needed_by` is what each domain asked for at this moment, `terms` the text its author had accepted, if there was
    one.
    """

    TYPE: ClassVar[str] = "request.submitted"
    revision: int
    summary: Summary
    policy_hash: str
    needed_by: Mapping[DomainId, Needs]
    due_at: datetime
    terms: Terms | None = None

    def data(self) -> JsonObject:
        return {
            **({"terms": terms_json(self.terms)} if self.terms else {}),
            **summary_json(self.summary),
            "revision": self.revision,
            "policy_hash": self.policy_hash,
            "needed_by": {domain: needs_json(needs) for domain, needs in self.needed_by.items()},
            "due_at": rfc3339(self.due_at),
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        needed = fields.inner("needed_by")
        return cls(
            revision=fields.number("revision", 1),
            summary=read_summary(fields),
            policy_hash=fields.text("policy_hash", SHA256),
            needed_by={DomainId(name): read_needs(needed.inner(name)) for name in needed.codes(DOMAIN)},
            due_at=fields.moment("due_at"),
            terms=read_terms(fields.inner("terms")) if fields.has("terms") else None,
        )


@dataclass(frozen=True, slots=True)
class RequestWithdrawn:
    TYPE: ClassVar[str] = "request.withdrawn"

    def data(self) -> JsonObject:
        return {}

    @classmethod
    def read(cls, fields: Fields) -> Self:  # noqa: ARG003
        return cls()


@dataclass(frozen=True, slots=True)
class RequestTakenOver:
    """Somebody else on the project is its author from now on. `due_at`: when a draft expires unless it is saved again;
    None where another clock runs."""

    TYPE: ClassVar[str] = "request.taken_over"
    requester: PersonId
    taken_from: PersonId
    due_at: datetime | None = None

    def data(self) -> JsonObject:
        due = {"due_at": rfc3339(self.due_at)} if self.due_at else {}
        return {"requester": self.requester, "taken_from": self.taken_from, **due}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            PersonId(fields.text("requester", PERSON)),
            PersonId(fields.text("taken_from", PERSON)),
            fields.maybe_moment("due_at"),
        )
