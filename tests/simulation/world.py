"""One simulated history: several writers over one ledger, with everything going wrong that can go wrong.

Before every storage call other writers may run; then the call may crash its writer before or after it happened, lose
its answer, not happen, arrive late, be refused for now. Commands are delivered more than once; the index of pending
steps is stale; the writers' clocks disagree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from random import Random
from typing import TypeVar

from keyholder.ledger.committer import Committer, Limits
from keyholder.ledger.event import NewEvent
from keyholder.ledger.ledger import Ledger
from keyholder.ledger.log import (
    ClaimedError,
    IdempotencyKey,
    LedgerBrokenError,
    LedgerUnavailableError,
    Recorded,
    StaleStreamError,
)
from keyholder.ledger.ports import Step, StepKey, StorageBusyError, StorageUncertainError
from keyholder.vocabulary import ActorId, StreamId
from tests.fakes.ledger import Memory, MemorySigner, MemorySteps, MemoryWorm
from tests.simulation.oracle import Oracle
from tests.simulation.scheduler import Crash, Scheduler

T = TypeVar("T")
START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
ACTOR = ActorId("person/00000000000000000000000000000001")
WRITES = ("worm.put", "steps.add", "steps.mark_committed", "steps.lead", "steps.rest")


LIMITS = Limits(events=6, bytes=3_000, lead=timedelta(seconds=-5))
"""Nobody leads, so everybody is in everybody's way: what a lead must never be needed for."""

LEADS = (LIMITS.lead, timedelta(milliseconds=6), timedelta(milliseconds=60), timedelta(seconds=1))


class Fault(StrEnum):
    """What can happen to one storage call."""

    CRASH_BEFORE = "the writer dies before the call"
    CRASH_AFTER = "the writer dies after the call"
    CRASH_LATE = "the writer dies, and the call arrives later"
    LOST = "the call happens, the answer is lost"
    NOTHING = "the call does not happen, and nobody knows"
    LATE = "no answer, and the call arrives later"
    BUSY = "refused for now"


@dataclass
class StaleSteps(MemorySteps):
    """The index of pending steps is updated now and then only, as a global secondary index is."""

    random: Random = field(default_factory=lambda: Random(0))  # noqa: S311 - a simulation
    index: list[StepKey] = field(default_factory=list)

    def _pending(self) -> list[StepKey]:
        if self.random.random() < 0.5:
            self.index = super()._pending()
        return self.index


@dataclass
class WatchedSigner(MemorySigner):
    """Shows every message to the oracle at the moment it is signed."""

    watch: Callable[[bytes], None] = lambda _message: None

    def _sign(self, message: bytes) -> bytes:
        self.watch(message)
        return super()._sign(message)


@dataclass(frozen=True)
class Command:
    """What somebody asks for. Without an idempotency key it is the one event of a stream of its own."""

    name: str
    stream: StreamId
    events: int
    keyed: bool


@dataclass(frozen=True)
class Plan:
    """How much happens in one history, and how much of it goes wrong."""

    writers: int = 5
    slow_writers: int = 1
    most_events: int = 3
    commands: int = 12
    streams: int = 4
    fault_rate: float = 0.06
    deliveries: int = 2
    limits: Limits = LIMITS


