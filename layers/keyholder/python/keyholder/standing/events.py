"""What happened to a standing approval, and the form it has in the ledger: codes, counts and hashes.

Every event names the project and the domains, so that whoever controls one of them finds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from keyholder.canonical import JsonObject
from keyholder.ledger.event import Event, NewEvent
from keyholder.registry.factors import Factor
from keyholder.registry.fields import ORGANISATION, SHA256, FieldError, FieldFault, Fields, UnknownEventError
from keyholder.registry.key_changes import actor_of
from keyholder.registry.projects import DOMAIN
from keyholder.registry.terms import Terms as TermsOfUse
from keyholder.registry.terms import accepted_terms_json
from keyholder.standing.approval import Approval, Draw, Ended, StandingApproval, StandingEndReason
from keyholder.standing.terms import Terms, read_terms
from keyholder.vocabulary import ContentHash, DomainId, OrganisationCode, RequestId, StreamId

ASKED = "standing.asked"
APPROVED = "standing.approved"
CAME_INTO_FORCE = "standing.came_into_force"
ENDED = "standing.ended"
DRAWN = "standing.drawn"
TYPES = (ASKED, APPROVED, CAME_INTO_FORCE, ENDED, DRAWN)
KIND = "standing"


@dataclass(frozen=True, slots=True)
class StandingAsked:
    """Somebody on the project asks the controllers of every domain. `accepted`: the terms of use they had accepted."""

    terms: Terms
    accepted: TermsOfUse | None = None

    def new_event(self) -> NewEvent:
        data: JsonObject = {"terms": self.terms.json(), "terms_hash": self.terms.hash()}
        return NewEvent(ASKED, {**data, **_found_by(self.terms), **accepted_terms_json(self.accepted)})


@dataclass(frozen=True, slots=True)
class StandingApproved:
    """One person's yes to exactly these terms, for one domain. `accepted`: the terms of use they had accepted."""

    terms: Terms
    domain: DomainId
    factor: Factor
    organisation: OrganisationCode
    accepted: TermsOfUse | None = None

    def new_event(self) -> NewEvent:
        data: JsonObject = {
            "for_domain": self.domain,
            "factor": self.factor.value,
            "organisation": self.organisation,
            "terms_hash": self.terms.hash(),
        }
        return NewEvent(APPROVED, {**data, **_found_by(self.terms), **accepted_terms_json(self.accepted)})


@dataclass(frozen=True, slots=True)
class StandingCameIntoForce:
    """The approvals of every domain are there."""

    terms: Terms

    def new_event(self) -> NewEvent:
        return NewEvent(CAME_INTO_FORCE, {"terms_hash": self.terms.hash(), **_found_by(self.terms)})


@dataclass(frozen=True, slots=True)
class StandingEnded:
    """A controller refused or revoked it. From this event on nothing is released under it."""

    terms: Terms
    reason: StandingEndReason

    def new_event(self) -> NewEvent:
        return NewEvent(ENDED, {"reason": self.reason.value, **_found_by(self.terms)})


@dataclass(frozen=True, slots=True)
class StandingDrawn:
    """Some of the weekly volume is taken for a request, before that is approved by it."""

    terms: Terms
    request: RequestId
    content_hash: ContentHash
    records: int

    def new_event(self) -> NewEvent:
        data: JsonObject = {
            "for_request": self.request,
            "content_hash": self.content_hash,
            "records": self.records,
            "terms_hash": self.terms.hash(),
        }
        return NewEvent(DRAWN, {**data, **_found_by(self.terms)})


def _found_by(terms: Terms) -> JsonObject:
    """What an auditor looks an event up by."""
    return {"domains": list(terms.domains), "project": terms.project}


def standing_stream(standing_id: str) -> StreamId:
    """The stream of a standing approval."""
    return StreamId(f"{KIND}/{standing_id}")


def fold_standing(events: Sequence[Event]) -> StandingApproval | None:
    """What its events leave; None without events. Raises `FieldError` or `UnknownEventError`."""
    standing: StandingApproval | None = None
    for event in events:
        standing = evolve_standing(standing, event)
    return standing


def evolve_standing(standing: StandingApproval | None, event: Event) -> StandingApproval:
    """After one more event. Raises `FieldError` or `UnknownEventError`."""
    fields = Fields(event.data)
    if standing is None:
        return _asked(event, fields)
    if event.type == APPROVED:
        return replace(standing, approvals=(*standing.approvals, _approval(event, fields)))
    if event.type == CAME_INTO_FORCE:
        return replace(standing, in_force_since=event.at)
    if event.type == ENDED:
        reason = fields.choice("reason", StandingEndReason)
        return replace(standing, ended=Ended(actor_of(event.actor), event.at, reason))
    if event.type == DRAWN:
        return replace(standing, draws=(*standing.draws, _draw(event, fields)))
    raise UnknownEventError(event.type)


def _asked(event: Event, fields: Fields) -> StandingApproval:
    if event.type != ASKED:
        raise UnknownEventError(event.type)
    terms, told = read_terms(fields.inner("terms")), fields.text("terms_hash", SHA256)
    if told != terms.hash():
        raise FieldError(fields.at("terms_hash"), FieldFault.FORMAT)
    name = event.stream.removeprefix(f"{KIND}/")
    return StandingApproval(name, terms, ContentHash(told), actor_of(event.actor), event.at)


def _approval(event: Event, fields: Fields) -> Approval:
    return Approval(
        actor_of(event.actor),
        DomainId(fields.text("for_domain", DOMAIN)),
        fields.choice("factor", Factor),
        OrganisationCode(fields.text("organisation", ORGANISATION)),
        event.at,
    )


def _draw(event: Event, fields: Fields) -> Draw:
    return Draw(
        RequestId(fields.text("for_request")),
        ContentHash(fields.text("content_hash", SHA256)),
        fields.number("records", 1),
        event.at,
    )
