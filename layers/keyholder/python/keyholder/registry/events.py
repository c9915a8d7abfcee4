"""What happened to projects and domains, and the form it has in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from keyholder.canonical import JsonObject
from keyholder.ledger.event import Event, NewEvent
from keyholder.registry.domains import Domain, KeyState, KeyVersions, domain_json, read_domain, scheme_warnings
from keyholder.registry.fields import PERSON, Fields, UnknownEventError
from keyholder.registry.key_changes import (
    KEY_CHANGE_ID,
    ChangeState,
    KeyChange,
    KeyName,
    Wish,
    actor_of,
    keys_json,
    read_proposal,
)
from keyholder.registry.people_events import PersonEvent
from keyholder.registry.projects import Project, project_json, read_project
from keyholder.registry.rule_events import RuleEvent, evolve_rules
from keyholder.vocabulary import IdentifierType, PersonId

BOOTSTRAP_USED = "bootstrap.used"
PROJECT_REGISTERED = "project.registered"
PROJECT_CHANGED = "project.changed"
DOMAIN_REGISTERED = "domain.registered"
DOMAIN_KEYS_MADE = "domain.keys_made"
DOMAIN_KEY_CHANGED = "domain.key_changed"
DOMAIN_KEYS_FOLLOWED = "domain.keys_followed"
KEY_CHANGE_PROPOSED = "domain.key_change_proposed"
KEY_CHANGE_CONFIRMED = "domain.key_change_confirmed"
KEY_CHANGE_WITHDRAWN = "domain.key_change_withdrawn"


@dataclass(frozen=True, slots=True)
class BootstrapUsed:
    """The deployment's one right to name a first operator went to this person."""

    operator: PersonId

    def new_event(self) -> NewEvent:
        return NewEvent(BOOTSTRAP_USED, {"operator": self.operator})


@dataclass(frozen=True, slots=True)
class ProjectRegistered:
    project: Project

    def new_event(self) -> NewEvent:
        return NewEvent(PROJECT_REGISTERED, project_json(self.project))


@dataclass(frozen=True, slots=True)
class ProjectChanged:
    """The whole new record; who left the project is what the earlier events have more."""

    project: Project

    def new_event(self) -> NewEvent:
        return NewEvent(PROJECT_CHANGED, project_json(self.project))


@dataclass(frozen=True, slots=True)
class DomainRegistered:
    """A new domain. What has to be known of the schemes it chose is written down with the choice."""

    domain: Domain

    def new_event(self) -> NewEvent:
        warnings = scheme_warnings(self.domain)
        return NewEvent(DOMAIN_REGISTERED, {**domain_json(self.domain), **({"warnings": warnings} if warnings else {})})


@dataclass(frozen=True, slots=True)
class KeysMade:
    """New versions, which make tokens from now on; the versions before them only open theirs."""

    versions: tuple[KeyName, ...]

    def new_event(self) -> NewEvent:
        return NewEvent(DOMAIN_KEYS_MADE, {"versions": {kind.value: version for kind, version in self.versions}})


@dataclass(frozen=True, slots=True)
class KeyChanged:
    """One version was retired or destroyed."""

    identifier_type: IdentifierType
    version: int
    state: KeyState

    def new_event(self) -> NewEvent:
        data = {"identifier_type": self.identifier_type.value, "version": self.version, "state": self.state.value}
        return NewEvent(DOMAIN_KEY_CHANGED, data)


@dataclass(frozen=True, slots=True)
class KeysFollowed:
    """The keys table holds what the events before this one say."""

    def new_event(self) -> NewEvent:
        return NewEvent(DOMAIN_KEYS_FOLLOWED, {})


@dataclass(frozen=True, slots=True)
class KeyChangeProposed:
    """One operator wants the keys changed. Who, and until when another can confirm, follow from the event itself."""

    id: str
    wish: Wish
    keys: tuple[KeyName, ...]

    def new_event(self) -> NewEvent:
        data: JsonObject = {
            "change_id": self.id,
            "change": self.wish.change.value,
            "keys": keys_json(self.keys),
            "reason": self.wish.reason.value,
        }
        return NewEvent(KEY_CHANGE_PROPOSED, data)


@dataclass(frozen=True, slots=True)
class KeyChangeConfirmed:
    """A second operator agreed; what changes follows in the same step."""

    id: str

    def new_event(self) -> NewEvent:
        return NewEvent(KEY_CHANGE_CONFIRMED, {"change_id": self.id})


