"""Consistency proofs as text: the one form, proven with what is remembered and the pinned key, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyholder.ledger.consistency import MAX_BYTES, ConsistencyError, ConsistencyProof
from keyholder.ledger.note import Checkpoint, open_checkpoint
from keyholder.ledger.tile_view import TileView
from keyholder.ledger.tiles import TiledTree
from tests.fakes.ledger import ORIGIN
from tests.fakes.logs import SignedLog
from tests.fakes.views import MemoryViews

LOG = SignedLog.of([3, 1, 4, 300, 9])
FORK = SignedLog(signer=LOG.signer)
for _number, _size in enumerate([3, 1, 4, 300, 9]):
    FORK.add([b"other %d.%d" % (_number, place) for place in range(_size)])
VIEW = MemoryViews()
for _batch in LOG.batches:
    TileView(VIEW, LOG.notes.get).publish(_batch)
SIZES = sorted(LOG.notes)

SAMPLE = """\
old 3
{third}
{other}
{uncle}

ledger.test/keyholder
4
{root}

— ledger.test/keyholder {signature}
"""


def signed(note: bytes) -> Checkpoint:
    return open_checkpoint(note, ORIGIN, [LOG.key])


def proof(old: int, size: int) -> ConsistencyProof:
    return ConsistencyProof(old, TiledTree(size, VIEW.get).consistency_proof(old), LOG.notes[size])


def test_a_proof_s_text_line_by_line() -> None:
    text = proof(3, 4).encode()
    lines = text.split("\n")
    assert lines[0] == "old 3"
    names = {"third": lines[1], "other": lines[2], "uncle": lines[3], "root": lines[7]}
    assert text == SAMPLE.format(**names, signature=lines[9].split(" ")[2])


@pytest.mark.parametrize("old", SIZES)
@pytest.mark.parametrize("size", SIZES)
def test_every_tree_continues_every_older_one_and_none_of_a_fork(old: int, size: int) -> None:
    if old > size:
        with pytest.raises(IndexError):
            proof(old, size)
        return
    kept = ConsistencyProof.parse(proof(old, size).encode().encode())
    assert kept == proof(old, size)
    assert kept.verify(signed(LOG.notes[old]), signed).size == size
    with pytest.raises(ConsistencyError):
        kept.verify(signed(FORK.notes[old]), signed)
    with pytest.raises(ConsistencyError):
        replace(kept, checkpoint=FORK.notes[size]).verify(signed(LOG.notes[old]), signed)


@given(st.sampled_from(SIZES), st.sampled_from(SIZES), st.sampled_from(SIZES))
def test_a_proof_is_of_its_own_older_tree_alone(one: int, two: int, remembered: int) -> None:
    old, size = sorted((one, two))
    if remembered == old:
        return
    with pytest.raises(ConsistencyError):
        proof(old, size).verify(signed(LOG.notes[remembered]), signed)


def test_every_byte_of_a_proof_counts() -> None:
    text = proof(4, 8).encode().encode()
    for place in range(len(text)):
        for bit in (1, 32):
            altered = text[:place] + bytes([text[place] ^ bit]) + text[place + 1 :]
            with pytest.raises(ConsistencyError):
                ConsistencyProof.parse(altered).verify(signed(LOG.notes[4]), signed)


@settings(max_examples=200)
@given(st.binary(max_size=300) | st.just(b"old 1\n\n") | st.just(b"x" * (MAX_BYTES + 1)))
def test_what_is_no_proof_is_not_read(text: bytes) -> None:
    with pytest.raises(ConsistencyError):
        ConsistencyProof.parse(text)


@pytest.mark.parametrize(
    ("old", "new"),
    [("old 4", "old 04"), ("old 4", "old 0"), ("old 4", "old  4"), ("old 4", "Old 4"), ("old 4\n", ""), ("\n\n", "\n")],
)
def test_no_other_way_to_write_it(old: str, new: str) -> None:
    text = proof(4, 8).encode()
    assert old in text
    with pytest.raises(ConsistencyError):
        ConsistencyProof.parse(text.replace(old, new, 1).encode()).verify(signed(LOG.notes[4]), signed)


def test_a_path_has_63_hashes_at_most() -> None:
    longest = replace(proof(4, 8), path=(bytes(32),) * 63)
    assert ConsistencyProof.parse(longest.encode().encode()) == longest
    with pytest.raises(ConsistencyError):
        ConsistencyProof.parse(replace(longest, path=(bytes(32),) * 64).encode().encode())
