"""Tables and views made again from the journal alone: looked at first, then done, and written down before it is done.

What is at stake is a table on which people decide. So the ledger is verified from its first batch before anything is
compared with it; nothing is committed while the table changes, for the rebuild has the lead; and the table says that it
knows no batch until it was read again and found right. A rebuild that is cut short therefore leaves a ledger that takes
nothing until it is rebuilt, and is gone on with by the same call, or begun again by another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Protocol

from keyholder.canonical import JsonObject
from keyholder.ledger.event import Event
from keyholder.ledger.journal import Batch, journal_key
from keyholder.ledger.log import EventLog, LedgerBrokenError
from keyholder.ledger.ports import Clock, StepStore, WormStore
from keyholder.ledger.verification import Download, Keys, verify
from keyholder.ledger.views import ViewPublisher, ViewStore
from keyholder.rebuilding.differences import Differences, changes, compare
from keyholder.rebuilding.entries import Change, StepTable, TableChangedError
from keyholder.rebuilding.events import (
    PLAN,
    REBUILDER,
    RebuildBegan,
    RebuildFinished,
    rebuild_head,
    rebuild_stream,
)
from keyholder.rebuilding.expected import Expected
from keyholder.rebuilding.journal_steps import JournalSteps
from keyholder.rebuilding.key_entries import KeyTable
from keyholder.rebuilding.keys import KeyFindings, key_findings, shut
from keyholder.rebuilding.views import EmptiedViews, empty, republish
from keyholder.refusals import Refusal, RefusalKind

WRITER = "rebuild"
"""By this name a rebuild leads, so that the next one takes over from one that was cut short. Nobody else can."""

LONGEST_CALL = timedelta(seconds=75)
"""No call that somebody waits for lasts longer, and no sweep (`infra/functions.py`): what it had read is forgotten."""

_AFTERWARDS = timedelta(minutes=1)
_PAGE = 100
_MOMENT = timedelta(milliseconds=200)
_MOMENTS = 50
_TRIES = 4

EVENTS_PENDING = Refusal(
    "EVENTS_PENDING",
    RefusalKind.CONFLICT,
    "Steps wait for the ledger. Let the sweeper commit them, within a minute, and look again. Where it can't, for the "
    "table lacks what they stand on, drop them: they have had no effect, and whoever sent them was told so.",
)
PLAN_CHANGED = Refusal(
    "PLAN_CHANGED",
    RefusalKind.STALE,
    "What is wrong with the tables is not what it was when you looked: look again, and apply the plan of now.",
)
ANOTHER_LEADS = Refusal(
    "ANOTHER_LEADS", RefusalKind.CONFLICT, "A writer is at work: call again. A lead ends within seconds."
)
NO_PLAN = Refusal("NO_PLAN", RefusalKind.INVALID, "Name the plan that you were shown, 32 hexadecimal digits.")
REFUSALS = (EVENTS_PENDING, PLAN_CHANGED, ANOTHER_LEADS, NO_PLAN)


class Journal(EventLog, Protocol):
    """The ledger: streams, and batches proven against their checkpoints."""

    def batch(self, number: int) -> Batch | None:
        """A proven batch; None where there is none."""
        ...

    def newest(self) -> int:
        """The number of the newest batch that is signed; 0 where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What a rebuild works on. `over` gives the ledger over another step store than its own."""

    journal: Journal
    over: Callable[[StepStore], EventLog]
    download: Callable[[int], Download]
    keys: Keys
    worm: WormStore
    steps: StepStore
    table: StepTable
    wrapped: KeyTable
    views: EmptiedViews
    publisher: Callable[[ViewStore], ViewPublisher]
    clock: Clock


@dataclass(frozen=True, slots=True)
class Plan:
    """What a rebuild would do, over a ledger that was verified: `id` stands for all of it."""

    id: str
    size: int
    batches: int
    root: bytes
    differences: Differences
    keys: KeyFindings
    view_objects: int

    def json(self) -> JsonObject:
        """As an operator is shown it."""
        return {
            "plan": self.id,
            "ledger": {"size": self.size, "batches": self.batches, "root": self.root.hex()},
            "table": {part: dict(faults) for part, faults in self.differences.counts().items()},
            "pending": len(self.differences.pending),
            "keys": self.keys.json(),
            "views": {"objects": self.view_objects},
        }


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was done. `more`: the time was over before the tables were right; call again with the same plan."""

    plan: str
    more: bool
    changed: int = 0
    keys_shut: int = 0
    views_removed: int = 0
    views_position: int = 0
    batches: int = 0

    def json(self) -> JsonObject:
        """As an operator is shown it."""
        return {
            "plan": self.plan,
            "more": self.more,
            "changed": self.changed,
            "keys_shut": self.keys_shut,
            "views": {"removed": self.views_removed, "batches": self.views_position, "of": self.batches},
        }


