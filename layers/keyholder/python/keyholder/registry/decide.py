"""Who may register what: pure decisions of the registry.

Only an operator registers, and an operator is nothing but an operator: who sets the rules neither asks, decides nor
audits. The first operator is named once by the deployment (`Bootstrap`).
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from keyholder.identifiers.forms import FORMS
from keyholder.pseudonyms.schemes import Unsuited, unsuited
from keyholder.refusals import Refusal, RefusalKind
from keyholder.registry.domains import Domain
from keyholder.registry.events import (
    BootstrapUsed,
    DomainRegistered,
    KeysMade,
    ProjectChanged,
    ProjectRegistered,
)
from keyholder.registry.people import Person, PersonKind, to_be_confirmed
from keyholder.registry.people_events import PersonChanged, PersonRegistered
from keyholder.registry.projects import Project
from keyholder.vocabulary import DomainId, IdentifierType, PersonId, Role

NOT_AN_OPERATOR = Refusal(
    "NOT_AN_OPERATOR", RefusalKind.FORBIDDEN, "Ask a registered operator to do this; nobody else can."
)
BOOTSTRAP_SPENT = Refusal(
    "BOOTSTRAP_SPENT",
    RefusalKind.FORBIDDEN,
    "The deployment has named its first operator; ask that operator to register this person.",
)
BOOTSTRAP_NAMES_OPERATOR = Refusal(
    "BOOTSTRAP_NAMES_OPERATOR",
    RefusalKind.INVALID,
    "Register the first operator first: a human, not disabled, with the role operator and no other.",
    "/roles",
)
ROLE_STANDS_ALONE = Refusal(
    "ROLE_STANDS_ALONE",
    RefusalKind.INVALID,
    "Register operators and auditors with that role only; give other roles to other people.",
    "/roles",
)
MACHINE_ROLE = Refusal(
    "MACHINE_ROLE",
    RefusalKind.INVALID,
    "Register a machine as a provider or a researcher; the other roles are for humans.",
    "/roles",
)
OWN_RECORD = Refusal(
    "OWN_RECORD", RefusalKind.FORBIDDEN, "Ask another operator to change your record; nobody changes their own."
)
ALREADY_REGISTERED = Refusal(
    "ALREADY_REGISTERED", RefusalKind.CONFLICT, "It is registered; change it instead of registering it again."
)
NOT_REGISTERED = Refusal("NOT_REGISTERED", RefusalKind.NOT_FOUND, "Register it first; an operator can.")
MEMBER_UNKNOWN = Refusal(
    "MEMBER_UNKNOWN", RefusalKind.INVALID, "Register every member as a person before the project.", "/members"
)
DOMAIN_UNKNOWN = Refusal(
    "DOMAIN_UNKNOWN", RefusalKind.INVALID, "Register every domain before the project that asks from it.", "/domains"
)
KEY_VERSION_ORDER = Refusal(
    "KEY_VERSION_ORDER",
    RefusalKind.CONFLICT,
    "Propose a rotation: only the first version of a key is made without a second operator.",
)
KMS_KEY_NOT_CONFIGURED = Refusal(
    "KMS_KEY_NOT_CONFIGURED",
    RefusalKind.INVALID,
    "Have the deployment name this key among the controllers' own keys, then register the domain.",
    "/kms_key_arn",
)
KEY_TYPE_NOT_IN_DOMAIN = Refusal(
    "KEY_TYPE_NOT_IN_DOMAIN", RefusalKind.INVALID, "Name identifier types of this domain only.", "/versions"
)
SCHEME_TYPE_NOT_IN_DOMAIN = Refusal(
    "SCHEME_TYPE_NOT_IN_DOMAIN",
    RefusalKind.INVALID,
    "Choose schemes for the domain's own identifier types only.",
    "/schemes",
)
SCHEME_TOO_FEW_VALUES = Refusal(
    "SCHEME_TOO_FEW_VALUES",
    RefusalKind.INVALID,
    "Leave out ff1 for this type: it has fewer than one million values, which can be found by trying.",
    "/schemes",
)
SCHEME_NOT_DIGITS = Refusal(
    "SCHEME_NOT_DIGITS",
    RefusalKind.INVALID,
    "Leave out ff1 for this type: it is not digits alone.",
    "/schemes",
)
COLLECTION_WITHOUT_DEATHS = Refusal(
    "COLLECTION_WITHOUT_DEATHS",
    RefusalKind.INVALID,
    "Add date_of_death to the identifier types: without it nobody can tell who died before the collection began.",
    "/collection_began_on",
)
REFUSALS = (
    NOT_AN_OPERATOR,
    BOOTSTRAP_SPENT,
    BOOTSTRAP_NAMES_OPERATOR,
    ROLE_STANDS_ALONE,
    MACHINE_ROLE,
    OWN_RECORD,
    ALREADY_REGISTERED,
    NOT_REGISTERED,
    MEMBER_UNKNOWN,
    DOMAIN_UNKNOWN,
    KEY_VERSION_ORDER,
    KEY_TYPE_NOT_IN_DOMAIN,
    KMS_KEY_NOT_CONFIGURED,
    SCHEME_TYPE_NOT_IN_DOMAIN,
    SCHEME_TOO_FEW_VALUES,
    SCHEME_NOT_DIGITS,
    COLLECTION_WITHOUT_DEATHS,
)

_UNSUITED = {Unsuited.TOO_FEW_VALUES: SCHEME_TOO_FEW_VALUES, Unsuited.NOT_DIGITS: SCHEME_NOT_DIGITS}
_ALONE = frozenset({Role.OPERATOR, Role.AUDITOR})
_FOR_MACHINES = frozenset({Role.PROVIDER, Role.RESEARCHER})


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """The deployment's right to name the first operator: whose it is, and whom it named already."""

    holder: PersonId
    used_for: PersonId | None


