"""The ledger's promises to the rest of Keyholder, on the memory stores."""

from __future__ import annotations

import ast
import base64
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keyholder.ledger import gate
from keyholder.ledger.committer import Limits, Log
from keyholder.ledger.event import EventTooLargeError, NewEvent
from keyholder.ledger.journal import Batch, checkpoint_key, journal_key
from keyholder.ledger.ledger import Ledger
from keyholder.ledger.log import (
    ClaimedError,
    EventLog,
    IdempotencyKey,
    LedgerBrokenError,
    LedgerUnavailableError,
    Recorded,
    StaleStreamError,
)
from keyholder.ledger.merkle import EMPTY
from keyholder.ledger.note import parse_vkey
from keyholder.ledger.patience import Patience
from keyholder.ledger.ports import (
    Head,
    Step,
    StepKey,
    StorageBusyError,
    StorageRefusedError,
    StorageUncertainError,
)
from keyholder.vocabulary import ActorId, StreamId
from tests.fakes.ledger import ORIGIN, ManualClock, Memory, MemorySigner, memory_ledger

T = TypeVar("T")
STREAM = StreamId("request/1")
ACTOR = ActorId("person/00000000000000000000000000000001")


def record(ledger: Ledger, after: int = 0, *, stream: str = STREAM, count: int = 1, **more: object) -> Recorded:
    events = [NewEvent("test.done", {"number": number}) for number in range(count)]
    return ledger.record(StreamId(stream), after, events, actor=ACTOR, trace="trace", **more)  # type: ignore[arg-type]


def left_pending(memory: Memory, stream: str) -> StepKey:
    """A step whose writer was lost between storing it and committing it."""
    memory.gate(_refusing("worm.put"))
    with pytest.raises(LedgerUnavailableError):
        record(memory_ledger(memory=memory), stream=stream)
    memory.gate(_through)
    return StepKey(StreamId(stream), 1)


def _through(_name: str, call: Callable[[], T]) -> T:
    return call()


def _refusing(where: str, error: type[Exception] = StorageRefusedError) -> Callable[[str, Callable[[], T]], T]:
    def refuse(name: str, call: Callable[[], T]) -> T:
        if name.startswith(where):
            raise error
        return call()

    return refuse


def test_what_is_recorded_reads_back_with_a_receipt_each() -> None:
    memory = Memory()
    log: EventLog = memory_ledger(memory=memory)
    recorded = log.record(STREAM, 0, [NewEvent("a", {"x": 1}), NewEvent("b", {})], actor=ACTOR, trace="trace")
    assert [event.number for event in recorded.events] == [1, 2]
    assert [receipt.index for receipt in recorded.receipts] == [0, 1]
    assert log.read(STREAM) == recorded.events
    assert log.read(StreamId("request/unknown")) == ()
    assert memory.worm.versions[checkpoint_key(2)] == [recorded.receipts[0].checkpoint]
    assert log.proven(STREAM) == (recorded,) == (log.settle(recorded.step),)


def test_an_empty_ledger_has_nothing_to_commit() -> None:
    memory = Memory()
    assert memory_ledger(memory=memory).commit_pending() == 0
    assert memory.files() == {}


def test_who_was_overtaken_decides_again() -> None:
    ledger = memory_ledger()
    record(ledger, count=2)
    for after in (0, 1, 3):
        with pytest.raises(StaleStreamError):
            record(ledger, after)
    assert len(record(ledger, 2).events) == 1


def test_a_repeated_command_finds_what_the_first_one_did() -> None:
    ledger = memory_ledger()
    key = IdempotencyKey("key", "body")
    first = record(ledger, idempotency=key)
    for after in (0, 1):
        with pytest.raises(ClaimedError) as used:
            record(ledger, after, idempotency=IdempotencyKey("key", "other body"))
        assert used.value.claim.body == "body"
        assert ledger.settle(used.value.claim.step) == first
    claim = ledger.claim("key")
    assert claim is not None
    assert claim.step == first.step
    assert ledger.claim("other") is None


