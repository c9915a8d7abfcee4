"""Receipts: the specification's text, proven by the gate or out of tiles, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyholder.ledger.event import NewEvent
from keyholder.ledger.note import Note
from keyholder.ledger.receipts import HEADER, Proof, ReceiptError
from keyholder.ledger.tile_view import TileView
from keyholder.ledger.tiles import TiledTree
from keyholder.vocabulary import ActorId, StreamId
from tests.fakes.ledger import ORIGIN, Memory, memory_ledger
from tests.fakes.logs import SignedLog
from tests.fakes.views import MemoryViews
from tests.unit.ledger.test_cosignature import ONE, TWO

some = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])

LOG = SignedLog.of([3, 1, 4, 300, 9])
LEAVES = LOG.leaves
VIEW = MemoryViews()
for _batch in LOG.batches:
    TileView(VIEW, LOG.notes.get).publish(_batch)

SAMPLE = """\
c2sp.org/tlog-proof@v1
index 1
{sibling}
{uncle}

ledger.test/keyholder
3
{root}

— ledger.test/keyholder {signature}
"""


def proof(index: int, size: int) -> Proof:
    return Proof.from_tiles(TiledTree(size, VIEW.get), index, LOG.notes[size])


def test_a_receipt_s_text_line_by_line() -> None:
    text = proof(1, 3).encode()
    lines = text.split("\n")
    assert lines[:2] == [HEADER, "index 1"]
    assert text == SAMPLE.format(sibling=lines[2], uncle=lines[3], root=lines[7], signature=lines[9].split(" ")[2])


@some
@given(st.data())
def test_every_leaf_is_proven_against_every_later_checkpoint(data: st.DataObject) -> None:
    size = data.draw(st.sampled_from(sorted(LOG.notes)))
    index = data.draw(st.integers(0, size - 1))
    made = proof(index, size)
    kept = Proof.parse(made.encode().encode())
    assert kept == made
    proven = kept.verify(LEAVES[index], ORIGIN, [LOG.key])
    assert (proven.index, proven.checkpoint.size, proven.seen) == (index, size, ())
    for other in (b"", LEAVES[(index + 1) % len(LEAVES)]):
        with pytest.raises(ReceiptError):
            kept.verify(other, ORIGIN, [LOG.key])
    with pytest.raises(ReceiptError):
        replace(kept, index=(index + 1) % size if size > 1 else 1).verify(LEAVES[index], ORIGIN, [LOG.key])


def test_what_the_gate_proves_verifies_without_the_ledger() -> None:
    memory = Memory()
    ledger = memory_ledger(memory=memory)
    for number in range(5):
        recorded = ledger.record(
            StreamId(f"request/{number}"), 0, [NewEvent("a", {}), NewEvent("b", {})], actor=ActorId("p"), trace="t"
        )
        for event, receipt in zip(recorded.events, recorded.receipts, strict=True):
            kept = Proof.parse(Proof.of(receipt).encode().encode())
            proven = kept.verify(event.line(), ORIGIN, memory.log().verifiers)
            assert (proven.index, proven.checkpoint.size) == (receipt.index, receipt.size)


def test_every_byte_of_a_receipt_counts() -> None:
    text = proof(5, 8).encode().encode()
    for place in range(len(text)):
        for bit in (1, 32):
            altered = text[:place] + bytes([text[place] ^ bit]) + text[place + 1 :]
            with pytest.raises(ReceiptError):
                Proof.parse(altered).verify(LEAVES[5], ORIGIN, [LOG.key])


def test_another_log_s_checkpoint_proves_nothing() -> None:
    with pytest.raises(ReceiptError):
        proof(5, 8).verify(LEAVES[5], "another.test/log", [LOG.key])
    with pytest.raises(ReceiptError):
        proof(5, 8).verify(LEAVES[5], ORIGIN, [])


def test_witnesses_are_named_and_none_may_fail() -> None:
    made = proof(5, 8)
    seen = replace(made, checkpoint=TWO.cosign(ONE.cosign(made.checkpoint)))
    known = [ONE.cosigner, TWO.cosigner]
    assert [one.by for one in seen.verify(LEAVES[5], ORIGIN, [LOG.key], known).seen] == known
    assert seen.verify(LEAVES[5], ORIGIN, [LOG.key]).seen == ()
    borrowed = Note.parse(ONE.cosign(LOG.notes[3])).signatures[-1]
    wrong = replace(made, checkpoint=Note.parse(made.checkpoint).signed_also(borrowed).encode())
    assert wrong.verify(LEAVES[5], ORIGIN, [LOG.key]).checkpoint.size == 8
    with pytest.raises(ReceiptError):
        wrong.verify(LEAVES[5], ORIGIN, [LOG.key], known)


@pytest.mark.parametrize("extra", [None, b"", b"\x00 anything"])
def test_extra_data_may_go_along(extra: bytes | None) -> None:
    made = replace(proof(5, 8), extra=extra)
    kept = Proof.parse(made.encode().encode())
    assert kept.extra == extra
    assert kept.verify(LEAVES[5], ORIGIN, [LOG.key]).index == 5


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("@v1", "@v2"),
        ("index 5", "index 05"),
        ("index 5", "index -5"),
        ("index 5", "index  5"),
        ("index 5", "index \u0665"),
        ("index 5\n", ""),
        ("index 5\n", "index 5\n\n"),
        ("index 5\n", "extra AA==\nextra AA==\nindex 5\n"),
        ("index 5\n", "index 5\nAA==\n"),
        ("index 5\n", "index 5\n" + "\n".join(["A" * 43 + "="] * 65) + "\n"),
        ("\n8\n", "\n08\n"),
        ("\n8\n", "\n8\nextension\n"),
    ],
)
def test_a_receipt_has_one_form(old: str, new: str) -> None:
    text = proof(5, 8).encode()
    assert old in text
    with pytest.raises(ReceiptError):
        Proof.parse(text.replace(old, new, 1).encode())


@some
@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 400))
def test_any_bytes_are_refused_or_a_receipt_in_its_one_form(junk: bytes, low: int, high: int) -> None:
    text = proof(5, 8).encode().encode()
    for candidate in (junk, text[:low] + junk + text[high:], text[:low] + text[high:], junk + b"\n\n" + text):
        try:
            assert Proof.parse(candidate).encode().encode() == candidate
        except ReceiptError:
            continue