@dataclass(frozen=True, slots=True)
class KeyChangeWithdrawn:
    """The proposer took it back, or another operator refused it."""

    id: str

    def new_event(self) -> NewEvent:
        return NewEvent(KEY_CHANGE_WITHDRAWN, {"change_id": self.id})


RegistryEvent = (
    BootstrapUsed
    | PersonEvent
    | ProjectRegistered
    | ProjectChanged
    | DomainRegistered
    | KeysMade
    | KeyChanged
    | KeysFollowed
    | KeyChangeProposed
    | KeyChangeConfirmed
    | KeyChangeWithdrawn
    | RuleEvent
)


def fold_bootstrap(events: Sequence[Event]) -> PersonId | None:
    """Who the bootstrap named, if it was used."""
    named: PersonId | None = None
    for event in events:
        if event.type != BOOTSTRAP_USED or named is not None:
            raise UnknownEventError(event.type)
        named = PersonId(Fields(event.data).text("operator", PERSON))
    return named


def fold_project(events: Sequence[Event]) -> Project | None:
    """The project as the events leave it; None without events. Raises `FieldError` or `UnknownEventError`."""
    project: Project | None = None
    ever: frozenset[PersonId] = frozenset()
    for event in events:
        if event.type not in (PROJECT_REGISTERED, PROJECT_CHANGED):
            raise UnknownEventError(event.type)
        project = read_project(Fields(event.data))
        ever |= frozenset(project.members)
        project = replace(project, former_members=ever - frozenset(project.members))
    return project


def fold_domain(events: Sequence[Event]) -> Domain | None:
    """The domain as the events leave it; None without events. Raises `FieldError` or `UnknownEventError`."""
    domain: Domain | None = None
    for event in events:
        domain = _evolve_domain(domain, event)
    return domain


def read_registration(fields: Fields) -> Domain:
    """The domain of a registration event. Its warnings follow from the schemes, and are for who reads the ledger.

    Raises `FieldError`.
    """
    if fields.has("warnings"):
        fields.inner("warnings")
    return read_domain(fields)


def _evolve_domain(domain: Domain | None, event: Event) -> Domain:
    if domain is None:
        if event.type != DOMAIN_REGISTERED:
            raise UnknownEventError(event.type)
        return read_registration(Fields(event.data))
    after = _evolve_keys(domain, event) or evolve_rules(domain, event)
    if after is None:
        raise UnknownEventError(event.type)
    return after


def _evolve_keys(domain: Domain, event: Event) -> Domain | None:
    """The domain after an event about its keys; None for any other."""
    fields = Fields(event.data)
    if event.type == DOMAIN_KEYS_MADE:
        for name, version in fields.counts("versions").items():
            domain = replace(domain, keys=_with_new_version(domain.keys, IdentifierType(name), version))
        return domain
    if event.type == DOMAIN_KEY_CHANGED:
        kind, version = fields.choice("identifier_type", IdentifierType), fields.number("version", 1)
        versions = {**domain.keys.get(kind, {}), version: fields.choice("state", KeyState)}
        return replace(domain, keys={**domain.keys, kind: versions})
    if event.type == KEY_CHANGE_PROPOSED:
        proposal = read_proposal(fields, actor_of(event.actor), event.at)
        return replace(domain, key_changes=(*domain.key_changes, proposal))
    if event.type in _CLOSES:
        change_id, closing = fields.text("change_id", KEY_CHANGE_ID), _CLOSES[event.type]
        changes = _with_closed(domain.key_changes, change_id, closing, actor_of(event.actor))
        return replace(domain, key_changes=changes, keys_behind=domain.keys_behind or closing is ChangeState.CONFIRMED)
    return replace(domain, keys_behind=False) if event.type == DOMAIN_KEYS_FOLLOWED else None


_CLOSES = {KEY_CHANGE_CONFIRMED: ChangeState.CONFIRMED, KEY_CHANGE_WITHDRAWN: ChangeState.WITHDRAWN}


def _with_closed(
    changes: tuple[KeyChange, ...], change_id: str, closing: ChangeState, closed_by: PersonId
) -> tuple[KeyChange, ...]:
    if not any(change.id == change_id and change.closed is None for change in changes):
        raise UnknownEventError(closing)
    return tuple(
        replace(change, closed=closing, closed_by=closed_by) if change.id == change_id else change for change in changes
    )


def _with_new_version(keys: KeyVersions, kind: IdentifierType, version: int) -> KeyVersions:
    older = {
        number: KeyState.REVERSIBLE if state is KeyState.ACTIVE else state
        for number, state in keys.get(kind, {}).items()
    }
    return {**keys, kind: {**older, version: KeyState.ACTIVE}}
