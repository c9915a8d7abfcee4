"""A witness against a ledger whose key is in the wrong hands, and against its own crashes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from keyholder.ledger.cosignature import cosignatures, cosigner_vkey, parse_cosigner
from keyholder.ledger.event import NewEvent
from keyholder.ledger.journal import JOURNAL, Batch, checkpoint_key, journal_key
from keyholder.ledger.merkle import EMPTY
from keyholder.ledger.note import Checkpoint, open_checkpoint, sign_note
from keyholder.vocabulary import ActorId, StreamId
from keyholder.witness import witnessing
from keyholder.witness.seen import cosigned_key, seen_key
from keyholder.witness.witnessing import Witness, WitnessDisagreesError, WitnessKeyError
from tests.fakes.ledger import ORIGIN, ManualClock, Memory, MemorySigner, MemoryWorm, memory_ledger
from tests.fakes.ledger_bucket import MARKER, MemoryBucket

LONG = timedelta(hours=1)


@cache
def files(batches: tuple[int, ...]) -> dict[str, bytes]:
    """The ledger in which these things happened, one batch each; equal beginnings give equal bytes."""
    memory = Memory()
    ledger = memory_ledger(memory=memory)
    for number, what in enumerate(batches):
        events = [NewEvent("x", {"what": what})] * (1 + what % 3)
        ledger.record(StreamId(f"request/{number}"), 0, events, actor=ActorId("a"), trace="t")
    return memory.files()


class CrashError(Exception):
    """The function's environment is gone."""


@dataclass
class World:
    """One ledger, whose key holder may show anything signed; one witness that may crash at any of its calls."""

    batches: tuple[int, ...] = ()
    clock: ManualClock = field(default_factory=ManualClock)
    bucket: MemoryBucket = field(default_factory=lambda: MemoryBucket(MemoryWorm()))
    own: MemoryWorm = field(default_factory=MemoryWorm)
    signer: MemorySigner = field(
        default_factory=lambda: MemorySigner(key=Ed25519PrivateKey.from_private_bytes(b"w" * 32))
    )
    calls: int = 0
    crash_at: int | None = None
    crash_after: bool = False

    def __post_init__(self) -> None:
        public = self.signer.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.cosigner = parse_cosigner(cosigner_vkey("witness.test", public))
        self.bucket.gate = self.own.gate = self.signer.gate = self._call
        self.log = Memory().log().verifiers

    def show(self, batches: tuple[int, ...]) -> None:
        """What the key holder shows from now on."""
        self.batches = batches
        self.bucket.worm.versions = {name: [body] for name, body in files(batches).items()}

    def run(self, crash_at: int | None = None, *, crash_after: bool = False, within: timedelta = LONG) -> Any:
        """One run of a new environment, which crashes before or after its call number `crash_at`."""
        self.calls, self.crash_at, self.crash_after = 0, crash_at, crash_after
        witness = Witness(
            log=self.log,
            ledger=self.bucket,
            own=self.own,
            cosigner=self.cosigner,
            signer=self.signer,
            clock=self.clock,
        )
        return witness.run(self.clock.now() + within)

    def copied(self) -> list[Batch]:
        """The witness's copy of the journal."""
        return [Batch.parse(found[-1]) for key, found in sorted(self.own.versions.items()) if key.startswith(JOURNAL)]

    def signed(self) -> list[tuple[int, bytes]]:
        """Size and root of every cosignature ever made, published or not."""
        texts = [message.decode().split("\n", 2)[2] for message in self.signer.signed]
        return [(one.size, one.root) for one in map(Checkpoint.parse, texts)]

    def cosigned(self, size: int) -> Checkpoint:
        """The published checkpoint of a size, with both signatures verified."""
        note = self.own.versions[cosigned_key(size)][-1]
        assert [found.by for found in cosignatures(note, [self.cosigner])] == [self.cosigner]
        return open_checkpoint(note, ORIGIN, self.log)

    def _call(self, _: str, call: Callable[[], Any]) -> Any:
        self.calls += 1
        if self.calls == self.crash_at and not self.crash_after:
            raise CrashError
        answer = call()
        if self.calls == self.crash_at:
            raise CrashError
        return answer


def size_of(batches: tuple[int, ...]) -> int:
    return sum(1 + what % 3 for what in batches)


@pytest.fixture
def world() -> World:
    world = World()
    world.show((1, 2, 3))
    return world


def test_a_ledger_is_verified_copied_remembered_and_cosigned(world: World) -> None:
    seen = world.run()
    assert (seen.size, seen.batches, seen.more, seen.unsigned) == (6, 3, False, timedelta(0))
    assert {key: found[-1] for key, found in world.own.versions.items() if key in files(world.batches)} == files(
        world.batches
    )
    assert world.cosigned(6).root == world.copied()[-1].root
    world.show((1, 2, 3, 4))
    world.clock.wait(timedelta(minutes=15))
    assert world.run().batches == 1
    assert world.cosigned(8).size == 8
    assert [size for size, _ in world.signed()] == [6, 8]