def test_reading_commits_what_was_left_pending() -> None:
    memory = Memory()
    key = left_pending(memory, STREAM)
    assert memory.files() == {}
    assert len(memory_ledger(memory=memory).read(STREAM)) == 1
    assert memory.steps.stored[key].index == 0


def test_nobody_builds_on_a_step_that_is_not_yet_in_the_ledger() -> None:
    memory = Memory()
    key = left_pending(memory, STREAM)
    recorded = record(memory_ledger(memory=memory), 1)
    assert recorded.receipts[0].index == 1
    assert memory.steps.stored[key].index == 0


def test_one_batch_takes_what_others_left_pending_in_order() -> None:
    memory = Memory()
    for stream in ("request/c", "request/a", "request/b"):
        left_pending(memory, stream)
    record(memory_ledger(memory=memory), stream="request/d")
    assert sorted(memory.files()) == [checkpoint_key(4), journal_key(1)]
    lines = Batch.parse(memory.files()[journal_key(1)]).lines
    assert [line.split(b'"stream":"request/')[1][:1] for line in lines] == [b"a", b"b", b"c", b"d"]


def test_the_sweeper_commits_in_batches_within_their_bounds() -> None:
    memory = Memory()
    for number in range(7):
        left_pending(memory, f"attempt/{number}")
    assert memory_ledger(memory=memory, limits=Limits(events=3)).commit_pending() == 7
    batches = [Batch.parse(body) for key, body in sorted(memory.files().items()) if key.startswith("journal/")]
    assert [len(batch.lines) for batch in batches] == [3, 3, 1]


def test_batches_are_bounded_in_bytes_too_but_never_empty() -> None:
    memory = Memory()
    for number in range(4):
        left_pending(memory, f"attempt/{number}")
    assert memory_ledger(memory=memory, limits=Limits(bytes=10)).commit_pending() == 4
    assert len([key for key in memory.files() if key.startswith("journal/")]) == 4


def test_the_sweeper_repairs_a_batch_that_lost_its_writer() -> None:
    memory = Memory()
    memory.gate(_refusing("signer.sign"))
    with pytest.raises(LedgerUnavailableError):
        record(memory_ledger(memory=memory))
    memory.gate(_through)
    assert sorted(memory.files()) == [journal_key(1)]
    assert memory_ledger(memory=memory).commit_pending() == 0
    assert sorted(memory.files()) == [checkpoint_key(1), journal_key(1)]
    assert memory.steps.stored[StepKey(STREAM, 1)].index == 0


@pytest.mark.parametrize("where", ["worm.put", "worm.get", "worm.keys_after", "steps.", "signer.sign"])
@pytest.mark.parametrize("error", [StorageRefusedError, StorageBusyError, StorageUncertainError])
def test_where_the_ledger_cannot_be_written_nothing_is_recorded(where: str, error: type[Exception]) -> None:
    memory = Memory()
    clock = ManualClock()
    began = clock.now()
    memory.gate(_refusing(where, error))
    with pytest.raises(LedgerUnavailableError):
        record(memory_ledger(clock, memory))
    waited = clock.now() - began
    assert waited == timedelta(0) if error is StorageRefusedError else timedelta(seconds=4) < waited
    assert waited < timedelta(seconds=6)


def test_a_ledger_whose_clock_stands_still_gives_up_too() -> None:
    class Stopped(ManualClock):
        def wait(self, duration: timedelta) -> None:
            assert duration > timedelta(0)

    memory = Memory()
    memory.gate(_refusing("worm.put", StorageBusyError))
    with pytest.raises(LedgerUnavailableError):
        record(memory_ledger(Stopped(), memory))


def test_a_head_is_a_way_to_find_streams() -> None:
    ledger = memory_ledger()
    soon = datetime.fromisoformat("2026-11-03T00:00:00+00:00")
    record(ledger, stream="request/2", head=Head(("project/1",), soon))
    record(ledger, stream="request/1", head=Head(("project/1",)))
    assert ledger.listed("project/1", None, 10) == ["request/1", "request/2"]
    assert ledger.due(soon, 10) == ["request/2"]


