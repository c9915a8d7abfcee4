"""Steps of requests, decided again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice, product

from keyholder.audit.delegation_rules import could_act_under, lent_to, stand_ins
from keyholder.audit.records import MEANWHILE, Records
from keyholder.audit.replaying import RuleError
from keyholder.audit.request_commands import command_of, decided_at, policy_hash_of, terms_of
from keyholder.ledger.event import Event
from keyholder.refusals import Refusal
from keyholder.registry.delegations import Delegated, with_lent
from keyholder.registry.domains import Domain
from keyholder.registry.people import Person
from keyholder.registry.projects import Project
from keyholder.registry.sign_in import SignIn
from keyholder.registry.terms import InForce
from keyholder.release.items import RECORD_NOT_APPROVED
from keyholder.release.subject_tags import epoch_of
from keyholder.requests.actors import Actor, Limits, PersonActor, System, SystemActor
from keyholder.requests.case import Assessment, Facts
from keyholder.requests.codec import Happened, from_event
from keyholder.requests.codes import TERMINAL
from keyholder.requests.commands import Approve, AskAdvice, Command, Create, Recuse, Save, Submit, TakeOver, UseStanding
from keyholder.requests.content import Summary
from keyholder.requests.decide import DECIDED_IN_PLACE, decide, in_place
from keyholder.requests.events.releasing import (
    MOST_SUBJECTS,
    ItemsReleased,
    ReleaseAuthorised,
    ReleaseFailed,
    ReleaseFinished,
)
from keyholder.requests.events.standing import StandingApprovalUsed
from keyholder.requests.folding import evolve
from keyholder.requests.ids import REQUEST
from keyholder.requests.state import RequestState
from keyholder.requests.transitions import WHO, Who
from keyholder.requests.waiting import report_overdue
from keyholder.standing.approval import StandingApproval
from keyholder.vocabulary import ActorId, DomainId, PersonId, ProjectId, RequestId, StreamId

_STRONG = "AAL3"
_MOST_TRIES = 4096
_SYSTEMS = {system.value: SystemActor(system) for system in System}


class RequestRules:
    """Every request as far as the ledger has been read."""

    def __init__(self, records: Records, limits: Limits | None = None) -> None:
        self._records = records
        self._limits = limits or Limits()
        self._states: dict[StreamId, RequestState | None] = {}
        """None for one that is over: nothing can happen to it any more."""
        self._releases: set[str] = set()
        self._given: dict[str, tuple[int, int]] = {}
        """Records told of in each running release, and how many of them as not approved."""
        self._owed: dict[StreamId, tuple[PersonId, ProjectId, datetime]] = {}
        """Whose report is overdue, of which project, and since when everybody could know."""

    def step(self, stream: StreamId, events: Sequence[Event]) -> None:
        """Raises `RuleError`, `FieldError` or `UnknownEventError` unless this could happen now."""
        state = self._state(stream)
        happened = [from_event(event) for event in events]
        if state.changed_at is not None and happened[0].at < state.changed_at - MEANWHILE:
            raise RuleError("an event is dated before the one it follows")
        command = command_of([one.event for one in happened])
        if command is None:
            raise RuleError("no command makes this event")
        self._decided(state, command, happened)
        for one in happened:
            if not self._records.may_have_ruled(getattr(one.event, "policy_hash", ""), one.at):
                raise RuleError("decided under settings that were not in force")
            state = evolve(state, one)
            self._counted(state, one)
            if asked := terms_of(one.event):
                self._records.terms.asked(*asked, one.at)
        self._note_owed(stream, state, happened[-1].at)
        self._states[stream] = None if state.status in TERMINAL else state

    def newest(self, stream: StreamId) -> RequestState | None:
        """A request as it is by now; None for one that is over, or was never made."""
        return self._states.get(stream)

    def _state(self, stream: StreamId) -> RequestState:
        request = RequestId(stream.removeprefix("request/"))
        if stream not in self._states and not REQUEST.fullmatch(request):
            raise RuleError("no request has such an id")
        state = self._states.get(stream, RequestState(request))
        if state is None:
            raise RuleError("a request that is over goes on")
        return state

    def _decided(self, state: RequestState, command: Command, happened: Sequence[Happened]) -> None:
        """Asks again with all that may have been known when it was decided, the likeliest first."""
        wanted = tuple(one.event for one in happened)
        refusal: Refusal | None = None
        tries = (
            decide(state, command, actor, facts, now)
            for now in decided_at(wanted, happened[0].at, state, self._limits)
            for actor, facts in self._known(state, command, happened[0], now)
        )
        for outcome in islice(tries, _MOST_TRIES):
            if outcome == wanted:
                return
            refusal = refusal or (outcome if isinstance(outcome, Refusal) else None)
        raise RuleError(f"could not happen: {refusal.code}" if refusal else "does not follow from its command")

    def _known(
        self, state: RequestState, command: Command, one: Happened, now: datetime
    ) -> Iterator[tuple[Actor, Facts]]:
        summary = command.summary if isinstance(command, Create | Save) else state.summary
        assessment = Assessment(policy_hash_of(one.event) or state.policy_hash or "")
        asked = terms_of(one.event)
        terms: InForce = {asked[0]: asked[1]} if asked and asked[1] else {}
        for actor in self._capacities(command, one, now):
            if isinstance(actor, SystemActor) or summary is None:
                yield actor, Facts(limits=self._limits)
                continue
            named = command.standing if isinstance(command, UseStanding) else state.standing
            for standing in tuple(self._records.standings.around(named, one.at)) if named else (None,):
                for project, domains, approvers in self._around(state, summary, standing, one.at):
                    facts = Facts(
                        project=project,
                        domains=domains,
                        assessment=assessment,
                        approvers=approvers,
                        standing=standing,
                        limits=self._limits,
                        terms=terms,
                        reports_overdue=isinstance(command, Submit) and self._owes(actor.id, summary.project, one.at),
                    )
                    yield from (
                        (actor, found) for found in self._with_people(state, command, actor, facts, one.at, now=now)
                    )

    def _note_owed(self, stream: StreamId, state: RequestState, at: datetime) -> None:
        if not report_overdue(state):
            self._owed.pop(stream, None)
        elif state.requester is not None and state.summary is not None:
            self._owed.setdefault(stream, (state.requester, state.summary.project, at))

    def _owes(self, person: ActorId, project: ProjectId, at: datetime) -> bool:
        """Whether whoever submitted then must have found a report overdue."""
        return any(
            since < at - MEANWHILE and (str(requester) == person or owing == project)
            for requester, owing, since in self._owed.values()
        )

    def _with_people(
        self, state: RequestState, command: Command, actor: Actor, facts: Facts, at: datetime, *, now: datetime
    ) -> Iterator[Facts]:
        """Who else could approve matters where somebody steps aside; who is asked, where somebody's advice is; who
        stands in for whom, where somebody approves."""
        if isinstance(command, AskAdvice):
            known = self._records.people.around(command.adviser, at)
            yield from (replace(facts, adviser=adviser) for adviser in known)
        if isinstance(command, TakeOver) and state.requester is not None:
            known = self._records.people.around(state.requester, at)
            yield from (replace(facts, author=author) for author in known)
        if isinstance(command, Recuse):
            yield from (replace(facts, candidates=everybody) for everybody in self._records.people.everything(at))
        if isinstance(command, Approve) and isinstance(actor, PersonActor):
            near = stand_ins(self._records, actor.person.id, at, now)
            yield from (replace(facts, stand_ins=people) for people in near)
            return
        yield facts

    def _capacities(self, command: Command, one: Happened, now: datetime) -> Iterator[Actor]:
        """Each of them in the capacity they acted in: in somebody's place where the event says so, or with what they
        were lent where that may be without a word."""
        delegated: Delegated | None = getattr(one.event, "delegated", None)
        for actor in self._actors(one, now):
            if not isinstance(actor, PersonActor) or WHO[command.NAME] is not Who.CONTROLLER:
                yield actor
            elif delegated is not None:
                under = could_act_under(self._records, delegated.delegation, actor.person, one.at, now)
                if under is not None:
                    yield in_place(actor, under)
            else:
                yield actor
                lent = lent_to(self._records, actor.person, one.at, now)
                if lent and command.NAME not in DECIDED_IN_PLACE:
                    yield replace(actor, person=with_lent(actor.person, lent))

    def _actors(self, one: Happened, now: datetime) -> Iterator[Actor]:
        """Keyholder itself, or the person; how strongly they had signed in is not in the ledger."""
        system = _SYSTEMS.get(one.actor)
        if system is not None:
            yield system
            return
        for person in self._records.people.around(PersonId(one.actor), one.at):
            yield PersonActor(person, SignIn(_STRONG, now))

    def _around(
        self, state: RequestState, summary: Summary, standing: StandingApproval | None, at: datetime
    ) -> Iterator[tuple[Project | None, Mapping[DomainId, Domain], Mapping[PersonId, Person]]]:
        projects = tuple(self._records.projects.around(summary.project, at)) or (None,)
        names = [name for name in summary.records if name in self._records.domains]
        versions = [tuple(self._records.domains.around(name, at)) for name in names]
        ballots = (ballot for decision in state.domains.values() for ballot in decision.approvals())
        voted = {person for ballot in ballots for person in ballot.behind}
        voted |= standing.approvers if standing is not None else frozenset()
        people = [person for person in sorted(voted) if person in self._records.people]
        as_known = [tuple(self._records.people.around(person, at)) for person in people]
        for project in projects:
            for domains in product(*versions):
                for approvers in product(*as_known):
                    known = dict(zip(names, domains, strict=True))
                    yield project, known, dict(zip(people, approvers, strict=True))

    def _counted(self, state: RequestState, one: Happened) -> None:
        """What is said to have left adds up: the tags of a chunk, the chunks of a release, the records asked for."""
        event = one.event
        if isinstance(event, StandingApprovalUsed):
            self._drawn(state.id, event)
        elif isinstance(event, ReleaseAuthorised):
            if event.release in self._releases:
                raise RuleError("a release's id comes twice")
            self._releases.add(event.release)
            self._given[event.release] = (0, 0)
        elif isinstance(event, ItemsReleased):
            told, left_out = self._given[event.release]
            more = event.unresolved.get(RECORD_NOT_APPROVED, 0)
            self._given[event.release] = told + _chunk(event, one.at), left_out + more
        elif isinstance(event, ReleaseFinished):
            _finished(state, event, *self._given.pop(event.release))
        elif isinstance(event, ReleaseFailed):
            self._given.pop(event.release, None)

    def _drawn(self, request: RequestId, event: StandingApprovalUsed) -> None:
        """The weekly volume was taken before: else several requests could have had the same."""
        standing = self._records.standings.newest(event.standing)
        draw = standing.drawn(request, event.content_hash) if standing is not None else None
        if draw is None or draw.records != event.records:
            raise RuleError("a standing approval is used, and nothing was taken from it")


def _chunk(event: ItemsReleased, at: datetime) -> int:
    """The number of records in a chunk."""
    told = sum(map(len, event.subjects.values())) + sum(event.unresolved.values())
    if told != event.count or not 0 < told <= MOST_SUBJECTS:
        raise RuleError("a chunk's count is not that of its records")
    if event.epoch not in (epoch_of(at), epoch_of(at - MEANWHILE)):
        raise RuleError("a chunk's tags are of another epoch")
    return told


def _finished(state: RequestState, event: ReleaseFinished, given: int, left_out: int) -> None:
    asked = state.summary.records if state.summary else {}
    release = state.release(event.release)
    if given != sum(asked[domain] for domain in state.approved_domains()) or given != sum(event.counts.values()):
        raise RuleError("a release's counts are not those of its chunks and of the request")
    if left_out != sum(asked[domain] - count for domain, count in state.records_approved().items()):
        raise RuleError("a release left out other records than those that are not approved")
    if release is None or release.chunks != -(-given // MOST_SUBJECTS):
        raise RuleError("a release has more or fewer chunks than its records fill")
