"""Each message goes out once, to whoever has an address; one that fails keeps no other, and comes again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from keyholder.ledger.committed import CommittedEvents
from keyholder.ledger.event import NewEvent
from keyholder.ledger.ledger import Ledger
from keyholder.notices.contacts import ContactSet, contact_stream
from keyholder.notices.directory import Directory, NotYetThereError
from keyholder.notices.domain_event import DomainEvent, domain_event
from keyholder.notices.notifying import LATE, Notifier, PostBusyError, Turn, TurnTakenError
from keyholder.notices.wording import Text
from keyholder.registry.people_events import PersonRegistered
from keyholder.vocabulary import ActorId, PersonId, StreamId
from tests.fakes.ledger import ManualClock, Memory, memory_ledger
from tests.unit.requests.world import OPERATOR, ROSA


@dataclass
class MemoryTold:
    """As the table keeps it."""

    rows: dict[tuple[str, str], datetime | None] = field(default_factory=dict)

    def take(self, key: str, person: str, now: datetime, until: datetime) -> Turn:
        held = self.rows.get((key, person), now)
        if held is None:
            return Turn.SENT
        if held > now:
            return Turn.TAKEN
        self.rows[key, person] = until
        return Turn.YOURS

    def sent(self, key: str, person: str, now: datetime) -> None:
        self.rows[key, person] = None


@dataclass
class MemoryPost:
    """Keeps what it sends; an address in `failing` is refused for now."""

    sent: list[tuple[str, Text]] = field(default_factory=list)
    failing: set[str] = field(default_factory=set)

    def send(self, address: str, words: Text, reference: str) -> None:
        assert reference
        if address in self.failing:
            raise PostBusyError
        self.sent.append((address, words))


@dataclass
class MemoryAddresses:
    current: dict[PersonId, str] = field(default_factory=dict)
    before: dict[PersonId, str] = field(default_factory=dict)

    def of(self, person: PersonId, now: datetime) -> str | None:
        return self.current.get(person)

    def former(self, person: PersonId, now: datetime) -> str | None:
        return self.before.get(person)


@dataclass
class House:
    """A ledger with one person and the setting of their address in it."""

    clock: ManualClock = field(default_factory=ManualClock)
    memory: Memory = field(default_factory=Memory)
    told: MemoryTold = field(default_factory=MemoryTold)
    post: MemoryPost = field(default_factory=MemoryPost)
    addresses: MemoryAddresses = field(default_factory=MemoryAddresses)

    @property
    def ledger(self) -> Ledger:
        return memory_ledger(self.clock, self.memory)

    def notifier(self) -> Notifier:
        directory = Directory(CommittedEvents(self.memory.steps))
        return Notifier(
            directory,
            told=self.told,
            addresses=self.addresses,
            post=self.post,
            links="https://c.test",
            clock=self.clock,
        )

    def write(self, stream: StreamId, event: NewEvent) -> DomainEvent:
        recorded = self.ledger.record(stream, 0, [event], actor=ActorId(OPERATOR.id), trace="t", at=self.clock.moment)
        return domain_event(recorded.events[0], recorded.receipts[0].index, None)

    def changed(self) -> DomainEvent:
        """Rosa's address was set, by an operator."""
        self.write(StreamId(ROSA.id), PersonRegistered(ROSA).new_event())
        return self.write(contact_stream(ROSA.id), ContactSet(ROSA.id).new_event())


@pytest.fixture
def house() -> House:
    return House()


def test_a_change_of_address_is_told_at_both_and_once(house: House) -> None:
    event = house.changed()
    house.addresses = MemoryAddresses({ROSA.id: "new@a.test"}, {ROSA.id: "old@a.test"})
    assert house.notifier().tell(event).sent == 2
    assert house.notifier().tell(event).before == 2
    assert [address for address, _ in house.post.sent] == ["new@a.test", "old@a.test"]


def test_one_that_fails_keeps_no_other_and_comes_again_when_its_turn_is_over(house: House) -> None:
    event = house.changed()
    house.addresses = MemoryAddresses({ROSA.id: "new@a.test"}, {ROSA.id: "old@a.test"})
    house.post.failing = {"new@a.test"}
    with pytest.raises(PostBusyError):
        house.notifier().tell(event)
    house.post.failing = set()
    with pytest.raises(TurnTakenError):
        house.notifier().tell(event)
    house.clock.moment += timedelta(minutes=2)
    assert house.notifier().tell(event).sent == 1
    assert [address for address, _ in house.post.sent] == ["old@a.test", "new@a.test"]


def test_whoever_has_no_address_is_counted_and_no_fault(house: House) -> None:
    event = house.changed()
    done = house.notifier().tell(event)
    assert (done.sent, done.without_address) == (0, 1)
    assert not house.told.rows


def test_nobody_is_told_of_what_is_long_past(house: House) -> None:
    event = house.changed()
    house.addresses = MemoryAddresses({ROSA.id: "new@a.test"})
    house.clock.moment += LATE + timedelta(seconds=1)
    assert house.notifier().tell(event).late
    assert not house.post.sent


def test_an_event_the_ledger_does_not_show_yet_is_no_event(house: House) -> None:
    event = house.changed()
    house.addresses = MemoryAddresses({ROSA.id: "new@a.test"})
    for key, step in house.memory.steps.stored.items():
        house.memory.steps.stored[key] = replace(step, index=None, batch=None)
    with pytest.raises(NotYetThereError):
        house.notifier().tell(event)
    assert not house.post.sent


def test_what_nobody_is_told_of_is_not_looked_up(house: House) -> None:
    event = DomainEvent(StreamId("request/REQ-1"), 1, "request.created", house.clock.moment, 0, "draft")
    assert house.notifier().tell(event).sent == 0
