"""`keyholder audit vkey` gives the line that `parse_vkey` reads back, for both kinds of checkpoint key."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as p256
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keyholder.cli.audit_vkey import verifier_key
from keyholder.ledger.cosignature import parse_cosigner
from keyholder.ledger.note import parse_vkey

ORIGIN = "ledger.test/keyholder"


@pytest.mark.parametrize("key", [Ed25519PrivateKey.generate(), p256(SECP256R1())], ids=["ed25519", "p256"])
def test_a_kms_public_key_becomes_a_verifier_key(key: PrivateKeyTypes, tmp_path: Path) -> None:
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    path = tmp_path / "checkpoint.der"
    path.write_bytes(der)
    result = CliRunner().invoke(verifier_key, [str(path), "--origin", ORIGIN])
    assert result.exit_code == 0
    assert parse_vkey(result.output).name == ORIGIN


def test_a_witness_s_key_is_of_another_type(tmp_path: Path) -> None:
    der = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    path = tmp_path / "witness.der"
    path.write_bytes(der)
    result = CliRunner().invoke(verifier_key, [str(path), "--origin", "witness.test", "--witness"])
    assert result.exit_code == 0
    assert parse_cosigner(result.output).name == "witness.test"


@pytest.mark.parametrize(("body", "origin"), [(b"not a key", ORIGIN), (b"", ORIGIN)])
def test_what_is_not_a_key_is_a_usage_error(body: bytes, origin: str, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.der"
    path.write_bytes(body)
    assert CliRunner().invoke(verifier_key, [str(path), "--origin", origin]).exit_code == 2
