"""Changes of the policy's settings: what an operator proposes and somebody on the controllers' side confirms.

The stream `policy/settings` holds them. A proposal carries the whole settings, so that the newest confirmed one is the
settings in force; before the first they are the product's default.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from keyholder.canonical import JsonObject, content_hash
from keyholder.ledger.event import Event, NewEvent, rfc3339
from keyholder.policy.settings import CHECK_AT_DISCLOSURE, PolicyFacts, settings_json
from keyholder.policy.settings_form import differences, read_settings
from keyholder.registry.fields import SHA256, Fields, UnknownEventError
from keyholder.registry.key_changes import ChangeState, actor_of
from keyholder.registry.terms import Terms, accepted_terms_json, read_accepted_terms
from keyholder.vocabulary import ContentHash, PersonId, StreamId

SETTINGS = StreamId("policy/settings")

CHANGE_PROPOSED = "policy.change_proposed"
CHANGE_CONFIRMED = "policy.change_confirmed"
CHANGE_WITHDRAWN = "policy.change_withdrawn"

OPEN_FOR = timedelta(days=7)
"""How long a proposal waits for its second person: time to read the paper it rests on."""

CHANGE_ID = re.compile(r"PCH-[0-9A-Z]{26}")


class ChangeReason(StrEnum):
    """Why, as a code: free text has no place in the ledger."""

    LAW_CHANGED = "law_changed"
    GUIDANCE_CHANGED = "guidance_changed"
    CONTROLLER_DECISION = "controller_decision"
    REVIEW = "review"
    INCIDENT = "incident"
    CORRECTION = "correction"
    ROLLBACK = "rollback"
    """Back to settings that were in force before."""


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """One proposal and what became of it. `settings` are the whole settings, `before` those it was made against."""

    id: str
    settings: JsonObject
    before: JsonObject
    reason: ChangeReason
    proposed_by: PersonId
    proposed_at: datetime
    closed: ChangeState | None = None
    closed_by: PersonId | None = None
    closed_at: datetime | None = None

    @property
    def expires_at(self) -> datetime:
        """From this moment on nobody can confirm it."""
        return self.proposed_at + OPEN_FOR

    def state(self, now: datetime) -> ChangeState:
        """Where it stands at a moment. Expiry is no event: it follows from the clock."""
        if self.closed is not None:
            return self.closed
        return ChangeState.OPEN if now < self.expires_at else ChangeState.EXPIRED


@dataclass(frozen=True, slots=True)
class PolicyState:
    """The settings in force, and every proposal there was, the oldest first."""

    facts: PolicyFacts = CHECK_AT_DISCLOSURE
    changes: tuple[PolicyChange, ...] = ()

    def change(self, change_id: str) -> PolicyChange | None:
        """The proposal with this id."""
        return next((change for change in self.changes if change.id == change_id), None)

    def open_change(self, now: datetime) -> PolicyChange | None:
        """The one that waits for its second person."""
        return next((change for change in self.changes if change.state(now) is ChangeState.OPEN), None)


@dataclass(frozen=True, slots=True)
class ChangeProposed:
    """Who, and until when it can be confirmed, follow from the event itself."""

    id: str
    facts: PolicyFacts
    reason: ChangeReason

    def new_event(self) -> NewEvent:
        data: JsonObject = {
            "change_id": self.id,
            "settings": settings_json(self.facts),
            "settings_sha256": settings_hash(self.facts),
            "reason": self.reason.value,
        }
        return NewEvent(CHANGE_PROPOSED, data)


@dataclass(frozen=True, slots=True)
class ChangeConfirmed:
    """The settings of the proposal are in force from now on. `accepted`: the terms of use the person had accepted."""

    id: str
    settings_sha256: ContentHash
    accepted: Terms | None = None

    def new_event(self) -> NewEvent:
        data: JsonObject = {"change_id": self.id, "settings_sha256": self.settings_sha256}
        return NewEvent(CHANGE_CONFIRMED, {**data, **accepted_terms_json(self.accepted)})


@dataclass(frozen=True, slots=True)
class ChangeWithdrawn:
    """The proposer took it back, or somebody else stopped it."""

    id: str

    def new_event(self) -> NewEvent:
        return NewEvent(CHANGE_WITHDRAWN, {"change_id": self.id})


PolicyEvent = ChangeProposed | ChangeConfirmed | ChangeWithdrawn


def settings_hash(facts: PolicyFacts) -> ContentHash:
    """SHA-256 of the canonical settings alone. The policy hash covers the tables of the running version as well."""
    return content_hash(settings_json(facts))


def fold_policy(events: Sequence[Event]) -> PolicyState:
    """The policy as the events leave it. Raises `FieldError`, `CapError` or `UnknownEventError`."""
    state = _Folding()
    for event in events:
        fields = Fields(event.data)
        if event.type == CHANGE_PROPOSED:
            state.proposed(fields, event)
        elif event.type in _CLOSES:
            state.closed(fields, event, _CLOSES[event.type])
        else:
            raise UnknownEventError(event.type)
        fields.end()
    facts = CHECK_AT_DISCLOSURE if state.in_force is None else read_settings(Fields(state.in_force))
    return PolicyState(facts, tuple(state.changes.values()))


_CLOSES = {CHANGE_CONFIRMED: ChangeState.CONFIRMED, CHANGE_WITHDRAWN: ChangeState.WITHDRAWN}


@dataclass(slots=True)
class _Folding:
    """Only the settings in force are read: older ones may have been under other caps."""

    changes: dict[str, PolicyChange] = field(default_factory=dict)
    in_force: JsonObject | None = None

    def proposed(self, fields: Fields, event: Event) -> None:
        change = PolicyChange(
            id=fields.text("change_id", CHANGE_ID),
            settings=fields.raw("settings"),
            before=settings_json(CHECK_AT_DISCLOSURE) if self.in_force is None else self.in_force,
            reason=fields.choice("reason", ChangeReason),
            proposed_by=actor_of(event.actor),
            proposed_at=event.at,
        )
        if fields.text("settings_sha256", SHA256) != content_hash(change.settings) or change.id in self.changes:
            raise UnknownEventError(event.type)
        self.changes[change.id] = change

    def closed(self, fields: Fields, event: Event, closing: ChangeState) -> None:
        change = self.changes.get(fields.text("change_id", CHANGE_ID))
        if change is None or change.closed is not None:
            raise UnknownEventError(event.type)
        closed_by = actor_of(event.actor)
        self.changes[change.id] = replace(change, closed=closing, closed_by=closed_by, closed_at=event.at)
        if closing is ChangeState.CONFIRMED:
            if fields.text("settings_sha256", SHA256) != content_hash(change.settings):
                raise UnknownEventError(event.type)
            read_accepted_terms(fields)
            self.in_force = change.settings


def change_view(change: PolicyChange, now: datetime) -> JsonObject:
    """The form of answers: what changes, field by field, and the whole settings."""
    return {
        "change_id": change.id,
        "reason": change.reason.value,
        "state": change.state(now).value,
        "differences": differences(change.before, change.settings),
        "settings": change.settings,
        "settings_sha256": content_hash(change.settings),
        "proposed_by": change.proposed_by,
        "proposed_at": rfc3339(change.proposed_at),
        "expires_at": rfc3339(change.expires_at),
        "closed_by": change.closed_by,
        "closed_at": None if change.closed_at is None else rfc3339(change.closed_at),
    }


def policy_view(state: PolicyState, now: datetime) -> JsonObject:
    """The form of answers: the settings in force, the hash of the policy they give, and the proposal that waits."""
    waiting = state.open_change(now)
    return {
        "policy_hash": state.facts.policy_hash,
        "settings": settings_json(state.facts),
        "settings_sha256": settings_hash(state.facts),
        "waiting": None if waiting is None else change_view(waiting, now),
        "changes": [
            {
                "change_id": change.id,
                "reason": change.reason.value,
                "state": change.state(now).value,
                "settings_sha256": content_hash(change.settings),
                "proposed_at": rfc3339(change.proposed_at),
            }
            for change in reversed(state.changes)
        ],
    }