class Rebuilding:
    """Looks, and rebuilds. Every method may raise `BrokenLedgerError` or `UnusableDownloadError` where the ledger is
    not whole, `LedgerUnavailableError`, `KeyServiceError`, and the storage errors of `ledger.ports`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def plan(self) -> Plan:
        """Verify the ledger and compare everything with it; nothing is changed. The service goes on meanwhile."""
        return self._looked()[1]

    def apply(self, plan: str, *, drop_pending: bool, until: datetime) -> Rebuilt | Refusal:
        """Do what the plan says, as far as the time goes. A plan that was begun is gone on with, whatever is left.

        `drop_pending` allows it although steps are pending: they are taken away. Raises `TableChangedError` where
        somebody else keeps changing the table: begin again.
        """
        if not PLAN.fullmatch(plan):
            return NO_PLAN
        expected, now = self._looked()
        refusal = self._refusal(plan, now, expected, drop_pending=drop_pending)
        if refusal is not None:
            return refusal
        changed = 0
        if now.differences.found or drop_pending or rebuild_stream(plan) in expected.unfinished:
            done = self._tables(plan, now, expected, until)
            if not isinstance(done, int):
                return done
            changed = done
        else:
            self._begin(plan, now, expected, self._parts.journal)
        keys = shut(key_findings(expected, self._parts.wrapped), self._parts.wrapped)
        self._finish(plan, expected, changed)
        removed, position, newest = self._views(until)
        return Rebuilt(plan, False, changed, keys, removed, position, newest)

    def _tables(self, plan: str, now: Plan, expected: Expected, until: datetime) -> int | Rebuilt | Refusal:
        """Lead, write down what is about to be done, do it. How many entries were put right."""
        if not self._leads(until):
            return ANOTHER_LEADS
        # The table can't be written to, so this goes past it; that it holds this step too is a part of what is done.
        self._begin(plan, now, expected, self._parts.over(JournalSteps(expected, self._parts.worm)))
        changed = self._led(expected, until)
        if changed is None:
            return Rebuilt(plan, more=True)
        self._parts.steps.rest(WRITER, expected.batches)
        return changed

    def _leads(self, until: datetime) -> bool:
        """Whether this rebuild leads now. Others do for a moment each."""
        clock = self._parts.clock
        for _ in range(_MOMENTS):
            if self._parts.steps.lead(WRITER, clock.now(), until + _AFTERWARDS) is not None:
                return True
            clock.wait(_MOMENT)
        return False

    def _views(self, until: datetime) -> tuple[int, int, int]:
        """How many objects there were, and how many batches of how many the new ones have by now."""
        parts = self._parts
        removed = empty(parts.views)
        newest = parts.journal.newest()
        return removed, republish(parts.views, parts.publisher, newest, parts.clock, until), newest

    def _looked(self) -> tuple[Expected, Plan]:
        """What the ledger says, and what is otherwise in the tables."""
        expected = self._verified()
        differences = self._compared(expected, quiet=False)
        if differences.newest > self._parts.journal.newest():
            raise LedgerBrokenError("the table knows a batch that is not in the journal: its end is gone")
        return expected, self._plan(expected, differences)

    def _verified(self) -> Expected:
        """What follows from the ledger, once it is verified."""
        journal, expected = self._parts.journal, Expected()
        newest = journal.newest()
        size = _there(journal.batch(newest), newest).end if newest else 0
        verify(self._parts.download(size), self._parts.keys, inspectors=[expected])
        if expected.batches != newest:
            raise LedgerBrokenError("another ledger was verified than the one that is written")
        return expected

    def _compared(self, expected: Expected, *, quiet: bool) -> Differences:
        return compare(expected, self._parts.table.entries(), self._parts.clock.now(), quiet=quiet)

    def _plan(self, expected: Expected, differences: Differences) -> Plan:
        keys = key_findings(expected, self._parts.wrapped)
        shutting = ",".join(f"{fault} {name}" for fault, name in keys.to_shut)
        digest = hashlib.sha256(differences.digest() + shutting.encode()).hexdigest()[:32]
        objects = len(self._parts.views.list(""))
        return Plan(digest, expected.size, expected.batches, expected.root, differences, keys, objects)

    def _refusal(self, plan: str, now: Plan, expected: Expected, *, drop_pending: bool) -> Refusal | None:
        if rebuild_stream(plan) in expected.unfinished:
            return None
        if now.differences.pending and not drop_pending:
            return EVENTS_PENDING
        return PLAN_CHANGED if now.id != plan else None

    def _begin(self, plan: str, before: Plan, expected: Expected, log: EventLog) -> None:
        """Write down what is about to be done, unless it was."""
        stream, found = rebuild_stream(plan), before.differences
        if stream in expected.unfinished:
            return
        self._catch_up(expected)
        pending, keys = len(found.pending), len(before.keys.to_shut)
        event = RebuildBegan(expected.size, expected.root, found.counts(), pending, keys).new_event()
        log.record(stream, expected.newest(stream), [event], actor=REBUILDER, trace=plan, head=rebuild_head())

    def _finish(self, plan: str, expected: Expected, changed: int) -> None:
        """Write down that it is done, the way everything is written."""
        event = RebuildFinished(expected.size, expected.root, changed).new_event()
        stream, log = rebuild_stream(plan), self._parts.journal
        after = len(log.read(stream))
        log.record(stream, after, [event], actor=REBUILDER, trace=plan, head=rebuild_head())

    def _led(self, expected: Expected, until: datetime) -> int | None:
        """Make the steps table right, and see that it stays so. How many entries; None where the time is over.

        Steps that somebody adds meanwhile were decided on a table in an unknown state. They can't be committed, their
        callers are told so, and they are taken away, the last of them once nobody is left who had read it.
        """
        parts = self._parts
        if not parts.table.close(WRITER):
            raise TableChangedError("the lead was lost")
        changed = self._once(expected, until)
        if changed is None or parts.clock.now() + LONGEST_CALL > until:
            return None
        parts.clock.wait(LONGEST_CALL)
        for _ in range(_TRIES):
            again = self._once(expected, until)
            if again is None:
                return None
            changed += again
            if not self._compared(expected, quiet=False).found:
                return changed
        raise TableChangedError("the table does not come to rest")

    def _once(self, expected: Expected, until: datetime) -> int | None:
        """Put right whatever is not as the journal has it by now; None where the time was over before the end."""
        self._catch_up(expected)
        found = self._compared(expected, quiet=True).found
        todo = changes(found, expected, self._batch)
        done = 0
        while page := _page(todo):
            if self._parts.clock.now() >= until:
                return None
            self._parts.table.change(page)
            done += len(page)
        return done

    def _catch_up(self, expected: Expected) -> None:
        """What was committed since, by this rebuild or by a writer that did not know that it had lost the lead."""
        for number in range(expected.batches + 1, self._parts.journal.newest() + 1):
            batch = self._batch(number)
            expected.saw(journal_key(number), batch, tuple(map(Event.parse, batch.lines)))

    def _batch(self, number: int) -> Batch:
        return _there(self._parts.journal.batch(number), number)


def _page(todo: Iterable[Change]) -> list[Change]:
    return list(islice(todo, _PAGE))


def _there(batch: Batch | None, number: int) -> Batch:
    if batch is None:
        raise LedgerBrokenError(f"batch {number} is gone")
    return batch
