"""Steps of the registry, decided again: people, projects, domains, and keys that two operators change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from keyholder.audit.people_rules import PeopleRules
from keyholder.audit.records import Records, moments
from keyholder.audit.replaying import Outcome, RuleError, follows, only, same_stream
from keyholder.ledger.event import Event
from keyholder.registry import decide, decide_keys, decide_rules, rule_events
from keyholder.registry import events as happened
from keyholder.registry.decide_people import Moment
from keyholder.registry.domains import Domain
from keyholder.registry.fields import Fields
from keyholder.registry.key_changes import KEY_CHANGE_ID, Change, Wish, actor_of, read_proposal
from keyholder.registry.people import Person
from keyholder.registry.projects import Project, read_project
from keyholder.registry.rule_changes import RULE_CHANGE_ID, read_rule_proposal
from keyholder.registry.rules import rules_json
from keyholder.registry.service import BOOTSTRAP
from keyholder.vocabulary import ActorId, IdentifierType, PersonId, ProjectId, StreamId


class RegistryRules:
    """The registry as far as the ledger has been read; `records` is what it makes of it."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._people = PeopleRules(records)
        self._domains: dict[StreamId, list[Event]] = {}
        self._members: dict[StreamId, list[Event]] = {}

    def step(self, stream: StreamId, events: Sequence[Event]) -> None:
        """Raises `RuleError`, `FieldError` or `UnknownEventError` unless this could happen now."""
        if stream == BOOTSTRAP:
            self._use_bootstrap(events)
            return
        kind = stream.partition("/")[0]
        if kind == "person":
            self._people.step(stream, events)
        elif kind == "project":
            self._project(stream, events)
        else:
            self._domain(stream, events)

    def _use_bootstrap(self, events: Sequence[Event]) -> None:
        named = happened.fold_bootstrap(events)
        if self._people.bootstrap is not None or named is None:
            raise RuleError("could not happen: BOOTSTRAP_SPENT")
        self._people.bootstrap = (actor_of(events[0].actor), named)

    def _project(self, stream: StreamId, events: Sequence[Event]) -> None:
        project = read_project(Fields(only(events).data))
        existing = self._records.projects.newest(project.id)
        same_stream(stream, f"project/{project.id}")
        rule = decide.register_project if events[0].type == happened.PROJECT_REGISTERED else decide.change_project
        people, domains = self._records.people.keys(), self._records.domains.keys()
        acting = self._records.acting(events[0])
        follows(events, (rule(who, project, existing, people, domains) for who in acting))
        known = self._members.setdefault(stream, [])
        known.extend(events)
        self._put_project(project.id, happened.fold_project(known), events[0].at)

    def _put_project(self, name: ProjectId, project: Project | None, at: datetime) -> None:
        if project is not None:
            self._records.projects.put(name, project, at)

    def _domain(self, stream: StreamId, events: Sequence[Event]) -> None:
        known = self._domains.setdefault(stream, [])
        existing = happened.fold_domain(known)
        rule = _DOMAIN_RULES.get(events[0].type)
        if rule is None:
            raise RuleError("no command makes this event")
        follows(
            events,
            (
                rule(self._records, acting, existing, events, now)
                for now in moments(events[0].at)
                for acting in self._records.acting(events[0])
            ),
        )
        known.extend(events)
        domain = happened.fold_domain(known)
        if domain is not None:
            same_stream(stream, f"domain/{domain.id}")
            self._records.domains.put(domain.id, domain, events[0].at)


DomainRule = Callable[[Records, Person | None, Domain | None, Sequence[Event], datetime], Outcome]


def _register_domain(
    _records: Records, acting: Person | None, existing: Domain | None, events: Sequence[Event], _now: datetime
) -> Outcome:
    """Which KMS keys of controllers the deployment allowed is not in the ledger, so the named one counts as allowed."""
    domain = happened.read_registration(Fields(events[0].data))
    allowed = frozenset({domain.kms_key_arn} if domain.kms_key_arn else ())
    return decide.register_domain(acting, domain, existing, allowed)


