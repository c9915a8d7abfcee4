"""A linkage agreement as its events leave it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from keyholder.canonical import JsonObject
from keyholder.ledger.event import rfc3339
from keyholder.linkage.terms import Terms
from keyholder.policy.days import london_day, over
from keyholder.registry.factors import Factor, Standing
from keyholder.vocabulary import ContentHash, DomainId, OrganisationCode, PersonId

OPEN_FOR = timedelta(days=30)
"""How long a proposal waits for its approvals. Silence never approves."""


class AgreementState(StrEnum):
    """Where an agreement stands. Expiry is no event: it follows from the clock."""

    PROPOSED = "proposed"
    IN_FORCE = "in_force"
    ENDED = "ended"
    """One controller refused or ended it."""
    EXPIRED = "expired"
    """Its last day is over, or too few approved in time."""


class LinkageEndReason(StrEnum):
    """Why a controller ends an agreement, as a code: free text has no place in the ledger."""

    NOT_JUSTIFIED = "not_justified"
    TERMS_TOO_WIDE = "terms_too_wide"
    USE_NOT_AS_AGREED = "use_not_as_agreed"
    NO_LONGER_NEEDED = "no_longer_needed"
    SUSPECTED_COMPROMISE = "suspected_compromise"
    MISTAKE = "mistake"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's yes for one of the two domains, in one part, for one organisation."""

    person: PersonId
    domain: DomainId
    factor: Factor
    organisation: OrganisationCode
    at: datetime

    @property
    def part(self) -> Standing:
        return self.factor, self.organisation


@dataclass(frozen=True, slots=True)
class Ended:
    """Who ended it, when and why."""

    by: PersonId
    at: datetime
    reason: LinkageEndReason


@dataclass(frozen=True, slots=True)
class Agreement:
    """One agreement. `tokens_used` counts every pseudonym that was sent under it; `unfinished` are translations that
    were authorised and whose outcome is not in the ledger yet, each with the pseudonyms that were sent."""

    id: str
    terms: Terms
    terms_hash: ContentHash
    proposed_by: PersonId
    proposed_at: datetime
    approvals: tuple[Approval, ...] = ()
    in_force_since: datetime | None = None
    ended: Ended | None = None
    tokens_used: int = 0
    translations: int = 0
    unfinished: tuple[tuple[str, int], ...] = ()

    @property
    def proposal_ends_at(self) -> datetime:
        """From this moment on nobody can approve it."""
        return self.proposed_at + OPEN_FOR

    @property
    def approvers(self) -> frozenset[PersonId]:
        """Everybody who approved, for either domain."""
        return frozenset(approval.person for approval in self.approvals)

    def state(self, now: datetime) -> AgreementState:
        """Where it stands at a moment."""
        if self.ended is not None:
            return AgreementState.ENDED
        waits_too_long = self.in_force_since is None and now >= self.proposal_ends_at
        if waits_too_long or over(self.terms.until, london_day(now)):
            return AgreementState.EXPIRED
        return AgreementState.PROPOSED if self.in_force_since is None else AgreementState.IN_FORCE


def agreement_view(agreement: Agreement, now: datetime, version: int) -> JsonObject:
    """The form of answers; `version` is the number of its newest event."""
    ended = agreement.ended
    return {
        "agreement_id": agreement.id,
        "version": version,
        "state": agreement.state(now).value,
        "terms": agreement.terms.json(),
        "terms_hash": agreement.terms_hash,
        "proposed_by": agreement.proposed_by,
        "proposed_at": rfc3339(agreement.proposed_at),
        "proposal_ends_at": rfc3339(agreement.proposal_ends_at),
        "approvals": [
            {
                "person": approval.person,
                "domain": approval.domain,
                "factor": approval.factor.value,
                "organisation": approval.organisation,
                "at": rfc3339(approval.at),
            }
            for approval in agreement.approvals
        ],
        "in_force_since": rfc3339(agreement.in_force_since) if agreement.in_force_since else None,
        "ended": None if ended is None else {"by": ended.by, "at": rfc3339(ended.at), "reason": ended.reason.value},
        "tokens_used": agreement.tokens_used,
        "translations": agreement.translations,
    }
