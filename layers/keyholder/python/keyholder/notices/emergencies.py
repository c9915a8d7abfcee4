"""Who is told of an emergency access: everybody who decides for its domain, at once. Pure: everything is handed in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from keyholder.emergency.access import Access
from keyholder.notices.audience import reachable
from keyholder.notices.notices import Notice
from keyholder.notices.table import TELLINGS
from keyholder.notices.vocabulary import Listener
from keyholder.registry.domains import Domain
from keyholder.registry.factors import standings
from keyholder.registry.people import Person
from keyholder.vocabulary import ActorId, PersonId


@dataclass(frozen=True, slots=True)
class EmergencyScene:
    """One event of an emergency access. `people` are all who may be meant, as they are registered now."""

    type: str
    actor: ActorId
    access: Access
    owner: PersonId
    domain: Domain | None
    people: Mapping[PersonId, Person]
    operators: frozenset[PersonId]


def emergency_notices(scene: EmergencyScene) -> tuple[Notice, ...]:
    """Everybody who is to be told, each once. Nobody disabled, no machine, and not who did it.

    Whoever decides for the domain is told whatever they have to do with anything else: nobody is left out of an alert.
    """
    told: dict[PersonId, Notice] = {}
    for row in TELLINGS.get(scene.type, ()):
        due = scene.access.review_by if row.due is not None else None
        for person in sorted(_meant(row.to, scene)):
            if person != str(scene.actor) and reachable(scene.people.get(person)):
                told.setdefault(person, Notice(person, row.template, scene.access.id, due))
    return tuple(told.values())


def _meant(listener: Listener, scene: EmergencyScene) -> Iterable[PersonId]:
    if listener is Listener.OWNER:
        return [scene.owner]
    if listener is Listener.OPERATORS:
        return scene.operators
    controllers = scene.domain.controllers if scene.domain else ()
    deciding = {person.id for person in scene.people.values() if standings(person, controllers)}
    return deciding - {scene.owner}
