"""The checkpoint key in KMS: Ed25519, or P-256 where Ed25519 is not to be had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyholder.adapters.storage_faults import storage_faults
from keyholder.ledger.note import KeyKind, vkey

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_kms.literals import SigningAlgorithmSpecType

_ALGORITHMS: dict[KeyKind, SigningAlgorithmSpecType] = {
    KeyKind.ED25519: "ED25519_SHA_512",
    KeyKind.ECDSA_P256: "ECDSA_SHA_256",
}


class KmsCheckpointKey:
    """Implements `ledger.ports.CheckpointSigner`.

    Needs `kms:Sign`; build the client with `storage_faults.CLIENT_CONFIG`. `kind` is that of the pinned verifier key.
    Signs always the message itself (`RAW`), never a digest: for Ed25519 the pre-hashed form is another signature,
    which no verifier of notes accepts.
    """

    def __init__(self, kms: KMSClient, key_id: str, kind: KeyKind = KeyKind.ED25519) -> None:
        self._kms = kms
        self._key_id = key_id
        self._algorithm = _ALGORITHMS[kind]

    def sign(self, message: bytes) -> bytes:
        """The signature; raises the storage errors of `ledger.ports`."""
        with storage_faults():
            answer = self._kms.sign(
                KeyId=self._key_id, Message=message, MessageType="RAW", SigningAlgorithm=self._algorithm
            )
        return answer["Signature"]


def vkey_of(kms: KMSClient, key_id: str, name: str) -> str:
    """The verifier key text of a KMS key under the log's name. Raises `NoteError` for a key of another kind."""
    with storage_faults():
        answer = kms.get_public_key(KeyId=key_id)
    return vkey(name, answer["PublicKey"])
