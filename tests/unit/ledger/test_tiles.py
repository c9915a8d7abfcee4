"""Tiles: names and bundles in their one form, and proofs of any leaf at any size out of few of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyholder.ledger.merkle import EMPTY, Span, leaf_hash, node_hash, verify_consistency, verify_inclusion
from keyholder.ledger.tiles import (
    WIDTH,
    Tile,
    TiledTree,
    TileError,
    encode_bundle,
    encode_hashes,
    parse_bundle,
    parse_hashes,
    tiles_of,
)

some = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])

MOST = 67_000
"""More than 256 * 256: three levels of tiles."""


@cache
def levels() -> list[list[bytes]]:
    """The hashes of every level of tiles of the tree of `MOST` leaves `0`, `1`, …"""
    made = [[leaf_hash(b"%d" % index) for index in range(MOST)]]
    while len(made[-1]) >= WIDTH:
        nodes = made[-1]
        for _ in range(8):
            nodes = [node_hash(nodes[pair], nodes[pair + 1]) for pair in range(0, len(nodes) - 1, 2)]
        made.append(nodes)
    return made


def stored(size: int, *, partial: bool = True) -> Callable[[str], bytes | None]:
    """What a log of `size` leaves answers to a path; without partial tiles, the full ones of a longer log instead."""

    def read(path: str) -> bytes | None:
        tile = Tile.parse(path)
        if tile.width < WIDTH and not partial:
            return None
        low = tile.index * WIDTH
        if tile.level is None:
            return encode_bundle([b"%d" % index for index in range(low, min(low + tile.width, MOST))])
        hashes = levels()[tile.level][low : low + tile.width]
        if partial:
            assert len(hashes) == tile.width
            assert low + tile.width <= size >> (8 * tile.level)
        return encode_hashes(hashes)

    return read


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(3, 1234067), "tile/3/x001/x234/067"),
        (Tile(63, 999, 255), "tile/63/999.p/255"),
        (Tile(0, 1000, 1), "tile/0/x001/000.p/1"),
        (Tile(None, 5), "tile/entries/005"),
        (Tile(None, 123456789, 17), "tile/entries/x123/x456/789.p/17"),
    ],
)
def test_the_name_of_a_tile(tile: Tile, path: str) -> None:
    assert tile.path() == path
    assert Tile.parse(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/0",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000/",
        "/tile/0/000",
        "tile/0/000\n",
        "tile/0/\u0660\u0660\u0660",
        "tile/data/000",
    ],
)
def test_no_other_name_is_one(path: str) -> None:
    with pytest.raises(TileError):
        Tile.parse(path)


@some
@given(st.one_of(st.text(max_size=40), st.from_regex(r"tile/(entries|[0-9]{1,3})/(x?[0-9]{3}/?)*(\.p/[0-9]+)?")))
def test_any_text_is_refused_or_the_one_name_of_a_tile(path: str) -> None:
    try:
        assert Tile.parse(path).path() == path
    except TileError:
        return


@some
@given(st.one_of(st.binary(max_size=600), st.lists(st.binary(max_size=20), max_size=300).map(encode_bundle)))
def test_any_bytes_are_refused_or_a_bundle_in_its_one_form(body: bytes) -> None:
    try:
        assert encode_bundle(parse_bundle(body)) == body
    except TileError:
        return


@some
@given(st.one_of(st.binary(max_size=100), st.integers(0, 300).map(lambda count: bytes(32 * count))))
def test_any_bytes_are_refused_or_a_tile_in_its_one_form(body: bytes) -> None:
    try:
        assert encode_hashes(parse_hashes(body)) == body
    except TileError:
        assert len(body) % 32 or not 0 < len(body) // 32 <= WIDTH


@some
@given(st.lists(st.binary(max_size=30), min_size=1, max_size=WIDTH))
def test_bundles_read_back(entries: list[bytes]) -> None:
    assert parse_bundle(encode_bundle(entries)) == tuple(entries)


def test_an_entry_has_65535_bytes_at_most() -> None:
    assert parse_bundle(encode_bundle([bytes(65_535), b""])) == (bytes(65_535), b"")
    with pytest.raises(TileError):
        encode_bundle([bytes(65_536)])
    with pytest.raises(TileError):
        parse_bundle(encode_bundle([b""] * 257))
    for torn in (b"\x00", b"\x00\x02a", encode_bundle([b"ab"])[:-1], encode_bundle([b"ab"]) + b"\x00"):
        with pytest.raises(TileError):
            parse_bundle(torn)


def test_the_tiles_of_70000_leaves_are_the_specification_s() -> None:
    tiles = list(tiles_of(70_000))
    assert len(tiles) == len(set(tiles))
    by_level = {level: [tile for tile in tiles if tile.level == level] for level in (None, 0, 1, 2, 3)}
    widths = {level: sorted({tile.width for tile in found}) for level, found in by_level.items()}
    assert widths == {None: [112, 256], 0: [112, 256], 1: [17, 256], 2: [1], 3: []}
    assert [len(found) for found in by_level.values()] == [274, 274, 2, 1, 0]
    assert {tile.path() for tile in tiles_of(256)} == {"tile/entries/000", "tile/0/000", "tile/1/000.p/1"}
    assert list(tiles_of(0)) == []


SIZES = st.one_of(st.integers(1, 600), st.integers(65_000, MOST), st.integers(1, MOST))


@some
@given(st.data())
def test_any_leaf_is_proven_at_any_size_out_of_few_tiles(data: st.DataObject) -> None:
    size = data.draw(SIZES)
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    read_from: list[str] = []
    answers = stored(size, partial=data.draw(st.booleans()))

    def read(path: str) -> bytes | None:
        read_from.append(path)
        return answers(path)

    tree = TiledTree(size, read)
    root = tree.root()
    leaf = b"%d" % index
    assert tree.entry(index) == leaf
    assert verify_inclusion(leaf_hash(leaf), index, size, tree.inclusion_path(index), root)
    old_root = TiledTree(old, answers).root()
    assert verify_consistency(old, size, old_root, root, tree.consistency_proof(old))
    assert len(read_from) <= 20, "three levels, a left, a middle and a right tile each, partial and full, two bundles"


@some
@given(st.integers(1, 300), st.data())
def test_proofs_are_those_of_the_definition(size: int, data: st.DataObject) -> None:
    span = Span(EMPTY, [b"%d" % index for index in range(size)])
    tree = TiledTree(size, stored(size))
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    assert tree.root() == span.root()
    assert tree.inclusion_path(index) == span.inclusion_path(index)
    assert tree.consistency_proof(old) == span.consistency_proof(old)


def test_what_is_not_in_the_tree_is_not_proven() -> None:
    tree = TiledTree(300, stored(300))
    for index in (-1, 300):
        with pytest.raises(IndexError):
            tree.inclusion_path(index)
        with pytest.raises(IndexError):
            tree.entry(index)
    for old in (0, 301):
        with pytest.raises(IndexError):
            tree.consistency_proof(old)


@pytest.mark.parametrize("body", [None, b"", bytes(31), bytes(32 * 43), bytes(32 * 257)])
def test_a_tile_that_is_missing_or_too_short_makes_no_proof(body: bytes | None) -> None:
    answers = stored(300)
    tree = TiledTree(300, lambda path: body if path.startswith("tile/0/001") else answers(path))
    with pytest.raises(TileError):
        tree.inclusion_path(299)


def test_an_entry_belongs_to_its_leaf() -> None:
    answers = stored(300)
    swapped = encode_bundle([b"257", b"256"])
    tree = TiledTree(300, lambda path: swapped if path.startswith("tile/entries/001") else answers(path))
    for index in (256, 257, 258):
        with pytest.raises(TileError):
            tree.entry(index)
    assert tree.entry(255) == b"255"
