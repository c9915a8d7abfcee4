"""Signed notes: what is accepted, and that nothing else is."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyholder.ledger.note import (
    Checkpoint,
    KeyKind,
    Note,
    NoteError,
    Verifier,
    open_checkpoint,
    open_note,
    parse_vkey,
    sign_note,
    vkey,
)

NAME = "ledger.test/keyholder"
TEXT = Checkpoint(NAME, 5, bytes(range(32))).text()

# The verifier key and the note of golang.org/x/mod/sumdb/note's documentation: an independent implementation's own.
PETER_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


class Signer:
    """A private key and its verifier, of either kind."""

    def __init__(self, kind: KeyKind, name: str = NAME) -> None:
        self.key = Ed25519PrivateKey.generate() if kind is KeyKind.ED25519 else ec.generate_private_key(ec.SECP256R1())
        spki = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.vkey = vkey(name, spki)
        self.verifier: Verifier = parse_vkey(self.vkey)

    def sign(self, text: str) -> bytes:
        if isinstance(self.key, Ed25519PrivateKey):
            return self.key.sign(text.encode())
        return self.key.sign(text.encode(), ec.ECDSA(SHA256()))

    def note(self, text: str = TEXT) -> bytes:
        return sign_note(text, self.verifier, self.sign(text))

    def line(self, text: str = TEXT) -> bytes:
        return self.note(text).split(b"\n\n")[1]


@pytest.fixture(scope="module", params=list(KeyKind))
def signer(request: pytest.FixtureRequest) -> Signer:
    return Signer(request.param)


def test_a_note_signed_by_another_implementation_opens() -> None:
    text = open_note(PETER_NOTE.encode(), [parse_vkey(PETER_KEY)])
    assert text == PETER_NOTE.split("\n\n", maxsplit=1)[0] + "\n"


def test_a_signed_checkpoint_opens(signer: Signer) -> None:
    assert open_checkpoint(signer.note(), NAME, [signer.verifier]) == Checkpoint(NAME, 5, bytes(range(32)))
    assert signer.vkey.startswith(f"{signer.verifier}+")


def test_the_key_id_of_p256_is_the_hash_of_its_public_key() -> None:
    signer = Signer(KeyKind.ECDSA_P256)
    _, key_id, encoded = signer.vkey.split("+", 2)
    raw = base64.b64decode(encoded)
    assert raw[0] == 2
    assert key_id == hashlib.sha256(raw[1:]).hexdigest()[:8]


def test_unknown_keys_are_ignored_but_one_known_is_needed(signer: Signer) -> None:
    stranger, second = Signer(KeyKind.ED25519), Signer(KeyKind.ECDSA_P256, "second")
    both = signer.note() + stranger.line() + second.line()
    assert open_note(both, [signer.verifier]) == TEXT
    assert open_note(both, [second.verifier, signer.verifier]) == TEXT
    with pytest.raises(NoteError):
        open_note(signer.note(), [second.verifier])
    with pytest.raises(NoteError):
        open_note(both, [])


def test_a_failing_signature_of_a_known_key_rejects_the_note(signer: Signer) -> None:
    second = Signer(KeyKind.ED25519, "second")
    wrong = signer.note() + second.line(TEXT.replace("5", "6"))
    assert open_note(wrong, [signer.verifier]) == TEXT
    with pytest.raises(NoteError):
        open_note(wrong, [signer.verifier, second.verifier])


def test_a_note_may_bear_many_signatures(signer: Signer) -> None:
    """C2SP signed-note: at least 16 must be accepted."""
    others = [Signer(KeyKind.ED25519, f"signer-{number}") for number in range(20)]
    note = Note.parse(signer.note())
    for other in others:
        note = note.signed_also(Note.parse(other.note()).signatures[0])
    assert len(note.signatures) == 21
    assert open_note(note.encode(), [signer.verifier]) == TEXT
    assert open_note(note.encode(), [others[-1].verifier]) == TEXT
    assert note.signed_also(note.signatures[3]) == note
    with pytest.raises(NoteError):
        open_note(signer.note() + 100 * others[0].line(), [signer.verifier])


def test_nothing_that_was_altered_opens(signer: Signer) -> None:
    note = signer.note()
    for place in range(len(note)):
        altered = note[:place] + bytes([note[place] ^ 1]) + note[place + 1 :]
        with pytest.raises(NoteError):
            open_note(altered, [signer.verifier])


def test_base64_has_one_form() -> None:
    signer = Signer(KeyKind.ED25519)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    note = signer.note().decode()
    last = note[-3]
    assert note.endswith("=\n")
    other = note[:-3] + alphabet[alphabet.index(last) + 1] + "=\n"
    with pytest.raises(NoteError):
        open_note(other.encode(), [signer.verifier])


def test_a_key_id_belongs_to_its_key(signer: Signer) -> None:
    name, key_id, encoded = signer.vkey.split("+", 2)
    for wrong in ("00000000", key_id.upper() + "0", ""):
        with pytest.raises(NoteError):
            parse_vkey(f"{name}+{wrong}+{encoded}")
    with pytest.raises(NoteError):
        parse_vkey(f"another+{key_id}+{encoded}" if signer.verifier.kind is KeyKind.ED25519 else f"+{key_id}+{encoded}")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=400))
def test_no_bytes_raise_anything_else(junk: bytes) -> None:
    verifier = parse_vkey(PETER_KEY)
    for note in (junk, PETER_NOTE.encode()[: len(junk)] + junk, PETER_NOTE.encode()[:-30] + junk):
        try:
            assert Note.parse(note).encode() == note
        except NoteError:
            continue
    for note in (junk, junk + b"\n\n\xe2\x80\x94 PeterNeumann AAAA\n", PETER_NOTE.encode() + junk + b"\n"):
        try:
            open_note(note, [verifier])
        except NoteError:
            continue


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=120))
def test_no_text_is_a_key_unless_it_is_one(junk: str) -> None:
    for text in (junk, f"name+{junk}", f"{junk}+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"):
        try:
            assert str(parse_vkey(text))
        except NoteError:
            continue


@pytest.mark.parametrize(
    "text",
    [
        f"{NAME}\n05\n{base64.b64encode(bytes(32)).decode()}\n",
        f"{NAME}\n-5\n{base64.b64encode(bytes(32)).decode()}\n",
        f"{NAME}\n5\n{base64.b64encode(bytes(31)).decode()}\n",
        f"{NAME}\n5\n{base64.b64encode(bytes(32)).decode()}",
        f"{NAME}\n5\n{base64.b64encode(bytes(32)).decode()}\nextension\n",
        f"\n5\n{base64.b64encode(bytes(32)).decode()}\n",
        f"{NAME}\n5\n",
        "",
    ],
)
def test_a_checkpoint_has_one_form(text: str) -> None:
    with pytest.raises(NoteError):
        Checkpoint.parse(text)


def test_a_checkpoint_of_another_log_is_none_of_ours(signer: Signer) -> None:
    text = Checkpoint("other.test/log", 5, bytes(32)).text()
    with pytest.raises(NoteError):
        open_checkpoint(signer.note(text), NAME, [signer.verifier])


def test_a_signature_is_checked_before_the_note_is_made(signer: Signer) -> None:
    with pytest.raises(NoteError):
        sign_note(TEXT, signer.verifier, Signer(signer.verifier.kind).sign(TEXT))


def test_keys_of_another_kind_are_refused() -> None:
    for key in (ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)):
        with pytest.raises(NoteError):
            vkey(NAME, key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(NoteError):
        vkey(NAME, b"junk")
    with pytest.raises(NoteError):
        vkey("a name", Signer(KeyKind.ED25519).vkey.encode())


def test_a_verifier_shows_no_key(signer: Signer) -> None:
    assert "key=" not in repr(signer.verifier).replace("key_id=", "")
