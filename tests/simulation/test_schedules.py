"""The ledger under random schedules with crashes, lost answers and duplicates; and six bugs that must be caught."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import pytest

from keyholder.ledger.committer import Committer, Limits
from keyholder.ledger.event import Event
from keyholder.ledger.journal import Batch, journal_key
from keyholder.ledger.ledger import Ledger
from keyholder.ledger.log import Receipt, Recorded
from keyholder.ledger.note import Checkpoint
from keyholder.ledger.patience import Patience
from keyholder.ledger.ports import Claim, Put, Step, StepKey, StorageBusyError, StorageUncertainError
from tests.fakes.ledger import MemoryWorm
from tests.simulation.world import Fault, Plan, World

SCHEDULES = int(os.environ.get("KEYHOLDER_SCHEDULES", "40"))


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_no_schedule_breaks_the_ledger(seed: int) -> None:
    world = World(seed)
    assert world.run() == []
    assert world.oracle.effects


@pytest.mark.parametrize("seed", range(8))
def test_no_schedule_breaks_a_busy_ledger(seed: int) -> None:
    world = World(1000 + seed, Plan(writers=10, commands=30, streams=8, deliveries=3, fault_rate=0.03))
    assert world.run() == []
    assert len(world.oracle.effects) >= 25


@pytest.mark.parametrize("seed", range(8))
def test_no_schedule_breaks_a_ledger_without_patience(seed: int) -> None:
    limits = Limits(
        events=6, bytes=3_000, patience=timedelta(milliseconds=60), lead=timedelta(milliseconds=10 * (seed % 3))
    )
    world = World(2000 + seed, Plan(fault_rate=0.15, limits=limits))
    assert world.run() == []
    assert world.unavailable


@pytest.mark.parametrize("seed", range(2))
def test_no_schedule_breaks_batches_of_thousands(seed: int) -> None:
    limits = Limits(lead=timedelta(milliseconds=40 * seed))
    plan = Plan(writers=8, commands=24, streams=20, deliveries=2, fault_rate=0.01, most_events=500, limits=limits)
    world = World(3000 + seed, plan)
    world.oracle.patient = True
    assert world.run() == []
    assert (
        max(len(body.splitlines()) for name, body in world.memory.files().items() if name.startswith("journal/"))
        > 1_000
    )


def test_one_seed_is_one_history() -> None:
    first, second = World(7), World(7)
    assert first.run() == second.run() == []
    assert first.memory.files() == second.memory.files()
    assert first.scheduler.steps == second.scheduler.steps


def test_the_schedules_hold_every_fault_and_real_batches() -> None:
    faults: Counter[Fault] = Counter()
    crashes = widest = 0
    for seed in range(12):
        world = World(seed)
        world.run()
        faults += world.faults
        crashes += world.scheduler.crashes
        for step in world.memory.steps.stored.values():
            widest = max(widest, sum(other.batch == step.batch for other in world.memory.steps.stored.values()))
    assert set(faults) == set(Fault)
    assert crashes >= 30
    assert widest >= 3


class ReadsPendingBeforeRepair(Committer):
    """Seeded bug 1: what is pending is read before the newest batch is repaired."""

    _read: Sequence[Step] = ()

    def round(self, own: Sequence[StepKey], patience: Patience) -> int | None:
        self._read = super()._uncommitted(own, patience)
        return super().round(own, patience)

    def _uncommitted(self, own: Sequence[StepKey], patience: Patience) -> list[Step]:
        return list(self._read)


class PutsUnconditionally(MemoryWorm):
    """Seeded bug 2: the journal is written without `If-None-Match: *`."""

    def _put(self, key: str, body: bytes) -> Put:
        self.versions.setdefault(key, []).append(body)
        return Put.STORED


class SignsBeforeCommit(Committer):
    """Seeded bug 3: the checkpoint is signed before its batch is in the write-once store."""

    def _stored(self, batch: Batch, patience: Patience) -> bool:
        text = Checkpoint(self._log.origin, batch.end, batch.root).text()
        patience.until_answered(lambda: self._signer.sign(text.encode()))
        return super()._stored(batch, patience)


class BuildsOnPending(Ledger):
    """Seeded bug 4: a step is added although its predecessor is still pending."""

    def _follow(self, step: Step, claim: Claim | None, patience: Patience) -> None:
        return


class SkipsTheGate(Ledger):
    """Seeded bug 5: a stored step counts as recorded."""

    def _recorded(self, key: StepKey, patience: Patience, lines: tuple[bytes, ...] | None = None) -> Recorded:
        step = patience.until_answered(lambda: self._steps.step(key))
        assert step is not None
        receipts = tuple(Receipt(0, 1, (), b"") for _ in step.lines)
        return Recorded(key, tuple(Event.parse(line) for line in step.lines), receipts)


class SkipsReadingBack(Committer):
    """Seeded bug 6: whatever the store answers, the writer takes its own batch for the one that is stored."""

    def _stored(self, batch: Batch, patience: Patience) -> bool:
        with suppress(StorageUncertainError, StorageBusyError):
            self._worm.put(journal_key(batch.number), batch.encode())
        self._gate._batches[batch.number] = batch
        return True


def test_reading_pending_before_repair_is_caught() -> None:
    found = [World(seed, Plan(), committer=ReadsPendingBeforeRepair).run() for seed in range(10)]
    assert sum(any("duplicate" in words for words in violations) for violations in found) >= 5


def test_writing_without_a_condition_is_caught() -> None:
    found = [World(seed, Plan(), worm=PutsUnconditionally).run() for seed in range(5)]
    assert all(any("versions" in words for words in violations) for violations in found)
    assert any(any("lost events" in words for words in violations) for violations in found)


def test_signing_before_the_commit_is_caught() -> None:
    found = [World(seed, committer=SignsBeforeCommit).run() for seed in range(4)]
    assert all(any("signs" in words for words in violations) for violations in found)


def test_not_reading_back_is_caught() -> None:
    found = [World(seed, Plan(), committer=SkipsReadingBack).run() for seed in range(6)]
    assert all(found)
    assert sum(any("signs" in words for words in violations) for violations in found) >= 4


def test_building_on_a_pending_step_is_caught() -> None:
    found = [World(seed, ledger=BuildsOnPending).run() for seed in range(20)]
    assert any(any("out of order" in words for words in violations) for violations in found)


def test_an_effect_without_the_gate_is_caught() -> None:
    found = [World(seed, ledger=SkipsTheGate).run() for seed in range(4)]
    assert all(any("effect before log" in words for words in violations) for violations in found)
