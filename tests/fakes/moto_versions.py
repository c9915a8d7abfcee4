"""Listings of versions in moto that begin after a key, as S3's do.

moto 5.2.5 (s3/models.py: list_object_versions) leaves out the first version that sorts at or after KeyMarker, even
where no object has that name; on S3 KeyMarker is a text to begin after.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from moto.s3.models import S3Backend

_ORIGINAL = S3Backend.list_object_versions


def _after_the_marker(self: S3Backend, bucket_name: str, *args: Any, **arguments: Any) -> Any:
    marker = arguments.get("key_marker")
    if args or not marker or arguments.get("version_id_marker"):
        return _ORIGINAL(self, bucket_name, *args, **arguments)
    whole = {**arguments, "key_marker": None, "max_keys": None}
    versions, prefixes, markers, *_ = _ORIGINAL(self, bucket_name, **whole)
    later = [[one for one in found if one.name > marker] for found in (versions, markers)]
    return later[0], prefixes, later[1], None, None


@contextmanager
def key_markers_as_in_s3() -> Iterator[None]:
    """Within this."""
    with mock.patch.object(S3Backend, "list_object_versions", _after_the_marker):
        yield
