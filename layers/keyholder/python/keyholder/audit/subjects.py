"""Who re-identified this person? Each release they were in: for whom, what for, on which basis, and what came of it.

It is written so that what a person is given about themselves (UK GDPR Article 15: the purposes, the categories of data,
the recipients) can be taken from it: organisations and capacities, not the names of staff.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from keyholder.audit.listing import Indexed
from keyholder.audit.outcomes import disclosing
from keyholder.emergency.events import access_of, fold_accesses
from keyholder.ledger.event import Event
from keyholder.policy.vocabulary import LegalBasis, Purpose
from keyholder.registry.people import Capacity
from keyholder.requests.state import RequestState
from keyholder.vocabulary import DomainId, IdentifierType, OrganisationCode, PersonId


@dataclass(frozen=True, slots=True)
class Reidentified:
    """One time a person was in a release.

    `outcome` is the deciding reason; `disclosed` whether identifiers left with it. A chunk is written before it is
    handed out, so after a crash the ledger may say one chunk more than was given, never less.
    """

    index: int
    request: str
    """A request's id, or an emergency access's."""
    release: str
    at: datetime
    who: PersonId | None
    outcome: str
    disclosed: bool
    domain: DomainId
    project: str
    organisation: OrganisationCode | None
    """The project's."""
    recipient: OrganisationCode | None
    capacity: str
    purpose: str
    legal_basis: str
    identifier_types: tuple[IdentifierType, ...]
    """What was approved for the domain: at most these left."""


def reidentified(
    found: Indexed,
    tags: Mapping[str, DomainId],
    state: RequestState,
    organisation: OrganisationCode | None,
    who: PersonId | None,
) -> list[Reidentified]:
    """What one release says of a person, once for each of their tags that is in it."""
    data, summary = found.event.data, state.summary
    subjects = data.get("subjects")
    release = state.release(str(data.get("release_id")))
    return [
        Reidentified(
            index=found.place.index,
            request=state.id,
            release=str(data.get("release_id")),
            at=found.event.at,
            who=who,
            outcome=str(outcome),
            disclosed=disclosing(str(outcome)),
            domain=tags[tag],
            project=summary.project if summary else "",
            organisation=organisation,
            recipient=summary.recipient if summary else None,
            capacity=summary.capacity.value if summary else "",
            purpose=summary.purpose if summary else "",
            legal_basis=summary.legal_basis if summary else "",
            identifier_types=release.granted.get(tags[tag], ()) if release else (),
        )
        for outcome, held in (subjects.items() if isinstance(subjects, Mapping) else ())
        for tag in dict.fromkeys(map(str, held if isinstance(held, list | tuple) else ()))
        if tag in tags
    ]


def in_emergency(found: Indexed, tags: Mapping[str, DomainId], events: Sequence[Event]) -> list[Reidentified]:
    """What one emergency access says of a person; `events` are those of its stream."""
    owner = PersonId(f"person/{found.event.stream.partition('/')[2]}")
    access = fold_accesses(owner, events[: found.event.number]).access(access_of(found.event))
    subjects = found.event.data.get("subjects")
    if access is None:
        return []
    return [
        Reidentified(
            index=found.place.index,
            request=access.id,
            release=access.id,
            at=found.event.at,
            who=owner,
            outcome=str(outcome),
            disclosed=disclosing(str(outcome)),
            domain=tags[tag],
            project="",
            organisation=access.organisation,
            recipient=access.organisation,
            capacity=Capacity.CLINICIAN.value,
            purpose=Purpose.INDIVIDUAL_CARE.value,
            legal_basis=LegalBasis.IMPLIED_CONSENT_DIRECT_CARE.value,
            identifier_types=access.identifier_types,
        )
        for outcome, held in (subjects.items() if isinstance(subjects, Mapping) else ())
        for tag in dict.fromkeys(map(str, held if isinstance(held, list | tuple) else ()))
        if tag in tags
    ]
