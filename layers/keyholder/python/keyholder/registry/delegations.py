"""Somebody decides in the place of somebody who is away: what a delegation says, and while what it says holds.

What is lent is one role for one organisation. Who lends it keeps it. It is in force only while both people are fit for
it, as they are registered at that moment: nothing has to be withdrawn for it to end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from keyholder.canonical import JsonObject
from keyholder.ledger.event import rfc3339
from keyholder.policy.days import london_day, over
from keyholder.refusals import Refusal
from keyholder.registry.fields import ORGANISATION, PERSON, FieldError, Fields
from keyholder.registry.people import APPROVING, Membership, Person, PersonKind
from keyholder.vocabulary import OrganisationCode, PersonId, Role

DELEGATION = re.compile(r"DLG-[0-9A-HJKMNP-TV-Z]{26}")
LONGEST = timedelta(days=30)
"""As long as a request waits for a decision (`Limits.decision_within`): whoever is away longer needs a successor."""
AHEAD = timedelta(days=90)
"""How far ahead its first day may lie."""


class DelegationReason(StrEnum):
    """Why, as a code that says nothing about anybody's health: the ledger keeps it for years."""

    PLANNED_ABSENCE = "planned_absence"
    UNPLANNED_ABSENCE = "unplanned_absence"
    OTHER_DUTIES = "other_duties"
    HANDING_OVER = "handing_over"
    """The successor is being registered."""
    OTHER = "other"


class DelegationState(StrEnum):
    """Where it stands by itself; whether it is in force depends on its people too. Expiry is no event."""

    WAITING = "waiting"
    """For its second person."""
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    """Nobody confirmed it in time."""
    OVER = "over"
    """Its last day has passed."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Who is to decide in whose role, and on which days in London, `first` and `last` included."""

    delegate: PersonId
    membership: Membership
    first: date
    last: date
    reason: DelegationReason

    def json(self) -> JsonObject:
        """The form of events and answers."""
        return {
            "delegate": self.delegate,
            "role": self.membership.role.value,
            "organisation": self.membership.organisation,
            "from": self.first.isoformat(),
            "until": self.last.isoformat(),
            "reason": self.reason.value,
        }


@dataclass(frozen=True, slots=True)
class Delegation:
    """One delegation, and who had a hand in it."""

    id: str
    delegator: PersonId
    wish: Wish
    named_at: datetime
    confirmed_by: PersonId | None = None
    confirmed_at: datetime | None = None
    withdrawn_by: PersonId | None = None
    withdrawn_at: datetime | None = None

    @property
    def confirm_before(self) -> datetime:
        """From this moment on nobody can confirm it."""
        return self.named_at + CONFIRM_WITHIN

    def state(self, now: datetime) -> DelegationState:
        """Where it stands at a moment."""
        if self.withdrawn_at is not None:
            return DelegationState.WITHDRAWN
        if self.confirmed_at is None and now >= self.confirm_before:
            return DelegationState.EXPIRED
        if over(self.wish.last, london_day(now)):
            return DelegationState.OVER
        return DelegationState.WAITING if self.confirmed_at is None else DelegationState.CONFIRMED

    def lasts(self, now: datetime) -> bool:
        """Whether it is confirmed, not withdrawn, and this is one of its days."""
        return self.state(now) is DelegationState.CONFIRMED and self.wish.first <= london_day(now)

    def overlaps(self, wish: Wish) -> bool:
        """Whether some day of both is the same."""
        return self.wish.first <= wish.last and wish.first <= self.wish.last

    def fit(self, delegator: Person | None, delegate: Person | None) -> bool:
        """Whether both are still what they were when it was named, without a break. Unknown is no.

        What somebody lost and got back is not what they lent, and whoever was suspended begins anew.
        """
        if delegator is None or delegate is None or (delegator.id, delegate.id) != (self.delegator, self.wish.delegate):
            return False
        return held_since(delegator, self.wish.membership, self.named_at) and stands_in(
            delegate, self.wish.membership, self.named_at
        )


CONFIRM_WITHIN = timedelta(days=7)
"""How long it waits for its second person, as a role does."""
_ALONE = frozenset({Role.OPERATOR, Role.AUDITOR})
"""Who registers people, and who watches, never decides."""


