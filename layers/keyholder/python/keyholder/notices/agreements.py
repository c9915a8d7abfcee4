"""Who is told of a standing approval or a linkage agreement: whoever could agree to it, then who asked and agreed.

Pure: everything is handed in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from keyholder.notices.audience import reachable
from keyholder.notices.notices import Notice
from keyholder.notices.table import TELLINGS
from keyholder.notices.vocabulary import Listener
from keyholder.registry.domains import Domain
from keyholder.registry.factors import standings
from keyholder.registry.people import Person
from keyholder.vocabulary import ActorId, PersonId


@dataclass(frozen=True, slots=True)
class AgreementScene:
    """One event of one of them, and what there is to know about it.

    `open_until` is the end of the time for approvals, None where it waits for none any more. `apart` is everybody who
    is or was on its project; `people` are all who may be meant, as they are registered now.
    """

    type: str
    actor: ActorId
    subject: str
    asked_by: PersonId
    agreed: frozenset[PersonId]
    open_until: datetime | None
    domains: tuple[Domain, ...]
    apart: frozenset[PersonId]
    people: Mapping[PersonId, Person]


def agreement_notices(scene: AgreementScene) -> tuple[Notice, ...]:
    """Everybody who is to be told, each once. Nobody disabled, no machine, and not who did it.

    Nobody is told to decide on what is decided by now.
    """
    told: dict[PersonId, Notice] = {}
    for row in TELLINGS.get(scene.type, ()):
        if row.due is not None and scene.open_until is None:
            continue
        due = scene.open_until if row.due is not None else None
        for person in sorted(_meant(row.to, scene)):
            if person != str(scene.actor) and reachable(scene.people.get(person)):
                told.setdefault(person, Notice(person, row.template, scene.subject, due))
    return tuple(told.values())


def _meant(listener: Listener, scene: AgreementScene) -> Iterable[PersonId]:
    if listener is Listener.ASKED_FOR_IT:
        return [scene.asked_by]
    if listener is Listener.AGREED:
        return scene.agreed
    return {
        person.id
        for person in scene.people.values()
        if person.id not in {scene.asked_by, *scene.agreed, *scene.apart}
        and any(_wanted(person, domain) for domain in scene.domains)
    }


def _wanted(person: Person, domain: Domain) -> bool:
    """Whether somebody has a part that the domain asks for."""
    wanted = domain.needs().wanted()
    return any(factor in wanted for factor, _ in standings(person, domain.controllers))