def test_an_empty_ledger_is_nothing_to_cosign() -> None:
    world = World()
    assert world.run().size == 0
    assert not world.signer.signed
    assert not world.own.versions


def test_nothing_new_is_not_cosigned_again(world: World) -> None:
    world.run()
    world.run()
    assert len(world.signer.signed) == 1


@pytest.mark.parametrize(
    ("shown", "why"),
    [
        ((1, 2), "cut off"),
        ((), "emptied"),
        ((1, 5, 3), "rewritten"),
        ((1, 2, 3 + 3), "its last batch rewritten"),
        ((1, 5, 3, 4), "rewritten and longer"),
        ((7, 2, 3, 4, 5), "another ledger of the same key"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_key_holder_signs_anew_is_not_cosigned(world: World, shown: tuple[int, ...], why: str) -> None:
    world.run()
    world.show(shown)
    for _ in range(2):
        with pytest.raises(WitnessDisagreesError):
            world.run()
    assert [size for size, _ in world.signed()] == [6]


def _second_version(world: World) -> None:
    world.bucket.worm.versions[journal_key(4)].append(b"another")


def _marker(world: World) -> None:
    world.bucket.worm.versions[journal_key(4)].append(MARKER)


def _gap(world: World) -> None:
    world.bucket.worm.versions[journal_key(5)] = world.bucket.worm.versions.pop(journal_key(4))


def _altered(world: World) -> None:
    (body,) = world.bucket.worm.versions[journal_key(4)]
    world.bucket.worm.versions[journal_key(4)] = [body.replace(b'"what":4', b'"what":7')]


def _wrong_key(world: World) -> None:
    _resign(world, MemorySigner(key=Ed25519PrivateKey.from_private_bytes(b"x" * 32)), size_of(world.batches))


def _wrong_root(world: World) -> None:
    _resign(world, MemorySigner(), size_of(world.batches), b"r" * 32)


def _resign(world: World, signer: MemorySigner, size: int, root: bytes | None = None) -> None:
    key = checkpoint_key(size)
    honest = open_checkpoint(world.bucket.worm.versions[key][0], ORIGIN, world.log)
    text = Checkpoint(ORIGIN, size, root or honest.root).text()
    verifier = Memory(signer=signer).log().key
    world.bucket.worm.versions[key] = [sign_note(text, verifier, signer.sign(text.encode()))]


def _late(world: World) -> None:
    world.bucket.stored_at[journal_key(4)] = world.clock.now() + timedelta(hours=1)


def _no_event(world: World) -> None:
    before = Batch.parse(world.bucket.worm.versions[journal_key(3)][0]).after
    batch = Batch(4, before, (b"not an event",), "00", ManualClock().now())
    world.bucket.worm.versions[journal_key(4)] = [batch.encode()]


def _other_tree(world: World) -> None:
    """A batch, signed, that continues another tree of the same size."""
    other = files((1, 5, 3, 4))
    for key in (journal_key(4), checkpoint_key(8)):
        world.bucket.worm.versions[key] = [other[key]]


@pytest.mark.parametrize(
    "spoil", [_other_tree, _second_version, _marker, _gap, _altered, _wrong_key, _wrong_root, _late, _no_event]
)
def test_a_new_batch_that_is_not_as_it_must_be_is_not_cosigned(world: World, spoil: Callable[[World], None]) -> None:
    world.run()
    world.show((1, 2, 3, 4))
    spoil(world)
    with pytest.raises(WitnessDisagreesError):
        world.run()
    assert [size for size, _ in world.signed()] == [6]


def test_old_objects_are_looked_at_in_turn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witnessing, "PAGE", 2)
    monkeypatch.setattr("keyholder.ledger.watch.PAGE", 2)
    world.show((1, 2, 3, 4, 5))
    while world.run().more:
        pass
    world.bucket.worm.versions[journal_key(1)].append(b"another")
    seen = []
    for _ in range(2):
        try:
            world.run()
        except WitnessDisagreesError as disagreement:
            seen.append(disagreement.where)
        world.clock.wait(witnessing.ROUND)
    assert seen == [journal_key(1)]


def test_the_newest_batch_waits_for_its_checkpoint(world: World) -> None:
    world.run()
    world.show((1, 2, 3, 4))
    note = world.bucket.worm.versions.pop(checkpoint_key(8))
    world.clock.wait(timedelta(minutes=3))
    world.bucket.stored_at[journal_key(4)] = world.clock.now() - timedelta(minutes=2)
    seen = world.run()
    assert (seen.size, seen.unsigned) == (6, timedelta(minutes=2))
    world.bucket.worm.versions[checkpoint_key(8)] = note
    assert world.run().size == 8


def test_a_run_ends_in_time_and_the_next_goes_on(world: World) -> None:
    first = world.run(within=timedelta(0))
    assert (first.size, first.more) == (0, True)
    assert world.run().size == 6


def test_another_key_than_the_witness_s_is_not_published(world: World) -> None:
    world.signer.key = Ed25519PrivateKey.from_private_bytes(b"y" * 32)
    with pytest.raises(WitnessKeyError):
        world.run()
    assert cosigned_key(6) not in world.own.versions


def test_a_damaged_memory_is_told(world: World) -> None:
    world.run()
    world.own.versions[seen_key(6)] = [b"{}"]
    with pytest.raises(WitnessDisagreesError, match="memory"):
        world.run()


def test_a_run_that_was_overtaken_does_not_cosign_the_older_tree(world: World) -> None:
    """Another run sees more, remembers it and cosigns it, just before this one remembers what it saw."""

    def overtaken(name: str, call: Callable[[], Any]) -> Any:
        if name == f"worm.put {seen_key(6)}":
            world.own.gate = world.bucket.gate = world.signer.gate = world._call
            world.show((1, 2, 3, 4))
            other.run()
        return call()

    other = World(clock=world.clock, bucket=world.bucket, own=world.own, signer=world.signer)
    world.own.gate = overtaken
    assert world.run().size == 6
    assert [size for size, _ in world.signed()] == [8]


def test_what_was_copied_by_a_run_that_crashed_counts_as_seen(world: World) -> None:
    """The key holder exchanges a batch that the witness has copied and not yet remembered."""
    put = f"worm.put {journal_key(3)}"

    def crashing(name: str, call: Callable[[], Any]) -> Any:
        answer = call()
        if name == put:
            raise CrashError
        return answer

    gate, world.own.gate = world.own.gate, crashing
    with pytest.raises(CrashError):
        world.run()
    world.own.gate = gate
    world.show((1, 2, 0))
    with pytest.raises(WitnessDisagreesError, match="when the witness copied it"):
        world.run()
    assert not world.signer.signed


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, Any]]:
    """The ledger grows, is cut off or is rewritten; the witness runs, whole or until a crash; time goes by."""
    grow = st.tuples(st.just("grow"), st.lists(st.integers(0, 5), min_size=1, max_size=3))
    cut = st.tuples(st.just("cut"), st.integers(0, 4))
    rewrite = st.tuples(st.just("rewrite"), st.tuples(st.integers(0, 4), st.integers(0, 5)))
    crash = st.tuples(st.just("crash"), st.tuples(st.integers(1, 40), st.booleans()))
    return draw(st.lists(st.one_of(grow, grow, st.just(("run", None)), crash, crash, cut, rewrite), max_size=12))


