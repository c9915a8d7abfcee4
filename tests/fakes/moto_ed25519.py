"""Ed25519 for moto's KMS, which has no ECC_NIST_EDWARDS25519 (moto 5.2.5, kms/utils.py: KeySpec, SigningAlgorithm).

`CreateKey`, `Sign` and `GetPublicKey` then answer as AWS does: a 44-byte SubjectPublicKeyInfo, a 64-byte signature.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from moto.kms import models, utils

SPEC = "ECC_NIST_EDWARDS25519"
ALGORITHM = "ED25519_SHA_512"


class _Ed25519Key(utils.AbstractPrivateKey):
    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()

    def sign(self, message: bytes, signing_algorithm: str) -> bytes:
        utils.validate_signing_algorithm(signing_algorithm, [ALGORITHM])
        return self._key.sign(message)

    def verify(self, message: bytes, signature: bytes, signing_algorithm: str) -> bool:
        raise NotImplementedError("the ledger verifies in process")

    def public_key(self) -> bytes:
        return self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@contextmanager
def ed25519_in_moto() -> Iterator[None]:
    """Within this, moto's KMS makes and uses Ed25519 keys."""
    generate = utils.generate_private_key
    specs = utils.KeySpec.key_specs()
    algorithms = utils.SigningAlgorithm.signing_algorithms()

    offered = models.Key.signing_algorithms.fget

    def with_ed25519(key_spec: str) -> utils.AbstractPrivateKey:
        return _Ed25519Key() if key_spec == SPEC else generate(key_spec)

    with (
        mock.patch.object(models, "generate_private_key", with_ed25519),
        mock.patch.object(utils.KeySpec, "key_specs", mock.Mock(return_value=[*specs, SPEC])),
        mock.patch.object(
            models.Key,
            "signing_algorithms",
            property(lambda key: [ALGORITHM] if key.key_spec == SPEC else offered(key)),
        ),
        mock.patch.object(
            utils.SigningAlgorithm, "signing_algorithms", mock.Mock(return_value=[*algorithms, ALGORITHM])
        ),
    ):
        yield
