"""The tree against the definition in RFC 6962, and against 518 proofs made by others (transparency-dev/merkle)."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from keyholder.ledger.merkle import (
    EMPTY,
    EMPTY_ROOT,
    Frontier,
    Span,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from keyholder.ledger.tiles import TiledTree, encode_hashes, tiles_of

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "merkle-proofs.json").read_text())

some = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no failure."""

LEAVES = st.lists(st.binary(max_size=12), min_size=1, max_size=70)


def tree_head(leaves: list[bytes]) -> bytes:
    """MTH(D[n]) of RFC 6962 section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + tree_head(leaves[:split]) + tree_head(leaves[split:])).digest()


def _bytes(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def _accepted(vector: dict[str, Any]) -> bool:
    get = vector.__getitem__
    proof = [_bytes(value) for value in vector["proof"] or []]
    match vector["kind"]:
        case "inclusion":
            return verify_inclusion(
                _bytes(get("leafHash")), get("leafIdx"), get("treeSize"), proof, _bytes(get("root"))
            )
        case "consistency":
            return verify_consistency(get("size1"), get("size2"), _bytes(get("root1")), _bytes(get("root2")), proof)
        case "subtreeinclusion":
            start, end = get("start"), get("end")
            valid = start < end and start % (1 << (end - start - 1).bit_length()) == 0
            leaf = _bytes(get("leafHash"))
            return valid and verify_inclusion(leaf, get("leafIdx") - start, end - start, proof, _bytes(get("root")))
        case "subtreeconsistency":
            start, end, size = get("start"), get("end"), get("size")
            return verify_consistency(end, size, _bytes(get("root1")), _bytes(get("root2")), proof, start=start)
    raise AssertionError(vector["kind"])


def test_all_proofs_of_others_are_judged_as_they_judge_them() -> None:
    """But for six: that an empty subtree is consistent with anything. Here nothing follows from an empty tree."""
    differing = [vector for vector in VECTORS if _accepted(vector) == vector["wantErr"]]
    assert len(VECTORS) == 518
    assert len(differing) == 6
    for vector in differing:
        assert vector["kind"] == "subtreeconsistency"
        assert vector["start"] == vector["end"]
        assert not vector["wantErr"]


def test_the_empty_tree() -> None:
    assert EMPTY.root() == EMPTY_ROOT == Span(EMPTY, []).root()
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@some
@given(LEAVES, st.data())
def test_a_tree_may_be_grown_in_any_pieces(leaves: list[bytes], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(leaves)))
    frontier = EMPTY.extend(leaves[:cut])
    assert frontier.root() == tree_head(leaves[:cut])
    grown = frontier.extend(leaves[cut:])
    assert grown == EMPTY.extend(leaves)
    assert grown.root() == Span(frontier, leaves[cut:]).root() == tree_head(leaves)


@some
@given(LEAVES, st.data())
def test_every_leaf_of_a_span_is_proven_from_the_frontier_alone(leaves: list[bytes], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(leaves) - 1))
    span = Span(EMPTY.extend(leaves[:cut]), leaves[cut:])
    root = tree_head(leaves)
    for index in range(cut, len(leaves)):
        path = span.inclusion_path(index)
        assert verify_inclusion(leaf_hash(leaves[index]), index, len(leaves), path, root)
        assert path == Span(EMPTY, leaves).inclusion_path(index)


@some
@given(LEAVES, st.data())
def test_a_proof_proves_one_leaf_at_one_place_of_one_tree(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    size, root, leaf = len(leaves), tree_head(leaves), leaf_hash(leaves[index])
    path = list(Span(EMPTY, leaves).inclusion_path(index))
    flipped = data.draw(st.integers(0, 255))
    wrong = bytes([root[0] ^ (flipped or 1)]) + root[1:]
    assert not verify_inclusion(leaf, index, size, path, wrong)
    assert not verify_inclusion(wrong, index, size, path, root)
    assert not verify_inclusion(leaf, index, size, [*path, root], root)
    assert not verify_inclusion(leaf, size, size, path, root)
    assert not verify_inclusion(leaf, -1, size, path, root)
    if path:
        assert not verify_inclusion(leaf, index, size, path[:-1], root)
        assert not verify_inclusion(leaf, index, size, path[1:], root)
        assert not verify_inclusion(leaf, index ^ 1, size, path, root) or leaves[index] == leaves[index ^ 1]


@some
@given(LEAVES, st.data())
def test_a_tree_is_consistent_with_its_beginnings_only(leaves: list[bytes], data: st.DataObject) -> None:
    size, root = len(leaves), tree_head(leaves)
    old = data.draw(st.integers(1, size))
    start = data.draw(st.integers(0, old))
    proof = list(Span(EMPTY.extend(leaves[:start]), leaves[start:]).consistency_proof(old))
    old_root = tree_head(leaves[:old])
    assert verify_consistency(old, size, old_root, root, proof)
    other = tree_head([*leaves[: old - 1], b"something else entirely"])
    assert not verify_consistency(old, size, other, root, proof)
    assert not verify_consistency(old, size, old_root, other, proof)
    assert not verify_consistency(old, size, old_root, root, [*proof, root])
    assert not verify_consistency(0, size, EMPTY_ROOT, root, [])
    assert not verify_consistency(size + 1, size, root, root, [])
    if proof:
        assert not verify_consistency(old, size, old_root, root, proof[:-1])


@pytest.mark.parametrize("index", [-1, 1, 5, 6])
def test_a_span_proves_no_leaf_outside_itself(index: int) -> None:
    with pytest.raises(IndexError):
        Span(EMPTY.extend([b"a", b"b"]), [b"c", b"d", b"e"]).inclusion_path(index)


@pytest.mark.parametrize("size", [-1, 0, 1, 6])
def test_a_span_proves_consistency_with_no_size_outside_itself(size: int) -> None:
    with pytest.raises(IndexError):
        Span(EMPTY.extend([b"a", b"b"]), [b"c", b"d", b"e"]).consistency_proof(size)


@pytest.mark.parametrize(
    ("size", "hashes"), [(-1, ()), (0, (b"x" * 32,)), (3, (b"x" * 32,)), (1, (b"x" * 31,)), (1, ())]
)
def test_a_frontier_fits_its_size(size: int, hashes: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match="frontier"):
        Frontier(size, hashes)


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=300), st.integers(0, 300))
def test_roots_are_those_of_another_implementation(leaves: list[bytes], start: int) -> None:
    """pymerkle's, at every size; ours from a frontier, from a span that begins anywhere, and out of tiles."""
    theirs = InmemoryTree(algorithm="sha256")
    for leaf in leaves:
        theirs.append_entry(leaf)
    frontier = EMPTY
    for size, leaf in enumerate(leaves, 1):
        frontier = frontier.extend([leaf])
        assert frontier.root() == theirs.get_root(size)
    first = min(start, len(leaves))
    assert Span(EMPTY.extend(leaves[:first]), leaves[first:]).root() == theirs.get_root()
    tiles = {
        tile.path(): encode_hashes([leaf_hash(leaf) for leaf in leaves[256 * tile.index :][: tile.width]])
        for tile in tiles_of(len(leaves))
        if tile.level == 0
    }
    if len(leaves) >= 256:
        tiles["tile/1/000.p/1"] = theirs.get_root(256)
    assert TiledTree(len(leaves), tiles.get).root() == theirs.get_root()
