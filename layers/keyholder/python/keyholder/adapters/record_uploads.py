"""Files of records in S3 until they are read: a bucket of its own under the key of what is asked for.

`records/<request>/<content hash of the draft>`: a draft that is saved anew has another hash, and so another place. The
bucket has no versions, and takes everything away after a day.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from keyholder.adapters.signed_uploads import SignedUploads
from keyholder.requests.record_file import RecordFile
from keyholder.uploads.form import UploadForm
from keyholder.vocabulary import ContentHash, RequestId

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3RecordUploads:
    """Implements `requests.filing.RecordUploads`; `s3` as `signed_uploads` wants it."""

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._uploads = SignedUploads(s3, bucket)

    def form(self, request: RequestId, draft: ContentHash, file: RecordFile, now: datetime) -> UploadForm:
        """Signed by this function's role, which has to be allowed the PUT."""
        return self._uploads.form(_key(request, draft), file.size, file.sha256, now)

    def there(self, request: RequestId, draft: ContentHash) -> bool:
        return self._uploads.there(_key(request, draft))

    def read(self, request: RequestId, draft: ContentHash) -> Iterator[bytes]:
        return self._uploads.read(_key(request, draft))

    def erase(self, request: RequestId, draft: ContentHash) -> None:
        self._uploads.blank(_key(request, draft))


def _key(request: RequestId, draft: ContentHash) -> str:
    return f"records/{request}/{draft}"
