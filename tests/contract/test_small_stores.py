"""The results' bucket, the ledger's download and the checks' queue, on moto."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from unittest import mock

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from keyholder.adapters.checks_queue import ChecksQueue
from keyholder.adapters.ledger_objects import BucketLedger
from keyholder.adapters.results import S3ResultStore
from keyholder.ledger.journal import checkpoint_key, journal_key
from keyholder.ledger.verification import UnusableDownloadError
from keyholder.vocabulary import RequestId
from tests.contract.aws import BUCKET, REGION, moto

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REFUSED = ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "GetObject")


@pytest.fixture
def s3() -> Iterator[S3Client]:
    with moto():
        client = boto3.client("s3", REGION)
        client.create_bucket(
            Bucket=BUCKET,
            CreateBucketConfiguration={"LocationConstraint": REGION},
            ObjectLockEnabledForBucket=True,
        )
        yield client


def test_a_result_is_there_until_it_is_taken_away(s3: S3Client) -> None:
    results = S3ResultStore(s3, BUCKET)
    assert results.read("REL-1") is None
    results.keep("REL-1", b"age-encryption.org/v1")
    assert results.read("REL-1") == b"age-encryption.org/v1"
    assert results.read("REL-2") is None
    results.remove("REL-1")
    results.remove("REL-1")
    assert results.read("REL-1") is None


def test_a_result_that_can_t_be_read_is_not_taken_for_gone(s3: S3Client) -> None:
    with mock.patch.object(s3, "get_object", side_effect=REFUSED), pytest.raises(ClientError):
        S3ResultStore(s3, BUCKET).read("REL-1")


def ledger_of(s3: S3Client, batches: int) -> None:
    for number in range(1, batches + 1):
        s3.put_object(Bucket=BUCKET, Key=journal_key(number), Body=b"batch %d" % number)
        s3.put_object(Bucket=BUCKET, Key=checkpoint_key(10 * number), Body=b"checkpoint %d" % number)


def test_a_download_ends_with_its_checkpoint(s3: S3Client) -> None:
    ledger_of(s3, 4)
    download = BucketLedger(s3, BUCKET, 30)
    wanted = {journal_key(number) for number in (1, 2, 3)} | {checkpoint_key(size) for size in (10, 20, 30)}
    assert set(download.names()) == wanted
    assert list(download.names()) == sorted(wanted)
    assert download.read(journal_key(2)) == b"batch 2"


def test_every_version_and_delete_marker_shows(s3: S3Client) -> None:
    ledger_of(s3, 2)
    s3.put_object(Bucket=BUCKET, Key=journal_key(1), Body=b"another")
    s3.delete_object(Bucket=BUCKET, Key=journal_key(2))
    versions = BucketLedger(s3, BUCKET, 20).versions()
    assert [version.is_delete_marker for version in versions[journal_key(1)]] == [False, False]
    assert sorted(version.is_delete_marker for version in versions[journal_key(2)]) == [False, True]
    assert [version.size for version in versions[checkpoint_key(10)]] == [len(b"checkpoint 1")]


def test_long_listings_are_read_to_the_end(s3: S3Client) -> None:
    ledger_of(s3, 5)
    paginator = s3.get_paginator

    def two_at_a_time(name: Any) -> Any:
        pages = paginator(name)
        return mock.Mock(paginate=lambda **of: pages.paginate(**of, PaginationConfig={"PageSize": 2}))

    with mock.patch.object(s3, "get_paginator", two_at_a_time):
        assert len(BucketLedger(s3, BUCKET, 50).names()) == 10


def test_a_bucket_that_does_not_answer_gives_no_download(s3: S3Client) -> None:
    with mock.patch.object(s3, "get_paginator", side_effect=REFUSED), pytest.raises(UnusableDownloadError):
        BucketLedger(s3, BUCKET, 10)
    ledger_of(s3, 1)
    download = BucketLedger(s3, BUCKET, 10)
    silent = EndpointConnectionError(endpoint_url="https://s3.test")
    with mock.patch.object(s3, "get_object", side_effect=silent), pytest.raises(UnusableDownloadError):
        download.read(journal_key(1))


def test_a_message_is_a_request_s_id_and_nothing_else() -> None:
    with moto():
        sqs = boto3.client("sqs", REGION)
        url = sqs.create_queue(QueueName="checks")["QueueUrl"]
        queue = ChecksQueue(sqs, url)
        for _ in range(2):
            queue.ask(RequestId("REQ-1"))
        messages = [sqs.receive_message(QueueUrl=url)["Messages"][0] for _ in range(2)]
        assert [json.loads(message["Body"]) for message in messages] == [{"request": "REQ-1"}] * 2
