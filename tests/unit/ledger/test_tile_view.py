"""The published tiles are those of the ledger, whoever publishes them and however often."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyholder.ledger.note import open_checkpoint
from keyholder.ledger.ports import StorageRefusedError
from keyholder.ledger.tile_view import TileView
from keyholder.ledger.tiles import CHECKPOINT, WIDTH, Tile, TiledTree, tiles_of
from keyholder.ledger.views import ViewGapError
from tests.fakes.ledger import ORIGIN
from tests.fakes.logs import SignedLog
from tests.fakes.views import MemoryViews

T = TypeVar("T")

some = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])

SIZES = st.lists(st.one_of(st.integers(1, 9), st.integers(1, 300), st.just(256)), min_size=1, max_size=12)


def published(log: SignedLog, upto: int | None = None) -> MemoryViews:
    store = MemoryViews()
    view = TileView(store, log.notes.get)
    for batch in log.batches[:upto]:
        view.publish(batch)
    return store


def expected(log: SignedLog) -> set[str]:
    """Full tiles, and the partial ones of every checkpoint whose full one is not there yet."""
    ends = list(accumulate(len(batch.lines) for batch in log.batches))
    full = {tile for tile in tiles_of(log.size) if tile.width == WIDTH}
    partial = {tile for end in ends for tile in tiles_of(end) if tile.width < WIDTH and tile.whole not in full}
    return {CHECKPOINT} | {tile.path() for tile in full | partial}


@some
@given(SIZES)
def test_what_is_published_is_a_whole_log(sizes: list[int]) -> None:
    log = SignedLog.of(sizes)
    store = published(log)
    assert set(store.objects) == expected(log)
    checkpoint = open_checkpoint(store.objects[CHECKPOINT], ORIGIN, [log.key])
    assert checkpoint.size == log.size
    for size in log.notes:
        tree = TiledTree(size, store.get)
        assert tree.root() == log.batches[list(log.notes).index(size)].root
    tree = TiledTree(log.size, store.get)
    assert [tree.entry(index) for index in range(log.size)] == log.leaves


@some
@given(SIZES, st.data())
def test_whoever_publishes_again_writes_the_same_bytes(sizes: list[int], data: st.DataObject) -> None:
    log = SignedLog.of(sizes)
    store = published(log)
    once = dict(store.objects)
    first = data.draw(st.integers(0, len(sizes) - 1))
    again = TileView(store, log.notes.get)
    for batch in log.batches[first:]:
        again.publish(batch)
    assert store.objects == once


def test_a_batch_repeated_shows_no_older_checkpoint() -> None:
    log = SignedLog.of([3, 4, 5])
    store = published(log)
    TileView(store, log.notes.get).publish(log.batches[1])
    assert store.objects[CHECKPOINT] == log.notes[12]
    for nobody_s in (b"junk", log.notes[12].replace(b"\n12\n", b"\n99\n")):
        store.objects[CHECKPOINT] = nobody_s
        TileView(store, log.notes.get).publish(log.batches[1])
        assert store.objects[CHECKPOINT] == log.notes[7]


@pytest.mark.parametrize("start", [6, 256, 300, 512])
def test_a_damaged_view_is_found_and_made_anew(start: int) -> None:
    log = SignedLog.of([5, start - 5, 7])
    whole = published(log)
    before = published(log, 2)
    edge = [tile for tile in tiles_of(start) if tile.width < WIDTH]
    assert edge
    for tile in edge:
        for damage in (None, b"", bytes(32 * tile.width), before.objects[tile.path()][:-1] + b"x"):
            store = MemoryViews(objects=dict(before.objects))
            del store.objects[tile.path()]
            if damage is not None:
                store.objects[tile.path()] = damage
            with pytest.raises(ViewGapError):
                TileView(store, log.notes.get).publish(log.batches[2])
            view = TileView(store, log.notes.get)
            for batch in log.batches:
                view.publish(batch)
            assert store.objects == whole.objects


def test_a_view_that_failed_goes_on_from_what_is_stored() -> None:
    log = SignedLog.of([250, 100, 30])
    whole = published(log)
    for failing in itertools.count():
        store = MemoryViews()
        view = TileView(store, log.notes.get)
        view.publish(log.batches[0])
        calls = itertools.count()

        def fail(_name: str, call: Callable[[], T], place: int = failing, calls: Iterator[int] = calls) -> T:
            if next(calls) == place:
                raise StorageRefusedError
            return call()

        store.gate = fail
        for batch in log.batches[1:]:
            try:
                view.publish(batch)
            except StorageRefusedError:
                view.publish(batch)
        assert store.objects == whole.objects
        if next(calls) <= failing:
            break
    assert failing > 10, "every call has failed once"


def test_a_batch_without_a_checkpoint_is_not_shown() -> None:
    log = SignedLog.of([3])
    with pytest.raises(ViewGapError):
        TileView(MemoryViews(), lambda _: None).publish(log.batches[0])


def test_partial_tiles_are_gone_once_the_full_one_is_there() -> None:
    log = SignedLog.of([100, 100, 56])
    store = published(log, 2)
    assert Tile(0, 0, 100).path() in store.objects
    assert Tile(None, 0, 200).path() in store.objects
    assert set(published(log).objects) == {"checkpoint", "tile/entries/000", "tile/0/000", "tile/1/000.p/1"}
