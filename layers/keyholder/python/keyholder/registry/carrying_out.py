"""A command on one stream of the ledger: decided on what the stream says, written once, and its refusal too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar

from keyholder.ledger.event import Event, NewEvent
from keyholder.ledger.log import ClaimedError, EventLog, IdempotencyKey, Recorded, StaleStreamError
from keyholder.ledger.ports import Head
from keyholder.refusals import Refusal
from keyholder.registry.attempts import AttemptIds, record_refusal
from keyholder.registry.people import Person
from keyholder.registry.replays import BUSY, STALE, TRIES, replay
from keyholder.registry.sign_in import SignIn
from keyholder.vocabulary import ActorId, PersonId, StreamId

T = TypeVar("T")
_NO_TIME = datetime.min.replace(tzinfo=UTC)


class Decided(Protocol):
    """An event with a form for the ledger."""

    def new_event(self) -> NewEvent: ...


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks, and what ties their call to the access log and to its repetitions.

    `expected` is the version they read before (`If-Match`); None where the command needs none. `sign_in` is how
    strongly and when they signed in; None counts as not at all.
    """

    actor: PersonId
    trace: str
    idempotency: IdempotencyKey | None = None
    expected: int | None = None
    sign_in: SignIn | None = None


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """What is registered, and the number of its newest event; `recorded` is the step of the command, where it wrote."""

    value: T
    version: int
    recorded: Recorded | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Task(Generic[T]):
    """One command on one stream: how the stream is read, and the rule that decides."""

    command: str
    stream: StreamId
    fold: Callable[[Sequence[Event]], T | None]
    rule: Callable[[Person | None, T | None], Sequence[Decided] | Refusal]
    head: Callable[[T], Head]


class CarryingOut:
    """Carries commands out. `person` looks up who acts. Every method may raise `LedgerUnavailableError`."""

    def __init__(self, log: EventLog, ids: AttemptIds, person: Callable[[PersonId], Person | None]) -> None:
        self._log = log
        self._ids = ids
        self._person = person

    def carry_out(self, call: Call, task: Task[T]) -> Entry[T] | Refusal:
        """Decide and record, again where somebody came first; a repeated command gets the answer of the first."""
        for _ in range(TRIES):
            if call.idempotency and self._log.claim(call.idempotency.key):
                return self.replayed(call, task)
            events = self._log.read(task.stream)
            outcome = task.rule(self._person(call.actor), task.fold(events))
            if not isinstance(outcome, Refusal) and call.expected not in (None, len(events)):
                outcome = STALE
            if isinstance(outcome, Refusal):
                return self.refused(call, task, outcome)
            if not outcome:
                return Entry(_value(task, events), len(events))
            try:
                return self._record(call, task, events, [event.new_event() for event in outcome])
            except StaleStreamError:
                continue
            except ClaimedError:
                return self.replayed(call, task)
        return self.refused(call, task, BUSY)

    def _record(self, call: Call, task: Task[T], before: tuple[Event, ...], new: Sequence[NewEvent]) -> Entry[T]:
        actor = ActorId(call.actor)
        recorded = self._log.record(
            task.stream,
            len(before),
            new,
            actor=actor,
            trace=call.trace,
            head=task.head(_value(task, (*before, *_provisional(task.stream, len(before), new, actor)))),
            idempotency=call.idempotency,
        )
        return Entry(_value(task, (*before, *recorded.events)), recorded.events[-1].number, recorded)

    def replayed(self, call: Call, task: Task[T]) -> Entry[T] | Refusal:
        """The answer of the first command with this key."""
        found = replay(self._log, call.idempotency)
        if found is None:
            return self.refused(call, task, BUSY)
        if isinstance(found, Refusal):
            return self.refused(call, task, found)
        return Entry(_value(task, found.history), found.history[-1].number, found.recorded)

    def refused(self, call: Call, task: Task[T], refusal: Refusal) -> Refusal:
        """The refusal, once it is in the ledger."""
        record_refusal(
            self._log,
            self._ids,
            actor=ActorId(call.actor),
            command=task.command,
            subject=task.stream,
            refusal=refusal,
            trace=call.trace,
        )
        return refusal


def _value(task: Task[T], events: Sequence[Event]) -> T:
    value = task.fold(events)
    if value is None:
        raise ValueError("nothing was registered in this stream")
    return value


def _provisional(stream: StreamId, after: int, new: Sequence[NewEvent], actor: ActorId) -> tuple[Event, ...]:
    # The head is stored with the events it comes from, so it is folded from what they will be.
    return tuple(
        Event(stream, after + place, event.type, _NO_TIME, actor, "", event.data) for place, event in enumerate(new, 1)
    )
