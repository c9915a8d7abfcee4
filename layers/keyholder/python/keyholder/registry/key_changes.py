"""Changes of a domain's keys: what one operator proposes and another confirms, and the form it has in the ledger."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from keyholder.canonical import JsonObject
from keyholder.ledger.event import rfc3339
from keyholder.refusals import Refusal
from keyholder.registry.fields import PERSON, FieldError, Fields
from keyholder.vocabulary import IdentifierType, PersonId

OPEN_FOR = timedelta(hours=24)
"""How long a proposal waits for its second person."""

MOST_VERSIONS = 20
"""How many versions one proposal may name."""

KEY_CHANGE_ID = re.compile(r"KCH-[0-9A-Z]{26}")

KeyName = tuple[IdentifierType, int]
"""One version of one identifier type's key."""


class Change(StrEnum):
    """What may be done to versions of a domain's keys."""

    ROTATE = "rotate"
    """A new version makes tokens; the one before only opens its own."""
    RETIRE = "retire"
    """A version that makes no tokens any more opens none either."""
    DESTROY = "destroy"
    """A retired version is gone for good."""


class ChangeReason(StrEnum):
    """Why, as a code: free text has no place in the ledger."""

    ROUTINE = "routine"
    SUSPECTED_COMPROMISE = "suspected_compromise"
    CONTROLLER_REQUEST = "controller_request"
    RETENTION_ENDED = "retention_ended"
    MISTAKE = "mistake"
    OTHER = "other"


class ChangeState(StrEnum):
    """Where a proposal stands. Expiry is no event: it follows from the clock."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Wish:
    """What an operator asks for: the change, of these versions of these identifier types, and why.

    A rotation names no version, for there is only one next; the others name every version they are about.
    """

    change: Change
    identifier_types: tuple[IdentifierType, ...]
    versions: tuple[int, ...]
    reason: ChangeReason


@dataclass(frozen=True, slots=True)
class KeyChange:
    """One proposal and what became of it. `keys` are the versions it makes, retires or destroys."""

    id: str
    change: Change
    keys: tuple[KeyName, ...]
    reason: ChangeReason
    proposed_by: PersonId
    proposed_at: datetime
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


def key_change_view(change: KeyChange, now: datetime) -> JsonObject:
    """The form of answers."""
    return {
        "change_id": change.id,
        "change": change.change.value,
        "keys": keys_json(change.keys),
        "reason": change.reason.value,
        "state": change.state(now).value,
        "proposed_by": change.proposed_by,
        "proposed_at": rfc3339(change.proposed_at),
        "expires_at": rfc3339(change.expires_at),
        "closed_by": change.closed_by,
    }


def open_changes(changes: Iterable[KeyChange], now: datetime) -> tuple[KeyChange, ...]:
    """Those that still wait for their second person."""
    return tuple(change for change in changes if change.state(now) is ChangeState.OPEN)


def keys_json(keys: Iterable[KeyName]) -> list[JsonObject]:
    """Key versions as events and answers name them."""
    return [{"identifier_type": kind.value, "version": version} for kind, version in keys]


def read_proposal(fields: Fields, proposed_by: PersonId, proposed_at: datetime) -> KeyChange:
    """A proposal from its event. Raises `FieldError`."""
    change = KeyChange(
        id=fields.text("change_id", KEY_CHANGE_ID),
        change=fields.choice("change", Change),
        keys=tuple(
            (key.choice("identifier_type", IdentifierType), key.number("version", 1)) for key in fields.inners("keys")
        ),
        reason=fields.choice("reason", ChangeReason),
        proposed_by=proposed_by,
        proposed_at=proposed_at,
    )
    fields.end()
    return change


def parse_wish(raw: JsonObject) -> Wish | Refusal:
    """A wish from a request body; `versions` optional."""
    fields = Fields(raw)
    try:
        wish = Wish(
            change=fields.choice("change", Change),
            identifier_types=fields.choices("identifier_types", IdentifierType),
            versions=fields.numbers("versions", 1) if fields.has("versions") else (),
            reason=fields.choice("reason", ChangeReason),
        )
        fields.end()
    except FieldError as error:
        return error.refusal()
    return wish


def actor_of(text: str) -> PersonId:
    """The person who did something. Raises `ValueError` for an actor that is no person."""
    if not PERSON.fullmatch(text):
        raise ValueError("a key is changed by people only")
    return PersonId(text)