@pytest.mark.parametrize("count", [0, 501])
def test_a_step_has_a_sensible_number_of_events(count: int) -> None:
    with pytest.raises(ValueError, match="events"):
        record(memory_ledger(), count=count)


def test_a_step_fits_into_one_item() -> None:
    events = [NewEvent("test.done", {"pad": "x" * 60_000})] * 6
    with pytest.raises(EventTooLargeError):
        memory_ledger().record(STREAM, 0, events, actor=ACTOR, trace="t")


def test_the_checkpoint_key_bears_the_logs_name() -> None:
    with pytest.raises(ValueError, match="origin"):
        Log("another.test/log", parse_vkey(MemorySigner().vkey(ORIGIN)))


@pytest.mark.parametrize("keyed", [True, False])
def test_a_writer_knows_its_own_step_when_the_answer_was_lost(keyed: bool) -> None:
    memory = Memory()
    lost: list[str] = []

    def lose_once(name: str, call: Callable[[], T]) -> T:
        answer = call()
        if name == "steps.add" and not lost:
            lost.append(name)
            raise StorageUncertainError
        return answer

    memory.gate(lose_once)
    recorded = record(memory_ledger(memory=memory), idempotency=IdempotencyKey("key", "body") if keyed else None)
    assert lost
    assert [receipt.index for receipt in recorded.receipts] == [0]


def test_a_writer_knows_that_somebody_elses_step_is_not_its_own() -> None:
    memory = Memory()
    other = memory_ledger(memory=memory)

    def overtake(name: str, call: Callable[[], T]) -> T:
        if name == "steps.add":
            memory.gate(_through)
            record(other)
        return call()

    ledger = memory_ledger(memory=memory)
    memory.gate(overtake)
    with pytest.raises(StaleStreamError):
        record(ledger)
    assert len(memory.steps.stored) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda step: replace(step, lines=(step.lines[0].replace(b"request/1", b"request/2"),)),
        lambda step: replace(step, lines=(step.lines[0].replace(b'"number":2,', b'"number":3,'),)),
        lambda step: replace(step, lines=(b"{}",)),
        lambda _step: None,
    ],
)
def test_a_stream_that_is_not_whole_is_not_read(damage: Callable[[Step], Step | None]) -> None:
    memory = Memory()
    ledger = memory_ledger(memory=memory)
    for after in range(3):
        record(ledger, after)
    key = StepKey(STREAM, 2)
    damaged = damage(memory.steps.stored.pop(key))
    if damaged is not None:
        memory.steps.stored[key] = damaged
    for read in (ledger.read, ledger.proven):
        with pytest.raises(LedgerBrokenError):
            read(STREAM)


# --- What the gate refuses ------------------------------------------------------------------------------------------


def _damaged(damage: Callable[[Memory], None], expected: type[Exception] = LedgerBrokenError) -> None:
    memory = Memory()
    ledger = memory_ledger(memory=memory)
    record(ledger, stream="request/0", count=3)
    step = record(ledger, count=2).step
    damage(memory)
    with pytest.raises(expected):
        memory_ledger(memory=memory).settle(step)


def _move(memory: Memory, batch: int, index: int) -> None:
    key = StepKey(STREAM, 1)
    memory.steps.stored[key] = replace(memory.steps.stored[key], batch=batch, index=index)


@pytest.mark.parametrize(("batch", "index"), [(2, 2), (2, 4), (2, 5), (1, 3), (1, 0), (3, 3), (2, -1)])
def test_a_mark_that_lies_proves_nothing(batch: int, index: int) -> None:
    _damaged(lambda memory: _move(memory, batch, index))


def test_a_step_whose_lines_were_altered_is_not_proven() -> None:
    def alter(memory: Memory) -> None:
        key = StepKey(STREAM, 1)
        step = memory.steps.stored[key]
        lines = tuple(line.replace(b"trace", b"treat") for line in step.lines)
        memory.steps.stored[key] = replace(step, lines=lines)

    _damaged(alter)


