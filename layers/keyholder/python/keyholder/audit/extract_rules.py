"""Steps of extracts, decided again: who announced a file, that each run might begin, that the counts add up.

What the ledger does not hold is supposed to have been right: which columns a file had, whether there was an upload, and
what was found in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from keyholder.audit.records import MEANWHILE, Records, moments
from keyholder.audit.replaying import RuleError
from keyholder.extracts import decide
from keyholder.extracts.events import (
    Announced,
    Collected,
    Discarded,
    Erased,
    Expired,
    ExtractEvent,
    Failed,
    FileRefused,
    Held,
    Made,
    Queued,
    RunReason,
    Started,
    from_event,
)
from keyholder.extracts.state import EXTRACT, KIND, Extract, evolve
from keyholder.ledger.event import Event
from keyholder.refusals import Refusal
from keyholder.registry.domains import Domain
from keyholder.registry.people import Person
from keyholder.vocabulary import DomainId, PersonId, StreamId


class ExtractRules:
    """Every extract as far as the ledger has been read."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._states: dict[StreamId, Extract] = {}

    def step(self, stream: StreamId, events: Sequence[Event]) -> None:
        """Raises `RuleError`, `FieldError` or `UnknownEventError` unless this could happen now."""
        if not EXTRACT.fullmatch(stream.removeprefix(KIND)):
            raise RuleError("no extract has such an id")
        for event in events:
            # Each is a command's whole step: of two in one moment, the second stands on the first.
            state, happened = self._states.get(stream), from_event(event)
            if state is not None and event.at < state.moved_at - MEANWHILE:
                raise RuleError("an event is dated before the one it follows")
            self._decided(event, state, happened)
            self._states[stream] = evolve(state, event, happened)

    def _decided(self, event: Event, state: Extract | None, happened: ExtractEvent) -> None:
        refusal: Refusal | None = None
        for outcome in self._tries(event, state, happened):
            if not isinstance(outcome, Refusal):
                if list(outcome) == [happened]:
                    return
                continue
            refusal = refusal or outcome
        raise RuleError(f"could not happen: {refusal.code}" if refusal else "does not follow from its command")

    def _tries(self, event: Event, state: Extract | None, happened: ExtractEvent) -> Iterator[decide.Outcome]:
        """The command asked again with all that may have been known when it was decided, the likeliest first."""
        if isinstance(happened, Announced):
            for person in self._people(event.actor, event.at):
                for domain in self._domains(happened.domain, event.at):
                    yield decide.announce(person, domain, state, happened)
        elif state is None:
            yield decide.EXTRACT_UNKNOWN
        elif event.actor == decide.WORKER:
            yield from self._by_keyholder(event.at, state, happened)
        else:
            for person in self._people(event.actor, event.at):
                for now in moments(event.at):
                    yield _by_provider(person, state, happened, now)

    def _by_keyholder(self, at: datetime, state: Extract, happened: ExtractEvent) -> Iterator[decide.Outcome]:
        for now in moments(at):
            match happened:
                case Made() | FileRefused() | Failed():
                    yield decide.finish(state, happened, state.run)
                case Expired():
                    yield decide.expire(state, now)
                case Erased(what):
                    yield decide.erase(state, frozenset(what))
            if isinstance(happened, Held | Failed):
                yield decide.hold(state, state.run, happened.code, now)
            for reason in (happened.reason,) if isinstance(happened, Started) else RunReason:
                for person in self._people(state.provider, at):
                    for domain in self._domains(state.domain, at):
                        yield decide.start(state, person, domain, now, reason)

    def _people(self, actor: str, at: datetime) -> tuple[Person | None, ...]:
        return tuple(self._records.people.around(PersonId(actor), at)) or (None,)

    def _domains(self, name: DomainId, at: datetime) -> tuple[Domain | None, ...]:
        return tuple(self._records.domains.around(name, at)) or (None,)


def _by_provider(person: Person | None, state: Extract, happened: ExtractEvent, now: datetime) -> decide.Outcome:
    match happened:
        case Queued():
            return decide.queue(person, state, now, uploaded=True)
        case Collected():
            return decide.collect(person, state, now)
        case Discarded():
            return decide.discard(person, state)
        case _:
            return decide.OUT_OF_TURN
