"""Lists of NHS numbers on their way to the opt-out service, sealed: `lists/<list id>` in a bucket of their own.

An object is one line of JSON (the data key, wrapped by the outbox key under a context that names the list), LF, a
12-byte nonce and the ciphertext (AES-256-GCM, NIST SP 800-38D; the list's id is authenticated). Who puts may only have
new data keys made, who reads may only have them opened; the bucket deletes what is a day old.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keyholder.opt_outs.list_events import LIST_ID
from keyholder.opt_outs.outbox import OutboxDamagedError, OutboxUnavailableError, Waiting
from keyholder.policy.opt_outs import read_request_list, request_list

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client

NONCE_BYTES = 12
PREFIX = "lists/"


class S3Outbox:
    """Implements `opt_outs.outbox.Outbox`."""

    def __init__(self, s3: S3Client, kms: KMSClient, bucket: str, key_arn: str) -> None:
        self._s3 = s3
        self._kms = kms
        self._bucket = bucket
        self._key_arn = key_arn

    def put(self, list_id: str, numbers: Set[str]) -> None:
        """Needs `kms:GenerateDataKey` and `s3:PutObject`. Raises `ValueError` for nobody, or for what is no number."""
        body = request_list(sorted(numbers))
        with _faults():
            made = self._kms.generate_data_key(
                KeyId=self._key_arn, NumberOfBytes=32, EncryptionContext=_context(list_id)
            )
        nonce = os.urandom(NONCE_BYTES)
        sealed = AESGCM(made["Plaintext"]).encrypt(nonce, body, _associated(list_id))
        header = json.dumps({"key": base64.b64encode(made["CiphertextBlob"]).decode()}).encode()
        with _faults():
            self._s3.put_object(
                Bucket=self._bucket,
                Key=_name(list_id),
                Body=header + b"\n" + nonce + sealed,
                ChecksumAlgorithm="SHA256",
            )

    def waiting(self) -> Sequence[Waiting]:
        """Needs `s3:ListBucket`. A key of another form is no list, and left to the bucket's life cycle."""
        with _faults():
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=PREFIX)
            found = [
                Waiting(item["Key"].removeprefix(PREFIX), item["LastModified"])
                for page in pages
                for item in page.get("Contents", ())
            ]
        return [one for one in found if LIST_ID.fullmatch(one.list_id)]

    def read(self, list_id: str) -> frozenset[str] | None:
        """Needs `kms:Decrypt` and `s3:GetObject`."""
        with _faults():
            try:
                stored = self._s3.get_object(Bucket=self._bucket, Key=_name(list_id))["Body"].read()
            except self._s3.exceptions.NoSuchKey:
                return None
        header, _, sealed = stored.partition(b"\n")
        with _faults():
            key = self._kms.decrypt(
                KeyId=self._key_arn, CiphertextBlob=_wrapped(header), EncryptionContext=_context(list_id)
            )["Plaintext"]
        try:
            body = AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _associated(list_id))
        except (InvalidTag, ValueError):
            raise OutboxDamagedError("a list does not authenticate") from None
        numbers = read_request_list(body)
        if isinstance(numbers, int):
            raise OutboxDamagedError("a list is not in its form")
        return numbers

    def remove(self, list_id: str) -> None:
        """Needs `s3:DeleteObject`."""
        with _faults():
            self._s3.delete_object(Bucket=self._bucket, Key=_name(list_id))


def _name(list_id: str) -> str:
    if not LIST_ID.fullmatch(list_id):
        raise ValueError("a list is named after its request")
    return PREFIX + list_id


def _context(list_id: str) -> dict[str, str]:
    return {"keyholder:use": "opt-out-list", "keyholder:list": list_id}


def _associated(list_id: str) -> bytes:
    return f"keyholder/opt-out-list/v1\n{list_id}".encode()


def _wrapped(header: bytes) -> bytes:
    try:
        return base64.b64decode(json.loads(header)["key"], validate=True)
    except (ValueError, KeyError, TypeError):
        raise OutboxDamagedError("a list has no key") from None


@contextmanager
def _faults() -> Iterator[None]:
    """Turns botocore's errors into ours, which quote nothing that was sent or answered."""
    try:
        yield
    except (ClientError, BotoCoreError):
        raise OutboxUnavailableError("the outbox could not be used") from None
