"""What the watch sees of a ledger that is whole, stuck, or spoilt."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from keyholder.ledger import watch as watching
from keyholder.ledger.event import NewEvent
from keyholder.ledger.journal import checkpoint_key, journal_key
from keyholder.ledger.ports import Step, StepKey
from keyholder.ledger.watch import Sighting, watch
from keyholder.vocabulary import ActorId, StreamId
from tests.fakes.ledger import ManualClock, Memory, memory_ledger
from tests.fakes.ledger_bucket import MARKER, MemoryBucket


@dataclass
class Place:
    memory: Memory = field(default_factory=Memory)
    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        self.bucket = MemoryBucket(self.memory.worm)
        self.ledger = memory_ledger(self.clock, self.memory)

    def record(self, batches: int) -> None:
        for number in range(batches):
            stream = StreamId(f"request/{len(self.memory.steps.stored)}-{number}")
            self.ledger.record(stream, 0, [NewEvent("x", {})] * 2, actor=ActorId("a"), trace="t")

    def leave_pending(self) -> None:
        key = StepKey(StreamId("request/stuck"), 1)
        self.memory.steps.stored[key] = Step(key, (b"{}",), "w", self.clock.now())

    def seen(self) -> Sighting:
        return watch(self.memory.steps, self.bucket, self.clock)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "PAGE", 4)


@pytest.fixture
def place() -> Place:
    return Place()


NOTHING = Sighting(timedelta(0), timedelta(0), ())


@pytest.mark.parametrize("batches", [0, 1, 3, 4, 5, 8, 9])
def test_a_whole_ledger_is_nothing_to_tell(place: Place, batches: int) -> None:
    place.record(batches)
    for _ in range(4):
        assert place.seen() == NOTHING
        place.clock.wait(timedelta(minutes=1))


@pytest.mark.parametrize("batches", [1, 4, 5, 9])
def test_the_newest_batch_may_be_about_to_be_signed(place: Place, batches: int) -> None:
    place.record(batches)
    del place.memory.worm.versions[checkpoint_key(2 * batches)]
    assert place.seen() == NOTHING


@pytest.mark.parametrize(
    "spoilt", [journal_key(2), journal_key(9), checkpoint_key(4), checkpoint_key(8), checkpoint_key(18)]
)
@pytest.mark.parametrize("with_what", [b"another", MARKER])
def test_a_second_version_or_a_delete_marker_is_found(place: Place, spoilt: str, with_what: bytes) -> None:
    """On the newest page at once; on an older one when its turn comes: of three pages, within three minutes."""
    place.record(9)
    place.memory.worm.versions[spoilt].append(with_what)
    found = []
    for _ in range(3):
        found += place.seen().unexpected
        place.clock.wait(timedelta(minutes=1))
    assert set(found) == {spoilt}


@pytest.mark.parametrize(
    "missing", [journal_key(2), journal_key(4), journal_key(9), checkpoint_key(2), checkpoint_key(8)]
)
def test_what_is_missing_is_found(place: Place, missing: str) -> None:
    place.record(9)
    del place.memory.worm.versions[missing]
    found = []
    for _ in range(3):
        found += place.seen().unexpected
        place.clock.wait(timedelta(minutes=1))
    assert found
    assert all(name.partition("/")[0] == missing.partition("/")[0] for name in found)


def test_a_foreign_key_is_found(place: Place) -> None:
    place.record(5)
    place.memory.worm.versions["journal/stranger"] = [b"x"]
    assert "journal/stranger" in place.seen().unexpected


@pytest.mark.parametrize("unreadable", [4, 8])
def test_where_a_page_ends_has_to_be_readable(place: Place, unreadable: int) -> None:
    place.record(9)
    place.memory.worm.versions[journal_key(unreadable)] = [b"not a batch"]
    found = []
    for _ in range(3):
        found += place.seen().unexpected
        place.clock.wait(timedelta(minutes=1))
    assert set(found) == {journal_key(unreadable)}


def test_a_pass_reads_two_pages_however_long_the_ledger_is(place: Place) -> None:
    place.record(40)
    place.bucket.listed.clear()
    place.seen()
    assert len(place.bucket.listed) <= 2 * (4 + 5)


def test_a_stuck_step_is_measured(place: Place) -> None:
    place.record(1)
    place.leave_pending()
    place.clock.wait(timedelta(minutes=7))
    assert place.seen() == Sighting(timedelta(minutes=7), timedelta(minutes=7), ())


def test_a_step_that_waits_alone_while_others_pass_is_stuck_but_covered(place: Place) -> None:
    place.record(1)
    place.leave_pending()
    place.clock.wait(timedelta(minutes=7))
    place.bucket.stored_at[checkpoint_key(2)] = place.clock.now() - timedelta(minutes=2)
    assert place.seen() == Sighting(timedelta(minutes=7), timedelta(minutes=2), ())


def test_an_idle_night_is_no_alarm(place: Place) -> None:
    place.record(1)
    place.clock.wait(timedelta(hours=8))
    assert place.seen() == NOTHING
    place.leave_pending()
    assert place.seen() == NOTHING


def test_a_stale_index_is_no_alarm(place: Place) -> None:
    """The index of pending steps may list what is committed: each is read again."""
    place.record(1)
    place.memory.steps._pending = lambda: list(place.memory.steps.stored)  # type: ignore[method-assign]
    place.clock.wait(timedelta(hours=1))
    assert place.seen() == NOTHING
