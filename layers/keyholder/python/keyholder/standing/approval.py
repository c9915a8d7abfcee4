"""A standing approval as its events leave it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from keyholder.canonical import JsonObject
from keyholder.ledger.event import rfc3339
from keyholder.policy.days import london_day, over
from keyholder.registry.factors import Factor, Standing
from keyholder.standing.terms import Terms
from keyholder.vocabulary import ContentHash, DomainId, OrganisationCode, PersonId, RequestId

OPEN_FOR = timedelta(days=30)
"""How long it waits for its approvals. Silence never approves."""
WEEK = timedelta(days=7)


class StandingState(StrEnum):
    """Where it stands. Expiry is no event: it follows from the clock."""

    ASKED = "asked"
    IN_FORCE = "in_force"
    ENDED = "ended"
    """One controller refused or revoked it."""
    EXPIRED = "expired"
    """Its last day is over, or too few approved in time."""


class StandingEndReason(StrEnum):
    """Why a controller ends it, as a code: free text has no place in the ledger."""

    NOT_JUSTIFIED = "not_justified"
    TERMS_TOO_WIDE = "terms_too_wide"
    USE_NOT_AS_APPROVED = "use_not_as_approved"
    NO_LONGER_NEEDED = "no_longer_needed"
    SUSPECTED_COMPROMISE = "suspected_compromise"
    MISTAKE = "mistake"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's yes for one domain, in one part, for one organisation."""

    person: PersonId
    domain: DomainId
    factor: Factor
    organisation: OrganisationCode
    at: datetime

    @property
    def part(self) -> Standing:
        return self.factor, self.organisation


@dataclass(frozen=True, slots=True)
class Draw:
    """So many records of the weekly volume, taken for one content of one request. They stay taken."""

    request: RequestId
    content_hash: ContentHash
    records: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Ended:
    """Who ended it, when and why."""

    by: PersonId
    at: datetime
    reason: StandingEndReason


@dataclass(frozen=True, slots=True)
class StandingApproval:
    """One standing approval, and everything that was taken from it."""

    id: str
    terms: Terms
    terms_hash: ContentHash
    asked_by: PersonId
    asked_at: datetime
    approvals: tuple[Approval, ...] = ()
    in_force_since: datetime | None = None
    ended: Ended | None = None
    draws: tuple[Draw, ...] = ()

    @property
    def open_until(self) -> datetime:
        """From this moment on nobody can approve it."""
        return self.asked_at + OPEN_FOR

    @property
    def approvers(self) -> frozenset[PersonId]:
        """Everybody who approved, for any domain."""
        return frozenset(approval.person for approval in self.approvals)

    def approvals_of(self, domain: DomainId) -> tuple[Approval, ...]:
        return tuple(approval for approval in self.approvals if approval.domain == domain)

    def state(self, now: datetime) -> StandingState:
        """Where it stands at a moment."""
        if self.ended is not None:
            return StandingState.ENDED
        waits_too_long = self.in_force_since is None and now >= self.open_until
        if waits_too_long or over(self.terms.until, london_day(now)):
            return StandingState.EXPIRED
        return StandingState.ASKED if self.in_force_since is None else StandingState.IN_FORCE

    def drawn(self, request: RequestId, content_hash: ContentHash) -> Draw | None:
        """What was taken for exactly this."""
        return next((one for one in self.draws if (one.request, one.content_hash) == (request, content_hash)), None)

    def records_left(self, now: datetime) -> int:
        """What may still be taken in the seven days that end now."""
        taken = sum(draw.records for draw in self.draws if draw.at > now - WEEK)
        return max(0, self.terms.most_records_a_week - taken)


def standing_view(standing: StandingApproval, now: datetime, version: int) -> JsonObject:
    """The form of answers; `version` is the number of its newest event."""
    ended = standing.ended
    return {
        "standing_approval_id": standing.id,
        "version": version,
        "state": standing.state(now).value,
        "terms": standing.terms.json(),
        "terms_hash": standing.terms_hash,
        "asked_by": standing.asked_by,
        "asked_at": rfc3339(standing.asked_at),
        "open_until": rfc3339(standing.open_until),
        "approvals": [
            {
                "person": approval.person,
                "domain": approval.domain,
                "factor": approval.factor.value,
                "organisation": approval.organisation,
                "at": rfc3339(approval.at),
            }
            for approval in standing.approvals
        ],
        "in_force_since": rfc3339(standing.in_force_since) if standing.in_force_since else None,
        "ended": None if ended is None else {"by": ended.by, "at": rfc3339(ended.at), "reason": ended.reason.value},
        "requests": len({draw.request for draw in standing.draws}),
        "records_left_this_week": standing.records_left(now),
    }
