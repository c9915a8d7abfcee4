"""What a notice needs to know, from the ledger: the request, its project, its domains, and whom it may mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from keyholder.emergency.events import access_of, fold_accesses
from keyholder.ledger.event import Event
from keyholder.linkage.events import fold_agreement
from keyholder.notices.agreements import AgreementScene
from keyholder.notices.audience import Scene
from keyholder.notices.delegations import DelegationScene
from keyholder.notices.emergencies import EmergencyScene
from keyholder.notices.vocabulary import Listener
from keyholder.registry.delegation_book import Lending
from keyholder.registry.delegation_events import fold_delegation
from keyholder.registry.delegations import with_lent
from keyholder.registry.domains import Domain
from keyholder.registry.events import fold_domain, fold_project
from keyholder.registry.people import Person
from keyholder.registry.people_events import fold_person
from keyholder.registry.projects import Project
from keyholder.registry.service import MOST_PEOPLE, OPERATORS
from keyholder.requests.codec import from_event
from keyholder.requests.conversation import advisers
from keyholder.requests.folding import fold
from keyholder.requests.state import RequestState
from keyholder.standing.events import KIND as STANDING
from keyholder.standing.events import fold_standing
from keyholder.vocabulary import DomainId, OrganisationCode, PersonId, ProjectId, RequestId, StreamId


class Reader(Protocol):
    """Events that are in the ledger, for whoever may write none. Raises the storage errors of `ledger.ports`."""

    def read(self, stream: StreamId) -> tuple[Event, ...]: ...

    def listed(self, listing: str, after: StreamId | None, limit: int) -> Sequence[StreamId]: ...


class NotYetThereError(Exception):
    """An event was announced that its stream does not show yet: try again."""


class Directory:
    """Every method raises what its reader raises."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._lending = Lending(reader)

    def person(self, person: PersonId) -> Person | None:
        return fold_person(self._reader.read(StreamId(person)))

    def event(self, stream: StreamId, number: int) -> Event:
        """Raises `NotYetThereError`."""
        events = self._reader.read(stream)
        if len(events) < number:
            raise NotYetThereError
        return events[number - 1]

    def scene(self, stream: StreamId, number: int, wanted: Iterable[Listener], moment: datetime) -> Scene:
        """What there is to know about an event of a request, told at this moment. Raises `NotYetThereError`."""
        events = self._reader.read(stream)
        if len(events) < number:
            raise NotYetThereError
        request = RequestId(stream.removeprefix("request/"))
        after, now = fold(request, events[:number]), fold(request, events)
        happened = from_event(events[number - 1])
        domains = self._domains(after)
        operators = self._listed(OPERATORS) if Listener.OPERATORS in wanted else ()
        named = [self.person(person) for person in sorted(_named(fold(request, events[: number - 1]), after, now))]
        deciding = [person for code in _controllers(domains.values()) for person in self._listed(f"approvers/{code}")]
        people = {person.id: person for person in (*deciding, *operators, *named) if person is not None}
        self._lend(people, domains.values(), moment)
        project = None if now.summary is None else self._project(now.summary.project)
        return Scene(happened, after, now, project, domains, people, frozenset(person.id for person in operators))

    def emergency(self, stream: StreamId, number: int) -> EmergencyScene:
        """What there is to know about an event of an emergency access. Raises `NotYetThereError`."""
        events = self._reader.read(stream)
        if len(events) < number:
            raise NotYetThereError
        owner, event = PersonId(f"person/{stream.partition('/')[2]}"), events[number - 1]
        access = fold_accesses(owner, events).access(access_of(event))
        if access is None:
            raise LookupError("an event of an access that there is not")
        domain = self._domain(access.domain)
        operators = self._listed(OPERATORS)
        deciding = [one for code in (domain.controllers if domain else ()) for one in self._listed(f"approvers/{code}")]
        known = {person.id: person for person in (*operators, *deciding, self.person(owner)) if person is not None}
        names = frozenset(person.id for person in operators)
        return EmergencyScene(event.type, event.actor, access, owner, domain, known, names)

    def delegation(self, stream: StreamId, number: int) -> DelegationScene:
        """What there is to know about an event of a delegation. Raises `NotYetThereError`."""
        events = self._reader.read(stream)
        found = fold_delegation(events)
        if len(events) < number or found is None:
            raise NotYetThereError
        operators, event = self._listed(OPERATORS), events[number - 1]
        both = (self.person(person) for person in (found.delegator, found.wish.delegate))
        people = {person.id: person for person in (*operators, *both) if person is not None}
        return DelegationScene(event.type, event.actor, found, people, frozenset(person.id for person in operators))

    def agreement(self, stream: StreamId, number: int) -> AgreementScene:
        """What there is to know about an event of a standing approval or a linkage. Raises `NotYetThereError`."""
        events = self._reader.read(stream)
        if len(events) < number:
            raise NotYetThereError
        asked = _asked(stream, events)
        project = None if asked.project is None else self._project(asked.project)
        domains = tuple(domain for domain in map(self._domain, asked.domains) if domain is not None)
        deciding = [one for code in _controllers(domains) for one in self._listed(f"approvers/{code}")]
        named = (self.person(person) for person in sorted({asked.by, *asked.agreed}))
        people = {person.id: person for person in (*deciding, *named) if person is not None}
        apart = frozenset({*project.members, *project.former_members} if project else ())
        event = events[number - 1]
        open_until = asked.open_until if asked.waits else None
        subject = stream.partition("/")[2]
        return AgreementScene(
            event.type, event.actor, subject, asked.by, asked.agreed, open_until, domains, apart, people
        )

    def _lend(self, people: dict[PersonId, Person], domains: Iterable[Domain], moment: datetime) -> None:
        """Whoever decides in somebody's place now has what they were lent beside their own."""
        for organisation in _controllers(domains):
            for delegate, under in self._lending.standing_in(organisation, moment):
                person = people.get(delegate) or self.person(delegate)
                if person is not None:
                    people[delegate] = with_lent(person, (under,))

    def _project(self, project: ProjectId) -> Project | None:
        return fold_project(self._reader.read(StreamId(f"project/{project}")))

    def _domain(self, name: DomainId) -> Domain | None:
        return fold_domain(self._reader.read(StreamId(f"domain/{name}")))

    def _domains(self, state: RequestState) -> dict[DomainId, Domain]:
        read = {name: self._domain(name) for name in state.domains}
        return {name: domain for name, domain in read.items() if domain is not None}

    def _listed(self, listing: str) -> tuple[Person, ...]:
        streams = self._reader.listed(listing, None, MOST_PEOPLE)
        found = (self.person(PersonId(stream)) for stream in streams)
        return tuple(person for person in found if person is not None)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What standing approvals and linkages have in common."""

    by: PersonId
    open_until: datetime
    waits: bool
    agreed: frozenset[PersonId]
    project: ProjectId | None
    domains: tuple[DomainId, ...]


def _asked(stream: StreamId, events: Sequence[Event]) -> _Asked:
    """Raises `LookupError` where there is neither."""
    if stream.startswith(f"{STANDING}/"):
        standing = fold_standing(events)
        if standing is not None:
            waits = standing.ended is None and standing.in_force_since is None
            terms = standing.terms
            return _Asked(
                standing.asked_by, standing.open_until, waits, standing.approvers, terms.project, terms.domains
            )
    agreement = fold_agreement(events)
    if agreement is None:
        raise LookupError("an event of an agreement that there is not")
    waits, linked = agreement.ended is None and agreement.in_force_since is None, agreement.terms
    until = agreement.proposal_ends_at
    return _Asked(agreement.proposed_by, until, waits, agreement.approvers, linked.project, linked.domains)


def _controllers(domains: Iterable[Domain]) -> list[OrganisationCode]:
    return sorted({code for domain in domains for code in domain.controllers})


def _named(*states: RequestState) -> set[PersonId]:
    """Whoever the request itself names."""
    named: set[PersonId] = set()
    for state in states:
        named |= {state.requester} if state.requester else set()
        named |= {who for decision in state.domains.values() for ballot in decision.ballots for who in ballot.behind}
        named |= {*state.handlers.values(), *advisers(state.messages), *(one.author for one in state.messages)}
        returned = [one.returned for one in state.revisions if one.returned]
        named |= {one.by for one in returned}
        named |= {
            who for one in returned for votes in one.ballots.values() for ballot in votes for who in ballot.behind
        }
    return named
