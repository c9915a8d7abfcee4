"""Signed notes and checkpoints (C2SP signed-note, tlog-checkpoint), and the keys that verify them.

Two signature types: 0x01 Ed25519, and 0x02 ECDSA over P-256 with SHA-256 (DER), whose key id is the beginning of
SHA-256 over the DER SubjectPublicKeyInfo. The third, 0x04, is a witness's and says something else: `cosignature`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from keyholder.ledger.merkle import HASH_BYTES

MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 100
_KEY_ID_BYTES = 4
_DASH = "— "
_NAME = re.compile(r"[^\s+]+")
_KEY_ID = re.compile(r"[0-9a-f]{8}")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


class NoteError(ValueError):
    """A note, checkpoint or key that is malformed, or that no pinned key has signed."""


class KeyKind(IntEnum):
    """The signature types of C2SP signed-note that Keyholder reads and writes."""

    ED25519 = 0x01
    ECDSA_P256 = 0x02


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key by which notes are verified; made by `parse_vkey`."""

    name: str
    key_id: bytes
    kind: KeyKind
    key: Ed25519PublicKey | EllipticCurvePublicKey = field(repr=False)

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether this key made `signature` over `message`."""
        try:
            if isinstance(self.key, Ed25519PublicKey):
                self.key.verify(signature, message)
            else:
                self.key.verify(signature, message, ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}"


def vkey(name: str, public_key: bytes) -> str:
    """The text `name+<key id, hex>+<base64>` for a DER SubjectPublicKeyInfo, as KMS `GetPublicKey` gives it.

    Raises `NoteError` for a name with white space or `+`, and for a key that is neither Ed25519 nor P-256.
    """
    loaded = load_public_key(public_key)
    if isinstance(loaded, Ed25519PublicKey):
        kind, material = KeyKind.ED25519, loaded.public_bytes(Encoding.Raw, PublicFormat.Raw)
    else:
        kind, material = KeyKind.ECDSA_P256, public_key
    return encode_vkey(name, _key_id(name, kind, material), bytes([kind]) + material)


def parse_vkey(text: str) -> Verifier:
    """A verifier from its text. Raises `NoteError` unless name, key id and key belong together."""
    name, key_id, raw = divide_vkey(text)
    if raw[0] not in tuple(KeyKind):
        raise NoteError("a verifier key of an unknown type")
    kind, material = KeyKind(raw[0]), raw[1:]
    key: Ed25519PublicKey | EllipticCurvePublicKey
    if kind is KeyKind.ED25519:
        if len(material) != 32:
            raise NoteError("an Ed25519 verifier key has 32 bytes")
        key = Ed25519PublicKey.from_public_bytes(material)
    else:
        key = load_public_key(material)
        if isinstance(key, Ed25519PublicKey):
            raise NoteError("a verifier key whose type and key differ")
    expected = _key_id(name, kind, material)
    if key_id != expected:
        raise NoteError("a verifier key whose key id does not belong to its key")
    return Verifier(name, expected, kind, key)


def encode_vkey(name: str, key_id: bytes, raw: bytes) -> str:
    """The text of a verifier key; `raw` is its type and key. Raises `NoteError` for a name that cannot be one."""
    if not _NAME.fullmatch(name):
        raise NoteError("a key name has no white space and no plus sign")
    return f"{name}+{key_id.hex()}+{encode_base64(raw)}"


def divide_vkey(text: str) -> tuple[str, bytes, bytes]:
    """Name, key id, and type and key (not empty) of a verifier key. Raises `NoteError` for what is not in its form."""
    parts = text.strip().split("+", 2)
    if len(parts) != 3 or not _NAME.fullmatch(parts[0]) or not _KEY_ID.fullmatch(parts[1]):
        raise NoteError("a verifier key reads name+keyid+base64")
    raw = decode_base64(parts[2])
    if not raw:
        raise NoteError("a verifier key without a key")
    return parts[0], bytes.fromhex(parts[1]), raw


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line of a note: whose, and the bytes; nothing about it is verified."""

    name: str
    key_id: bytes
    value: bytes

    def line(self) -> str:
        """The line as it stands in a note, with its newline."""
        return f"{_DASH}{self.name} {encode_base64(self.key_id + self.value)}\n"

    @classmethod
    def parse(cls, line: str) -> Signature:
        """The signature of a line without its newline. Raises `NoteError`."""
        name, space, encoded = line.removeprefix(_DASH).partition(" ")
        if not line.startswith(_DASH) or not space or not _NAME.fullmatch(name):
            raise NoteError("a malformed signature line")
        raw = decode_base64(encoded)
        if len(raw) <= _KEY_ID_BYTES:
            raise NoteError("a signature line without a signature")
        return cls(name, raw[:_KEY_ID_BYTES], raw[_KEY_ID_BYTES:])


