"""Who is told of a delegation: both its people, and operators while it waits to be confirmed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from keyholder.notices.audience import reachable
from keyholder.notices.notices import Notice
from keyholder.notices.table import TELLINGS
from keyholder.notices.vocabulary import Listener
from keyholder.registry.delegations import Delegation
from keyholder.registry.people import Person
from keyholder.vocabulary import ActorId, PersonId


@dataclass(frozen=True, slots=True)
class DelegationScene:
    """One event of a delegation, which is `delegation` by now; `people` are all who may be meant, as registered now."""

    type: str
    actor: ActorId
    delegation: Delegation
    people: Mapping[PersonId, Person]
    operators: frozenset[PersonId]


def delegation_notices(scene: DelegationScene) -> tuple[Notice, ...]:
    """Everybody who is to be told, each once. Nobody disabled, no machine, and not who did it.

    Nobody is told to confirm what is confirmed or withdrawn by now.
    """
    told: dict[PersonId, Notice] = {}
    waits = scene.delegation.confirmed_at is None and scene.delegation.withdrawn_at is None
    for row in TELLINGS.get(scene.type, ()):
        if row.due is not None and not waits:
            continue
        due = scene.delegation.confirm_before if row.due is not None else None
        for person in sorted(_meant(row.to, scene)):
            if person != str(scene.actor) and reachable(scene.people.get(person)):
                told.setdefault(person, Notice(person, row.template, scene.delegation.id, due))
    return tuple(told.values())


def _meant(listener: Listener, scene: DelegationScene) -> Iterable[PersonId]:
    if listener is Listener.OPERATORS:
        return scene.operators
    return [scene.delegation.delegator if listener is Listener.DELEGATOR else scene.delegation.wish.delegate]
