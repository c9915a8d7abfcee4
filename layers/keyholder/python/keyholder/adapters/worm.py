"""The write-once store: an S3 bucket with Object Lock, every object under COMPLIANCE retention, none written twice."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from keyholder.adapters.storage_faults import code_of, storage_faults
from keyholder.ledger.ports import Clock, Put

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.literals import ObjectLockModeType

_PAGE = 1000


class S3Worm:
    """Implements `ledger.ports.WormStore`. Build the client with `storage_faults.CLIENT_CONFIG`.

    Needs `s3:PutObject`, `s3:PutObjectRetention`, `s3:GetObject` and `s3:ListBucket` (without the last, S3 answers 403
    instead of 404 for an object that is not there). Encrypted by S3's own key: with a KMS key, whoever deletes the key
    destroys the ledger, whatever Object Lock says. `mode` GOVERNANCE is for trying things out: who may bypass it can
    delete.
    """

    def __init__(
        self,
        s3: S3Client,
        bucket: str,
        retention: timedelta,
        clock: Clock,
        *,
        mode: ObjectLockModeType = "COMPLIANCE",
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._retention = retention
        self._clock = clock
        self._mode = mode

    def put(self, key: str, body: bytes) -> Put:
        """Stores the object unless its name is taken. 412 is an answer, 409 means busy, no answer means uncertain."""
        try:
            with storage_faults():
                self._s3.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=body,
                    IfNoneMatch="*",
                    ChecksumAlgorithm="SHA256",
                    ChecksumSHA256=base64.b64encode(hashlib.sha256(body).digest()).decode(),
                    ObjectLockMode=self._mode,
                    ObjectLockRetainUntilDate=self._clock.now() + self._retention,
                    ServerSideEncryption="AES256",
                )
        except Exception as fault:
            if isinstance(fault.__cause__, ClientError) and code_of(fault.__cause__) == "PreconditionFailed":
                return Put.EXISTS
            raise
        return Put.STORED

    def get(self, key: str) -> bytes | None:
        """The object's bytes, None where there is none (or a delete marker hides it)."""
        with storage_faults():
            try:
                answer = self._s3.get_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
            except self._s3.exceptions.NoSuchKey:
                return None
            return answer["Body"].read()

    def keys_after(self, prefix: str, after: str, limit: int) -> Sequence[str]:
        """Names in order of their bytes; S3 listings are strongly consistent."""
        keys: list[str] = []
        while len(keys) < limit:
            wanted = min(limit - len(keys), _PAGE)
            with storage_faults():
                answer = self._s3.list_objects_v2(
                    Bucket=self._bucket, Prefix=prefix, StartAfter=keys[-1] if keys else after, MaxKeys=wanted
                )
            keys.extend(item["Key"] for item in answer.get("Contents", []))
            if not answer.get("IsTruncated"):
                break
        return keys
