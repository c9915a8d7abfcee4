"""Which checkpoints count: the log's key and enough different witnesses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from keyholder.ledger.cosignature import cosign, cosigned_message, cosigner_vkey, parse_cosigner
from keyholder.ledger.cosigned import Policy, open_cosigned, policy_of
from keyholder.ledger.note import Checkpoint, NoteError, sign_note
from tests.fakes.ledger import ORIGIN, Memory

MEMORY = Memory()
CHECKPOINT = Checkpoint(ORIGIN, 7, b"r" * 32)
AT = datetime(2026, 7, 1, tzinfo=UTC)
KEYS = [Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in range(4)]
VKEYS = [
    cosigner_vkey(
        f"witness{number}.test", key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
    for number, key in enumerate(KEYS)
]
LOG = MEMORY.signer.vkey()


def note(signers: Sequence[int]) -> bytes:
    """The checkpoint, cosigned by these in turn, each a second after the one before."""
    text = CHECKPOINT.text()
    made = sign_note(text, MEMORY.log().key, MEMORY.signer.key.sign(text.encode()))
    for place, number in enumerate(signers):
        at = AT + timedelta(seconds=place)
        signature = KEYS[number].sign(cosigned_message(CHECKPOINT, at))
        made = cosign(made, parse_cosigner(VKEYS[number]), at, signature)
    return made


@given(st.lists(st.integers(0, 3), max_size=6), st.sets(st.integers(0, 3)), st.data())
def test_a_quorum_is_of_different_pinned_witnesses(signers: list[int], pinned: set[int], data: st.DataObject) -> None:
    quorum = data.draw(st.integers(0, len(pinned)))
    policy = policy_of([LOG, *(VKEYS[number] for number in sorted(pinned))], quorum)
    agree = set(signers) & pinned
    if len(agree) < quorum:
        with pytest.raises(NoteError, match="the policy asks for"):
            open_cosigned(note(signers), policy)
        return
    found = open_cosigned(note(signers), policy)
    assert found.checkpoint == CHECKPOINT
    assert {one.by.name for one in found.cosignatures} == {f"witness{number}.test" for number in agree}
    assert len(found.cosignatures) == len(agree)
    last = {f"witness{who}.test": AT + timedelta(seconds=place) for place, who in enumerate(signers)}
    assert all(one.at == last[one.by.name] for one in found.cosignatures)


def test_a_key_file_asks_for_all_of_its_witnesses() -> None:
    policy = policy_of(["", VKEYS[0], LOG + "\n", VKEYS[1]])
    assert (len(policy.log), policy.quorum) == (1, 2)
    with pytest.raises(NoteError):
        open_cosigned(note([0]), policy)
    assert open_cosigned(note([1, 0]), policy)


def test_witnesses_do_not_stand_for_the_log() -> None:
    other = Memory().signer
    other.key = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
    with pytest.raises(NoteError, match="no pinned key"):
        open_cosigned(note([0, 1]), policy_of([other.vkey(), VKEYS[0]]))


@pytest.mark.parametrize(
    ("keys", "quorum"), [([VKEYS[0]], None), ([LOG], 1), ([LOG, VKEYS[0]], -1), ([LOG, VKEYS[0], VKEYS[0]], 1)]
)
def test_a_policy_that_proves_nothing_is_refused(keys: list[str], quorum: int | None) -> None:
    with pytest.raises(ValueError, match=r"policy|quorum"):
        policy_of(keys, quorum)
    assert Policy((MEMORY.log().key,)).quorum == 0
