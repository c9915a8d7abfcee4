"""Who may change the policy's settings: pure decisions.

An operator proposes; a controller or a Caldicott Guardian confirms, for the rules are the controllers' to answer for.
Whoever decides on requests may stop a proposal, the data protection officer too, and so may any operator.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from keyholder.canonical import content_hash
from keyholder.policy.changes import (
    ChangeConfirmed,
    ChangeProposed,
    ChangeReason,
    ChangeWithdrawn,
    PolicyChange,
    PolicyState,
)
from keyholder.policy.settings import PolicyFacts, settings_json
from keyholder.policy.settings_form import read_settings
from keyholder.refusals import Refusal, RefusalKind
from keyholder.registry.decide import NOT_AN_OPERATOR, operates
from keyholder.registry.domains import Domain
from keyholder.registry.fields import Fields
from keyholder.registry.key_changes import ChangeState
from keyholder.registry.people import APPROVING, Person, PersonKind
from keyholder.registry.projects import Project
from keyholder.registry.sign_in import SignIn, SignInRules
from keyholder.registry.terms import TERMS_NOT_ACCEPTED, Document, InForce, current
from keyholder.vocabulary import DomainId, OrganisationCode, PersonId, ProjectId, Role

NOT_A_CONFIRMER = Refusal(
    "NOT_A_CONFIRMER",
    RefusalKind.FORBIDDEN,
    "Ask a controller or a Caldicott Guardian of an organisation that controls a domain to confirm it.",
)
NOT_A_STOPPER = Refusal(
    "NOT_A_STOPPER",
    RefusalKind.FORBIDDEN,
    "Ask an operator, or whoever decides on requests for an organisation that controls a domain, to withdraw it.",
)
OWN_POLICY_CHANGE = Refusal(
    "OWN_POLICY_CHANGE", RefusalKind.FORBIDDEN, "Ask somebody else to confirm; nobody confirms their own proposal."
)
OTHERS_COLLECTION = Refusal(
    "OTHERS_COLLECTION",
    RefusalKind.FORBIDDEN,
    "Ask a controller of every domain that a changed row names, or that a named project asks from.",
)
PROPOSER_NO_OPERATOR = Refusal(
    "PROPOSER_NO_OPERATOR",
    RefusalKind.CONFLICT,
    "Propose it again: who proposed it is no operator any more, so it has one person behind it.",
)
POLICY_CHANGE_OPEN = Refusal(
    "POLICY_CHANGE_OPEN",
    RefusalKind.CONFLICT,
    "Another change waits for its second person: it is confirmed, withdrawn or expired first.",
)
POLICY_UNCHANGED = Refusal(
    "POLICY_UNCHANGED", RefusalKind.CONFLICT, "Propose settings that differ from those in force."
)
POLICY_CHANGE_UNKNOWN = Refusal(
    "POLICY_CHANGE_UNKNOWN", RefusalKind.NOT_FOUND, "Read the policy: it lists every change that was proposed."
)
POLICY_CHANGE_CLOSED = Refusal(
    "POLICY_CHANGE_CLOSED", RefusalKind.CONFLICT, "It was confirmed or withdrawn; propose it again if it is needed."
)
POLICY_CHANGE_EXPIRED = Refusal(
    "POLICY_CHANGE_EXPIRED", RefusalKind.CONFLICT, "Nobody confirmed it within seven days; propose it again."
)
COLLECTION_UNKNOWN = Refusal(
    "COLLECTION_UNKNOWN",
    RefusalKind.INVALID,
    "Name a registered domain as the collection.",
    "/settings/type1_by_collection",
)
PROJECT_UNKNOWN = Refusal(
    "PROJECT_UNKNOWN", RefusalKind.INVALID, "Name a registered project as the exempt one.", "/settings/exempt_flows"
)
REFUSALS = (
    NOT_A_CONFIRMER,
    NOT_A_STOPPER,
    OWN_POLICY_CHANGE,
    OTHERS_COLLECTION,
    PROPOSER_NO_OPERATOR,
    POLICY_CHANGE_OPEN,
    POLICY_UNCHANGED,
    POLICY_CHANGE_UNKNOWN,
    POLICY_CHANGE_CLOSED,
    POLICY_CHANGE_EXPIRED,
    COLLECTION_UNKNOWN,
    PROJECT_UNKNOWN,
)

_CONFIRMING = frozenset({Role.CONTROLLER, Role.CALDICOTT_GUARDIAN})
"""Not the data protection officer, who advises and watches, and must not decide what they watch (UK GDPR Art 38(6))."""


class Register(Protocol):
    """What is registered, as far as these decisions look at it."""

    def person(self, person: PersonId) -> Person | None: ...

    def domain(self, domain: DomainId) -> Domain | None: ...

    def project(self, project: ProjectId) -> Project | None: ...

    def controls(self, organisation: OrganisationCode) -> bool:
        """Does the organisation control any domain?"""
        ...


@dataclass(frozen=True, slots=True)
class Situation:
    """Who acts, on which policy, with whom registered, and when; which terms of use who confirms has to accept."""

    acting: Person | None
    state: PolicyState
    register: Register
    now: datetime
    terms: InForce = field(default_factory=dict)


def propose(
    here: Situation, change_id: str, facts: PolicyFacts, reason: ChangeReason
) -> tuple[ChangeProposed, ...] | Refusal:
    """New settings, by an operator. Nothing changes before somebody on the controllers' side confirms them."""
    before = here.state.facts
    if not operates(here.acting):
        return NOT_AN_OPERATOR
    if here.state.open_change(here.now) is not None:
        return POLICY_CHANGE_OPEN
    if settings_json(facts) == settings_json(before):
        return POLICY_UNCHANGED
    if any(here.register.domain(domain) is None for domain in _collections(before, facts)):
        return COLLECTION_UNKNOWN
    if any(here.register.project(project) is None for project in _projects(before, facts)):
        return PROJECT_UNKNOWN
    return (ChangeProposed(change_id, facts, reason),)


