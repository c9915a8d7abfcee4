"""One round: settle what was cut short, say that the mailbox is looked after, collect, ask, and see what is coming."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Protocol

from keyholder.ledger.log import EventLog
from keyholder.ledger.ports import Clock
from keyholder.opt_outs.asking import Asking
from keyholder.opt_outs.book import MOST_REGISTERS, CheckBook, OptOutStore, answer_register, asked_register
from keyholder.opt_outs.check_events import Ended, EndReason
from keyholder.opt_outs.checks import NO_ANSWER_AFTER, Check, Stage
from keyholder.opt_outs.collecting import Collected, Collecting, keep_failed
from keyholder.opt_outs.list_events import lists_stream
from keyholder.opt_outs.lists import due, fold, going_stale
from keyholder.opt_outs.mailbox import Correspondence, Mailbox
from keyholder.opt_outs.outbox import Outbox
from keyholder.policy.digests import Digester
from keyholder.policy.register_form import RegisterKind
from keyholder.policy.settings import PolicyFacts
from keyholder.vocabulary import RequestId

HANDSHAKE_EVERY = timedelta(hours=20)
"""MESH wants one in 24 hours; a round that fails leaves time for the next."""

FAILED_WITHIN = timedelta(hours=24)


class Turn(Protocol):
    """The mailbox is this round's alone. Implemented with a condition in the steps table."""

    def last_handshake(self) -> datetime | None: ...

    def handshaken(self, now: datetime) -> None:
        """Remember that MESH has heard of us."""
        ...


class Requests(Protocol):
    """The requests whose people may have to be asked about."""

    def open(self, now: datetime) -> Sequence[RequestId]:
        """Approved, within their window, with a retrieval left, on a basis the national opt-out stands against."""
        ...

    def ask_whom(self, request: RequestId) -> None:
        """Have `release` list the request's people. Asking twice does no harm."""
        ...


@dataclass(frozen=True, slots=True)
class Done:
    """What a round did, and what it saw."""

    collected: Collected
    sent: int
    listed: int
    """Requests whose people were asked for."""
    overdue: int
    failed: int
    """Checks that ended without an answer within a day."""
    going_stale: int
    """Requests whose newest answers are, or will soon be, too old."""


@dataclass(frozen=True, slots=True)
class Round:
    """Everything one round needs. Raises what its ports raise."""

    log: EventLog
    store: OptOutStore
    outbox: Outbox
    mailbox: Mailbox
    turn: Turn
    requests: Requests
    correspondence: Correspondence
    digester: Callable[[], Digester]
    new_id: Callable[[], str]
    facts: PolicyFacts
    clock: Clock
    trace: str

    def run(self) -> Done:
        """One round, from whatever an earlier one left."""
        book, digester = CheckBook(self.log, self.trace), cache(self.digester)
        checks = {check.id: check for check in book.recent(self.clock.now(), self._days())}
        self._settle(checks)
        self._handshake()
        collected = Collecting(
            book, self.log, self.store, self.mailbox, self.correspondence, digester, self.clock, checks
        ).run()
        self._end(book, checks)
        sent = Asking(
            book,
            self.store,
            self.outbox,
            self.mailbox,
            self.correspondence,
            digester,
            self.new_id,
            self.clock,
            checks,
        ).run()
        listed, stale = self._look_ahead(list(checks.values()))
        return Done(collected, sent, listed, *self._seen(list(checks.values())), stale)

    def _days(self) -> int:
        """How far back checks are read: as long as one may be open, or its answer used."""
        return max(NO_ANSWER_AFTER.days, self.facts.freshness.direct_days) + 1

    def _settle(self, checks: dict[str, Check]) -> None:
        """Registers of people whose check is closed are as the ledger says, also where storing them was cut short."""
        stored = frozenset(self.store.listed(RegisterKind.OPT_OUTS, MOST_REGISTERS))
        for check in checks.values():
            if asked_register(check.id) not in stored:
                continue
            if check.stage is Stage.ENDED:
                keep_failed(self.store, check, self.clock.now())
            elif check.stage is Stage.ANSWERED and answer_register(check.id) in stored:
                self.store.remove_opt_outs(asked_register(check.id))

    def _handshake(self) -> None:
        now, last = self.clock.now(), self.turn.last_handshake()
        if last is None or now - last >= HANDSHAKE_EVERY:
            self.mailbox.handshake()
            self.turn.handshaken(now)

    def _end(self, book: CheckBook, checks: dict[str, Check]) -> None:
        """Checks nobody will answer any more. After the collecting: the answer may have just come."""
        now = self.clock.now()
        for check in list(checks.values()):
            if check.stage in (Stage.SENT, Stage.JOB_CREATED) and now - check.asked_at >= NO_ANSWER_AFTER:
                ended = book.record(check.id, check, Ended(EndReason.NO_ANSWER), now)
                keep_failed(self.store, ended, now)
                checks[check.id] = ended

    def _look_ahead(self, checks: Sequence[Check]) -> tuple[int, int]:
        """Ask for the people of each request that is due; how many those are, and how many requests go stale."""
        now = self.clock.now()
        waiting = frozenset(one.list_id for one in self.outbox.waiting())
        listed = stale = 0
        for request in self.requests.open(now):
            lists = fold(request, self.log.read(lists_stream(request)))
            if due(lists, checks, waiting, now):
                self.requests.ask_whom(request)
                listed += 1
            stale += going_stale(lists, checks, self.facts.freshness.direct_days, now)
        return listed, stale

    def _seen(self, checks: Sequence[Check]) -> tuple[int, int]:
        now = self.clock.now()
        overdue = sum(check.overdue(now) for check in checks)
        failed = sum(
            check.stage is Stage.ENDED and check.closed_at is not None and now - check.closed_at < FAILED_WITHIN
            for check in checks
        )
        return overdue, failed
