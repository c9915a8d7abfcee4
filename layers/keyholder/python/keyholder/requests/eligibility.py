"""Who may decide on one request, whose approval counts today, and what is missing to a domain's quorum.

Asked when somebody approves, before a request is submitted, and again at the moment of release, each time with the
people, the project and the domain as they are then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from keyholder.refusals import Refusal
from keyholder.registry.domains import Domain
from keyholder.registry.factors import Factor, Needs, Standing, standings
from keyholder.registry.people import Person, PersonKind
from keyholder.registry.projects import Project
from keyholder.registry.quorum import Able, met, open_places
from keyholder.requests import reasons
from keyholder.requests.state import Ballot, DomainDecision, RequestState
from keyholder.vocabulary import DomainId, OrganisationCode, PersonId


def barred(person: Person, state: RequestState, project: Project | None) -> Refusal | None:
    """What keeps somebody from deciding on this request at all, whatever roles they hold."""
    if person.kind is not PersonKind.HUMAN:
        return reasons.NOT_HUMAN
    if person.disabled:
        return reasons.PERSON_DISABLED
    if person.id == state.requester:
        return reasons.SELF_APPROVAL
    if person.id in state.recused:
        return reasons.RECUSED
    return reasons.ON_THE_PROJECT if project is None or project.ever_on(person.id) else None


@dataclass(frozen=True, slots=True)
class Count:
    """A domain's approvals as they count now, against what it asked for at submission and what it asks for today.

    Both have to be met, so the stricter of the two decides.
    """

    needs: tuple[Needs, ...]
    counted: Able
    """Whose approval stands, each with the one part they took."""
    lost: tuple[Refusal, ...] = ()
    """Why the others' does not."""

    @property
    def met(self) -> bool:
        return all(met(self.counted, needs) for needs in self.needs)

    def attainable(self, others: Able) -> bool:
        """Whether it could be met with these people's help."""
        helped = {**others, **self.counted}
        return all(met(helped, needs) for needs in self.needs)

    def helped_by(self, person: PersonId, part: Standing) -> bool:
        """Whether one place more would be filled if this person took this part."""
        more = {**self.counted, person: frozenset({part})}
        return any(len(open_places(more, needs)) < len(open_places(self.counted, needs)) for needs in self.needs)

    def wanted(self) -> tuple[Factor, ...]:
        """The factors that have to be filled."""
        return tuple(factor for factor in Factor if self.needed(factor))

    def needed(self, factor: Factor) -> int:
        return max(needs.count(factor) for needs in self.needs)

    def missing(self, factor: Factor) -> int:
        """How many more people of this factor it takes."""
        return max(sum(place.factor is factor for place in open_places(self.counted, needs)) for needs in self.needs)

    def organisations_missing(self) -> tuple[OrganisationCode, ...]:
        """The organisations of which no controller has approved."""
        missing = {place.organisation for needs in self.needs for place in open_places(self.counted, needs)}
        return tuple(sorted(code for code in missing if code is not None))


def count(
    state: RequestState,
    decision: DomainDecision,
    domain: Domain,
    project: Project | None,
    people: Mapping[PersonId, Person],
) -> Count:
    """The approvals for one domain as they count now. Who is not in `people` is unknown, and counts for nothing."""
    counted: dict[PersonId, frozenset[Standing]] = {}
    behind: set[PersonId] = set()
    lost = []
    for ballot in decision.approvals():
        refusal = _lost(ballot, people, state, domain, project)
        if refusal is None and behind & ballot.behind:
            refusal = reasons.COUNTS_ONCE
        if refusal is None:
            counted[ballot.person] = frozenset({(ballot.factor, ballot.organisation)})
            behind |= ballot.behind
        else:
            lost.append(refusal)
    return Count((decision.needs, domain.needs()), counted, tuple(lost))


def could_approve(
    state: RequestState, domain: Domain, project: Project | None, candidates: Iterable[Person]
) -> Mapping[PersonId, frozenset[Standing]]:
    """Who of these people could still approve for a domain, and the parts each could take."""
    decision = state.domains.get(domain.id)
    needs = (domain.needs(),) if decision is None else (decision.needs, domain.needs())
    wanted = {factor for needed in needs for factor in needed.wanted()}
    voted = {ballot.person for ballot in decision.ballots} if decision else set()
    able = {
        person.id: frozenset(part for part in standings(person, domain.controllers) if part[0] in wanted)
        for person in candidates
        if person.id not in voted and barred(person, state, project) is None
    }
    return {person: parts for person, parts in sorted(able.items()) if parts}


def expected(state: RequestState, domain: Domain, project: Project | None, people: Mapping[PersonId, Person]) -> Count:
    """`count`, for a draft too: what the domain would ask for if it were submitted now."""
    decision = state.domains.get(domain.id)
    return Count((domain.needs(),), {}) if decision is None else count(state, decision, domain, project, people)


def unattainable_for(
    state: RequestState,
    domains: Mapping[DomainId, Domain],
    project: Project | None,
    people: Mapping[PersonId, Person],
    candidates: Iterable[Person],
) -> tuple[DomainId, ...]:
    """The domains whose quorum nobody could fill any more with the people there are."""
    known = tuple(candidates)
    return tuple(
        name
        for name, domain in domains.items()
        if not expected(state, domain, project, people).attainable(could_approve(state, domain, project, known))
    )


def _lost(
    ballot: Ballot,
    people: Mapping[PersonId, Person],
    state: RequestState,
    domain: Domain,
    project: Project | None,
) -> Refusal | None:
    """Why an approval does not count any more.

    One that was given in somebody's place counts while both could stand behind it: who gave it may decide and is of the
    organisation, and in whose place they did still has the role. That the delegation's days are over takes nothing
    back.
    """
    person = people.get(ballot.person)
    holder = people.get(ballot.delegated.in_place_of) if ballot.delegated else person
    refusal = _lost_by(ballot, person, state, project) or _lost_by(ballot, holder, state, project)
    if refusal is not None or holder is None or person is None:
        return refusal or reasons.APPROVALS_LOST
    if not any(held.organisation == ballot.organisation for held in person.memberships()):
        return reasons.APPROVER_WITHOUT_ROLE
    parts = standings(holder, domain.controllers)
    return None if (ballot.factor, ballot.organisation) in parts else reasons.APPROVER_WITHOUT_ROLE


def _lost_by(ballot: Ballot, person: Person | None, state: RequestState, project: Project | None) -> Refusal | None:
    """What of somebody behind an approval makes it count no more, whatever roles they hold."""
    if ballot.content_hash != state.content_hash or person is None:
        return reasons.APPROVALS_LOST
    if person.disabled:
        return reasons.APPROVER_SUSPENDED
    if project is None or project.ever_on(person.id):
        return reasons.APPROVER_ON_PROJECT
    return reasons.APPROVALS_LOST if barred(person, state, project) is not None else None
