"""Opt-out checks that end in every way, made by the real code: for whoever tells a whole ledger's story."""

from __future__ import annotations

import itertools
from datetime import timedelta

from keyholder.ledger.ledger import Ledger
from keyholder.opt_outs.book import CheckBook
from keyholder.opt_outs.check_events import SendFault
from keyholder.opt_outs.list_events import PeopleListed, PeopleOpened, list_id, lists_stream, to_new_event
from keyholder.opt_outs.lists import LISTS, fold
from keyholder.opt_outs.mailbox import SendRefusedError
from keyholder.opt_outs.removal import Removal
from keyholder.opt_outs.round import Round
from keyholder.policy.digests import Digester
from keyholder.policy.intake import Intake, Loaded
from keyholder.policy.joining import Joining
from keyholder.policy.opt_outs import cleaned_list, request_list
from keyholder.policy.settings import CHECK_AT_DISCLOSURE
from keyholder.policy.type1 import Type1Row, write_rows
from keyholder.policy.vocabulary import CheckMode
from keyholder.vocabulary import RequestId
from tests.fakes.choices import MemoryChoices
from tests.fakes.ledger import ManualClock
from tests.fakes.mesh import CORRESPONDENCE, FakeMailbox, MemoryOptOuts, MemoryOutbox
from tests.people import some_nhs_numbers
from tests.unit.requests.world import OPERATOR

PEOPLE = some_nhs_numbers(4)
DIGESTER = Digester(bytes(32))


class _Turn:
    def last_handshake(self) -> None:
        return None

    def handshaken(self, now: object) -> None: ...


class _Nobody:
    def open(self, now: object) -> tuple[RequestId, ...]:
        return ()

    def ask_whom(self, request: RequestId) -> None: ...


class OptOutStory:
    """Told in a ledger that has approved requests in it."""

    def __init__(self, log: Ledger, clock: ManualClock) -> None:
        self.log = log
        self.clock = clock
        self.mailbox = FakeMailbox()
        self.outbox = MemoryOutbox(clock.now)
        self.store = MemoryOptOuts()
        self._ids = itertools.count(1)

    def told(self, first: RequestId, second: RequestId) -> None:
        """Loaded by hand, answered twice, refused by MESH and by the service, never answered, left alone, dropped."""
        self._loaded()
        self._joined()
        self._listed(first, *PEOPLE[:2])
        self._listed(second, PEOPLE[2])
        self._round()
        for _ in range(2):
            self.mailbox.answer(self.mailbox.sent[-1], {PEOPLE[0]})
        self.mailbox.deliver(b"", "somebody else's")
        self._round(hours=2)
        self.mailbox.fails["send"] = SendRefusedError(SendFault.RECIPIENT_UNKNOWN)
        self._listed(first, PEOPLE[3])
        self._round(hours=2)
        self.mailbox.fails.clear()
        self._round()
        self.mailbox.refuse(self.mailbox.sent[-1])
        self._round(hours=2)
        self.mailbox.answer(self.mailbox.sent[-1])
        self._listed(first, PEOPLE[3])
        self._round(hours=2)
        self._listed(second)
        self._listed(second, PEOPLE[1])
        self.clock.wait(timedelta(hours=21))
        self._removed()
        self._round(days=6)

    def over(self) -> None:
        """So late that no register may be there any more."""
        self._removed()
        assert not self.store.kept
        assert not self.outbox.lists

    def _loaded(self) -> None:
        intake = Intake(
            log=self.log,
            store=self.store,  # type: ignore[arg-type] - as far as the intake asks
            digester=lambda: DIGESTER,
            new_id=self._id,
            person=OPERATOR,
            trace="loaded",
            idempotency=None,
            now=self.clock.now(),
            registered=lambda _: True,
            join=lambda _: 0,
        )
        loaded = intake.opt_outs(
            request_list(PEOPLE),
            cleaned_list(PEOPLE, set()),
            source="by-hand",
            asked_at=self.clock.now(),
            mode=CheckMode.DIRECT,
            refreshed=None,
        )
        assert isinstance(loaded, Loaded)

    def _joined(self) -> None:
        """Type 1 events loaded by hand, three times, the first two of which become one register."""
        store = MemoryChoices()
        joining = Joining(self.log, store, "joined", self.clock.now(), together=2)
        intake = Intake(
            log=self.log,
            store=store,
            digester=lambda: DIGESTER,
            new_id=self._id,
            person=OPERATOR,
            trace="joined",
            idempotency=None,
            now=self.clock.now(),
            registered=lambda _: True,
            join=joining.run,
        )
        for person in PEOPLE[:3]:
            loaded = intake.type_1(write_rows([Type1Row(person, None)]), "by-hand", self.clock.now())
            assert isinstance(loaded, Loaded)

    def _listed(self, request: RequestId, *people: str) -> None:
        stream, again_on = lists_stream(request), (self.clock.now() + timedelta(days=1)).date()
        for event in (PeopleOpened(), PeopleListed(len(people), again_on)):
            self.clock.wait(timedelta(seconds=1))
            after = len(self.log.read(stream))
            self.log.record(stream, after, [to_new_event(event, request)], actor=LISTS, trace="list")
        if people:
            version = fold(request, self.log.read(stream)).version
            self.outbox.put(list_id(request, version), frozenset(people))

    def _round(self, **later: float) -> None:
        self.clock.wait(timedelta(**later))
        Round(
            log=self.log,
            store=self.store,
            outbox=self.outbox,
            mailbox=self.mailbox,
            turn=_Turn(),
            requests=_Nobody(),
            correspondence=CORRESPONDENCE,
            digester=lambda: DIGESTER,
            new_id=self._id,
            facts=CHECK_AT_DISCLOSURE,
            clock=self.clock,
            trace="round",
        ).run()

    def _removed(self) -> None:
        Removal(CheckBook(self.log, "removal"), self.store, self.outbox, self.clock).run()

    def _id(self) -> str:
        return f"{next(self._ids):026d}"
