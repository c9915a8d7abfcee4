"""Telling people: from one announced event to the messages it asks for, each sent once as far as that can be known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from keyholder.emergency.access import KIND
from keyholder.ledger.ports import Clock
from keyholder.linkage import events as linkage
from keyholder.notices.agreements import agreement_notices
from keyholder.notices.contacts import CONTACT_SET
from keyholder.notices.delegations import delegation_notices
from keyholder.notices.directory import Directory
from keyholder.notices.domain_event import DomainEvent
from keyholder.notices.emergencies import emergency_notices
from keyholder.notices.notices import Notice, notices_of
from keyholder.notices.table import TELLINGS
from keyholder.notices.vocabulary import Template
from keyholder.notices.wording import Text, kind_of, text
from keyholder.registry import delegation_events as delegation
from keyholder.registry.fields import PERSON, Fields
from keyholder.registry.people import PersonKind
from keyholder.standing import events as standing
from keyholder.vocabulary import PersonId

LATE = timedelta(days=3)
"""Nobody is told of what happened longer ago: a repeated announcement of old events must not become a flood."""

TURN = timedelta(minutes=2)
"""How long one attempt to send has a message for itself: longer than the function may run, and over before the queue
delivers the event again."""


class PostRefusedError(Exception):
    """The service that sends messages took this one not, and will not: something is set up wrong."""


class PostBusyError(Exception):
    """It took the message not for now, or gave no answer: try again."""


class TurnTakenError(Exception):
    """Another attempt has this message, and has not ended: try again."""


class Turn(StrEnum):
    """The answer to whoever asks for a message."""

    YOURS = "yours"
    SENT = "sent"
    """It was sent before."""
    TAKEN = "taken"


class Told(Protocol):
    """What was told to whom. Raises the storage errors of `ledger.ports`."""

    def take(self, key: str, person: str, now: datetime, until: datetime) -> Turn:
        """Have this message for oneself until a moment, unless it was sent or another one has it."""
        ...

    def sent(self, key: str, person: str, now: datetime) -> None: ...


class AddressBook(Protocol):
    """Where people can be told. Raises the storage errors of `ledger.ports`."""

    def of(self, person: PersonId, now: datetime) -> str | None: ...

    def former(self, person: PersonId, now: datetime) -> str | None:
        """The address before the last change, for as long as it is kept."""
        ...


class Post(Protocol):
    """Sends messages: SES, GOV.UK Notify, or a list in memory."""

    def send(self, address: str, words: Text, reference: str) -> None:
        """Hand one message over. `reference` is the same for a repeated attempt; it says nothing to anybody else.

        Raises `PostBusyError`, `PostRefusedError`.
        """
        ...


@dataclass(slots=True)
class Outcome:
    """What became of the messages of one event: how many, by what happened to them."""

    sent: int = 0
    before: int = 0
    """Sent by an earlier attempt."""
    without_address: int = 0
    late: bool = False


class Notifier:
    """`links` is what goes before `/requests/<id>` in the address of a request's page; without it no link is sent."""

    def __init__(
        self,
        directory: Directory,
        *,
        told: Told,
        addresses: AddressBook,
        post: Post,
        links: str,
        clock: Clock,
    ) -> None:
        self._directory = directory
        self._told = told
        self._addresses = addresses
        self._post = post
        self._links = links
        self._clock = clock

    def tell(self, event: DomainEvent) -> Outcome:
        """Send what the event asks for. One message that can't be sent keeps no other; its fault is raised at the end.

        Raises `NotYetThereError`, `TurnTakenError`, `PostBusyError`, `PostRefusedError`, and the storage errors.
        """
        outcome = Outcome(late=event.at < self._clock.now() - LATE)
        faults: list[Exception] = []
        key = f"{event.stream}#{event.number}"
        for notice in () if outcome.late else self._notices(event):
            addresses = self._addresses_for(notice)
            outcome.without_address += not addresses
            for place, address in enumerate(addresses):
                try:
                    self._send(key, f"{notice.person}#{place}" if place else notice.person, notice, address, outcome)
                except Exception as fault:  # noqa: BLE001 - raised below
                    faults.append(fault)
        if faults:
            raise faults[0]
        return outcome

    def _notices(self, event: DomainEvent) -> Sequence[Notice]:
        rows = TELLINGS.get(event.type, ())
        if not rows:
            return ()
        if event.type == CONTACT_SET:
            return self._of_contact(event)
        if event.stream.startswith(f"{KIND}/"):
            return emergency_notices(self._directory.emergency(event.stream, event.number))
        if event.stream.startswith(f"{delegation.KIND}/"):
            return delegation_notices(self._directory.delegation(event.stream, event.number))
        if event.stream.startswith((f"{standing.KIND}/", f"{linkage.KIND}/")):
            return agreement_notices(self._directory.agreement(event.stream, event.number))
        wanted = [row.to for row in rows]
        return notices_of(self._directory.scene(event.stream, event.number, wanted, self._clock.now()))

    def _of_contact(self, event: DomainEvent) -> Sequence[Notice]:
        """Whose address it is. They are told even where they changed it: it may have been somebody else as them."""
        happened = self._directory.event(event.stream, event.number)
        person = self._directory.person(PersonId(Fields(happened.data).text("person", PERSON)))
        if person is None or person.disabled or person.kind is not PersonKind.HUMAN:
            return ()
        return (Notice(person.id, Template.CONTACT_CHANGED, ""),)

    def _send(self, key: str, whom: str, notice: Notice, address: str, outcome: Outcome) -> None:
        now = self._clock.now()
        turn = self._told.take(key, whom, now, now + TURN)
        if turn is Turn.TAKEN:
            raise TurnTakenError
        if turn is Turn.SENT:
            outcome.before += 1
            return
        link = f"{self._links}/{kind_of(notice.subject)[1]}/{notice.subject}" if self._links and notice.subject else ""
        self._post.send(address, text(notice.template, notice.subject, notice.due, link), f"{key}#{whom}")
        self._told.sent(key, whom, self._clock.now())
        outcome.sent += 1

    def _addresses_for(self, notice: Notice) -> Sequence[str]:
        now = self._clock.now()
        found = [self._addresses.of(notice.person, now)]
        if notice.template is Template.CONTACT_CHANGED:
            found.append(self._addresses.former(notice.person, now))
        return [address for address in found if address is not None]
