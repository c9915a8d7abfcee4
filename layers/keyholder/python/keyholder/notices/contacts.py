"""Where notices for a person go. The ledger says that there is an address, since when and by whom; never which.

The address itself is personal data: it is in a store of its own, sealed under a key of its own, and can be erased. Who
registers it can't read it; only the function that sends notices can (`infra/permissions.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from keyholder.canonical import JsonObject
from keyholder.ledger.event import Event, NewEvent, rfc3339
from keyholder.ledger.log import EventLog
from keyholder.ledger.ports import Head
from keyholder.refusals import Refusal, RefusalKind
from keyholder.registry.attempts import AttemptIds
from keyholder.registry.carrying_out import Call, CarryingOut, Entry, Task
from keyholder.registry.decide import NOT_AN_OPERATOR, operates
from keyholder.registry.fields import PERSON, Fields, UnknownEventError
from keyholder.registry.people import Person, PersonKind
from keyholder.registry.service import Registry
from keyholder.vocabulary import ActorId, PersonId, StreamId

CONTACT_SET = "contact.set"
CONTACT_REMOVED = "contact.removed"
KIND = "contact"

LONGEST_ADDRESS = 254
"""RFC 5321, 4.5.3.1.3, less the angle brackets."""
_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}"
)

NOT_AN_ADDRESS = Refusal(
    "NOT_AN_ADDRESS", RefusalKind.INVALID, "Give one e-mail address, as in somebody@example.nhs.uk.", "/email"
)
NOBODY_TO_TELL = Refusal(
    "NOBODY_TO_TELL",
    RefusalKind.NOT_FOUND,
    "Register the person first, as a human; an operator can. Nobody else is told.",
)
NO_ADDRESS = Refusal("NO_ADDRESS", RefusalKind.CONFLICT, "There is no address to remove.")
REFUSALS = (NOT_AN_ADDRESS, NOBODY_TO_TELL, NO_ADDRESS)


class Channel(StrEnum):
    """What kind of address it is."""

    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Contact:
    """What the ledger knows: `channel` is None once the address was removed."""

    person: PersonId
    channel: Channel | None
    since: datetime
    by: ActorId


@dataclass(frozen=True, slots=True)
class ContactSet:
    person: PersonId
    channel: Channel = Channel.EMAIL

    def new_event(self) -> NewEvent:
        return NewEvent(CONTACT_SET, {"person": self.person, "channel": self.channel.value})


@dataclass(frozen=True, slots=True)
class ContactRemoved:
    person: PersonId

    def new_event(self) -> NewEvent:
        return NewEvent(CONTACT_REMOVED, {"person": self.person})


ContactEvent = ContactSet | ContactRemoved


class Addresses(Protocol):
    """Where addresses are kept, for whoever registers them. Raises the storage errors of `ledger.ports`."""

    def keep(self, person: PersonId, version: int, address: str) -> None:
        """The address that event number `version` set; nothing happens where a later one was kept."""
        ...

    def erase(self, person: PersonId, version: int) -> None:
        """Nothing of it is left, unless a later one was kept."""
        ...


def parse_address(text: str) -> str | Refusal:
    """An address as it is kept."""
    return text if len(text) <= LONGEST_ADDRESS and _ADDRESS.fullmatch(text) else NOT_AN_ADDRESS


def contact_stream(person: PersonId) -> StreamId:
    return StreamId(f"{KIND}/{person.removeprefix('person/')}")


def fold_contact(events: Sequence[Event]) -> Contact | None:
    """The newest event says it all. Raises `UnknownEventError`, `FieldError`."""
    if not events:
        return None
    last = events[-1]
    fields = Fields(last.data)
    person = PersonId(fields.text("person", PERSON))
    if last.type not in (CONTACT_SET, CONTACT_REMOVED):
        raise UnknownEventError(last.type)
    channel = fields.choice("channel", Channel) if last.type == CONTACT_SET else None
    fields.end()
    return Contact(person, channel, last.at, last.actor)


def contact_head(_contact: Contact | None = None) -> Head:
    """Looked up by its name, and in no listing."""
    return Head()


def contact_view(contact: Contact) -> JsonObject:
    """The form of answers: never the address."""
    return {
        "person_id": contact.person,
        "channel": contact.channel.value if contact.channel else None,
        "since": rfc3339(contact.since),
        "by": contact.by,
    }


def set_contact(acting: Person | None, owner: Person | None) -> tuple[ContactEvent, ...] | Refusal:
    """By an operator. Whose it is, is told of it, at the address before too."""
    return _refused(acting, owner) or (ContactSet(_known(owner).id),)


def remove_contact(
    acting: Person | None, owner: Person | None, contact: Contact | None
) -> tuple[ContactEvent, ...] | Refusal:
    """By an operator; also of somebody who is disabled."""
    refused = _refused(acting, owner)
    if refused is None and (contact is None or contact.channel is None):
        return NO_ADDRESS
    return refused or (ContactRemoved(_known(owner).id),)


def _refused(acting: Person | None, owner: Person | None) -> Refusal | None:
    if not operates(acting):
        return NOT_AN_OPERATOR
    return None if owner is not None and owner.kind is PersonKind.HUMAN else NOBODY_TO_TELL


def _known(owner: Person | None) -> Person:
    if owner is None:
        raise LookupError("nobody's address")
    return owner


class ContactBook:
    """Addresses over ledger and store. Every method may raise `LedgerUnavailableError`; the store's errors too."""

    def __init__(self, log: EventLog, ids: AttemptIds, registry: Registry, addresses: Addresses) -> None:
        self._log = log
        self._registry = registry
        self._addresses = addresses
        self._commands = CarryingOut(log, ids, registry.person)

    def entry(self, person: PersonId) -> Entry[Contact] | None:
        """What the ledger says of a person's address."""
        events = self._log.read(contact_stream(person))
        contact = fold_contact(events)
        return None if contact is None else Entry(contact, len(events))

    def set(self, call: Call, person: PersonId, address: str) -> Entry[Contact] | Refusal:
        """The ledger first, then the address: a repeated call keeps what a half one did not."""
        owner = self._registry.person(person)
        entry = self._commands.carry_out(
            call, _task("set_contact", person, lambda acting, _: set_contact(acting, owner))
        )
        if not isinstance(entry, Refusal):
            self._addresses.keep(person, entry.version, address)
        return entry

    def remove(self, call: Call, person: PersonId) -> Entry[Contact] | Refusal:
        """The ledger first, then the address is erased."""
        owner = self._registry.person(person)
        entry = self._commands.carry_out(
            call, _task("remove_contact", person, lambda acting, contact: remove_contact(acting, owner, contact))
        )
        if not isinstance(entry, Refusal):
            self._addresses.erase(person, entry.version)
        return entry


def _task(
    command: str,
    person: PersonId,
    rule: Callable[[Person | None, Contact | None], Sequence[ContactEvent] | Refusal],
) -> Task[Contact]:
    return Task(command, contact_stream(person), fold_contact, rule, contact_head)
