"""Addresses for notices, set and removed, decided again; which addresses they were no ledger says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from keyholder.audit.records import Records
from keyholder.audit.replaying import Outcome, RuleError, follows
from keyholder.ledger.event import Event
from keyholder.notices.contacts import (
    CONTACT_REMOVED,
    CONTACT_SET,
    KIND,
    Contact,
    contact_stream,
    fold_contact,
    remove_contact,
    set_contact,
)
from keyholder.registry.fields import PERSON, Fields
from keyholder.registry.people import Person
from keyholder.vocabulary import PersonId, StreamId

HOME = {CONTACT_SET: KIND, CONTACT_REMOVED: KIND}


class ContactRules:
    """Who has an address, as far as the ledger has been read."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._contacts: dict[StreamId, Contact | None] = {}

    def step(self, stream: StreamId, events: Sequence[Event]) -> None:
        """Raises `RuleError`, `FieldError` or `UnknownEventError` unless this could happen now."""
        if len(events) != 1:
            raise RuleError("no command makes these events together")
        (event,) = events
        owner = PersonId(Fields(event.data).text("person", PERSON))
        if contact_stream(owner) != stream:
            raise RuleError("an event stands in another thing's stream")
        follows(events, self._tries(event, owner, self._contacts.get(stream)))
        self._contacts[stream] = fold_contact(events)

    def _tries(self, event: Event, owner: PersonId, contact: Contact | None) -> Iterator[Outcome]:
        actors: tuple[Person | None, ...] = tuple(self._records.people.around(PersonId(event.actor), event.at))
        for acting in actors or (None,):
            for known in self._records.people.around(owner, event.at):
                yield (
                    set_contact(acting, known) if event.type == CONTACT_SET else remove_contact(acting, known, contact)
                )
