"""What happened to people, and the form it has in the ledger. A person's stream is theirs: `person/<hash>`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from keyholder.ledger.event import Event, NewEvent
from keyholder.registry.fields import Fields, UnknownEventError
from keyholder.registry.key_changes import actor_of
from keyholder.registry.people import (
    Grant,
    Membership,
    Person,
    memberships_json,
    person_json,
    read_memberships,
    read_person,
)
from keyholder.registry.terms import Accepted, Terms, read_terms, terms_json
from keyholder.vocabulary import PersonId

PERSON_REGISTERED = "person.registered"
PERSON_CHANGED = "person.changed"
PERSON_ROLES_CONFIRMED = "person.roles_confirmed"
PERSON_TERMS_ACCEPTED = "person.terms_accepted"


@dataclass(frozen=True, slots=True)
class PersonRegistered:
    person: Person

    def new_event(self) -> NewEvent:
        return NewEvent(PERSON_REGISTERED, person_json(self.person))


@dataclass(frozen=True, slots=True)
class PersonChanged:
    """The whole new record, so that the last such event says what is registered."""

    person: Person

    def new_event(self) -> NewEvent:
        return NewEvent(PERSON_CHANGED, person_json(self.person))


@dataclass(frozen=True, slots=True)
class RolesConfirmed:
    """A second person agreed that somebody holds these roles: they count from now on."""

    roles: tuple[Membership, ...]

    def new_event(self) -> NewEvent:
        return NewEvent(PERSON_ROLES_CONFIRMED, {"roles": memberships_json(self.roles)})


@dataclass(frozen=True, slots=True)
class TermsAccepted:
    """The person accepted a text, named by its hash."""

    terms: Terms

    def new_event(self) -> NewEvent:
        return NewEvent(PERSON_TERMS_ACCEPTED, terms_json(self.terms))


PersonEvent = PersonRegistered | PersonChanged | RolesConfirmed | TermsAccepted


def fold_person(events: Sequence[Event]) -> Person | None:
    """The person as the events leave them; None without events. Raises `FieldError` or `UnknownEventError`."""
    person: Person | None = None
    for event in events:
        person = evolve(person, event)
    return person


def says_who_awaits(event: Event) -> bool:
    """Whether a record says which memberships await a second person. Ledgers began without, and all counted at once."""
    return "awaiting" in event.data


def evolve(person: Person | None, event: Event) -> Person:
    """The person after one more event. Raises `FieldError` or `UnknownEventError`."""
    fields = Fields(event.data)
    if event.type in (PERSON_REGISTERED, PERSON_CHANGED):
        record = read_person(fields)
        suspended = event.at if record.disabled else person.suspended_at if person else None
        return replace(
            record,
            grants=_granted(record, person, event),
            terms=person.terms if person else {},
            suspended_at=suspended,
        )
    if person is not None and event.type == PERSON_ROLES_CONFIRMED:
        roles = read_memberships(fields, "roles")
        fields.end()
        if not roles or not set(roles) <= person.awaiting:
            raise UnknownEventError(event.type)
        confirmed = {held: replace(person.grants[held], since=event.at) for held in roles}
        return replace(person, awaiting=person.awaiting - set(roles), grants={**person.grants, **confirmed})
    if person is not None and event.type == PERSON_TERMS_ACCEPTED:
        terms = read_terms(fields)
        return replace(person, terms={**person.terms, terms.document: Accepted(terms, event.at)})
    raise UnknownEventError(event.type)


def _granted(record: Person, before: Person | None, event: Event) -> Mapping[Membership, Grant]:
    """Where each membership of a new record comes from. Whoever writes one that awaits a second person has given it."""
    known = before.grants if before else {}
    giver: frozenset[PersonId] = frozenset({actor_of(event.actor)})
    grants: dict[Membership, Grant] = {}
    for held in record.roles:
        earlier = known.get(held)
        if held in record.awaiting:
            others = earlier.given_by if earlier and earlier.since is None else frozenset()
            grants[held] = Grant(giver | others, event.at, None)
        else:
            grants[held] = earlier if earlier and earlier.since else Grant(giver, event.at, event.at)
    return grants
