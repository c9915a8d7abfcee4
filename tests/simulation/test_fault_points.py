"""Every storage call of one append, in turn, with every fault: the append is repeated, and the ledger is whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keyholder.ledger.event import NewEvent
from keyholder.ledger.log import ClaimedError, IdempotencyKey, LedgerUnavailableError, Recorded
from keyholder.ledger.ports import StorageBusyError, StorageRefusedError, StorageUncertainError
from keyholder.vocabulary import ActorId, StreamId
from tests.fakes.ledger import ManualClock, Memory, memory_ledger
from tests.simulation.oracle import Oracle
from tests.simulation.scheduler import Crash

T = TypeVar("T")
STREAM = StreamId("request/1")
KEY = IdempotencyKey("key", "body")
NOW = ManualClock().moment
LATER = NOW + timedelta(seconds=3)
"""When a client comes back whose function died: soon, so that the lead of the dead one may still hold."""


class FailsOnce:
    """Lets calls through, but the `at`-th one goes wrong: `fault` raised before the call, or after it `happened`."""

    def __init__(self, at: int, fault: BaseException | None, *, happened: bool = False) -> None:
        self.calls = 0
        self.names: list[str] = []
        self._at = at
        self._fault = fault
        self._happened = happened

    def __call__(self, name: str, call: Callable[[], T]) -> T:
        self.calls += 1
        self.names.append(name)
        if self.calls != self._at or self._fault is None:
            return call()
        if self._happened:
            call()
        raise self._fault


def prepared(memory: Memory) -> None:
    """A ledger in use: one committed batch, one that lost its writer before it was signed, one step still pending."""
    memory_ledger(memory=memory).record(STREAM, 0, [_event("before")], actor=ActorId("person/1"), trace="t")
    _break_off(memory, "attempt/committed", "signer.sign")
    _break_off(memory, "attempt/pending", "worm.put")


def append(memory: Memory, at: datetime = NOW) -> Recorded:
    """The append under test, as a client repeats it: replay if the key is known."""
    ledger = memory_ledger(memory=memory, clock=ManualClock(at))
    claim = ledger.claim(KEY.key)
    if claim is not None:
        return ledger.settle(claim.step)
    try:
        after = len(ledger.read(STREAM))
        events = [_event("wanted"), _event("wanted", part=2)]
        return ledger.record(STREAM, after, events, actor=ActorId("person/1"), trace="t", idempotency=KEY)
    except ClaimedError as used:
        return ledger.settle(used.claim.step)


def calls_of_an_append() -> int:
    memory = Memory()
    prepared(memory)
    counted = FailsOnce(0, None)
    memory.gate(counted)
    append(memory)
    return counted.calls


FAULTS = {
    "crash before": (Crash(), False),
    "crash after": (Crash(), True),
    "answer lost": (StorageUncertainError(), True),
    "did not happen": (StorageUncertainError(), False),
    "busy": (StorageBusyError(), False),
    "refused": (StorageRefusedError(), False),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_call_of_an_append_may_go_wrong(fault: str) -> None:
    calls = calls_of_an_append()
    assert calls > 20
    for at in range(1, calls + 1):
        memory = Memory()
        prepared(memory)
        oracle = Oracle(memory)
        failing = FailsOnce(at, FAULTS[fault][0], happened=FAULTS[fault][1])
        memory.gate(failing)
        try:
            recorded = append(memory)
        except (Crash, LedgerUnavailableError):
            assert fault in {"crash before", "crash after", "refused"}
            recorded = append(memory, LATER)
        oracle.effect("wanted", recorded)
        memory.gate(lambda _name, call: call())
        memory_ledger(memory=memory).commit_pending()
        oracle.final()
        assert oracle.violations == [], f"call {at}: {failing.names[at - 1]}"


def test_what_is_unwritable_for_good_takes_no_effect_and_can_be_repeated() -> None:
    memory = Memory()

    def unwritable(name: str, call: Callable[[], T]) -> T:
        if name.startswith("worm.put"):
            raise StorageBusyError
        return call()

    memory.gate(unwritable)
    with pytest.raises(LedgerUnavailableError):
        append(memory)
    assert memory.files() == {}
    memory.gate(lambda _name, call: call())
    oracle = Oracle(memory)
    oracle.effect("wanted", append(memory))
    oracle.final()
    assert oracle.violations == []


def test_another_key_than_the_pinned_one_never_signs_anything_that_is_stored() -> None:
    memory = Memory()
    ledger = memory_ledger(memory=memory)
    memory.signer.key = Ed25519PrivateKey.generate()
    with pytest.raises(LedgerUnavailableError):
        ledger.record(STREAM, 0, [_event("wanted")], actor=ActorId("person/1"), trace="t")
    assert not [name for name in memory.files() if name.startswith("checkpoint/")]
    assert not [step for step in memory.steps.stored.values() if step.index is not None]


def _event(command: str, part: int = 1) -> NewEvent:
    return NewEvent("test.done", {"command": command, "delivery": "1", "part": part})


def _break_off(memory: Memory, stream: str, where: str) -> None:
    def gate(name: str, call: Callable[[], T]) -> T:
        if name.startswith(where):
            raise Crash
        return call()

    memory.gate(gate)
    with pytest.raises(Crash):
        memory_ledger(memory=memory).record(StreamId(stream), 0, [_event(stream)], actor=ActorId("person/1"), trace="t")
    memory.gate(lambda _name, call: call())
