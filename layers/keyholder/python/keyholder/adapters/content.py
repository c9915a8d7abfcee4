"""What may be erased: request content and free text, encrypted under one data key for each request.

S3 holds `requests/<id>/key` (the data key, wrapped by KMS under a context that names the request) and
`requests/<id>/<name>` (AES-256-GCM, NIST SP 800-38D; 12-byte nonce before the ciphertext; the name is authenticated).
Deleting the wrapped key makes everything of that request unreadable, copies included.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keyholder.vocabulary import RequestId

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client

NONCE_BYTES = 12


class ContentDamagedError(Exception):
    """What is stored does not authenticate under its request's key."""


class S3ContentStore:
    """Encrypted, erasable content of requests."""

    def __init__(self, s3: S3Client, kms: KMSClient, bucket: str, key_arn: str) -> None:
        self._s3 = s3
        self._kms = kms
        self._bucket = bucket
        self._key_arn = key_arn

    def keep(self, request: RequestId, pieces: Mapping[str, bytes] | Iterable[tuple[str, bytes]]) -> None:
        """Stores each piece under its name; the names are hashes, so storing again changes nothing."""
        cipher = AESGCM(self._make_key(request))
        for name, body in pieces.items() if isinstance(pieces, Mapping) else pieces:
            nonce = os.urandom(NONCE_BYTES)
            sealed = nonce + cipher.encrypt(nonce, body, _associated(request, name))
            self._s3.put_object(Bucket=self._bucket, Key=f"requests/{request}/{name}", Body=sealed)

    def read(self, request: RequestId, *names: str) -> tuple[bytes | None, ...]:
        """The pieces, None for each that is not there. Raises `ContentDamagedError`."""
        return tuple(self.each(request, names))

    def each(self, request: RequestId, names: Iterable[str]) -> Iterator[bytes | None]:
        """The pieces one after the other, the request's key opened once for all of them."""
        wrapped = self._get(f"requests/{request}/key")
        cipher = None if wrapped is None else AESGCM(self._unwrap(request, wrapped))
        for name in names:
            yield None if cipher is None else self._open(cipher, request, name)

    def erase(self, request: RequestId, name: str) -> None:
        """Takes one piece away; the bucket keeps no versions. Again does no harm."""
        self._s3.delete_object(Bucket=self._bucket, Key=f"requests/{request}/{name}")

    def _open(self, cipher: AESGCM, request: RequestId, name: str) -> bytes | None:
        sealed = self._get(f"requests/{request}/{name}")
        if sealed is None:
            return None
        try:
            return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _associated(request, name))
        except InvalidTag as fault:
            raise ContentDamagedError from fault

    def _make_key(self, request: RequestId) -> bytes:
        """The request's data key, made if there is none yet; of two made at once the first stored one counts."""
        wrapped = self._get(f"requests/{request}/key")
        if wrapped is not None:
            return self._unwrap(request, wrapped)
        made = self._kms.generate_data_key(KeyId=self._key_arn, NumberOfBytes=32, EncryptionContext=_context(request))
        try:
            self._s3.put_object(
                Bucket=self._bucket, Key=f"requests/{request}/key", Body=made["CiphertextBlob"], IfNoneMatch="*"
            )
        except ClientError as fault:
            if fault.response["Error"]["Code"] not in {"PreconditionFailed", "ConditionalRequestConflict"}:
                raise
            stored = self._get(f"requests/{request}/key")
            if stored is None:
                raise
            return self._unwrap(request, stored)
        return made["Plaintext"]

    def _unwrap(self, request: RequestId, wrapped: bytes) -> bytes:
        return self._kms.decrypt(KeyId=self._key_arn, CiphertextBlob=wrapped, EncryptionContext=_context(request))[
            "Plaintext"
        ]

    def _get(self, key: str) -> bytes | None:
        try:
            return self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as fault:
            if fault.response["Error"]["Code"] in {"NoSuchKey", "404"}:
                return None
            raise


def _context(request: RequestId) -> dict[str, str]:
    return {"keyholder:use": "request-content", "keyholder:request": request}


def _associated(request: RequestId, name: str) -> bytes:
    return f"keyholder/request-content/v1\n{request}\n{name}".encode()
