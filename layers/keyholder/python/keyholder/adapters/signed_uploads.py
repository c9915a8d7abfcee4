"""Files that people upload to S3 themselves: a signed PUT for exactly one file, once.

Length, SHA-256 and If-None-Match are among the signed headers, so S3 takes that file alone, and once. What is erased
leaves an empty object in its place, so that its address stays good for nothing; the bucket must have no versions.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from keyholder.uploads.form import ADDRESS_FOR, FilesUnavailableError, UploadForm

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectRequestTypeDef

PIECE = 8 << 20
"""Bytes read at a time, each by a call of its own: no connection waits while a block is worked on."""

CSV = "text/csv"
ABSENT = frozenset({"NoSuchKey", "404", "NotFound"})
_NOTHING_THERE = ABSENT | {"InvalidRange", "416"}


class SignedUploads:
    """Uploads in one bucket by their keys. Methods raise `FilesUnavailableError`.

    `s3` has to make regional addresses, or the store answers a signed PUT with a redirect that breaks its signature.
    Needs `s3:ListBucket` too, or S3 answers 403 for what is not there.
    """

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def form(self, key: str, size: int, sha256: str, now: datetime) -> UploadForm:
        """For a file of so many bytes with this SHA-256 (hex). Signed by this function's role, which needs the PUT."""
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        with store_faults():
            url = self._s3.generate_presigned_url(
                "put_object",
                Params={
                    "Bucket": self._bucket,
                    "Key": key,
                    "ContentLength": size,
                    "ContentType": CSV,
                    "ChecksumSHA256": checksum,
                    "IfNoneMatch": "*",
                },
                ExpiresIn=int(ADDRESS_FOR.total_seconds()),
            )
        headers = {
            "content-length": str(size),
            "content-type": CSV,
            "x-amz-checksum-sha256": checksum,
            "if-none-match": "*",
        }
        return UploadForm(url, headers, now + ADDRESS_FOR)

    def there(self, key: str) -> bool:
        """Whether there is an upload that was not erased."""
        with store_faults():
            try:
                found = self._s3.head_object(Bucket=self._bucket, Key=key)
            except ClientError as fault:
                if fault.response["Error"]["Code"] in ABSENT:
                    return False
                raise
        return found["ContentLength"] > 0

    def read(self, key: str, start: int = 0) -> Iterator[bytes]:
        """In pieces from byte `start` on; nothing for an upload that is not there or was erased."""
        asked: GetObjectRequestTypeDef = {"Bucket": self._bucket, "Key": key}
        while True:
            asked["Range"] = f"bytes={start}-{start + PIECE - 1}"
            with store_faults():
                try:
                    piece = self._s3.get_object(**asked)
                    body = piece["Body"].read()
                except ClientError as fault:
                    if fault.response["Error"]["Code"] in _NOTHING_THERE:
                        return
                    raise
            asked["IfMatch"] = piece["ETag"]
            if body:
                yield body
            start += len(body)
            if len(body) < PIECE:
                return

    def blank(self, key: str) -> None:
        """Erase it. Its address is good for nothing from then on. Again does no harm."""
        with store_faults():
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=b"", ChecksumAlgorithm="SHA256")


@contextmanager
def store_faults() -> Iterator[None]:
    """What the store answers amiss, as one fault that says nothing of any file."""
    try:
        yield
    except (ClientError, BotoCoreError) as fault:
        raise FilesUnavailableError("the store of uploads did not do what it was asked") from fault
