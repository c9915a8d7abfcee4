"""What happened to a delegation, and the form it has in the ledger. Each event names both people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from keyholder.canonical import JsonObject
from keyholder.ledger.event import Event, NewEvent
from keyholder.registry.delegations import Delegation, Wish, read_wish
from keyholder.registry.fields import Fields, UnknownEventError
from keyholder.registry.key_changes import actor_of
from keyholder.registry.terms import Terms, accepted_terms_json
from keyholder.vocabulary import PersonId, StreamId

NAMED = "delegation.named"
CONFIRMED = "delegation.confirmed"
WITHDRAWN = "delegation.withdrawn"
TYPES = (NAMED, CONFIRMED, WITHDRAWN)
KIND = "delegation"


@dataclass(frozen=True, slots=True)
class DelegationNamed:
    """The holder of a role says who decides in their place. `accepted`: the terms of use that both had accepted."""

    delegator: PersonId
    wish: Wish
    accepted: Terms | None = None

    def new_event(self) -> NewEvent:
        data: JsonObject = {"delegator": self.delegator, **self.wish.json()}
        return NewEvent(NAMED, {**data, **accepted_terms_json(self.accepted)})


@dataclass(frozen=True, slots=True)
class DelegationConfirmed:
    """A second person agreed: on its days it is in force."""

    delegator: PersonId
    delegate: PersonId

    def new_event(self) -> NewEvent:
        return NewEvent(CONFIRMED, {"delegator": self.delegator, "delegate": self.delegate})


@dataclass(frozen=True, slots=True)
class DelegationWithdrawn:
    """It ends. What was decided under it stays decided."""

    delegator: PersonId
    delegate: PersonId

    def new_event(self) -> NewEvent:
        return NewEvent(WITHDRAWN, {"delegator": self.delegator, "delegate": self.delegate})


DelegationEvent = DelegationNamed | DelegationConfirmed | DelegationWithdrawn


def delegation_stream(delegation_id: str) -> StreamId:
    """The stream of a delegation."""
    return StreamId(f"{KIND}/{delegation_id}")


def fold_delegation(events: Sequence[Event]) -> Delegation | None:
    """What its events leave; None without events. Raises `FieldError` or `UnknownEventError`."""
    delegation: Delegation | None = None
    for event in events:
        delegation = evolve_delegation(delegation, event)
    return delegation


def evolve_delegation(delegation: Delegation | None, event: Event) -> Delegation:
    """After one more event. Raises `FieldError` or `UnknownEventError`."""
    if delegation is None and event.type == NAMED:
        name = event.stream.removeprefix(f"{KIND}/")
        return Delegation(name, actor_of(event.actor), read_wish(Fields(event.data)), event.at)
    if delegation is not None and event.type == CONFIRMED:
        return replace(delegation, confirmed_by=actor_of(event.actor), confirmed_at=event.at)
    if delegation is not None and event.type == WITHDRAWN:
        return replace(delegation, withdrawn_by=actor_of(event.actor), withdrawn_at=event.at)
    raise UnknownEventError(event.type)
