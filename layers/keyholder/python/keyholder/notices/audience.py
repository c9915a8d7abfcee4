"""Which people a row of the table means, for one event of one request. Pure: everything is handed in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from keyholder.notices.vocabulary import Listener
from keyholder.registry.delegations import Delegated
from keyholder.registry.domains import Domain
from keyholder.registry.people import Person, PersonKind
from keyholder.registry.projects import Project
from keyholder.requests.codec import Happened
from keyholder.requests.codes import Audience, DecisionState, MessageKind
from keyholder.requests.eligibility import could_approve
from keyholder.requests.events import (
    AdviceGiven,
    AdviceRequested,
    Claimed,
    DomainApproved,
    DomainRejected,
    Escalated,
    RequestTakenOver,
)
from keyholder.requests.events.reviewing import VoteWithdrawn
from keyholder.requests.state import RequestState
from keyholder.vocabulary import DomainId, PersonId


@dataclass(frozen=True, slots=True)
class Scene:
    """One event of a request, and what there is to know about it.

    `after` is the request right after the event, `now` as it stands. `people` are all who may be meant, as they are
    registered now, with the roles they were lent; who is not among them is not told.
    """

    happened: Happened
    after: RequestState
    now: RequestState
    project: Project | None
    domains: Mapping[DomainId, Domain]
    people: Mapping[PersonId, Person]
    operators: frozenset[PersonId] = field(default_factory=frozenset)


def listeners(listener: Listener, scene: Scene) -> frozenset[PersonId]:
    """Whom a row means. Nobody disabled, no machine, and not who did it."""
    meant = _MEANT[listener](scene)
    return frozenset(
        person for person in meant if person != str(scene.happened.actor) and reachable(scene.people.get(person))
    )


def reachable(person: Person | None) -> bool:
    return person is not None and not person.disabled and person.kind is PersonKind.HUMAN


def _requester(scene: Scene) -> Iterable[PersonId]:
    return [scene.after.requester] if scene.after.requester else []


def _deciders(scene: Scene) -> Iterable[PersonId]:
    event = scene.happened.event
    open_ones = [name for name, decision in scene.now.domains.items() if decision.state is DecisionState.OPEN]
    named = event.domains if isinstance(event, Escalated) else open_ones
    return _able(scene, [name for name in open_ones if name in named])


def _able(scene: Scene, domains: Iterable[DomainId]) -> Iterable[PersonId]:
    """Whoever has not voted on these domains and could."""
    known = [scene.domains[name] for name in domains if name in scene.domains]
    able = (could_approve(scene.now, domain, scene.project, scene.people.values()) for domain in known)
    return {person for parts in able for person in parts}


def _others(scene: Scene) -> Iterable[PersonId]:
    event = scene.happened.event
    if not isinstance(event, DomainApproved | DomainRejected | VoteWithdrawn):
        return []
    voted = {ballot.person for ballot in scene.after.domains[event.domain].ballots}
    return {*voted, *_able(scene, [event.domain])}


def _decided(scene: Scene) -> Iterable[PersonId]:
    return {ballot.person for decision in scene.after.domains.values() for ballot in decision.ballots}


def _everyone_deciding(scene: Scene) -> Iterable[PersonId]:
    return {*_decided(scene), *scene.after.handlers.values(), *_able(scene, scene.after.domains)}


def _attending(scene: Scene) -> Iterable[PersonId]:
    spoke = {
        one.author
        for one in scene.after.messages
        if one.kind is MessageKind.COMMENT and one.audience is Audience.REQUESTER
    }
    returned = {one.returned.by for one in scene.after.revisions if one.returned}
    return {*_decided(scene), *scene.after.handlers.values(), *spoke, *returned} - {scene.after.requester}


def _adviser(scene: Scene) -> Iterable[PersonId]:
    event = scene.happened.event
    return [event.adviser] if isinstance(event, AdviceRequested) else []


def _asker(scene: Scene) -> Iterable[PersonId]:
    event = scene.happened.event
    if not isinstance(event, AdviceGiven):
        return []
    return {
        one.author
        for one in scene.after.messages
        if one.kind is MessageKind.QUESTION and one.text_sha256 == event.question_sha256
    }


def _handler_before(scene: Scene) -> Iterable[PersonId]:
    event = scene.happened.event
    return [event.taken_from] if isinstance(event, Claimed | RequestTakenOver) and event.taken_from else []


def _stood_in_for(scene: Scene) -> Iterable[PersonId]:
    delegated: Delegated | None = getattr(scene.happened.event, "delegated", None)
    return [delegated.in_place_of] if delegated else []


_MEANT: Mapping[Listener, Callable[[Scene], Iterable[PersonId]]] = {
    Listener.REQUESTER: _requester,
    Listener.DECIDERS: _deciders,
    Listener.OTHERS: _others,
    Listener.DECIDED: _decided,
    Listener.EVERYONE_DECIDING: _everyone_deciding,
    Listener.ATTENDING: _attending,
    Listener.ADVISER: _adviser,
    Listener.ASKER: _asker,
    Listener.HANDLER_BEFORE: _handler_before,
    Listener.OPERATORS: lambda scene: scene.operators,
    Listener.STOOD_IN_FOR: _stood_in_for,
    # Not of requests: `notices.emergencies`, `notices.agreements` and the like know whom they mean.
    Listener.OWNER: lambda _: (),
    Listener.OF_DOMAIN: lambda _: (),
    Listener.DELEGATOR: lambda _: (),
    Listener.DELEGATE: lambda _: (),
    Listener.COULD_AGREE: lambda _: (),
    Listener.ASKED_FOR_IT: lambda _: (),
    Listener.AGREED: lambda _: (),
}