def _make_keys(
    _records: Records, acting: Person | None, existing: Domain | None, events: Sequence[Event], _now: datetime
) -> Outcome:
    versions = Fields(events[0].data).counts("versions")
    return decide.make_keys(acting, existing, tuple((IdentifierType(kind), made) for kind, made in versions.items()))


def _propose(
    _records: Records, acting: Person | None, existing: Domain | None, events: Sequence[Event], now: datetime
) -> Outcome:
    proposal = read_proposal(Fields(events[0].data), actor_of(events[0].actor), now)
    kinds = tuple(dict.fromkeys(kind for kind, _ in proposal.keys))
    versions = tuple(dict.fromkeys(version for _, version in proposal.keys))
    wish = Wish(proposal.change, kinds, () if proposal.change is Change.ROTATE else versions, proposal.reason)
    return decide_keys.propose(acting, existing, proposal.id, wish, now)


def _confirm(
    records: Records, acting: Person | None, existing: Domain | None, events: Sequence[Event], now: datetime
) -> Outcome:
    change_id = Fields(events[0].data).text("change_id", KEY_CHANGE_ID)

    def proposer(person: PersonId) -> Person | None:
        """As an operator, if they were one a moment before."""
        versions = tuple(records.people.around(person, events[0].at))
        return next((known for known in versions if decide.operates(known)), None)

    return decide_keys.confirm(acting, existing, change_id, now, proposer)


def _withdraw(
    _records: Records, acting: Person | None, existing: Domain | None, events: Sequence[Event], now: datetime
) -> Outcome:
    return decide_keys.withdraw(acting, existing, Fields(events[0].data).text("change_id", KEY_CHANGE_ID), now)


def _note_followed(
    _records: Records, _acting: Person | None, existing: Domain | None, events: Sequence[Event], _now: datetime
) -> Outcome:
    return decide_keys.note_followed(ActorId(events[0].actor), existing)


def _propose_rules(
    records: Records, acting: Person | None, existing: Domain | None, events: Sequence[Event], now: datetime
) -> Outcome:
    """Who could have approved under the new rules is not asked again."""
    proposal = read_rule_proposal(Fields(events[0].data), actor_of(events[0].actor), now)
    wanted = (proposal.id, rules_json(proposal.rules), proposal.reason)
    return decide_rules.propose(acting, existing, wanted, Moment(now, _people_then(records, events[0].at)))


def _confirm_rules(
    records: Records, acting: Person | None, existing: Domain | None, events: Sequence[Event], now: datetime
) -> Outcome:
    change_id = Fields(events[0].data).text("change_id", RULE_CHANGE_ID)
    return decide_rules.confirm(acting, existing, change_id, Moment(now, _people_then(records, events[0].at)))


def _withdraw_rules(
    records: Records, acting: Person | None, existing: Domain | None, events: Sequence[Event], now: datetime
) -> Outcome:
    change_id = Fields(events[0].data).text("change_id", RULE_CHANGE_ID)
    return decide_rules.withdraw(acting, existing, change_id, Moment(now, _people_then(records, events[0].at)))


def _people_then(records: Records, at: datetime) -> Callable[[PersonId], Person | None]:
    """People as operators, or as those who decide, if they were a moment before."""

    def look_up(person: PersonId) -> Person | None:
        versions = tuple(records.people.around(person, at))
        able = (known for known in versions if not known.disabled and known.memberships())
        return next(able, versions[0] if versions else None)

    return look_up


_DOMAIN_RULES: Mapping[str, DomainRule] = {
    happened.DOMAIN_REGISTERED: _register_domain,
    happened.DOMAIN_KEYS_MADE: _make_keys,
    happened.KEY_CHANGE_PROPOSED: _propose,
    happened.KEY_CHANGE_CONFIRMED: _confirm,
    happened.KEY_CHANGE_WITHDRAWN: _withdraw,
    happened.DOMAIN_KEYS_FOLLOWED: _note_followed,
    rule_events.RULE_CHANGE_PROPOSED: _propose_rules,
    rule_events.RULE_CHANGE_CONFIRMED: _confirm_rules,
    rule_events.RULE_CHANGE_WITHDRAWN: _withdraw_rules,
}