@dataclass(frozen=True, slots=True)
class Note:
    """A signed note taken apart. `text` ends with a newline; not to be believed before a signature is verified."""

    text: str
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        """The note's bytes."""
        return "".join((self.text, "\n", *(signature.line() for signature in self.signatures))).encode()

    @classmethod
    def parse(cls, note: bytes) -> Note:
        """Raises `NoteError` unless `note` is exactly what `encode` would write, with 1 to 100 signatures."""
        if len(note) > MAX_NOTE_BYTES:
            raise NoteError("a note is too long")
        try:
            whole = note.decode()
        except UnicodeDecodeError as cause:
            raise NoteError("a note is not UTF-8") from cause
        if _CONTROL.search(whole):
            raise NoteError("a note holds control characters")
        text, divider, signatures = whole.rpartition("\n\n")
        if not divider or not signatures.endswith("\n"):
            raise NoteError("a note has a text, an empty line and signature lines")
        lines = signatures[:-1].split("\n")
        if len(lines) > MAX_SIGNATURES:
            raise NoteError("a note has too many signatures")
        return cls(text + "\n", tuple(map(Signature.parse, lines)))

    def signed_also(self, signature: Signature) -> Note:
        """With one more signature, after the others; the same note if it is there already."""
        if signature in self.signatures:
            return self
        return Note(self.text, (*self.signatures, signature))


def sign_note(text: str, signer: Verifier, signature: bytes) -> bytes:
    """The note of `text` with one signature line. Raises `NoteError` unless `signature` verifies under `signer`."""
    if not signer.verifies(text.encode(), signature):
        raise NoteError("the signature does not verify under the pinned key")
    return Note(text, (Signature(signer.name, signer.key_id, signature),)).encode()


def open_note(note: bytes, verifiers: Sequence[Verifier]) -> str:
    """The text of a note that at least one of `verifiers` has signed.

    Signatures of other keys are ignored; a signature of one of `verifiers` that fails rejects the note. Raises
    `NoteError`.
    """
    parsed = Note.parse(note)
    message = parsed.text.encode()
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    found = False
    for signature in parsed.signatures:
        verifier = known.get((signature.name, signature.key_id))
        if verifier is None:
            continue
        if not verifier.verifies(message, signature.value):
            raise NoteError("a signature of a pinned key does not verify")
        found = True
    if not found:
        raise NoteError("no pinned key has signed this note")
    return parsed.text


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The body of a tlog-checkpoint: whose log, how many leaves, which root."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """What is signed: three lines, no extension lines (C2SP: not auditable by monitors)."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """The body of a checkpoint. Raises `NoteError` unless `text` is exactly what `text()` would write."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3] or not lines[0] or not _SIZE.fullmatch(lines[1]):
            raise NoteError("a checkpoint has an origin, a size and a root")
        checkpoint = cls(lines[0], int(lines[1]), decode_base64(lines[2]))
        if len(checkpoint.root) != HASH_BYTES or checkpoint.text() != text:
            raise NoteError("a checkpoint is not in its one form")
        return checkpoint


def open_checkpoint(note: bytes, origin: str, verifiers: Sequence[Verifier]) -> Checkpoint:
    """The checkpoint in a signed note, of the log `origin`. Raises `NoteError`."""
    checkpoint = Checkpoint.parse(open_note(note, verifiers))
    if checkpoint.origin != origin:
        raise NoteError("a checkpoint of another log")
    return checkpoint


def encode_base64(raw: bytes) -> str:
    """Standard base64 (RFC 4648 section 4)."""
    return base64.b64encode(raw).decode()


def decode_base64(text: str) -> bytes:
    """Standard base64 in its one form: what is decoded must be what would be encoded. Raises `NoteError`."""
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error) as cause:
        raise NoteError("not base64") from cause
    if encode_base64(raw) != text:
        raise NoteError("not base64 in its one form")
    return raw


def load_public_key(public_key: bytes) -> Ed25519PublicKey | EllipticCurvePublicKey:
    """The key of a DER SubjectPublicKeyInfo. Raises `NoteError` unless it is Ed25519 or P-256."""
    try:
        key = load_der_public_key(public_key)
    except (ValueError, UnsupportedAlgorithm) as cause:
        raise NoteError("not a public key") from cause
    if isinstance(key, Ed25519PublicKey):
        return key
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return key
    raise NoteError("a checkpoint key is Ed25519 or P-256")


def _key_id(name: str, kind: KeyKind, material: bytes) -> bytes:
    if kind is KeyKind.ED25519:
        return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + material).digest()[:_KEY_ID_BYTES]
    return hashlib.sha256(material).digest()[:_KEY_ID_BYTES]
