"""Changes of a domain's rules: what an operator proposes and the domain's own people confirm."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from keyholder.canonical import JsonObject
from keyholder.ledger.event import rfc3339
from keyholder.registry.factors import factors_view
from keyholder.registry.fields import Fields
from keyholder.registry.key_changes import ChangeState
from keyholder.registry.rules import Rule, Rules, read_rules, rules_json
from keyholder.vocabulary import PersonId

OPEN_FOR = timedelta(days=7)
"""How long a proposal waits for the domain's people."""

RULE_CHANGE_ID = re.compile(r"RCH-[0-9A-Z]{26}")


class RuleChangeReason(StrEnum):
    """Why, as a code: free text has no place in the ledger."""

    CONTROLLER_REQUEST = "controller_request"
    LAW_OR_POLICY = "law_or_policy"
    SECURITY_CONCERN = "security_concern"
    ORGANISATION_CHANGED = "organisation_changed"
    MISTAKE = "mistake"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One proposal and what became of it. `rules` are all the rules as they would be.

    `changes` names those that differ from the rules of then, `loosens` those among them that are not stricter.
    """

    id: str
    rules: Rules
    changes: tuple[Rule, ...]
    loosens: tuple[Rule, ...]
    reason: RuleChangeReason
    proposed_by: PersonId
    proposed_at: datetime
    confirmed_by: tuple[PersonId, ...] = ()
    closed: ChangeState | None = None
    closed_by: PersonId | None = None

    @property
    def expires_at(self) -> datetime:
        """From this moment on nobody can confirm it."""
        return self.proposed_at + OPEN_FOR

    def state(self, now: datetime) -> ChangeState:
        """Where it stands at a moment."""
        if self.closed is not None:
            return self.closed
        return ChangeState.OPEN if now < self.expires_at else ChangeState.EXPIRED


def rule_change_view(change: RuleChange, now: datetime) -> JsonObject:
    """The form of answers."""
    return {
        "change_id": change.id,
        "rules": {**rules_json(change.rules), "factors": factors_view(change.rules.factors)},
        "changes": [rule.value for rule in change.changes],
        "loosens": [rule.value for rule in change.loosens],
        "reason": change.reason.value,
        "state": change.state(now).value,
        "proposed_by": change.proposed_by,
        "proposed_at": rfc3339(change.proposed_at),
        "expires_at": rfc3339(change.expires_at),
        "confirmed_by": list(change.confirmed_by),
        "closed_by": change.closed_by,
    }


def open_rule_changes(changes: Iterable[RuleChange], now: datetime) -> tuple[RuleChange, ...]:
    """Those that still wait."""
    return tuple(change for change in changes if change.state(now) is ChangeState.OPEN)


def read_rule_proposal(fields: Fields, proposed_by: PersonId, proposed_at: datetime) -> RuleChange:
    """A proposal from its event. Raises `FieldError`."""
    change = RuleChange(
        id=fields.text("change_id", RULE_CHANGE_ID),
        rules=read_rules(fields.inner("rules")),
        changes=fields.choices("changes", Rule),
        loosens=fields.choices("loosens", Rule),
        reason=fields.choice("reason", RuleChangeReason),
        proposed_by=proposed_by,
        proposed_at=proposed_at,
    )
    fields.end()
    return change