def operates(acting: Person | None) -> bool:
    """Whether this is a registered, enabled, human operator."""
    return acting is not None and not acting.disabled and acting.kind is PersonKind.HUMAN and acting.has(Role.OPERATOR)


def use_bootstrap(
    bootstrap: Bootstrap, acting: PersonId, person: Person, existing: Person | None
) -> tuple[BootstrapUsed, ...] | Refusal:
    """Name the first operator. Once for one person, and never again once that person is registered.

    An empty tuple means that the right was used for this very person by an attempt that was cut short: go on.
    """
    if acting != bootstrap.holder:
        return NOT_AN_OPERATOR
    if existing is not None or bootstrap.used_for not in (None, person.id):
        return BOOTSTRAP_SPENT
    if not operates(person) or {held.role for held in person.roles} != {Role.OPERATOR}:
        return BOOTSTRAP_NAMES_OPERATOR
    return () if bootstrap.used_for else (BootstrapUsed(person.id),)


def register_person(
    acting: Person | None, person: Person, existing: Person | None
) -> tuple[PersonRegistered, ...] | Refusal:
    """A new person, by an operator. Roles that decide on requests wait for a second person (`decide_people`)."""
    if not operates(acting):
        return NOT_AN_OPERATOR
    if existing is not None:
        return ALREADY_REGISTERED
    return roles_refused(person) or (PersonRegistered(replace(person, awaiting=to_be_confirmed(person, None))),)


def change_person(
    acting: Person | None, person: Person, existing: Person | None
) -> tuple[PersonChanged, ...] | Refusal:
    """New roles, accreditation or standing of a person, by an operator who is somebody else."""
    if acting is None or not operates(acting):
        return NOT_AN_OPERATOR
    if acting.id == person.id:
        return OWN_RECORD
    if existing is None:
        return NOT_REGISTERED
    return roles_refused(person) or (PersonChanged(replace(person, awaiting=to_be_confirmed(person, existing))),)


def roles_refused(person: Person) -> Refusal | None:
    """Operators and auditors hold nothing else; a machine neither decides, audits nor operates."""
    roles = {held.role for held in person.roles}
    if roles & _ALONE and len(roles) > 1:
        return ROLE_STANDS_ALONE
    if person.kind is PersonKind.MACHINE and roles - _FOR_MACHINES:
        return MACHINE_ROLE
    return None


def register_project(
    acting: Person | None,
    project: Project,
    existing: Project | None,
    people: AbstractSet[PersonId],
    domains: AbstractSet[DomainId],
) -> tuple[ProjectRegistered, ...] | Refusal:
    """A new project, by an operator. `people` and `domains` are those of the project that are registered."""
    if not operates(acting):
        return NOT_AN_OPERATOR
    if existing is not None:
        return ALREADY_REGISTERED
    return _parts_refused(project, people, domains) or (ProjectRegistered(project),)


def change_project(
    acting: Person | None,
    project: Project,
    existing: Project | None,
    people: AbstractSet[PersonId],
    domains: AbstractSet[DomainId],
) -> tuple[ProjectChanged, ...] | Refusal:
    """Other members, domains, dates or evidence of a project, by an operator."""
    if not operates(acting):
        return NOT_AN_OPERATOR
    if existing is None:
        return NOT_REGISTERED
    return _parts_refused(project, people, domains) or (ProjectChanged(project),)


def _parts_refused(project: Project, people: AbstractSet[PersonId], domains: AbstractSet[DomainId]) -> Refusal | None:
    if not set(project.members) <= people:
        return MEMBER_UNKNOWN
    if not set(project.domains) <= domains:
        return DOMAIN_UNKNOWN
    return None


def register_domain(
    acting: Person | None, domain: Domain, existing: Domain | None, controller_keys: AbstractSet[str]
) -> tuple[DomainRegistered, ...] | Refusal:
    """A new domain, by an operator. `controller_keys` are the controllers' own KMS keys that the functions may use."""
    if not operates(acting):
        return NOT_AN_OPERATOR
    if existing is not None:
        return ALREADY_REGISTERED
    if domain.kms_key_arn is not None and domain.kms_key_arn not in controller_keys:
        return KMS_KEY_NOT_CONFIGURED
    return rules_refused(domain) or (DomainRegistered(domain),)


def rules_refused(domain: Domain) -> Refusal | None:
    """Schemes that the domain's types can't have, and a collection rule that could never apply."""
    if not set(domain.schemes) <= set(domain.identifier_types):
        return SCHEME_TYPE_NOT_IN_DOMAIN
    for kind, scheme in domain.schemes.items():
        why = unsuited(scheme, FORMS[kind])
        if why is not None:
            return _UNSUITED[why]
    if domain.collection_began_on is not None and IdentifierType.DATE_OF_DEATH not in domain.identifier_types:
        return COLLECTION_WITHOUT_DEATHS
    return None


def make_keys(
    acting: Person | None, domain: Domain | None, versions: tuple[tuple[IdentifierType, int], ...]
) -> tuple[KeysMade, ...] | Refusal:
    """A domain's first keys, by an operator. Every later version takes two (`decide_keys`)."""
    if not operates(acting):
        return NOT_AN_OPERATOR
    if domain is None:
        return NOT_REGISTERED
    types = [kind for kind, _ in versions]
    if not types or len(set(types)) != len(types) or not set(types) <= set(domain.identifier_types):
        return KEY_TYPE_NOT_IN_DOMAIN
    if any(version != 1 or domain.newest_version(kind) for kind, version in versions):
        return KEY_VERSION_ORDER
    return (KeysMade(versions),)
