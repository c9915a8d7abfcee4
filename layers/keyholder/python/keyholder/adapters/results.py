"""Results that wait to be collected: files already encrypted to the recipient's own key (age), for one day.

Those that are too long for an answer are read from an address, which has to be a regional one (`signed_uploads`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from keyholder.uploads.form import ADDRESS_FOR

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3ResultStore:
    """Encrypted result files by release; the bucket's life cycle removes them."""

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def keep(self, release_id: str, sealed: bytes) -> None:
        """Stores an age file."""
        self._s3.put_object(Bucket=self._bucket, Key=f"results/{release_id}.age", Body=sealed)

    def read(self, release_id: str) -> bytes | None:
        """The age file, or None once it is gone."""
        try:
            return self._s3.get_object(Bucket=self._bucket, Key=f"results/{release_id}.age")["Body"].read()
        except ClientError as fault:
            if fault.response["Error"]["Code"] in {"NoSuchKey", "404"}:
                return None
            raise

    def size(self, release_id: str) -> int | None:
        """The age file's length in bytes, or None once it is gone."""
        try:
            return self._s3.head_object(Bucket=self._bucket, Key=f"results/{release_id}.age")["ContentLength"]
        except ClientError as fault:
            if fault.response["Error"]["Code"] in {"NoSuchKey", "404", "NotFound"}:
                return None
            raise

    def address(self, release_id: str) -> str:
        """Signed by this function's role."""
        return self._s3.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self._bucket,
                "Key": f"results/{release_id}.age",
                "ResponseCacheControl": "no-store",
                "ResponseContentDisposition": f'attachment; filename="{release_id}.csv.age"',
            },
            ExpiresIn=int(ADDRESS_FOR.total_seconds()),
        )

    def remove(self, release_id: str) -> None:
        """Takes a collected file away."""
        self._s3.delete_object(Bucket=self._bucket, Key=f"results/{release_id}.age")
