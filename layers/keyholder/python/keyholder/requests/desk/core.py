"""The desk where commands are handed in: read the request, decide, write it down, and only then let it count."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime

from keyholder.ledger.event import Event
from keyholder.ledger.log import ClaimedError, EventLog, IdempotencyKey, Recorded, StaleStreamError
from keyholder.ledger.ports import Clock
from keyholder.refusals import Refusal
from keyholder.registry.attempts import record_refusal
from keyholder.registry.delegation_book import Lending
from keyholder.registry.delegations import with_lent
from keyholder.registry.domains import Domain
from keyholder.registry.people import Person
from keyholder.registry.projects import Project
from keyholder.registry.replays import BUSY, STALE, TRIES, Replayed, replay
from keyholder.registry.service import Registry
from keyholder.registry.terms import InForce
from keyholder.requests import commands as ask
from keyholder.requests.actors import Actor, Limits, PersonActor, System, SystemActor
from keyholder.requests.case import Assessment, Case, Facts
from keyholder.requests.codec import Happened, RequestEvent, from_event, to_new_event
from keyholder.requests.codes import State
from keyholder.requests.content import (
    DomainSelection,
    RequestContent,
    Vocabulary,
)
from keyholder.requests.contents import ContentLostError, ContentStore, kept_records, stored_content, stored_records
from keyholder.requests.decide import DECIDED_IN_PLACE, asks_policy, authorise, decide, in_place
from keyholder.requests.folding import evolve, fold
from keyholder.requests.given import Given
from keyholder.requests.ids import REQUEST, Ids
from keyholder.requests.listings import overdue_reports, request_head, request_stream
from keyholder.requests.records import covered
from keyholder.requests.state import RequestState
from keyholder.requests.transitions import WHO, Who
from keyholder.requests.under_bounds import approved_by
from keyholder.requests.waiting import report_overdue
from keyholder.standing.approval import StandingApproval
from keyholder.standing.service import Standings
from keyholder.vocabulary import (
    DomainId,
    PersonId,
    ProjectId,
    RequestId,
    StreamId,
)


@dataclass(frozen=True, slots=True)
class Question:
    """What the policy is asked about a request as a whole."""

    content: RequestContent
    state: RequestState
    project: Project
    domains: Mapping[DomainId, Domain]
    requester: Person
    now: datetime


Assess = Callable[[Question], Assessment]


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks, what ties the call to the access log and to its repetitions, and the version they read (`If-Match`).

    `delegation`: the one under which they decide in somebody's place.
    """

    actor: Actor
    trace: str
    idempotency: IdempotencyKey | None = None
    expected: int | None = None
    delegation: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """A command that was carried out: the request right after it, what happened, and the proof that it is written.

    `replayed`: it had been carried out before under the same key, and nothing was added. `given` counts what a draft
    names, where one was written.
    """

    state: RequestState
    events: tuple[RequestEvent, ...]
    recorded: Recorded
    replayed: bool = False
    given: tuple[Given, ...] = ()


_AT_ONCE = 100
_COUNTING = ask.Approve | ask.AuthoriseRelease | ask.Collect | ask.Recuse | ask.UseStanding
"""Commands at which approvals are counted."""


def nothing_to_keep(request: RequestId) -> Refusal | None:  # noqa: ARG001 - the shape of what precedes a step
    """Most commands store nothing beside the ledger."""
    return None


def as_it_is(case: Case) -> ask.Command:
    """Most commands say everything themselves."""
    return case.command


