"""The desk where commands are handed in: read the request, decide, write it down, and only then let it count."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from keyholder.canonical import JsonObject
from keyholder.ledger.event import Event
from keyholder.ledger.log import ClaimedError, EventLog, IdempotencyKey, Recorded, StaleStreamError
from keyholder.ledger.ports import Clock
from keyholder.ledger.receipts import receipts_json
from keyholder.refusals import Refusal
from keyholder.registry.attempts import record_refusal
from keyholder.registry.domains import Domain
from keyholder.registry.people import Person
from keyholder.registry.projects import Project
from keyholder.registry.replays import BUSY, STALE, TRIES, Replayed, replay
from keyholder.registry.service import Registry
from keyholder.requests import commands as ask
from keyholder.requests.actors import Actor, Limits, PersonActor, System, SystemActor
from keyholder.requests.case import Assessment, Case, Facts
from keyholder.requests.codec import Happened, RequestEvent, from_event, to_new_event
from keyholder.requests.codes import RejectReason, RevokeReason, State
from keyholder.requests.content import (
    Delivery,
    FreeText,
    RequestContent,
    Vocabulary,
    identifier_faults,
    parse_draft,
)
from keyholder.requests.contents import ContentStore, Narrative, stored_content, stored_narrative
from keyholder.requests.decide import allowed_commands, asks_policy, authorise, decide
from keyholder.requests.events.releasing import ItemsReleased
from keyholder.requests.folding import evolve, fold
from keyholder.requests.ids import REQUEST, Ids
from keyholder.requests.listings import request_head, request_stream
from keyholder.requests.reasons import UNKNOWN_REQUEST
from keyholder.requests.receipts import own_act
from keyholder.requests.state import RequestState
from keyholder.requests.view import may_see, request_view
from keyholder.vocabulary import (
    ContentHash,
    DomainId,
    IdentifierType,
    OrganisationCode,
    RequestId,
    Role,
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
    """Who asks, what ties the call to the access log and to its repetitions, and the version they read (`If-Match`)."""

    actor: Actor
    trace: str
    idempotency: IdempotencyKey | None = None
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """A command that was carried out: the request right after it, what happened, and the proof that it is written.

    `replayed`: it had been carried out before under the same key, and nothing was added.
    """

    state: RequestState
    events: tuple[RequestEvent, ...]
    recorded: Recorded
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Requests of a listing that the person may see; `after` continues, None at the end."""

    requests: tuple[JsonObject, ...]
    after: StreamId | None


def nothing_to_keep(request: RequestId) -> Refusal | None:  # noqa: ARG001 - the shape of what precedes a step
    """Most commands store nothing beside the ledger."""
    return None