def confirm(
    here: Situation, change_id: str, sign_in: SignIn, rules: SignInRules
) -> tuple[ChangeConfirmed, ...] | Refusal:
    """Put a proposal into force, by a controller or Caldicott Guardian who did not make it, freshly signed in."""
    stands_for = _organisations(here, _CONFIRMING)
    if here.acting is None or not stands_for:
        return NOT_A_CONFIRMER
    change = here.state.change(change_id)
    if change is None:
        return POLICY_CHANGE_UNKNOWN
    return (
        rules.refused(sign_in, here.now)
        or (None if current(here.acting.terms, Document.APPROVER, here.terms) else TERMS_NOT_ACCEPTED)
        or _not_confirmable(here, here.acting, stands_for, change)
        or (ChangeConfirmed(change.id, content_hash(change.settings), here.terms.get(Document.APPROVER)),)
    )


def withdraw(here: Situation, change_id: str) -> tuple[ChangeWithdrawn, ...] | Refusal:
    """Take a proposal back, or stop it: one person is enough."""
    if not operates(here.acting) and not _organisations(here, APPROVING):
        return NOT_A_STOPPER
    change = here.state.change(change_id)
    if change is None:
        return POLICY_CHANGE_UNKNOWN
    return _not_open(change, here.now) or (ChangeWithdrawn(change.id),)


def _not_confirmable(
    here: Situation, acting: Person, stands_for: AbstractSet[OrganisationCode], change: PolicyChange
) -> Refusal | None:
    if acting.id == change.proposed_by:
        return OWN_POLICY_CHANGE
    refused = _not_open(change, here.now)
    if refused is not None:
        return refused
    if not operates(here.register.person(change.proposed_by)):
        return PROPOSER_NO_OPERATOR
    before, after = here.state.facts, read_settings(Fields(change.settings))
    touched = {*_collections(before, after), *_asked_from(before, after, here.register)}
    domains = [here.register.domain(domain) for domain in sorted(touched)]
    if any(domain is None or not stands_for & set(domain.controllers) for domain in domains):
        return OTHERS_COLLECTION
    return None


def _not_open(change: PolicyChange, now: datetime) -> Refusal | None:
    state = change.state(now)
    if state is ChangeState.EXPIRED:
        return POLICY_CHANGE_EXPIRED
    return None if state is ChangeState.OPEN else POLICY_CHANGE_CLOSED


def _organisations(here: Situation, roles: AbstractSet[Role]) -> frozenset[OrganisationCode]:
    """The organisations this enabled human stands for in one of the roles, as far as they control a domain."""
    person = here.acting
    if person is None or person.disabled or person.kind is not PersonKind.HUMAN:
        return frozenset()
    held = {organisation for role in roles for organisation in person.organisations(role)}
    return frozenset(organisation for organisation in held if here.register.controls(organisation))


def _collections(before: PolicyFacts, after: PolicyFacts) -> set[DomainId]:
    """The collections of which a row goes or comes."""
    changed = set(before.type1_by_collection) ^ set(after.type1_by_collection)
    return {DomainId(rule.collection) for rule in changed}


def _projects(before: PolicyFacts, after: PolicyFacts) -> set[ProjectId]:
    """The projects of which an exemption goes or comes."""
    changed = set(before.exempt_flows) ^ set(after.exempt_flows)
    return {ProjectId(flow.project_id) for flow in changed if flow.project_id is not None}


def _asked_from(before: PolicyFacts, after: PolicyFacts, register: Register) -> set[DomainId]:
    """The domains that the projects of changed exemptions ask from."""
    projects = [register.project(project) for project in _projects(before, after)]
    return {domain for project in projects if project is not None for domain in project.domains}
