"""A deployment's opt-out checks over memory: the ledger is the real one, MESH and the stores are played."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from keyholder.ledger.event import Event
from keyholder.ledger.ledger import Ledger
from keyholder.opt_outs.book import CheckBook
from keyholder.opt_outs.checks import Check
from keyholder.opt_outs.list_events import PeopleListed, PeopleOpened, list_id, lists_stream, to_new_event
from keyholder.opt_outs.lists import LISTS, fold
from keyholder.opt_outs.removal import Removal
from keyholder.opt_outs.round import Done, Round
from keyholder.policy.digests import Digester
from keyholder.policy.settings import CHECK_AT_DISCLOSURE, PolicyFacts
from keyholder.policy.vocabulary import CheckState
from keyholder.vocabulary import RequestId
from tests.fakes.ledger import ManualClock, Memory, memory_ledger
from tests.fakes.mesh import CORRESPONDENCE, FakeMailbox, MemoryOptOuts, MemoryOutbox
from tests.people import some_nhs_numbers

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
PEOPLE = some_nhs_numbers(12)
DIGESTER = Digester(bytes(range(32)))


def request_id(number: int) -> RequestId:
    return RequestId(f"REQ-{number:026d}")


@dataclass
class FakeTurn:
    """`Turn`."""

    said: list[datetime] = field(default_factory=list)

    def last_handshake(self) -> datetime | None:
        return self.said[-1] if self.said else None

    def handshaken(self, now: datetime) -> None:
        self.said.append(now)


@dataclass
class FakeRequests:
    """`Requests`: those that are open, and those whose people were asked for."""

    opened: list[RequestId] = field(default_factory=list)
    asked: list[RequestId] = field(default_factory=list)

    def open(self, now: datetime) -> Sequence[RequestId]:
        return self.opened

    def ask_whom(self, request: RequestId) -> None:
        self.asked.append(request)


@dataclass
class World:
    """Everything a round touches, and time."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    memory: Memory = field(default_factory=Memory)
    mailbox: FakeMailbox = field(default_factory=FakeMailbox)
    store: MemoryOptOuts = field(default_factory=MemoryOptOuts)
    turn: FakeTurn = field(default_factory=FakeTurn)
    requests: FakeRequests = field(default_factory=FakeRequests)
    facts: PolicyFacts = CHECK_AT_DISCLOSURE
    numbers: Iterable[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.log: Ledger = memory_ledger(self.clock, self.memory)
        self.outbox = MemoryOutbox(self.clock.now)

    def round(self) -> Done:
        """One round."""
        return Round(
            log=self.log,
            store=self.store,
            outbox=self.outbox,
            mailbox=self.mailbox,
            turn=self.turn,
            requests=self.requests,
            correspondence=CORRESPONDENCE,
            digester=lambda: DIGESTER,
            new_id=lambda: f"{next(iter(self.numbers)):026d}",
            facts=self.facts,
            clock=self.clock,
            trace="round",
        ).run()

    def removed(self) -> int:
        """What the removal deletes now."""
        return Removal(CheckBook(self.log, "removal"), self.store, self.outbox, self.clock).run()

    def later(self, **parts: float) -> World:
        self.clock.wait(timedelta(**parts))
        return self

    def listed(self, number: int, people: Iterable[str], again_on: date | None = None) -> str:
        """What `release` does when it lists the people of a request; the list's id."""
        request, numbers = request_id(number), frozenset(people)
        stream = lists_stream(request)
        again = again_on or (self.clock.now() + timedelta(days=1)).date()
        for event in (PeopleOpened(), PeopleListed(len(numbers), again)):
            after = len(self.log.read(stream))
            self.log.record(stream, after, [to_new_event(event, request)], actor=LISTS, trace="list")
        name = list_id(request, fold(request, self.log.read(stream)).version)
        if numbers:
            self.outbox.put(name, numbers)
        return name

    def asked(self, *lists: Sequence[str]) -> Check:
        """A check about these people, each sequence a request's, sent and not answered."""
        for number, people in enumerate(lists, 1):
            self.listed(number, people)
        self.round()
        return self.checks()[-1]

    def checks(self) -> list[Check]:
        return CheckBook(self.log, "look").recent(self.clock.now(), 30)

    def check(self, of: Check) -> Check:
        """As it is now."""
        found = CheckBook(self.log, "look").load(of.id)
        assert found is not None
        return found

    def states(self, people: Iterable[str] = PEOPLE) -> Mapping[str, CheckState | None]:
        """What a release would read about each person."""
        choices = self.store.choices()
        found = {number: choices.of(DIGESTER.digest(number), "P1", self.clock.now()).ndoo_check for number in people}
        return {number: None if check is None else CheckState(check.state) for number, check in found.items()}

    def events(self) -> list[Event]:
        """Everything in the ledger, in order."""
        batches = [body for name, body in sorted(self.memory.files().items()) if name.startswith("journal/")]
        return [Event.parse(line) for body in batches for line in body.split(b"\n")[1:] if line]

    def types(self) -> list[str]:
        return [event.type for event in self.events()]
