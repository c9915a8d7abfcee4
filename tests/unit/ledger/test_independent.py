"""A log that we wrote, verified by code that we did not write: npm's @sigstore/verify, on Node.

`make install` puts it into build/independent, at the versions and hashes of tests/independent/package-lock.json.
"""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keyholder.ledger.note import Checkpoint, Note, sign_note
from keyholder.ledger.receipts import Proof
from keyholder.ledger.tile_view import TileView
from keyholder.ledger.tiles import TiledTree
from tests.fakes.ledger import ORIGIN
from tests.fakes.logs import SignedLog
from tests.fakes.views import MemoryViews
from tests.unit.ledger.test_cosignature import ONE
from tests.unit.ledger.test_note import KeyKind, Signer

ROOT = Path(__file__).parents[3]
INSTALLED = ROOT / "build" / "independent"
SCRIPT = ROOT / "tests" / "independent" / "verify.js"

LOG = SignedLog.of([1, 1, 5, 249, 1, 300, 143])
"""Published to tiles, and proven out of them."""

Case = tuple[bytes, bytes]
"""A leaf, and the text of its receipt."""


def verdicts(signer: Signer, cases: Sequence[Case]) -> list[str | None]:
    """What the other implementation says of each case: None, or what is wrong."""
    assert (INSTALLED / "node_modules").is_dir(), "the independent verifier is not installed: run make install"
    spki = signer.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    asked = {
        "keys": [{"name": ORIGIN, "id": _text(signer.verifier.key_id), "spki": _text(spki)}],
        "proofs": [{"leaf": _text(leaf), "text": _text(receipt)} for leaf, receipt in cases],
    }
    ran = subprocess.run(
        ["node", str(SCRIPT), str(INSTALLED)], input=json.dumps(asked).encode(), capture_output=True, check=True
    )
    found: list[str | None] = json.loads(ran.stdout)
    assert len(found) == len(cases)
    return found


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@pytest.fixture(scope="module", params=list(KeyKind))
def signer(request: pytest.FixtureRequest) -> Signer:
    return Signer(request.param)


@pytest.fixture(scope="module")
def receipts(signer: Signer) -> dict[tuple[int, int], Case]:
    """Of many leaves, at every size that has a checkpoint."""
    notes = {}
    for size, note in LOG.notes.items():
        text = Note.parse(note).text
        notes[size] = sign_note(text, signer.verifier, signer.sign(text))
    store = MemoryViews()
    view = TileView(store, notes.get)
    for batch in LOG.batches:
        view.publish(batch)
    made = {}
    for size, note in notes.items():
        tree = TiledTree(size, store.get)
        for index in {0, size // 3, size // 2, size - 1, *range(0, size, 37)}:
            made[index, size] = tree.entry(index), Proof.from_tiles(tree, index, note).encode().encode()
    return made


def test_every_receipt_holds_elsewhere(signer: Signer, receipts: dict[tuple[int, int], Case]) -> None:
    assert len(receipts) > 40
    assert verdicts(signer, list(receipts.values())) == [None] * len(receipts)


def test_a_flipped_byte_shows_elsewhere_too(signer: Signer, receipts: dict[tuple[int, int], Case]) -> None:
    """Of the leaf, the path, the index and the checkpoint; a line is told by its words, so those are left alone."""
    leaf, text = receipts[350, 700]
    damaged: list[Case] = [(_flipped(leaf, place), text) for place in range(len(leaf))]
    head, checkpoint = text.split(b"\n\n", 1)
    number = head.index(b"index ") + len(b"index ")
    damaged += [(leaf, _flipped(head, place) + b"\n\n" + checkpoint) for place in range(number, len(head), 3)]
    signed = checkpoint.index(b"\n\n")
    damaged += [
        (leaf, head + b"\n\n" + _flipped(checkpoint, place))
        for place in range(len(ORIGIN), len(checkpoint) - 5, 5)
        if not signed <= place < signed + len(b"\n\n\xe2\x80\x94 ")
    ]
    found = verdicts(signer, [(leaf, text), *damaged])
    assert found[0] is None
    held = [case for case, verdict in zip(damaged, found[1:], strict=True) if verdict is None]
    assert not held


def test_what_does_not_belong_together_is_refused_elsewhere(
    signer: Signer, receipts: dict[tuple[int, int], Case]
) -> None:
    (leaf, text), (other, _) = receipts[350, 700], receipts[0, 700]
    stranger = Signer(signer.verifier.kind, ORIGIN)
    assert None not in verdicts(signer, [(other, text), (b"", text), (leaf, receipts[0, 700][1])])
    assert verdicts(stranger, [(leaf, text)]) == ["invalid checkpoint signature"]


def test_a_cosigned_checkpoint_holds_elsewhere(signer: Signer, receipts: dict[tuple[int, int], Case]) -> None:
    leaf, text = receipts[350, 700]
    proof = Proof.parse(text)
    cosigned = Proof(proof.index, proof.path, ONE.cosign(proof.checkpoint))
    assert Checkpoint.parse(Note.parse(cosigned.checkpoint).text).size == 700
    assert verdicts(signer, [(leaf, cosigned.encode().encode())]) == [None]


def _flipped(whole: bytes, place: int) -> bytes:
    return whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