def test_without_its_checkpoint_a_batch_proves_nothing() -> None:
    _damaged(lambda memory: memory.worm.versions.pop(checkpoint_key(5)) and None)


def test_without_its_batch_a_checkpoint_proves_nothing() -> None:
    _damaged(lambda memory: memory.worm.versions.pop(journal_key(2)) and None)


def test_a_checkpoint_of_another_tree_proves_nothing() -> None:
    def other(memory: Memory) -> None:
        memory.worm.versions[checkpoint_key(5)] = memory.worm.versions[checkpoint_key(3)]

    _damaged(other)


def test_a_batch_rewritten_after_it_was_signed_proves_nothing() -> None:
    def rewrite(memory: Memory) -> None:
        batch = Batch.parse(memory.files()[journal_key(2)])
        lines = tuple(line.replace(b"trace", b"treat") for line in batch.lines)
        memory.worm.versions[journal_key(2)] = [replace(batch, lines=lines).encode()]

    _damaged(rewrite)


def test_a_checkpoint_signed_by_another_key_proves_nothing() -> None:
    def resign(memory: Memory) -> None:
        text, line = memory.worm.versions[checkpoint_key(5)][0].decode().split("\n\n")
        key_id = base64.b64decode(line.split(" ")[2])[:4]
        signature = Ed25519PrivateKey.generate().sign(f"{text}\n".encode())
        forged = f"{text}\n\n— {ORIGIN} {base64.b64encode(key_id + signature).decode()}\n"
        memory.worm.versions[checkpoint_key(5)] = [forged.encode()]

    _damaged(resign)


def test_a_batch_that_does_not_continue_what_was_signed_is_never_signed() -> None:
    memory = Memory()
    record(memory_ledger(memory=memory), stream="request/0", count=3)
    forked = Batch(2, EMPTY.extend([b"other"] * 3), (b"{}",), "nonce", ManualClock().now())
    memory.worm.put(journal_key(2), forked.encode())
    signed = len(memory.signer.signed)
    with pytest.raises(LedgerBrokenError):
        record(memory_ledger(memory=memory))
    assert len(memory.signer.signed) == signed


def test_a_journal_begins_once() -> None:
    memory = Memory()
    record(memory_ledger(memory=memory), stream="request/0")
    again = Batch(2, EMPTY, (b"{}", b"{}"), "nonce", ManualClock().now())
    memory.worm.put(journal_key(2), again.encode())
    with pytest.raises(LedgerBrokenError):
        record(memory_ledger(memory=memory))
    assert len(memory.signer.signed) == 1


def test_an_object_under_another_ones_name_is_not_taken_for_it() -> None:
    memory = Memory()
    ledger = memory_ledger(memory=memory)
    record(ledger)
    record(ledger, 1)
    log = memory.log()
    memory.worm.versions[journal_key(1)] = memory.worm.versions[journal_key(2)]
    memory.worm.versions[checkpoint_key(1)] = memory.worm.versions[checkpoint_key(2)]
    patience = Patience(ManualClock(), timedelta(seconds=1), "0")
    fresh = gate.Gate(memory.worm, log.origin, log.verifiers)
    with pytest.raises(LedgerBrokenError):
        fresh.batch(1, patience)
    with pytest.raises(LedgerBrokenError):
        fresh.checkpoint(1, patience)


def test_a_batch_whose_beginning_was_never_signed_is_never_signed() -> None:
    memory = Memory()
    stray = Batch(1, EMPTY.extend([b"other"] * 3), (b"{}",), "nonce", ManualClock().now())
    memory.worm.put(journal_key(1), stray.encode())
    with pytest.raises(LedgerBrokenError):
        record(memory_ledger(memory=memory))
    assert memory.signer.signed == []


