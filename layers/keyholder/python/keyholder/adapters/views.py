"""The bucket of views: what is made from the journal and can be made again, so it is neither versioned nor locked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from keyholder.adapters.storage_faults import storage_faults
from keyholder.ledger.ports import StorageBusyError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

_MOST_KEYS = 1000


class S3ViewStore:
    """Implements `ledger.views.ViewStore`. Needs `s3:ListBucket` too, or S3 answers 403 for what is not there."""

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def get(self, key: str) -> bytes | None:
        """The object's bytes, None where there is none."""
        with storage_faults():
            try:
                return self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            except self._s3.exceptions.NoSuchKey:
                return None

    def put(self, key: str, body: bytes) -> None:
        """Stores the object in the place of whatever has this name."""
        with storage_faults():
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ChecksumAlgorithm="SHA256")

    def delete(self, key: str) -> None:
        """Takes the object away, if there is one."""
        with storage_faults():
            self._s3.delete_object(Bucket=self._bucket, Key=key)

    def delete_all(self, keys: Sequence[str]) -> None:
        """A thousand in one call. Raises `StorageBusyError` where S3 left some; whoever asked begins again."""
        for start in range(0, len(keys), _MOST_KEYS):
            names: list[ObjectIdentifierTypeDef] = [{"Key": key} for key in keys[start : start + _MOST_KEYS]]
            with storage_faults():
                answer = self._s3.delete_objects(Bucket=self._bucket, Delete={"Objects": names, "Quiet": True})
            if answer.get("Errors"):
                raise StorageBusyError("not every object was deleted")

    def list(self, prefix: str) -> Sequence[str]:
        """Every name with this prefix; S3 lists in order of UTF-8 bytes, and consistently."""
        with storage_faults():
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            return [item["Key"] for page in pages for item in page.get("Contents", ())]
