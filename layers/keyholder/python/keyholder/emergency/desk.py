"""Emergency accesses over the ledger: every step is in it before it takes effect, and so is every refusal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from keyholder.emergency import decide
from keyholder.emergency.access import (
    CUT_SHORT,
    Access,
    Accesses,
    ReviewFinding,
    emergency_head,
    emergency_stream,
    newest_first,
    own_listing,
    owner_of,
)
from keyholder.emergency.decide import NO_SUCH_ACCESS, Opening, Policy
from keyholder.emergency.events import EmergencyEvent, Released, evolve_accesses, fold_accesses
from keyholder.ledger.event import Event
from keyholder.ledger.log import ClaimedError, EventLog, IdempotencyKey, Recorded, StaleStreamError
from keyholder.ledger.ports import Clock
from keyholder.refusals import Refusal
from keyholder.registry.attempts import AttemptIds, record_refusal
from keyholder.registry.domains import Domain
from keyholder.registry.people import Person
from keyholder.registry.replays import BUSY, STALE, TRIES, replay
from keyholder.registry.service import MOST_PEOPLE, Registry
from keyholder.registry.sign_in import SignInRules
from keyholder.vocabulary import ActorId, DomainId, PersonId, StreamId

SWEEPER = ActorId("system/sweeper")
RELEASE = ActorId("system/release")

Rule = Callable[[Accesses, datetime], tuple[EmergencyEvent, ...] | Refusal]


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks, what ties it to the access log and its repetitions, and the version they read (`If-Match`)."""

    actor: ActorId
    trace: str
    idempotency: IdempotencyKey | None = None
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class Noted:
    """One step: the access right after it, the version of its person's stream, and the proof that it is written.

    `replayed`: it was done before, under the same key.
    """

    access: Access
    accesses: Accesses
    recorded: Recorded
    replayed: bool = False