@settings(max_examples=120, deadline=None)
@given(histories())
def test_whatever_happens_one_history_is_cosigned(steps: list[tuple[str, Any]]) -> None:
    world = World()
    remembered: tuple[int, ...] = ()
    for what, detail in steps:
        if what == "grow":
            world.show(world.batches + tuple(detail))
        elif what == "cut":
            world.show(world.batches[: max(len(world.batches) - detail, 0)])
        elif what == "rewrite" and world.batches:
            place, other = detail[0] % len(world.batches), detail[1]
            world.show((*world.batches[:place], other, *world.batches[place + 1 :]))
        elif what in ("run", "crash"):
            remembered = _run_and_judge(world, remembered, detail)
        world.clock.wait(timedelta(minutes=15))


def _run_and_judge(world: World, remembered: tuple[int, ...], crash: tuple[int, bool] | None) -> tuple[int, ...]:
    before = len(world.signer.signed)
    at, after = crash or (None, False)
    crashed = disagreed = False
    try:
        world.run(at, crash_after=after)
    except CrashError:
        crashed = True
    except WitnessDisagreesError:
        disagreed = True
    consistent = world.batches[: len(remembered)] == remembered
    if not crashed:
        # Also what a crashed run has copied counts as seen, should the ledger change it before it was remembered.
        assert disagreed or consistent
        shown = files(world.batches)
        copies_agree = all(shown.get(key, found[-1]) == found[-1] for key, found in world.own.versions.items())
        assert not disagreed or not consistent or not copies_agree
        if not disagreed and world.batches:
            assert world.cosigned(size_of(world.batches)).size == size_of(world.batches)
    if not consistent:
        # At most what was remembered before, by a run that crashed before it could sign.
        assert all(size == size_of(remembered) for size, _ in world.signed()[before:])
    _one_history(world)
    newest = max((int(key.rsplit("/")[-1]) for key in world.own.versions if key.startswith("seen/")), default=0)
    return remembered if newest == size_of(remembered) else world.batches


def _one_history(world: World) -> None:
    """Every tree ever cosigned is the beginning of the witness's one copy, and none is older than the one before."""
    roots = {}
    tree = EMPTY
    for batch in world.copied():
        assert batch.before == tree
        tree = batch.after
        roots[tree.size] = tree.root()
    signed = world.signed()
    assert all(roots[size] == root for size, root in signed)
    assert [size for size, _ in signed] == sorted(size for size, _ in signed)
    assert all(len(found) == 1 for found in world.own.versions.values())
    for size, _ in signed:
        assert seen_key(size) in world.own.versions