@dataclass(frozen=True, slots=True)
class Under:
    """Somebody acts in the place of somebody else."""

    delegation: str
    delegator: Person
    membership: Membership

    def lent_to(self, delegate: Person) -> Person:
        """The delegate with the role they were lent, and with no other: nobody acts in two capacities at once."""
        return replace(delegate, roles=(self.membership,), awaiting=frozenset())


@dataclass(frozen=True, slots=True)
class Delegated:
    """What an event says of it."""

    delegation: str
    in_place_of: PersonId

    def json(self) -> JsonObject:
        """The form of events and answers."""
        return {"delegation_id": self.delegation, "in_place_of": self.in_place_of}

    @classmethod
    def read(cls, fields: Fields) -> Delegated:
        """Raises `FieldError`."""
        found = cls(fields.text("delegation_id", DELEGATION), PersonId(fields.text("in_place_of", PERSON)))
        fields.end()
        return found


def delegated_json(delegated: Delegated | None) -> JsonObject:
    """What an event of a decision says where it was made in somebody's place, and nothing where it was not."""
    return {} if delegated is None else {"delegation": delegated.json()}


def read_delegated(fields: Fields) -> Delegated | None:
    """What `delegated_json` wrote. Raises `FieldError`."""
    return Delegated.read(fields.inner("delegation")) if fields.has("delegation") else None


def held_since(person: Person, membership: Membership, moment: datetime) -> bool:
    """Whether an enabled human holds a role, and has held it from this moment on without a break."""
    if person.disabled or person.kind is not PersonKind.HUMAN or membership not in person.memberships():
        return False
    grant = person.grants.get(membership)
    unbroken = grant is not None and grant.since is not None and grant.since <= moment
    return unbroken and (person.suspended_at is None or person.suspended_at < moment)


def stands_in(person: Person, membership: Membership, moment: datetime) -> bool:
    """Whether somebody may decide in a role they were lent: an enabled human, registered for the same organisation
    from this moment on, who holds that role no other way, and is neither an operator nor an auditor."""
    held = person.memberships()
    if membership in held or any(one.role in _ALONE for one in held):
        return False
    same = (one for one in held if one.organisation == membership.organisation)
    return any(held_since(person, one, moment) for one in same)


def with_lent(person: Person, lent: tuple[Under, ...]) -> Person:
    """Somebody with the roles they were lent beside their own: for what they see, and say short of deciding."""
    more = tuple(under.membership for under in lent if under.membership not in person.roles)
    return replace(person, roles=(*person.roles, *more)) if more else person


def read_wish(fields: Fields) -> Wish:
    """What `Wish.json` wrote. Raises `FieldError`."""
    return Wish(
        PersonId(fields.text("delegate", PERSON)),
        Membership(fields.choice("role", Role), OrganisationCode(fields.text("organisation", ORGANISATION))),
        fields.day("from"),
        fields.day("until"),
        fields.choice("reason", DelegationReason),
    )


def parse_wish(raw: JsonObject) -> Wish | Refusal:
    """A delegation from a request body."""
    try:
        fields = Fields(raw)
        wish = read_wish(fields)
        fields.end()
    except FieldError as error:
        return error.refusal()
    return wish


def delegation_view(delegation: Delegation, now: datetime, version: int, *, in_force: bool) -> JsonObject:
    """The form of answers; `version` is the number of its newest event."""
    return {
        "delegation_id": delegation.id,
        "version": version,
        "state": delegation.state(now).value,
        "in_force": in_force,
        "delegator": delegation.delegator,
        **delegation.wish.json(),
        "named_at": rfc3339(delegation.named_at),
        "confirm_before": rfc3339(delegation.confirm_before),
        "confirmed_by": delegation.confirmed_by,
        "confirmed_at": rfc3339(delegation.confirmed_at) if delegation.confirmed_at else None,
        "withdrawn_by": delegation.withdrawn_by,
        "withdrawn_at": rfc3339(delegation.withdrawn_at) if delegation.withdrawn_at else None,
    }


def lendable(membership: Membership) -> bool:
    """Only roles that decide are lent."""
    return membership.role in APPROVING
