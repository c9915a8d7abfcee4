"""What happened to a domain's rules after it was registered, and the form it has in the ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from keyholder.canonical import JsonObject
from keyholder.ledger.event import Event, NewEvent
from keyholder.registry.domains import Domain
from keyholder.registry.fields import Fields, UnknownEventError
from keyholder.registry.key_changes import ChangeState, actor_of
from keyholder.registry.rule_changes import RULE_CHANGE_ID, RuleChange, RuleChangeReason, read_rule_proposal
from keyholder.registry.rules import Rule, Rules, read_rules, rules_json

RULE_CHANGE_PROPOSED = "domain.rule_change_proposed"
RULE_CHANGE_CONFIRMED = "domain.rule_change_confirmed"
RULE_CHANGE_WITHDRAWN = "domain.rule_change_withdrawn"
DOMAIN_RULES_CHANGED = "domain.rules_changed"


@dataclass(frozen=True, slots=True)
class RuleChangeProposed:
    """An operator wants other rules. Who, and until when it can be confirmed, follow from the event itself."""

    id: str
    rules: Rules
    changes: tuple[Rule, ...]
    loosens: tuple[Rule, ...]
    reason: RuleChangeReason

    def new_event(self) -> NewEvent:
        data: JsonObject = {
            "change_id": self.id,
            "rules": rules_json(self.rules),
            "changes": [rule.value for rule in self.changes],
            "loosens": [rule.value for rule in self.loosens],
            "reason": self.reason.value,
        }
        return NewEvent(RULE_CHANGE_PROPOSED, data)


@dataclass(frozen=True, slots=True)
class RuleChangeConfirmed:
    """One of the domain's people agreed. `complete`: with them it is enough, and the rules follow in the same step."""

    id: str
    complete: bool

    def new_event(self) -> NewEvent:
        return NewEvent(RULE_CHANGE_CONFIRMED, {"change_id": self.id, "complete": self.complete})


@dataclass(frozen=True, slots=True)
class RulesChanged:
    """These are the domain's rules from now on."""

    id: str
    rules: Rules

    def new_event(self) -> NewEvent:
        return NewEvent(DOMAIN_RULES_CHANGED, {"change_id": self.id, "rules": rules_json(self.rules)})


@dataclass(frozen=True, slots=True)
class RuleChangeWithdrawn:
    """The proposer took it back, or somebody refused it."""

    id: str

    def new_event(self) -> NewEvent:
        return NewEvent(RULE_CHANGE_WITHDRAWN, {"change_id": self.id})


RuleEvent = RuleChangeProposed | RuleChangeConfirmed | RulesChanged | RuleChangeWithdrawn


def evolve_rules(domain: Domain, event: Event) -> Domain | None:
    """The domain after an event about its rules; None for any other. Raises `FieldError` or `UnknownEventError`."""
    fields = Fields(event.data)
    if event.type == RULE_CHANGE_PROPOSED:
        proposal = read_rule_proposal(fields, actor_of(event.actor), event.at)
        return replace(domain, rule_changes=(*domain.rule_changes, proposal))
    if event.type == RULE_CHANGE_CONFIRMED:
        change_id, complete = fields.text("change_id", RULE_CHANGE_ID), fields.flag("complete")
        return _with_change(domain, change_id, event, lambda change: _agreed(change, event, complete=complete))
    if event.type == RULE_CHANGE_WITHDRAWN:
        change_id = fields.text("change_id", RULE_CHANGE_ID)
        return _with_change(domain, change_id, event, lambda change: _closed(change, event, ChangeState.WITHDRAWN))
    if event.type == DOMAIN_RULES_CHANGED:
        fields.text("change_id", RULE_CHANGE_ID)
        ruled = domain.ruled_by(read_rules(fields.inner("rules")))
        # A type that is new has keys of which the keys table does not know yet.
        return replace(ruled, keys_behind=ruled.keys_behind or bool(ruled.types_without_keys()))
    return None


def _with_change(domain: Domain, change_id: str, event: Event, become: Callable[[RuleChange], RuleChange]) -> Domain:
    found = domain.rule_change(change_id)
    if found is None or found.closed is not None:
        raise UnknownEventError(event.type)
    changes = tuple(become(change) if change.id == change_id else change for change in domain.rule_changes)
    return replace(domain, rule_changes=changes)


def _agreed(change: RuleChange, event: Event, *, complete: bool) -> RuleChange:
    agreed = replace(change, confirmed_by=(*change.confirmed_by, actor_of(event.actor)))
    return _closed(agreed, event, ChangeState.CONFIRMED) if complete else agreed


def _closed(change: RuleChange, event: Event, state: ChangeState) -> RuleChange:
    return replace(change, closed=state, closed_by=actor_of(event.actor))
