"""The ledger's objects as a bucket holds them, for auditors: every version, up to one checkpoint."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import zip_longest
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from keyholder.adapters.storage_faults import storage_faults
from keyholder.ledger.journal import CHECKPOINTS, JOURNAL, checkpoint_key, journal_key
from keyholder.ledger.verification import Download, UnusableDownloadError, Version
from keyholder.ledger.watch import Stored

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ListObjectVersionsOutputTypeDef, ListObjectVersionsRequestTypeDef

_AT_ONCE = 8
_AHEAD = 32


class BucketLedger:
    """Implements `ledger.verification.Download` for the tree of `size` leaves: what comes later is left out.

    The bucket's listing is read once, when this is made. Raises `UnusableDownloadError` where it can't be read.
    """

    def __init__(self, s3: S3Client, bucket: str, size: int) -> None:
        self._s3 = s3
        self._bucket = bucket
        checkpoints = self._listed(CHECKPOINTS, checkpoint_key(size))
        journal = self._listed(JOURNAL, journal_key(len(checkpoints)))
        self._versions = {**journal, **checkpoints}

    def names(self) -> Sequence[str]:
        """Every key, in order."""
        return sorted(self._versions)

    def versions(self) -> Mapping[str, Sequence[Version]]:
        """Every version and delete marker of each key."""
        return self._versions

    def read(self, name: str) -> bytes:
        """The bytes of the newest version."""
        try:
            return self._s3.get_object(Bucket=self._bucket, Key=name)["Body"].read()
        except (ClientError, BotoCoreError) as fault:
            raise UnusableDownloadError("an object of the ledger can't be read") from fault

    def _listed(self, prefix: str, last: str) -> dict[str, tuple[Version, ...]]:
        found: dict[str, list[Version]] = {}
        try:
            for page in self._s3.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix):
                for version in page.get("Versions", []):
                    known = Version(version["VersionId"], False, version["LastModified"], version["Size"])
                    found.setdefault(version["Key"], []).append(known)
                for marker in page.get("DeleteMarkers", []):
                    known = Version(marker["VersionId"], True, marker["LastModified"], 0)
                    found.setdefault(marker["Key"], []).append(known)
        except (ClientError, BotoCoreError) as fault:
            raise UnusableDownloadError("the ledger's bucket can't be listed") from fault
        return {key: tuple(versions) for key, versions in found.items() if key <= last}


class ReadAhead:
    """A `Download` whose objects are on their way before they are asked for, in the order in which they are verified.

    Whoever reads one after the other waits for S3 most of the time: a ledger of 50,000 batches would take an hour.
    """

    def __init__(self, download: Download) -> None:
        self._download = download
        names = download.names()
        journal = [name for name in names if name.startswith(JOURNAL)]
        checkpoints = [name for name in names if name.startswith(CHECKPOINTS)]
        self._coming = deque(name for pair in zip_longest(journal, checkpoints) for name in pair if name is not None)
        self._sent: dict[str, Future[bytes]] = {}
        self._pool = ThreadPoolExecutor(_AT_ONCE)

    def names(self) -> Sequence[str]:
        """Every key, in order."""
        return self._download.names()

    def versions(self) -> Mapping[str, Sequence[Version]]:
        """Every version and delete marker of each key."""
        return self._download.versions()

    def read(self, name: str) -> bytes:
        """The bytes of the newest version. Each is kept until it is asked for, and no longer."""
        while self._coming and len(self._sent) < _AHEAD:
            following = self._coming.popleft()
            self._sent[following] = self._pool.submit(self._download.read, following)
        sent = self._sent.pop(name, None)
        return self._download.read(name) if sent is None else sent.result()

    def close(self) -> None:
        """Nothing more is read."""
        self._pool.shutdown(cancel_futures=True)


class BucketObjects:
    """Implements `ledger.watch.VersionedObjects`. Needs `s3:GetObject`, `s3:ListBucketVersions`, and `s3:ListBucket`:
    without the last, S3 answers 403 instead of 404 for an object that is not there."""

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def versions_after(self, prefix: str, after: str, limit: int) -> Sequence[Stored]:
        """Whole keys only: one whose versions go on in the next page is read to its end."""
        found: dict[str, list[Version]] = {}
        page = self._page(prefix, after, "")
        while True:
            for version in page.get("Versions", []):
                known = Version(version["VersionId"], False, version["LastModified"], version["Size"])
                found.setdefault(version["Key"], []).append(known)
            for deleted in page.get("DeleteMarkers", []):
                known = Version(deleted["VersionId"], True, deleted["LastModified"], 0)
                found.setdefault(deleted["Key"], []).append(known)
            if not page["IsTruncated"] or len(found) > limit:
                break
            page = self._page(prefix, page["NextKeyMarker"], page["NextVersionIdMarker"])
        return [Stored(key, tuple(found[key])) for key in sorted(found)[:limit]]

    def _page(self, prefix: str, key: str, version: str) -> ListObjectVersionsOutputTypeDef:
        asked: ListObjectVersionsRequestTypeDef = {"Bucket": self._bucket, "Prefix": prefix, "KeyMarker": key}
        if version:
            asked["VersionIdMarker"] = version
        with storage_faults():
            return self._s3.list_object_versions(**asked)

    def get(self, key: str) -> bytes | None:
        """The object's bytes, None where there is none (or a delete marker hides it)."""
        with storage_faults():
            try:
                return self._s3.get_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")["Body"].read()
            except self._s3.exceptions.NoSuchKey:
                return None
