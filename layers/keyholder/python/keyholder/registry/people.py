"""People as Keyholder knows them: a hash for a name, the roles they hold, and until when they are accredited."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from keyholder.canonical import JsonObject
from keyholder.ledger.event import rfc3339
from keyholder.refusals import Refusal
from keyholder.registry.fields import ORGANISATION, PERSON, FieldError, FieldFault, Fields
from keyholder.registry.terms import Accepted, Document, accepted_json
from keyholder.vocabulary import OrganisationCode, PersonId, Role


class PersonKind(StrEnum):
    """A machine may send data in; only a human decides."""

    HUMAN = "human"
    MACHINE = "machine"


class Capacity(StrEnum):
    """In which capacity a person may ask: what the legal bases ask for (`requester.role` of the policy vocabulary).

    Registered by an operator. A request names one, and may name only one its requester holds.
    """

    RESEARCHER = "researcher"
    CLINICIAN = "clinician"
    COMMISSIONER_ANALYST = "commissioner_analyst"
    CONTROLLER_OFFICER = "controller_officer"
    PROGRAMME_OFFICER = "programme_officer"
    PUBLIC_HEALTH_OFFICER = "public_health_officer"


APPROVING = frozenset({Role.CONTROLLER, Role.CALDICOTT_GUARDIAN, Role.DATA_PROTECTION_OFFICER})
"""Roles whose holders decide on requests. It takes two people to give one."""


CONFIRM_WITHIN = timedelta(days=7)
"""How long a role waits for its second person."""


@dataclass(frozen=True, slots=True)
class Membership:
    """A role held for an organisation."""

    role: Role
    organisation: OrganisationCode


@dataclass(frozen=True, slots=True)
class Grant:
    """How somebody came by a membership: who gave it, when last, and since when it counts; None while it does not."""

    given_by: frozenset[PersonId]
    given_at: datetime
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Person:
    """One person or machine. `accredited_until` is the last day their accreditation holds, in London.

    `awaiting` are the memberships that do not count before a second person has confirmed them. `grants`, `terms` and
    `suspended_at` are derived: how each membership came about, which terms of use the person has accepted last, and
    when a record said last that they are suspended.
    """

    id: PersonId
    roles: tuple[Membership, ...]
    kind: PersonKind = PersonKind.HUMAN
    accredited_until: date | None = None
    capacities: tuple[Capacity, ...] = ()
    disabled: bool = False
    awaiting: frozenset[Membership] = frozenset()
    grants: Mapping[Membership, Grant] = field(default_factory=dict, compare=False, repr=False)
    terms: Mapping[Document, Accepted] = field(default_factory=dict, compare=False, repr=False)
    suspended_at: datetime | None = field(default=None, compare=False, repr=False)

    def memberships(self) -> frozenset[Membership]:
        """Those that count."""
        return frozenset(self.roles) - self.awaiting

    def has(self, role: Role) -> bool:
        """Whether they hold `role` for any organisation."""
        return any(membership.role is role for membership in self.memberships())

    def organisations(self, role: Role) -> frozenset[OrganisationCode]:
        """The organisations they hold `role` for."""
        return frozenset(membership.organisation for membership in self.memberships() if membership.role is role)

    def approves_for(self, organisation: OrganisationCode) -> bool:
        """Whether they decide on requests for this organisation, in whatever role."""
        return any(
            membership.role in APPROVING and membership.organisation == organisation
            for membership in self.memberships()
        )

    def accredited_on(self, day: date) -> bool:
        """Unknown is not accredited."""
        return self.accredited_until is not None and day <= self.accredited_until


def to_be_confirmed(person: Person, existing: Person | None) -> frozenset[Membership]:
    """The memberships of a new record that nobody but its writer stands behind yet.

    What somebody held who was suspended comes back as if it were new.
    """
    kept = existing.memberships() if existing is not None and not existing.disabled else frozenset()
    return frozenset(held for held in person.roles if held.role in APPROVING) - kept


def person_id(issuer: str, subject: str) -> PersonId:
    """`person/` and 32 hexadecimal digits of SHA-256 over issuer, newline, subject.

    Raises `ValueError` for an empty part or an issuer with a newline, which could be read two ways.
    """
    if not issuer or not subject or "\n" in issuer:
        raise ValueError("a person needs the issuer and the subject of their token")
    return PersonId("person/" + hashlib.sha256(f"{issuer}\n{subject}".encode()).hexdigest()[:32])


def person_json(person: Person) -> JsonObject:
    """The form of events and answers: the id is a hash, and there is no name."""
    return {
        "id": person.id,
        "roles": memberships_json(person.roles),
        "kind": person.kind.value,
        "accredited_until": person.accredited_until.isoformat() if person.accredited_until else None,
        "capacities": [capacity.value for capacity in person.capacities],
        "disabled": person.disabled,
        "awaiting": memberships_json(held for held in person.roles if held in person.awaiting),
    }


def person_view(person: Person) -> JsonObject:
    """The form of answers: the record, the roles that wait for a second person, the terms that were accepted."""
    return {
        **person_json(person),
        "awaiting": [
            {
                **membership,
                "given_by": sorted(person.grants[held].given_by),
                "expires_at": rfc3339(person.grants[held].given_at + CONFIRM_WITHIN),
            }
            for held, membership in zip(person.roles, memberships_json(person.roles), strict=True)
            if held in person.awaiting
        ],
        "terms": accepted_json(person.terms),
    }


def memberships_json(memberships: Iterable[Membership]) -> list[JsonObject]:
    """Memberships as events and answers name them."""
    return [{"role": held.role.value, "organisation": held.organisation} for held in memberships]


def read_memberships(fields: Fields, name: str) -> tuple[Membership, ...]:
    """Raises `FieldError`."""
    return tuple(_membership(inner) for inner in fields.inners(name, 50))


def read_person(fields: Fields) -> Person:
    """Raises `FieldError`."""
    person = Person(
        id=PersonId(fields.text("id", PERSON)),
        roles=read_memberships(fields, "roles"),
        kind=fields.choice("kind", PersonKind) if fields.has("kind") else PersonKind.HUMAN,
        accredited_until=fields.maybe_day("accredited_until"),
        capacities=fields.choices("capacities", Capacity) if fields.has("capacities") else (),
        disabled=fields.flag("disabled") if fields.has("disabled") else False,
        awaiting=frozenset(read_memberships(fields, "awaiting") if fields.has("awaiting") else ()),
    )
    fields.end()
    if not person.awaiting <= set(person.roles):
        raise FieldError(fields.at("awaiting"), FieldFault.RANGE)
    return person


def parse_person(raw: JsonObject) -> Person | Refusal:
    """A person from a request body: the form of `person_json`, all but `id` and `roles` optional."""
    try:
        return read_person(Fields(raw))
    except FieldError as error:
        return error.refusal()


def _membership(fields: Fields) -> Membership:
    membership = Membership(fields.choice("role", Role), OrganisationCode(fields.text("organisation", ORGANISATION)))
    fields.end()
    return membership
