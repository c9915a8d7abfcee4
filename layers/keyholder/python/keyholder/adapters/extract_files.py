"""Extracts in S3: announcements, uploads, parts and progress, in a bucket of their own under a KMS key of their own.

`announcements/<id>`, `uploads/<id>`, `parts/<id>/<run>-<number>` and `progress/<id>/<run>`. Uploads are
those of `signed_uploads`; the bucket has no versions.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from keyholder.adapters.signed_uploads import ABSENT, CSV, SignedUploads, store_faults
from keyholder.extracts.announcement import Announcement
from keyholder.extracts.events import Kept
from keyholder.uploads.form import ADDRESS_FOR, FilesUnavailableError, UploadForm
from keyholder.vocabulary import ExtractId

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef


class S3ExtractFiles:
    """Implements `extracts.files.ExtractFiles`.

    `s3` has to make regional addresses, or the store answers a signed PUT with a redirect that breaks its signature.
    Needs `s3:ListBucket` too, or S3 answers 403 for what is not there.
    """

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._uploads = SignedUploads(s3, bucket)

    def keep_announcement(self, extract: ExtractId, stored: bytes) -> None:
        self._put(f"announcements/{extract}", stored)

    def announcement(self, extract: ExtractId) -> bytes | None:
        return self._get(f"announcements/{extract}")

    def upload_form(self, extract: ExtractId, told: Announcement, now: datetime) -> UploadForm:
        """Signed by this function's role, which has to be allowed the PUT."""
        return self._uploads.form(f"uploads/{extract}", told.size, told.sha256, now)

    def uploaded(self, extract: ExtractId) -> bool:
        return self._uploads.there(f"uploads/{extract}")

    def read(self, extract: ExtractId, start: int = 0) -> Iterator[bytes]:
        """Nothing for an upload that is not there or was erased: whoever reads it finds it too short."""
        return self._uploads.read(f"uploads/{extract}", start)

    def keep_part(self, extract: ExtractId, name: str, text: bytes) -> None:
        self._put(f"parts/{extract}/{name}", text, CSV)

    def part_address(self, extract: ExtractId, name: str) -> str:
        with store_faults():
            return self._s3.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self._bucket,
                    "Key": f"parts/{extract}/{name}",
                    "ResponseCacheControl": "no-store",
                    "ResponseContentDisposition": f'attachment; filename="{extract}-{name}.csv"',
                },
                ExpiresIn=int(ADDRESS_FOR.total_seconds()),
            )

    def keep_progress(self, extract: ExtractId, run: int, stored: bytes) -> None:
        self._put(f"progress/{extract}/{run:02}", stored)

    def progress(self, extract: ExtractId, run: int) -> bytes | None:
        return self._get(f"progress/{extract}/{run:02}")

    def erase(self, extract: ExtractId, what: AbstractSet[Kept]) -> None:
        if Kept.UPLOAD in what:
            self._uploads.blank(f"uploads/{extract}")
            self._delete([f"announcements/{extract}"])
        if Kept.RESULT in what:
            self._delete([*self._keys(f"parts/{extract}/"), *self._keys(f"progress/{extract}/")])

    def _put(self, key: str, body: bytes, content_type: str = "application/octet-stream") -> None:
        with store_faults():
            self._s3.put_object(
                Bucket=self._bucket, Key=key, Body=body, ContentType=content_type, ChecksumAlgorithm="SHA256"
            )

    def _get(self, key: str) -> bytes | None:
        with store_faults():
            try:
                return self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            except ClientError as fault:
                if fault.response["Error"]["Code"] in ABSENT:
                    return None
                raise

    def _keys(self, prefix: str) -> list[str]:
        with store_faults():
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            return [item["Key"] for page in pages for item in page.get("Contents", ())]

    def _delete(self, keys: list[str]) -> None:
        for start in range(0, len(keys), 1000):
            objects: list[ObjectIdentifierTypeDef] = [{"Key": key} for key in keys[start : start + 1000]]
            with store_faults():
                answer = self._s3.delete_objects(Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True})
            if answer.get("Errors"):
                raise FilesUnavailableError("something of an extract could not be erased")