class World:
    """One history. `run` returns what the oracle found wrong."""

    def __init__(
        self,
        seed: int,
        plan: Plan | None = None,
        *,
        worm: type[MemoryWorm] = MemoryWorm,
        committer: type[Committer] = Committer,
        ledger: type[Ledger] = Ledger,
    ) -> None:
        self.random = Random(seed)  # noqa: S311 - a simulation
        self.plan = plan or Plan(limits=replace(LIMITS, lead=self.random.choice(LEADS)))
        self.scheduler = Scheduler(self.random)
        self.faults: Counter[Fault] = Counter()
        steps = StaleSteps(random=self.random)
        signer = WatchedSigner()
        self.memory = Memory(steps=steps, worm=worm(), signer=signer)
        self.oracle = Oracle(self.memory)
        signer.watch = self.oracle.signing
        self.unavailable = 0
        self._committer = committer
        self._ledger = ledger
        self._moment = START
        self._nonces = 0
        self._queue: list[Command] = []
        self._given_up: set[str] = set()
        self._tries: Counter[str] = Counter()

    def run(self) -> list[str]:
        """Deliver everything, let it end, sweep up, and look at the whole."""
        self._queue = self._commands()
        self.memory.gate(self._gate)
        for number in range(self.plan.writers):
            self.scheduler.spawn(self._writer, slow=number < self.plan.slow_writers)
        self.scheduler.spawn(self._sweeper)
        self.scheduler.run()
        self.memory.gate(lambda _name, call: call())
        self._quiet()
        for failure in self.scheduler.failures:
            self.oracle.violations.append(f"a writer failed: {failure!r}")
        self.oracle.final()
        for stream in sorted({key.stream for key in self.memory.steps.stored}):
            self._folds(stream)
        return self.oracle.violations

    def ledger(self) -> Ledger:
        """A writer's own ledger, with nothing remembered and a clock that is off by up to two seconds."""
        skew = timedelta(milliseconds=self.random.randrange(-2000, 2000))
        log = self.memory.log()
        memory = self.memory
        ledger = self._ledger(
            log,
            memory.steps,
            memory.worm,
            memory.signer,
            _SkewedClock(self, skew),
            limits=self.plan.limits,
            nonce=self._nonce,
        )
        ledger._committer.__class__ = self._committer
        return ledger

    def _commands(self) -> list[Command]:
        commands = []
        for number in range(self.plan.commands):
            keyed = self.random.random() < 0.8
            stream = f"request/{self.random.randrange(self.plan.streams)}" if keyed else f"attempt/{number}"
            commands.append(
                Command(f"c{number}", StreamId(stream), self.random.randrange(1, self.plan.most_events + 1), keyed)
            )
        deliveries = [command for command in commands for _ in range(self.plan.deliveries)]
        self.random.shuffle(deliveries)
        return deliveries

    def _writer(self) -> None:
        ledger = self.ledger()
        while self._queue:
            command = self._queue.pop()
            try:
                self._deliver(ledger, command)
            except Crash:
                self._queue.insert(0, command)
                self.scheduler.spawn(self._writer)
                raise
            except LedgerBrokenError:
                raise
            except LedgerUnavailableError:
                self.unavailable += 1
                self._again(command)

    def _sweeper(self) -> None:
        ledger = self.ledger()
        for _ in range(3):
            try:
                ledger.commit_pending()
            except LedgerBrokenError:
                raise
            except LedgerUnavailableError:
                self.unavailable += 1

    def _deliver(self, ledger: Ledger, command: Command) -> None:
        """What a handler does: replay, or read, decide and record; and only then the effect."""
        key = IdempotencyKey(command.name, "body") if command.keyed else None
        try:
            recorded = self._replay(ledger, command) or self._decide(ledger, command, key)
        except ClaimedError as used:
            recorded = ledger.settle(used.claim.step)
        except StaleStreamError:
            if not command.keyed:
                recorded = ledger.settle(StepKey(command.stream, 1))
            else:
                self._again(command)
                return
        self.oracle.effect(command.name, recorded)

    def _replay(self, ledger: Ledger, command: Command) -> Recorded | None:
        claim = ledger.claim(command.name) if command.keyed else None
        return ledger.settle(claim.step) if claim else None

    def _decide(self, ledger: Ledger, command: Command, key: IdempotencyKey | None) -> Recorded:
        after = self._after(ledger, command)
        delivery = self._nonce()
        events = [
            NewEvent("test.done", {"command": command.name, "delivery": delivery, "part": part})
            for part in range(command.events)
        ]
        return ledger.record(command.stream, after, events, actor=ACTOR, trace=delivery, idempotency=key)

    def _after(self, ledger: Ledger, command: Command) -> int:
        """The stream's newest event, read; or, as with `If-Match`, known from elsewhere and perhaps still pending."""
        if not command.keyed:
            return 0
        if self.random.random() < 0.3:
            return self.memory.steps.newest_event.get(command.stream, 0)
        return len(ledger.read(command.stream))

    def _again(self, command: Command) -> None:
        self._tries[command.name] += 1
        if self._tries[command.name] < 20:
            self._queue.insert(0, command)
        else:
            self._given_up.add(command.name)

    def _gate(self, name: str, call: Callable[[], T]) -> T:
        self.scheduler.pause()
        self._moment += timedelta(milliseconds=2)
        if self.random.random() >= self.plan.fault_rate:
            return call()
        late = (Fault.LATE, Fault.CRASH_LATE)
        writes = name.startswith(WRITES)
        fault = self.random.choice([fault for fault in Fault if writes or fault not in late] + [*late] * writes)
        self.faults[fault] += 1
        return self._fail(fault, call)

    def _fail(self, fault: Fault, call: Callable[[], T]) -> T:
        if fault in {Fault.CRASH_AFTER, Fault.LOST}:
            call()
        if fault in {Fault.LATE, Fault.CRASH_LATE}:
            self.scheduler.later(call)
        if fault in {Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.CRASH_LATE}:
            raise Crash
        if fault is Fault.BUSY:
            raise StorageBusyError
        raise StorageUncertainError

    def _quiet(self) -> None:
        """The sweeper comes by until nothing is pending; with a stale index that may take more than once."""
        for _ in range(50):
            self._moment += timedelta(minutes=1)
            self._sweep()
        for name in {command.name for command in self._commands_left()}:
            self.oracle.violations.append(f"{name} was neither carried out nor given up")

    def _sweep(self) -> None:
        try:
            self.ledger().commit_pending()
        except LedgerUnavailableError as failure:
            self.oracle.violations.append(f"the sweeper failed: {failure!r}")

    def _commands_left(self) -> Sequence[Command]:
        return [command for command in self._queue if command.name not in self._given_up]

    def _folds(self, stream: StreamId) -> None:
        """Reading the stream gives what was stored: the fold of the journal equals the steps."""
        try:
            read = [event.line() for event in self.ledger().read(stream)]
        except LedgerUnavailableError as failure:
            self.oracle.violations.append(f"{stream} cannot be read: {failure!r}")
            return
        steps = sorted((step for key, step in self.memory.steps.stored.items() if key.stream == stream), key=_first)
        if read != [line for step in steps for line in step.lines]:
            self.oracle.violations.append(f"{stream} reads otherwise than it was stored")

    def _nonce(self) -> str:
        self._nonces += 1
        return f"{self._nonces:032x}"


class _SkewedClock:
    def __init__(self, world: World, skew: timedelta) -> None:
        self._world = world
        self._skew = skew

    def now(self) -> datetime:
        return self._world._moment + self._skew

    def wait(self, duration: timedelta) -> None:
        self._world._moment += duration / 8


def _first(step: Step) -> int:
    return step.key.first
