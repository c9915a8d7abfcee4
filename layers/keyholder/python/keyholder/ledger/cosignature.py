"""Cosignatures: what a witness adds to a checkpoint (C2SP tlog-cosignature, signature type 0x04).

A cosignature says: "at this second, the largest consistent tree that I have seen of this log has this root". It never
stands for the log's own signature, so a `Cosigner` is not a `Verifier`, and each is given where the other is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keyholder.ledger.note import Checkpoint, Note, NoteError, Signature, divide_vkey, encode_vkey, load_public_key

TYPE = 0x04
_TIME_BYTES = 8
_MOST_SECONDS = 253_402_300_799
"""The last second of the year 9999: the specification allows 2^63 - 1, but no calendar does."""


@dataclass(frozen=True, slots=True)
class Cosigner:
    """A witness's public key; made by `parse_cosigner`."""

    name: str
    key_id: bytes
    key: Ed25519PublicKey = field(repr=False)

    def verified(self, text: str, signature: Signature) -> Cosignature:
        """The cosignature that `signature` is over the checkpoint `text`. Raises `NoteError` if it is none of ours."""
        stamp, value = signature.value[:_TIME_BYTES], signature.value[_TIME_BYTES:]
        seconds = int.from_bytes(stamp, "big")
        if len(stamp) < _TIME_BYTES or seconds > _MOST_SECONDS:
            raise NoteError("a cosignature without a time")
        try:
            self.key.verify(value, _message(text, seconds))
        except InvalidSignature as cause:
            raise NoteError("a pinned witness's cosignature does not verify") from cause
        return Cosignature(self, datetime.fromtimestamp(seconds, UTC))

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}"


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A verified cosignature: by whom, and when (whole seconds, UTC)."""

    by: Cosigner
    at: datetime


def cosigner_vkey(name: str, public_key: bytes) -> str:
    """The verifier key `name+<key id, hex>+<base64>` of a witness, from a DER SubjectPublicKeyInfo (Ed25519).

    Raises `NoteError`.
    """
    loaded = load_public_key(public_key)
    if not isinstance(loaded, Ed25519PublicKey):
        raise NoteError("a witness's key is Ed25519")
    material = loaded.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return encode_vkey(name, _key_id(name, material), bytes([TYPE]) + material)


def parse_cosigner(text: str) -> Cosigner:
    """A witness's key from its verifier key of type 0x04. Raises `NoteError`."""
    name, key_id, raw = divide_vkey(text)
    material = raw[1:]
    if raw[:1] != bytes([TYPE]) or len(material) != 32:
        raise NoteError("not a witness's verifier key")
    if key_id != _key_id(name, material):
        raise NoteError("a verifier key whose key id does not belong to its key")
    return Cosigner(name, key_id, Ed25519PublicKey.from_public_bytes(material))


def cosigned_message(checkpoint: Checkpoint, at: datetime) -> bytes:
    """What a witness signs at `at` (its fraction of a second is dropped). Raises `ValueError` before 1970."""
    return _message(checkpoint.text(), _seconds(at))


def cosign(note: bytes, cosigner: Cosigner, at: datetime, signature: bytes) -> bytes:
    """The checkpoint `note` with one line more: `signature` (64 bytes) over `cosigned_message` at `at`.

    Raises `NoteError` unless `note` is a checkpoint and the signature is the cosigner's.
    """
    parsed = Note.parse(note)
    text = Checkpoint.parse(parsed.text).text()
    value = _seconds(at).to_bytes(_TIME_BYTES, "big") + signature
    line = Signature(cosigner.name, cosigner.key_id, value)
    cosigner.verified(text, line)
    return parsed.signed_also(line).encode()


def cosignatures(note: bytes, cosigners: Sequence[Cosigner]) -> tuple[Cosignature, ...]:
    """The cosignatures of `cosigners` on a checkpoint, in its order; possibly none.

    Lines of other keys are ignored, the log's own among them: `note.open_checkpoint` verifies that. Raises `NoteError`
    for a malformed note and for a line of one of `cosigners` that does not verify.
    """
    parsed = Note.parse(note)
    known = {(cosigner.name, cosigner.key_id): cosigner for cosigner in cosigners}
    return tuple(
        known[signature.name, signature.key_id].verified(parsed.text, signature)
        for signature in parsed.signatures
        if (signature.name, signature.key_id) in known
    )


def _message(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def _seconds(at: datetime) -> int:
    seconds = int(at.timestamp())
    if at.tzinfo is None or seconds < 0:
        raise ValueError("a cosignature's time has a zone and is not before 1970")
    return seconds


def _key_id(name: str, material: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([TYPE]) + material).digest()[:4]
