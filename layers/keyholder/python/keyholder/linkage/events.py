"""What happened to a linkage agreement and under it, and the form it has in the ledger: codes, counts and hashes.

Every event names both domains, so that whoever controls one of them finds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from keyholder.canonical import JsonObject
from keyholder.ledger.event import Event, NewEvent
from keyholder.linkage.agreement import Agreement, Approval, Ended, LinkageEndReason
from keyholder.linkage.terms import Terms, read_terms
from keyholder.registry.factors import Factor
from keyholder.registry.fields import ORGANISATION, SHA256, FieldError, FieldFault, Fields, UnknownEventError
from keyholder.registry.key_changes import actor_of
from keyholder.registry.projects import DOMAIN
from keyholder.registry.terms import Terms as TermsOfUse
from keyholder.registry.terms import accepted_terms_json
from keyholder.vocabulary import ContentHash, DomainId, IdentifierType, OrganisationCode, StreamId

PROPOSED = "linkage.proposed"
APPROVED = "linkage.approved"
CAME_INTO_FORCE = "linkage.came_into_force"
ENDED = "linkage.ended"
TRANSLATION_AUTHORISED = "linkage.translation_authorised"
TRANSLATED = "linkage.translated"
KIND = "linkage"

Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class AgreementProposed:
    """A controller of one of the two domains asks the controllers of both.

    `accepted`: the terms of use they had accepted.
    """

    terms: Terms
    accepted: TermsOfUse | None = None

    def new_event(self) -> NewEvent:
        data: JsonObject = {"terms": self.terms.json(), "terms_hash": self.terms.hash()}
        return NewEvent(PROPOSED, {**data, **_found_by(self.terms), **accepted_terms_json(self.accepted)})


@dataclass(frozen=True, slots=True)
class AgreementApproved:
    """One person's yes to exactly these terms. `accepted`: the terms of use they had accepted."""

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
class AgreementCameIntoForce:
    """The approvals of both domains are there."""

    terms: Terms

    def new_event(self) -> NewEvent:
        return NewEvent(CAME_INTO_FORCE, {"terms_hash": self.terms.hash(), **_found_by(self.terms)})


@dataclass(frozen=True, slots=True)
class AgreementEnded:
    """A controller refused it, or ended it. From this event on nothing is translated under it."""

    terms: Terms
    reason: LinkageEndReason

    def new_event(self) -> NewEvent:
        return NewEvent(ENDED, {"reason": self.reason.value, **_found_by(self.terms)})


@dataclass(frozen=True, slots=True)
class TranslationAuthorised:
    """Somebody entitled may have so many pseudonyms translated. Before it no key is used."""

    terms: Terms
    translation: str
    rows: int
    tokens: Mapping[IdentifierType, int]

    def new_event(self) -> NewEvent:
        data: JsonObject = {
            "translation_id": self.translation,
            "rows": self.rows,
            "tokens": {kind.value: count for kind, count in sorted(self.tokens.items())},
        }
        return NewEvent(TRANSLATION_AUTHORISED, {**data, **_found_by(self.terms)})


@dataclass(frozen=True, slots=True)
class Translated:
    """What became of the pseudonyms. Before it none is given out.

    `cells` has counts by identifier type and status, `withheld` the people by the reason that decided; `key_versions`
    are those of the target domain.
    """

    terms: Terms
    translation: str
    cells: Mapping[IdentifierType, Counts]
    withheld: Counts
    key_versions: Mapping[IdentifierType, int]

    def new_event(self) -> NewEvent:
        data: JsonObject = {
            "translation_id": self.translation,
            "cells": {kind.value: dict(sorted(counts.items())) for kind, counts in sorted(self.cells.items())},
            "withheld": dict(sorted(self.withheld.items())),
            "key_versions": {kind.value: version for kind, version in sorted(self.key_versions.items())},
        }
        return NewEvent(TRANSLATED, {**data, **_found_by(self.terms)})


LinkageEvent = (
    AgreementProposed | AgreementApproved | AgreementCameIntoForce | AgreementEnded | TranslationAuthorised | Translated
)
TYPES = (PROPOSED, APPROVED, CAME_INTO_FORCE, ENDED, TRANSLATION_AUTHORISED, TRANSLATED)


def _found_by(terms: Terms) -> JsonObject:
    """What an auditor looks an event up by."""
    return {"domains": list(terms.domains), **({} if terms.project is None else {"project": terms.project})}


def agreement_stream(agreement_id: str) -> StreamId:
    """The stream of an agreement."""
    return StreamId(f"{KIND}/{agreement_id}")


def fold_agreement(events: Sequence[Event]) -> Agreement | None:
    """The agreement as its events leave it; None without events. Raises `FieldError` or `UnknownEventError`."""
    agreement: Agreement | None = None
    for event in events:
        agreement = evolve_agreement(agreement, event)
    return agreement


def evolve_agreement(agreement: Agreement | None, event: Event) -> Agreement:
    """The agreement after one more event. Raises `FieldError` or `UnknownEventError`."""
    fields = Fields(event.data)
    if agreement is None:
        return _proposed(event, fields)
    if event.type == APPROVED:
        return replace(agreement, approvals=(*agreement.approvals, _approval(event, fields)))
    if event.type == CAME_INTO_FORCE:
        return replace(agreement, in_force_since=event.at)
    if event.type == ENDED:
        reason = fields.choice("reason", LinkageEndReason)
        return replace(agreement, ended=Ended(actor_of(event.actor), event.at, reason))
    if event.type == TRANSLATION_AUTHORISED:
        asked = sum(fields.counts("tokens").values())
        return replace(
            agreement,
            tokens_used=agreement.tokens_used + asked,
            translations=agreement.translations + 1,
            unfinished=(*agreement.unfinished, (fields.text("translation_id"), asked)),
        )
    if event.type == TRANSLATED:
        done = fields.text("translation_id")
        return replace(agreement, unfinished=tuple(one for one in agreement.unfinished if one[0] != done))
    raise UnknownEventError(event.type)


def _proposed(event: Event, fields: Fields) -> Agreement:
    if event.type != PROPOSED:
        raise UnknownEventError(event.type)
    terms, told = read_terms(fields.inner("terms")), fields.text("terms_hash", SHA256)
    if told != terms.hash():
        raise FieldError(fields.at("terms_hash"), FieldFault.FORMAT)
    name = event.stream.removeprefix(f"{KIND}/")
    return Agreement(name, terms, ContentHash(told), actor_of(event.actor), event.at)


def _approval(event: Event, fields: Fields) -> Approval:
    return Approval(
        actor_of(event.actor),
        DomainId(fields.text("for_domain", DOMAIN)),
        fields.choice("factor", Factor),
        OrganisationCode(fields.text("organisation", ORGANISATION)),
        event.at,
    )
