"""Emergency accesses of one person: one stream a person, so that of two at once the ledger takes one.

An access is opened, identifiers leave at once, and others review it afterwards. Nobody approves it before; so it is for
individual care alone, for few patients, one at a time, and every controller of the domain hears of it at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from keyholder.canonical import JsonObject
from keyholder.ledger.event import rfc3339
from keyholder.ledger.ports import Head
from keyholder.registry.factors import Factor
from keyholder.vocabulary import DomainId, IdentifierType, OrganisationCode, PersonId, StreamId

KIND = "emergency"
MOST_RECORDS = 5
REVIEW_WITHIN = timedelta(hours=72)
REVIEWERS = 2
CUT_SHORT = timedelta(minutes=2)
"""After this an access that was opened and not finished is taken for cut short."""

ACCESS = re.compile(r"EMG-([0-9a-f]{32})-([1-9][0-9]{0,3})")


class EmergencyReason(StrEnum):
    """Why it can't wait for an approval."""

    LIFE_AT_RISK = "life_at_risk"
    SERIOUS_HARM = "serious_harm"
    URGENT_TREATMENT = "urgent_treatment"


class ReviewFinding(StrEnum):
    """What a reviewer says of it."""

    JUSTIFIED = "justified"
    NOT_JUSTIFIED = "not_justified"


class Verdict(StrEnum):
    """What came of the review."""

    UPHELD = "upheld"
    """Every reviewer found it justified."""
    NOT_UPHELD = "not_upheld"


class Stage(StrEnum):
    """Where an access stands."""

    OPENED = "opened"
    RELEASED = "released"
    FAILED = "failed"
    """It was cut short; the ledger says how much may have left. It is reviewed all the same."""
    UPHELD = "upheld"
    NOT_UPHELD = "not_upheld"


@dataclass(frozen=True, slots=True)
class Review:
    """One reviewer's finding, for an organisation that controls the domain."""

    person: PersonId
    factor: Factor
    organisation: OrganisationCode
    finding: ReviewFinding
    at: datetime


@dataclass(frozen=True, slots=True)
class Access:
    """One access. `counts` are its records by what became of them."""

    id: str
    domain: DomainId
    reason: EmergencyReason
    identifier_types: tuple[IdentifierType, ...]
    records: int
    organisation: OrganisationCode
    opened_at: datetime
    review_by: datetime
    policy_hash: str
    released_at: datetime | None = None
    failed: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    reviews: tuple[Review, ...] = ()
    verdict: Verdict | None = None
    overdue: bool = False
    """It was not reviewed in time, and that was said."""

    @property
    def running(self) -> bool:
        return self.released_at is None and self.failed is None

    @property
    def stage(self) -> Stage:
        if self.verdict is not None:
            return Stage(self.verdict.value)
        if self.failed is not None:
            return Stage.FAILED
        return Stage.OPENED if self.released_at is None else Stage.RELEASED


@dataclass(frozen=True, slots=True)
class Accesses:
    """All of one person's, in order. `version` is the number of the stream's newest event."""

    person: PersonId
    version: int = 0
    all: tuple[Access, ...] = ()

    @property
    def unreviewed(self) -> Access | None:
        """The one that waits for its review: there is one at most."""
        return next((access for access in self.all if access.verdict is None), None)

    def access(self, access_id: str) -> Access | None:
        return next((access for access in self.all if access.id == access_id), None)

    def next_id(self) -> str:
        """The id of the next one: whose it is, and its number."""
        return f"EMG-{self.person.removeprefix('person/')}-{len(self.all) + 1}"

    def with_access(self, access: Access) -> Accesses:
        """The same with this one changed, or added."""
        if self.access(access.id) is None:
            return replace(self, all=(*self.all, access))
        return replace(self, all=tuple(access if one.id == access.id else one for one in self.all))


def emergency_stream(person: PersonId) -> StreamId:
    return StreamId(f"{KIND}/{person.removeprefix('person/')}")


def owner_of(access_id: str) -> PersonId | None:
    """Whose access an id names; None for a text that is no such id."""
    found = ACCESS.fullmatch(access_id)
    return PersonId(f"person/{found[1]}") if found else None


def own_listing(domain: DomainId) -> str:
    """The listing of everybody who ever opened an emergency access to a domain."""
    return f"emergency-domain/{domain}"


def emergency_head(accesses: Accesses) -> Head:
    """Listed for each domain; looked at again when a review is overdue, or when one was cut short."""
    domains = dict.fromkeys(access.domain for access in accesses.all)
    waiting = accesses.unreviewed
    due = None
    if waiting is not None and waiting.running:
        due = waiting.opened_at + CUT_SHORT
    elif waiting is not None and not waiting.overdue:
        due = waiting.review_by
    return Head(tuple(own_listing(domain) for domain in domains), due)


def access_view(access: Access, person: PersonId) -> JsonObject:
    """The form of answers: codes, counts, who and when. Never a pseudonym, nor whose they are."""
    return {
        "access_id": access.id,
        "person": person,
        "domain": access.domain,
        "reason": access.reason.value,
        "identifier_types": [kind.value for kind in access.identifier_types],
        "records": access.records,
        "organisation": access.organisation,
        "stage": access.stage.value,
        "opened_at": rfc3339(access.opened_at),
        "review_by": rfc3339(access.review_by),
        "overdue": access.overdue,
        "reviews": [
            {
                "person": review.person,
                "factor": review.factor.value,
                "organisation": review.organisation,
                "finding": review.finding.value,
                "at": rfc3339(review.at),
            }
            for review in access.reviews
        ],
    }


def newest_first(found: Sequence[tuple[Access, PersonId]]) -> Sequence[tuple[Access, PersonId]]:
    """In the order of lists: what waits for its review before the rest, the newest first."""
    return sorted(found, key=lambda one: (one[0].verdict is not None, -one[0].opened_at.timestamp(), one[0].id))
