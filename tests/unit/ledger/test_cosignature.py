"""Cosignatures: those of public witnesses verify, and nothing else does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyholder.ledger.cosignature import (
    Cosigner,
    cosign,
    cosignatures,
    cosigned_message,
    cosigner_vkey,
    parse_cosigner,
)
from keyholder.ledger.note import Checkpoint, KeyKind, Note, NoteError, open_checkpoint, open_note, parse_vkey, vkey
from tests.unit.ledger.test_note import Signer

# A checkpoint of a public Certificate Transparency log with the lines of the log and of four public witnesses.
PUBLIC_NOTE = """\
arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
"""  # noqa: E501
PUBLIC_LOG = "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
PUBLIC_WITNESSES = [
    "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
    "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
    "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
]

AT = datetime(2026, 11, 2, 9, 30, 15, tzinfo=UTC)
LOG = Signer(KeyKind.ED25519)
NOTE = LOG.note()
CHECKPOINT = Checkpoint.parse(Note.parse(NOTE).text)

some = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Witness:
    """A private key and its cosigner."""

    def __init__(self, seed: int, name: str = "witness.test/one") -> None:
        self.key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.spki = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.vkey = cosigner_vkey(name, self.spki)
        self.cosigner: Cosigner = parse_cosigner(self.vkey)

    def cosign(self, note: bytes = NOTE, at: datetime = AT) -> bytes:
        message = cosigned_message(Checkpoint.parse(Note.parse(note).text), at)
        return cosign(note, self.cosigner, at, self.key.sign(message))


ONE, TWO = Witness(1), Witness(2, "witness.test/two")


def test_a_public_checkpoint_verifies_with_its_witnesses() -> None:
    note = PUBLIC_NOTE.encode()
    log = parse_vkey(PUBLIC_LOG)
    assert open_checkpoint(note, log.name, [log]).size == 1432088532
    witnesses = [parse_cosigner(text) for text in PUBLIC_WITNESSES]
    found = cosignatures(note, witnesses)
    assert [one.by for one in found] == witnesses
    assert {one.at for one in found} == {datetime(2026, 5, 23, 21, 50, 24, tzinfo=UTC)}
    for witness in witnesses:
        for size in ("1432088533", "143208853"):
            with pytest.raises(NoteError):
                cosignatures(note.replace(b"1432088532", size.encode()), [witness])


def test_what_is_signed_is_the_specification_s_example() -> None:
    root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
    body = f"example.com/behind-the-sofa\n20852163\n{root}\n"
    at = datetime.fromtimestamp(1679315147, UTC)
    assert cosigned_message(Checkpoint.parse(body), at).decode() == f"cosignature/v1\ntime 1679315147\n{body}"


def test_a_cosigned_checkpoint_is_still_the_log_s_own() -> None:
    note = TWO.cosign(ONE.cosign())
    assert note.startswith(NOTE)
    assert open_checkpoint(note, CHECKPOINT.origin, [LOG.verifier]) == CHECKPOINT
    assert [(one.by, one.at) for one in cosignatures(note, [TWO.cosigner, ONE.cosigner])] == [
        (ONE.cosigner, AT),
        (TWO.cosigner, AT),
    ]
    assert ONE.cosign(note) == note
    assert [one.by for one in cosignatures(note, [TWO.cosigner])] == [TWO.cosigner]
    assert cosignatures(NOTE, [ONE.cosigner]) == ()


def test_a_cosignature_never_stands_for_the_log() -> None:
    """The same key and name as a log's own key, so that only the type tells them apart."""
    log = parse_vkey(vkey("witness.test/one", ONE.spki))
    with pytest.raises(NoteError):
        open_note(ONE.cosign(), [log])
    with pytest.raises(NoteError):
        parse_vkey(ONE.vkey)
    with pytest.raises(NoteError):
        parse_cosigner(LOG.vkey)


def _whole(note: bytes) -> bool:
    """Signed by the log and cosigned by witness one; a line with another name or key id is nobody's."""
    try:
        open_checkpoint(note, CHECKPOINT.origin, [LOG.verifier])
        return bool(cosignatures(note, [ONE.cosigner]))
    except NoteError:
        return False


def test_every_bit_of_a_cosigned_checkpoint_counts() -> None:
    note = ONE.cosign()
    assert _whole(note)
    for place in range(len(note)):
        altered = note[:place] + bytes([note[place] ^ 1]) + note[place + 1 :]
        assert not _whole(altered), place


def test_a_witness_signs_its_own_time_and_key() -> None:
    signature = ONE.key.sign(cosigned_message(CHECKPOINT, AT))
    for cosigner, at in ((TWO.cosigner, AT), (ONE.cosigner, AT + timedelta(seconds=1))):
        with pytest.raises(NoteError):
            cosign(NOTE, cosigner, at, signature)
    with pytest.raises(NoteError):
        cosign(LOG.note("no checkpoint\n"), ONE.cosigner, AT, signature)


def test_times_are_whole_seconds_with_a_zone() -> None:
    assert ONE.cosign(at=AT.astimezone(timezone(timedelta(hours=9))) + timedelta(milliseconds=999)) == ONE.cosign()
    for at in (AT.replace(tzinfo=None), datetime(1969, 12, 31, tzinfo=UTC)):
        with pytest.raises(ValueError, match="1970"):
            cosigned_message(CHECKPOINT, at)


def test_only_an_ed25519_key_is_a_witness_s() -> None:
    other = Signer(KeyKind.ECDSA_P256).key.public_key()
    with pytest.raises(NoteError):
        cosigner_vkey("w", other.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(NoteError):
        cosigner_vkey("with space", ONE.spki)


@some
@given(st.binary(max_size=120))
def test_no_bytes_raise_anything_else(junk: bytes) -> None:
    lines = Note.parse(ONE.cosign()).signatures[1]
    for value in (junk, lines.value[:8] + junk, junk + lines.value[8:]):
        try:
            cosignatures(
                Note(CHECKPOINT.text(), (type(lines)(lines.name, lines.key_id, value),)).encode(), [ONE.cosigner]
            )
        except NoteError:
            continue


@some
@given(st.text(max_size=80))
def test_no_text_is_a_witness_s_key_unless_it_is_one(junk: str) -> None:
    name, key_id, encoded = ONE.vkey.split("+", 2)
    for text in (junk, f"{junk}+{key_id}+{encoded}", f"{name}+{junk}+{encoded}", f"{name}+{key_id}+{junk}"):
        try:
            assert str(parse_cosigner(text)) in text
        except NoteError:
            continue
