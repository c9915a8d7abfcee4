"""People as Keyholder knows them: a hash for a name, the roles they hold, and until when they are accredited."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from keyholder.canonical import JsonObject
from keyholder.refusals import Refusal
from keyholder.registry.fields import ORGANISATION, PERSON, FieldError, Fields
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


@dataclass(frozen=True, slots=True)
class Membership:
    """A role held for an organisation."""

    role: Role
    organisation: OrganisationCode


@dataclass(frozen=True, slots=True)
class Person:
    """One person or machine. `accredited_until` is the last day their accreditation holds, in London."""

    id: PersonId
    roles: tuple[Membership, ...]
    kind: PersonKind = PersonKind.HUMAN
    accredited_until: date | None = None
    capacities: tuple[Capacity, ...] = ()
    disabled: bool = False

    def has(self, role: Role) -> bool:
        """Whether they hold `role` for any organisation."""
        return any(membership.role is role for membership in self.roles)

    def organisations(self, role: Role) -> frozenset[OrganisationCode]:
        """The organisations they hold `role` for."""
        return frozenset(membership.organisation for membership in self.roles if membership.role is role)

    def accredited_on(self, day: date) -> bool:
        """Unknown is not accredited."""
        return self.accredited_until is not None and day <= self.accredited_until


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
        "roles": [{"role": held.role.value, "organisation": held.organisation} for held in person.roles],
        "kind": person.kind.value,
        "accredited_until": person.accredited_until.isoformat() if person.accredited_until else None,
        "capacities": [capacity.value for capacity in person.capacities],
        "disabled": person.disabled,
    }


def read_person(fields: Fields) -> Person:
    """Raises `FieldError`."""
    person = Person(
        id=PersonId(fields.text("id", PERSON)),
        roles=tuple(_membership(inner) for inner in fields.inners("roles", 50)),
        kind=fields.choice("kind", PersonKind) if fields.has("kind") else PersonKind.HUMAN,
        accredited_until=fields.maybe_day("accredited_until"),
        capacities=fields.choices("capacities", Capacity) if fields.has("capacities") else (),
        disabled=fields.flag("disabled") if fields.has("disabled") else False,
    )
    fields.end()
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
