"""Sealing by KMS itself: small things that must come back unchanged, and only from where they went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from keyholder.adapters.storage_faults import code_of

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

_NOT_OURS = frozenset({"InvalidCiphertextException", "IncorrectKeyException", "ValidationException"})
"""What KMS says of bytes it has not made, of another key's, and of too many of them."""


class KmsSeal:
    """Implements `edge.cursors.Seal`: `kms:Encrypt` and `kms:Decrypt`, up to 4,096 bytes, the context authenticated."""

    def __init__(self, kms: KMSClient, key_arn: str) -> None:
        self._kms = kms
        self._key_arn = key_arn

    def seal(self, plain: bytes, context: Mapping[str, str]) -> bytes:
        """The ciphertext."""
        return self._kms.encrypt(KeyId=self._key_arn, Plaintext=plain, EncryptionContext=dict(context))[
            "CiphertextBlob"
        ]

    def open(self, sealed: bytes, context: Mapping[str, str]) -> bytes | None:
        """The plaintext; None for what was not sealed under this key and context."""
        try:
            answer = self._kms.decrypt(KeyId=self._key_arn, CiphertextBlob=sealed, EncryptionContext=dict(context))
        except ClientError as fault:
            if code_of(fault) in _NOT_OURS:
                return None
            raise
        return answer["Plaintext"]
