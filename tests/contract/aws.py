"""AWS played by moto in process, with the clients and the configuration the ledger's adapters are built with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from unittest import mock

import boto3
from moto import mock_aws

from tests.fakes.moto_speed import moto_in_less_time
from tests.fakes.moto_versions import key_markers_as_in_s3

REGION = "eu-west-2"
BUCKET = "ledger"
TABLE = "steps"

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": REGION,
}


@cache
def _session() -> boto3.Session:
    """One for the process: moto takes a new one for each test, which reads botocore's own files again."""
    return boto3.Session()


@contextmanager
def moto() -> Iterator[None]:
    """Within this, nothing reaches AWS."""
    with (
        mock.patch.dict(os.environ, CREDENTIALS),
        mock_aws(),
        mock.patch.object(boto3, "DEFAULT_SESSION", _session()),
        key_markers_as_in_s3(),
        moto_in_less_time(),
    ):
        yield
