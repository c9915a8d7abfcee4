"""Steps of people, decided again: registered, changed, their roles confirmed by a second person, terms accepted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from keyholder.audit.records import Records, moments
from keyholder.audit.replaying import Outcome, RuleError, follows, only, same_stream
from keyholder.ledger.event import Event
from keyholder.refusals import Refusal
from keyholder.registry import decide, decide_people
from keyholder.registry import people_events as happened
from keyholder.registry.decide_people import Moment
from keyholder.registry.fields import Fields
from keyholder.registry.key_changes import actor_of
from keyholder.registry.people import Person, read_memberships, read_person
from keyholder.registry.terms import read_terms
from keyholder.vocabulary import PersonId, StreamId


class PeopleRules:
    """People as far as the ledger has been read.

    Ledgers began with roles that counted as soon as they were registered. Such a record is good until the first that
    says who awaits a second person; after that one, no writer goes back.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._streams: dict[StreamId, list[Event]] = {}
        self._two_people = False
        self.bootstrap: tuple[PersonId, PersonId] | None = None
        """Who used it, and whom it named."""

    def step(self, stream: StreamId, events: Sequence[Event]) -> None:
        """Raises `RuleError`, `FieldError` or `UnknownEventError` unless this could happen now."""
        event = only(events)
        known = self._streams.setdefault(stream, [])
        existing = happened.fold_person(known)
        if event.type in (happened.PERSON_REGISTERED, happened.PERSON_CHANGED):
            self._record(stream, event, existing)
        elif event.type == happened.PERSON_ROLES_CONFIRMED:
            follows(events, self._confirmed(event, existing))
        else:
            follows(events, self._accepted(event, existing))
        known.append(event)
        person = happened.fold_person(known)
        if person is not None:
            self._records.people.put(person.id, person, event.at)

    def _record(self, stream: StreamId, event: Event, existing: Person | None) -> None:
        person = read_person(Fields(event.data))
        same_stream(stream, person.id)
        registers = event.type == happened.PERSON_REGISTERED
        rule = decide.register_person if registers else decide.change_person

        def tries() -> Iterator[Outcome]:
            for acting in self._records.acting(event):
                yield rule(acting, person, existing)
            if registers and self.bootstrap == (PersonId(event.actor), person.id):
                first = decide.Bootstrap(PersonId(event.actor), None)
                refused = decide.use_bootstrap(first, first.holder, person, existing)
                yield refused if isinstance(refused, Refusal) else rule(person, person, existing)

        if happened.says_who_awaits(event):
            self._two_people = True
            follows([event], tries())
        elif self._two_people:
            raise RuleError("a role counts that nobody confirmed")
        else:
            follows([event], tries(), without="awaiting")

    def _confirmed(self, event: Event, existing: Person | None) -> Iterator[Outcome]:
        roles = read_memberships(Fields(event.data), "roles")
        for now in moments(event.at):
            for acting in self._records.acting(event):
                yield decide_people.confirm(acting, existing, roles, Moment(now, self._operator_then(event.at)))

    def _operator_then(self, at: datetime) -> Callable[[PersonId], Person | None]:
        """People as operators, if they were a moment before."""

        def look_up(person: PersonId) -> Person | None:
            versions = tuple(self._records.people.around(person, at))
            return next((known for known in versions if decide.operates(known)), None)

        return look_up

    def _accepted(self, event: Event, existing: Person | None) -> Iterator[Outcome]:
        """Which texts were in force is what people accepted: nobody accepts an older one a day after a newer."""
        terms = read_terms(Fields(event.data))
        if existing is None or actor_of(event.actor) != existing.id:
            raise RuleError("terms are accepted by somebody else")
        self._records.terms.accepted(terms, event.at)
        moment = Moment(event.at, self._operator_then(event.at))
        for acting in self._records.people.around(existing.id, event.at):
            yield decide_people.accept(acting, terms, {terms.document: terms}, moment)