class EmergencyDesk:
    """The one way an emergency access changes. Every method may raise `LedgerUnavailableError`."""

    def __init__(
        self, log: EventLog, registry: Registry, ids: AttemptIds, clock: Clock, sign_in: SignInRules | None = None
    ) -> None:
        self._log = log
        self._registry = registry
        self._ids = ids
        self._clock = clock
        self._sign_in = sign_in or SignInRules()

    def load(self, person: PersonId) -> Accesses:
        return fold_accesses(person, self._log.read(emergency_stream(person)))

    def open(self, call: Call, opening: Opening, assess: Callable[[Domain, datetime], Policy]) -> Noted | Refusal:
        """Open one, if everything that can be known before holds."""

        def rule(accesses: Accesses, now: datetime) -> tuple[EmergencyEvent, ...] | Refusal:
            policy = Policy("") if opening.domain is None else assess(opening.domain, now)
            return decide.open_access(opening, accesses, policy, self._sign_in, now)

        return self._carry_out(call, "open_emergency_access", opening.person.id, rule)

    def released(self, owner: PersonId, released: Released, trace: str) -> Noted | Refusal:
        """What is about to leave."""
        return self._carry_out(
            Call(RELEASE, trace),
            "release_emergency_access",
            owner,
            lambda accesses, _: decide.release(accesses, released),
        )

    def fail(self, owner: PersonId, access_id: str, code: str, trace: str) -> Noted | Refusal:
        """It was cut short and nothing left."""
        return self._carry_out(
            Call(RELEASE, trace),
            "fail_emergency_access",
            owner,
            lambda accesses, _: decide.fail(accesses, access_id, code),
        )

    def review(self, call: Call, person: Person, access_id: str, finding: ReviewFinding) -> Noted | Refusal:
        """One reviewer's finding."""
        owner = owner_of(access_id)

        def rule(accesses: Accesses, _: datetime) -> tuple[EmergencyEvent, ...] | Refusal:
            access = accesses.access(access_id)
            domain = None if access is None else self._registry.domain(access.domain)
            return decide.review(person, domain, accesses, access_id, finding)

        if owner is None:
            return self._refused(call, "review_emergency_access", StreamId("emergency/unnamed"), NO_SUCH_ACCESS)
        return self._carry_out(call, "review_emergency_access", owner, rule)

    def keep_time(self, owner: PersonId, trace: str) -> str | None:
        """What the sweeper has to say of a person's accesses: cut short, or not reviewed in time. None for nothing."""
        waiting, now = self.load(owner).unreviewed, self._clock.now()
        if waiting is None:
            return None
        if waiting.running and now >= waiting.opened_at + CUT_SHORT:
            done = self.fail(owner, waiting.id, "CUT_SHORT", trace)
            return None if isinstance(done, Refusal) else "failed"
        if waiting.overdue or waiting.running or now < waiting.review_by:
            return None
        call = Call(SWEEPER, trace)
        done = self._carry_out(call, "note_review_overdue", owner, decide.note_overdue)
        return None if isinstance(done, Refusal) else "overdue"

    def shown(self, person: Person, access_id: str) -> tuple[Access, Accesses] | None:
        """An access, for whoever may see it."""
        owner = owner_of(access_id)
        accesses = None if owner is None else self.load(owner)
        access = None if accesses is None else accesses.access(access_id)
        if accesses is None or access is None:
            return None
        domain = self._registry.domain(access.domain)
        return (access, accesses) if decide.may_see(person, accesses, access, domain) else None

    def of_domain(self, person: Person, domain: DomainId) -> Sequence[tuple[Access, PersonId]]:
        """All of a domain that a person may see: what waits for its review first."""
        known = self._registry.domain(domain)
        streams = self._log.listed(own_listing(domain), None, MOST_PEOPLE)
        found = []
        for owner in (PersonId(f"person/{stream.partition('/')[2]}") for stream in streams):
            accesses = self.load(owner)
            found += [
                (access, owner)
                for access in accesses.all
                if access.domain == domain and decide.may_see(person, accesses, access, known)
            ]
        return newest_first(found)

    def own(self, person: Person) -> Sequence[tuple[Access, PersonId]]:
        """A person's own."""
        return newest_first([(access, person.id) for access in self.load(person.id).all])

    def _carry_out(self, call: Call, command: str, owner: PersonId, rule: Rule) -> Noted | Refusal:
        stream = emergency_stream(owner)
        for _ in range(TRIES):
            found = replay(self._log, call.idempotency)
            if isinstance(found, Refusal):
                return self._refused(call, command, stream, found)
            if found is not None:
                return self._noted(owner, found.history, found.recorded, replayed=True)
            events = self._log.read(stream)
            before, now = fold_accesses(owner, events), self._clock.now()
            outcome = rule(before, now)
            if not isinstance(outcome, Refusal) and call.expected not in (None, before.version):
                outcome = STALE
            if isinstance(outcome, Refusal):
                return self._refused(call, command, stream, outcome)
            try:
                return self._record(call, owner, events, outcome, now)
            except (StaleStreamError, ClaimedError):
                continue
        return self._refused(call, command, stream, BUSY)

    def _record(
        self,
        call: Call,
        owner: PersonId,
        before: Sequence[Event],
        outcome: tuple[EmergencyEvent, ...],
        now: datetime,
    ) -> Noted:
        stream, new = emergency_stream(owner), [event.new_event() for event in outcome]
        foreseen = fold_accesses(owner, before)
        for place, event in enumerate(new, len(before) + 1):
            foreseen = evolve_accesses(foreseen, Event(stream, place, event.type, now, call.actor, "", event.data))
        recorded = self._log.record(
            stream,
            len(before),
            new,
            actor=call.actor,
            trace=call.trace,
            head=emergency_head(foreseen),
            idempotency=call.idempotency,
            at=now,
        )
        return self._noted(owner, (*before, *recorded.events), recorded)

    def _noted(self, owner: PersonId, history: Sequence[Event], recorded: Recorded, *, replayed: bool = False) -> Noted:
        accesses = fold_accesses(owner, history)
        access = accesses.access(str(recorded.events[0].data["access_id"]))
        if access is None:
            raise LookupError("a step on an emergency access left none")
        return Noted(access, replace(accesses), recorded, replayed)

    def _refused(self, call: Call, command: str, stream: StreamId, refusal: Refusal) -> Refusal:
        record_refusal(
            self._log,
            self._ids,
            actor=call.actor,
            command=command,
            subject=stream,
            refusal=refusal,
            trace=call.trace,
        )
        return refusal