class Desk:
    """The one way a request changes. Every method may raise `LedgerUnavailableError`; nothing took effect then.

    A command comes back as `Done`, or as the `Refusal` that is by then in the ledger too.
    """

    def __init__(
        self,
        log: EventLog,
        registry: Registry,
        contents: ContentStore,
        *,
        ids: Ids,
        clock: Clock,
        assess: Assess,
        vocabulary: Vocabulary,
        limits: Limits | None = None,
        terms: InForce | None = None,
    ) -> None:
        self._log = log
        self._registry = registry
        self._contents = contents
        self._ids = ids
        self._clock = clock
        self._assess = assess
        self._vocabulary = vocabulary
        self._limits = limits or Limits()
        self._terms = terms or {}
        self._standings = Standings(log, registry, ids)
        self._lending = Lending(log)

    def load(self, request: RequestId) -> RequestState:
        """The request as it stands; `status` is None for an unknown one."""
        return fold(request, self._events(request))

    def content(self, state: RequestState) -> RequestContent:
        """The content a state names, verified against its hash. Raises `ContentLostError`."""
        return stored_content(self._contents, state)

    def selections(
        self, state: RequestState, content: RequestContent, domains: AbstractSet[DomainId] | None = None, after: int = 0
    ) -> Iterator[DomainSelection]:
        """The records of a content, of `domains` where they are named, without the first `after` of them.

        A domain whose records came as a file comes in several selections. Raises `ContentLostError`.
        """
        return stored_records(self._contents, state.id, content, domains, after)

    def approved_rows(self, state: RequestState, domain: DomainId) -> frozenset[str] | None:
        """The row ids that every approval of an approved domain covers; None where that is all of them.

        Raises `ContentLostError` where the choices are not what the ledger says of them.
        """
        decision = state.domains[domain]
        if not decision.narrowed():
            return None
        rows = covered(kept_records(self._contents, state, domain))
        if len(rows) != decision.records_left:
            raise ContentLostError
        return rows

    def carry_out(
        self,
        call: Call,
        request: RequestId,
        command: ask.Command,
        prepare: Callable[[RequestId], Refusal | None] = nothing_to_keep,
        complete: Callable[[Case], ask.Command | Refusal] = as_it_is,
        *,
        known: RequestState | None = None,
    ) -> Done | Refusal:
        """The one way a request changes: replay, read, authorise, decide, store what is erasable, write it down.

        `complete` adds to a command what depends on the request as it stands. If somebody else's step came first, all
        of it is done again on what is true then. `known` is the request as a step just before left it, which saves
        reading it: where it is not that any more, the ledger does not take the step.
        """
        for _ in range(TRIES):
            found = replay(self._log, call.idempotency)
            if found is not None:
                return self._replayed(call, request, command, found)
            before, known = known or self.load(request), None
            outcome = self._decide(call, before, command, complete)
            if not isinstance(outcome, Refusal):
                outcome = prepare(request) or outcome
            if isinstance(outcome, Refusal):
                return self._refused(call, request, command.NAME, outcome)
            try:
                return self._record(call, before, outcome)
            except (StaleStreamError, ClaimedError):
                continue
        return self._refused(call, request, command.NAME, BUSY)

    def _decide(
        self,
        call: Call,
        state: RequestState,
        command: ask.Command,
        complete: Callable[[Case], ask.Command | Refusal],
    ) -> tuple[RequestEvent, ...] | Refusal:
        now = self._clock.now()
        actor = self._acting(call, command, now)
        if isinstance(actor, Refusal):
            return actor
        facts = self._facts(actor, state, command)
        case = Case(state, command, actor, facts, now)
        refusal = authorise(case)
        if not refusal and call.expected is not None and call.expected != state.edition:
            refusal = STALE
        if refusal:
            return refusal
        if asks_policy(command.NAME) and isinstance(actor, PersonActor):
            facts = replace(facts, assessment=self._assessment(actor.person, state, facts, now))
        whole = complete(case)
        return whole if isinstance(whole, Refusal) else decide(state, whole, actor, facts, now)

    def _acting(self, call: Call, command: ask.Command, now: datetime) -> Actor | Refusal:
        """Who acts, with the roles they act in: in somebody's place they have that one's, and no other."""
        actor = call.actor
        if not isinstance(actor, PersonActor) or WHO[command.NAME] is not Who.CONTROLLER:
            return actor
        if call.delegation is not None:
            under = self._lending.under(actor.person.id, call.delegation, now)
            return under if isinstance(under, Refusal) else in_place(actor, under)
        return actor if command.NAME in DECIDED_IN_PLACE else self._with_lent(actor, now)

    def _with_lent(self, actor: PersonActor, now: datetime) -> PersonActor:
        """Somebody with what they were lent beside their own roles, for what they see and say."""
        if actor.person.disabled:
            return actor
        return replace(actor, person=with_lent(actor.person, self._lending.lent_to(actor.person.id, now)))

    def _record(self, call: Call, before: RequestState, events: tuple[RequestEvent, ...]) -> Done:
        now, foreseen = self._clock.now(), before
        for event in events:
            foreseen = evolve(foreseen, Happened(event, now, call.actor.id))
        recorded = self._log.record(
            request_stream(before.id),
            before.version,
            [to_new_event(event) for event in events],
            actor=call.actor.id,
            trace=call.trace,
            head=request_head(foreseen, self._limits),
            idempotency=call.idempotency,
            at=now,
        )
        after = before
        for written in recorded.events:
            after = evolve(after, from_event(written))
        return Done(after, events, recorded)

    def _replayed(
        self, call: Call, request: RequestId, command: ask.Command, found: Replayed | Refusal
    ) -> Done | Refusal:
        if isinstance(found, Refusal):
            return self._refused(call, request, command.NAME, found)
        known = RequestId(found.stream.removeprefix("request/"))
        events = tuple(from_event(event).event for event in found.recorded.events)
        return Done(fold(known, found.history), events, found.recorded, replayed=True)

    def _refused(self, call: Call, request: RequestId, command: ask.CommandName, refusal: Refusal) -> Refusal:
        record_refusal(
            self._log,
            self._ids,
            actor=call.actor.id,
            command=command.value,
            subject=request_stream(request),
            refusal=refusal,
            trace=call.trace,
        )
        return refusal

    def _by_release_function(
        self, request: RequestId, command: ask.Command, trace: str, known: RequestState | None = None
    ) -> Done | Refusal:
        return self.carry_out(Call(SystemActor(System.RELEASE), trace), request, command, known=known)

    def _facts(self, actor: Actor, state: RequestState, command: ask.Command) -> Facts:
        """What is registered about the request. Keyholder's own commands look at the request alone."""
        summary = command.summary if isinstance(command, ask.Create | ask.Save) else state.summary
        if isinstance(actor, SystemActor) or summary is None:
            return Facts(limits=self._limits)
        found = {domain: self._registry.domain(domain) for domain in summary.records}
        domains = {domain: known for domain, known in found.items() if known}
        standing = self._standing(command.standing if isinstance(command, ask.UseStanding) else state.standing)
        return Facts(
            project=self._registry.project(summary.project),
            domains=domains,
            candidates=self._candidates(domains) if isinstance(command, ask.Submit | ask.Recuse) else None,
            approvers=self._approvers(state, standing) if isinstance(command, _COUNTING) else {},
            adviser=self._registry.person(command.adviser) if isinstance(command, ask.AskAdvice) else None,
            standing=standing,
            reports_overdue=isinstance(command, ask.Submit) and self._reports_overdue(actor.person, summary.project),
            author=self._author(state) if isinstance(command, ask.TakeOver) else None,
            stand_ins=self._stand_ins(actor.person) if isinstance(command, ask.Approve) else frozenset(),
            limits=self._limits,
            terms=self._terms,
        )

    def _author(self, state: RequestState) -> Person | None:
        return self._registry.person(state.requester) if state.requester else None

    def _stand_ins(self, person: Person) -> frozenset[PersonId]:
        return self._lending.stand_ins(person.id, self._clock.now())

    def _standing(self, named: str | None) -> StandingApproval | None:
        entry = self._standings.entry(named) if named is not None else None
        return entry.value if entry is not None else None

    def _candidates(self, domains: Mapping[DomainId, Domain]) -> tuple[Person, ...]:
        """Everybody who decides for an organisation that controls one of the domains."""
        organisations = sorted({code for domain in domains.values() for code in domain.controllers})
        people = {person.id: person for code in organisations for person in self._registry.approvers_of(code)}
        return tuple(people.values())

    def _reports_overdue(self, requester: Person, project: ProjectId) -> bool:
        """Whether somebody has to report first: a request stays listed once it was late, its state says if it is."""
        return any(
            report_overdue(self.load(RequestId(stream.removeprefix("request/"))))
            for listing in (overdue_reports(requester.id), overdue_reports(project))
            for stream in self._listed(listing)
        )

    def _listed(self, listing: str) -> Iterator[StreamId]:
        after: StreamId | None = None
        while streams := self._log.listed(listing, after, _AT_ONCE):
            yield from streams
            after = streams[-1]

    def _approvers(self, state: RequestState, standing: StandingApproval | None = None) -> Mapping[PersonId, Person]:
        """Whoever has approved, the request or the bounds of its standing approval, as they are registered now."""
        ballots = (ballot for decision in state.domains.values() for ballot in decision.approvals())
        named = {person for ballot in ballots for person in ballot.behind}
        named |= standing.approvers if standing is not None else frozenset()
        found = {person: self._registry.person(person) for person in sorted(named)}
        return {person: known for person, known in found.items() if known}

    def _assessment(self, requester: Person, state: RequestState, facts: Facts, now: datetime) -> Assessment | None:
        if facts.project is None or state.summary is None or set(facts.domains) != set(state.summary.records):
            return None
        if facts.standing is not None and state.status is State.IN_REVIEW:
            # The policy asks whose approvals there are: those of the bounds are about to be the request's.
            state = replace(state, domains=approved_by(state, facts.standing, state.summary, now))
        return self._assess(Question(self.content(state), state, facts.project, facts.domains, requester, now))

    def _project(self, state: RequestState) -> Project | None:
        return self._registry.project(state.summary.project) if state.summary else None

    def _events(self, request: RequestId) -> tuple[Event, ...]:
        return self._log.read(request_stream(request)) if REQUEST.fullmatch(request) else ()