class RequestDesk:
    """Carries out commands on requests. Every method may raise `LedgerUnavailableError`; nothing took effect then.

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
    ) -> None:
        self._log = log
        self._registry = registry
        self._contents = contents
        self._ids = ids
        self._clock = clock
        self._assess = assess
        self._vocabulary = vocabulary
        self._limits = limits or Limits()

    def load(self, request: RequestId) -> RequestState:
        """The request as it stands; `status` is None for an unknown one."""
        return fold(request, self._events(request))

    def create(self, call: Call, body: JsonObject) -> Done | Refusal:
        """A new draft from what its author sent (`content.parse_draft`)."""
        return self._write_draft(call, self._ids.request(), body, ask.CommandName.CREATE)

    def save(self, call: Call, request: RequestId, body: JsonObject) -> Done | Refusal:
        """Other content for a draft."""
        return self._write_draft(call, request, body, ask.CommandName.SAVE)

    def discard(self, call: Call, request: RequestId) -> Done | Refusal:
        return self.carry_out(call, request, ask.Discard())

    def submit(self, call: Call, request: RequestId, content_hash: ContentHash | None = None) -> Done | Refusal:
        """Freeze the draft as a revision and hand it in."""
        return self.carry_out(call, request, ask.Submit(content_hash))

    def approve(
        self,
        call: Call,
        request: RequestId,
        domain: DomainId,
        content_hash: ContentHash,
        *,
        organisation: OrganisationCode | None = None,
        until: datetime | None = None,
        identifier_types: tuple[IdentifierType, ...] | None = None,
    ) -> Done | Refusal:
        """One controller's yes for one domain."""
        command = ask.Approve(domain, content_hash, organisation, until, identifier_types)
        return self.carry_out(call, request, command)

    def reject(
        self,
        call: Call,
        request: RequestId,
        domain: DomainId,
        content_hash: ContentHash,
        reason: RejectReason,
        *,
        comment: str | None = None,
        organisation: OrganisationCode | None = None,
    ) -> Done | Refusal:
        """One controller's no for one domain; the comment goes to the erasable store."""
        text = FreeText(self._ids.salt(), comment) if comment else None
        command = ask.Reject(domain, content_hash, reason, text.sha256() if text else None, organisation)

        def keep_comment(known: RequestId) -> Refusal | None:
            refusal = next(identifier_faults(text.text, "/comment"), None) if text else None
            if text and not refusal:
                self._contents.keep(known, {text.sha256(): text.stored()})
            return refusal

        return self.carry_out(call, request, command, keep_comment)

    def withdraw(self, call: Call, request: RequestId) -> Done | Refusal:
        return self.carry_out(call, request, ask.Withdraw())

    def revoke(self, call: Call, request: RequestId, reason: RevokeReason) -> Done | Refusal:
        """One controller stops an approved request."""
        return self.carry_out(call, request, ask.Revoke(reason))

    def authorise_release(
        self, call: Call, request: RequestId, content_hash: ContentHash, delivery: Delivery
    ) -> Done | Refusal:
        """Permission to release now, written before any key is used. Its id is in the event."""
        return self.carry_out(call, request, ask.AuthoriseRelease(self._ids.release(), content_hash, delivery))

    def collect(self, call: Call, request: RequestId, release: str) -> Done | Refusal:
        """Hand over a release's file, once."""
        return self.carry_out(call, request, ask.Collect(release))

    def record_checks(
        self, request: RequestId, content_hash: ContentHash, checks: ask.Checks, trace: str
    ) -> Done | Refusal:
        """What the checks of a submitted request found."""
        return self._by_release_function(request, ask.RecordChecks(content_hash, checks), trace)

    def hold_checks(self, request: RequestId, content_hash: ContentHash, code: str, trace: str) -> Done | Refusal:
        """The checks of a submitted request can't be made for now; `code` is a constant."""
        return self._by_release_function(request, ask.HoldChecks(content_hash, code), trace)

    def record_chunk(self, request: RequestId, chunk: ItemsReleased, trace: str) -> Done | Refusal:
        """The next chunk of a running release, before it is handed out."""
        command = ask.RecordChunk(
            chunk.release, chunk.chunk, chunk.chunks, chunk.count, chunk.epoch, chunk.subjects, chunk.unresolved
        )
        return self._by_release_function(request, command, trace)

    def finish_release(
        self, request: RequestId, release: str, counts: Mapping[str, int], result_sha256: str | None, trace: str
    ) -> Done | Refusal:
        return self._by_release_function(request, ask.FinishRelease(release, counts, result_sha256), trace)

    def fail_release(self, request: RequestId, release: str, code: str, trace: str) -> Done | Refusal:
        """A release was cut short; `code` is a constant."""
        return self._by_release_function(request, ask.FailRelease(release, code), trace)

    def expire(self, request: RequestId, trace: str) -> Done | Refusal:
        """End a request whose time has run out."""
        return self.carry_out(Call(SystemActor(System.SWEEPER), trace), request, ask.Expire())

    def view(self, actor: PersonActor, request: RequestId) -> JsonObject | Refusal:
        """The request as this person sees it now, with what they may do and why not."""
        state = self.load(request)
        return self._viewed(actor, state, with_commands=True) or UNKNOWN_REQUEST

    def view_done(self, actor: PersonActor, done: Done) -> JsonObject | Refusal:
        """The request as a command left it."""
        return self._viewed(actor, done.state, with_commands=True) or UNKNOWN_REQUEST

    def page(self, actor: PersonActor, listing: str, after: StreamId | None = None, limit: int = 50) -> Page:
        """The next requests of a listing (`own_requests` and the like), without those this person may not see."""
        streams = self._log.listed(listing, after, limit)
        states = (self.load(RequestId(stream.removeprefix("request/"))) for stream in streams)
        views = (self._viewed(actor, state, with_commands=False) for state in states)
        return Page(tuple(view for view in views if view), streams[-1] if len(streams) == limit else None)

    def receipts(
        self, actor: PersonActor, request: RequestId, after: int, limit: int
    ) -> tuple[JsonObject, ...] | Refusal:
        """Receipts of this person's own acts on a request, in order, after event number `after`.

        An auditor has those of every event; leaves of others' acts are read, and that is logged, by the audit API.
        """
        state = self.load(request)
        if not may_see(state, actor.person, self._project(state)):
            return UNKNOWN_REQUEST
        own, every = own_act(state, actor.person.id), actor.person.has(Role.AUDITOR)
        numbers = [event.number for event in self._events(request) if event.number > after and (every or own(event))][
            :limit
        ]
        return tuple(
            receipt
            for recorded in self._log.proven(request_stream(request), frozenset(numbers))
            for receipt in receipts_json(recorded, own)
            if receipt["number"] in numbers
        )

    def narrative(self, actor: PersonActor, request: RequestId) -> Narrative | Refusal:
        """The texts, for whoever may see the request."""
        state = self.load(request)
        if state.summary is None or not may_see(state, actor.person, self._project(state)):
            return UNKNOWN_REQUEST
        return stored_narrative(self._contents, state)

    def content(self, state: RequestState) -> RequestContent:
        """The content a state names, verified against its hash. Raises `ContentLostError`."""
        return stored_content(self._contents, state)

    def carry_out(
        self,
        call: Call,
        request: RequestId,
        command: ask.Command,
        prepare: Callable[[RequestId], Refusal | None] = nothing_to_keep,
    ) -> Done | Refusal:
        """The one way a request changes: replay, read, authorise, decide, store what is erasable, write it down.

        If somebody else's step came first, all of it is done again on what is true then.
        """
        for _ in range(TRIES):
            found = replay(self._log, call.idempotency)
            if found is not None:
                return self._replayed(call, request, command, found)
            before = self.load(request)
            outcome = self._decide(call, before, command)
            if not isinstance(outcome, Refusal):
                outcome = prepare(request) or outcome
            if isinstance(outcome, Refusal):
                return self._refused(call, request, command.NAME, outcome)
            try:
                return self._record(call, before, outcome)
            except (StaleStreamError, ClaimedError):
                continue
        return self._refused(call, request, command.NAME, BUSY)

    def _decide(self, call: Call, state: RequestState, command: ask.Command) -> tuple[RequestEvent, ...] | Refusal:
        now = self._clock.now()
        facts = self._facts(call.actor, state, command)
        refusal = authorise(Case(state, command, call.actor, facts, now))
        if not refusal and call.expected is not None and call.expected != state.version:
            refusal = STALE
        if refusal:
            return refusal
        if asks_policy(command.NAME) and isinstance(call.actor, PersonActor):
            facts = replace(facts, assessment=self._assessment(call.actor.person, state, facts, now))
        return decide(state, command, call.actor, facts, now)

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
            head=request_head(foreseen),
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

    def _write_draft(self, call: Call, request: RequestId, body: JsonObject, name: ask.CommandName) -> Done | Refusal:
        draft = parse_draft(body, self._ids.salt(), self._vocabulary)
        if isinstance(draft, Refusal):
            return self._refused(call, request, name, draft)
        content = draft.content
        text = FreeText(content.salt, draft.justification)
        summary = content.summary()

        def keep_content(known: RequestId) -> None:
            pieces = {summary.content_hash: content.canonical(), text.sha256(): text.stored()}
            self._contents.keep(known, {str(piece): body for piece, body in pieces.items()})

        command = ask.Create(summary) if name is ask.CommandName.CREATE else ask.Save(summary)
        return self.carry_out(call, request, command, keep_content)

    def _by_release_function(self, request: RequestId, command: ask.Command, trace: str) -> Done | Refusal:
        return self.carry_out(Call(SystemActor(System.RELEASE), trace), request, command)

    def _facts(self, actor: Actor, state: RequestState, command: ask.Command) -> Facts:
        """What is registered about the request. Keyholder's own commands look at the request alone."""
        summary = command.summary if isinstance(command, ask.Create | ask.Save) else state.summary
        if isinstance(actor, SystemActor) or summary is None:
            return Facts(limits=self._limits)
        found = {domain: self._registry.domain(domain) for domain in summary.records}
        domains = {domain: known for domain, known in found.items() if known}
        return Facts(
            project=self._registry.project(summary.project),
            domains=domains,
            candidates=self._candidates(domains) if isinstance(command, ask.Submit) else None,
            limits=self._limits,
        )

    def _candidates(self, domains: Mapping[DomainId, Domain]) -> tuple[Person, ...]:
        """Everybody registered for an organisation that controls one of the domains."""
        organisations = sorted({code for domain in domains.values() for code in domain.controllers})
        people = {person.id: person for code in organisations for person in self._registry.people_of(code)}
        return tuple(people.values())

    def _assessment(self, requester: Person, state: RequestState, facts: Facts, now: datetime) -> Assessment | None:
        if facts.project is None or state.summary is None or set(facts.domains) != set(state.summary.records):
            return None
        return self._assess(Question(self.content(state), state, facts.project, facts.domains, requester, now))

    def _viewed(self, actor: PersonActor, state: RequestState, *, with_commands: bool) -> JsonObject | None:
        if not may_see(state, actor.person, self._project(state)):
            return None
        if not with_commands or state.summary is None:
            return request_view(state, actor.person)
        now = self._clock.now()
        facts = self._facts(actor, state, ask.Withdraw())
        # Only the requester's next step asks the policy, so only they wait for the content to be read.
        if actor.person.id == state.requester and state.status in (State.DRAFT, State.APPROVED, State.RELEASED):
            facts = replace(facts, assessment=self._assessment(actor.person, state, facts, now))
        return request_view(state, actor.person, allowed_commands(state, actor, facts, now))

    def _project(self, state: RequestState) -> Project | None:
        return self._registry.project(state.summary.project) if state.summary else None

    def _events(self, request: RequestId) -> tuple[Event, ...]:
        return self._log.read(request_stream(request)) if REQUEST.fullmatch(request) else ()