def test_a_journal_that_lost_its_newest_batch_takes_nothing_more() -> None:
    """A delete marker hides an object, and `If-None-Match` would let its name be used again."""
    memory = Memory()
    ledger = memory_ledger(memory=memory)
    record(ledger)
    record(ledger, 1)
    hidden = memory.worm.versions.pop(journal_key(2))
    for stream, writer in (("request/2", ledger), ("request/3", memory_ledger(memory=memory))):
        with pytest.raises(LedgerBrokenError):
            record(writer, stream=stream)
    assert journal_key(2) not in memory.worm.versions
    memory.worm.versions[journal_key(2)] = hidden
    assert [event.number for event in ledger.read(StreamId("request/2"))] == [1]
    assert max(memory.files()) == journal_key(3)


def test_a_foreign_object_in_the_journal_stops_it() -> None:
    memory = Memory()
    memory.worm.put("journal/readme", b"hello")
    with pytest.raises(LedgerBrokenError):
        record(memory_ledger(memory=memory))


def test_only_the_gate_makes_receipts() -> None:
    package = Path(gate.__file__).parents[1]
    makers = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Receipt"
    }
    assert makers == {"ledger/gate.py"}


def test_the_first_event_of_a_step_names_the_idempotency_key_and_never_what_it_was_used_for() -> None:
    recorded = record(memory_ledger(), count=2, idempotency=IdempotencyKey("the key", "hash of the body"))
    assert [event.claim for event in recorded.events] == ["the key", None]
    assert all(b"hash of the body" not in event.line() for event in recorded.events)
    assert [event.claim for event in record(memory_ledger()).events] == [None]


def test_a_step_happened_when_its_recorder_says() -> None:
    moment = ManualClock().now() - timedelta(seconds=3)
    memory = Memory()
    recorded = record(memory_ledger(memory=memory), at=moment)
    assert recorded.events[0].at == memory.steps.stored[recorded.step].at == moment


@pytest.mark.parametrize("warm", [False, True])
def test_a_step_table_put_back_to_an_earlier_moment_takes_nothing(*, warm: bool) -> None:
    """The newest batch alone shows nothing: its one step is in the old table, where it was pending then."""
    memory, clock = Memory(), ManualClock()
    ledger = memory_ledger(clock, memory)
    record(ledger)
    waiting = left_pending(memory, "attempt/waiting")
    earlier = deepcopy(memory.steps)
    held = memory.steps.stored.pop(waiting)
    record(ledger, 1)
    memory.steps.stored[waiting] = held
    assert ledger.commit_pending() == 1
    files = memory.files()
    for name in ("stored", "newest_event", "newest"):
        setattr(memory.steps, name, getattr(earlier, name))
    clock.wait(timedelta(minutes=1))
    restored = ledger if warm else memory_ledger(clock, memory)
    for after in (1, 2):
        with pytest.raises(LedgerBrokenError, match="rebuild it"):
            record(restored, after)
        with pytest.raises(LedgerBrokenError, match="rebuild it"):
            restored.commit_pending()
    assert memory.files() == files


def test_a_hint_that_lags_behind_costs_reading_and_no_more() -> None:
    memory = Memory()
    ledger = memory_ledger(memory=memory)
    for number in range(5):
        record(ledger, number)
    memory.steps.newest = 1
    for each in (ledger, memory_ledger(memory=memory)):
        record(each, len(each.read(STREAM)))
    assert memory.steps.newest == 7


def test_somebody_elses_step_in_ones_place_is_not_ones_own() -> None:
    """As after a rebuild: the journal's step took the place of one that was stored on an older table."""
    memory = Memory()
    ledger = memory_ledger(memory=memory)
    record(ledger, stream="request/other")

    def exchanged(name: str, call: Callable[[], T]) -> T:
        answer = call()
        if name == "steps.add":
            other = memory.steps.stored[StepKey(StreamId("request/other"), 1)]
            memory.steps.stored[StepKey(STREAM, 1)] = replace(other, key=StepKey(STREAM, 1))
        return answer

    memory.gate(exchanged)
    with pytest.raises(LedgerUnavailableError, match="another step"):
        record(ledger)
