"""The write-once store: the same promises kept by S3 with Object Lock (played by moto) and by the fake.

moto is no evidence for what Object Lock holds against an administrator; it shows what Keyholder asks of S3.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber

from keyholder.adapters.storage_faults import CLIENT_CONFIG
from keyholder.adapters.worm import S3Worm
from keyholder.ledger.ports import Put, StorageBusyError, StorageRefusedError, StorageUncertainError, WormStore
from tests.contract.aws import BUCKET, REGION, moto
from tests.fakes.ledger import ManualClock, MemoryWorm

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RETENTION = timedelta(days=3650)


def _worm(client: S3Client) -> S3Worm:
    return S3Worm(client, BUCKET, RETENTION, ManualClock())


def _client() -> S3Client:
    client = boto3.client("s3", region_name=REGION, config=CLIENT_CONFIG)
    client.create_bucket(
        Bucket=BUCKET,
        CreateBucketConfiguration={"LocationConstraint": "eu-west-2"},
        ObjectLockEnabledForBucket=True,
    )
    return client


@pytest.fixture
def s3() -> Iterator[S3Client]:
    with moto():
        yield _client()


@pytest.fixture(params=["memory", "s3"])
def worm(request: pytest.FixtureRequest) -> Iterator[WormStore]:
    if request.param == "memory":
        yield MemoryWorm()
        return
    with moto():
        yield _worm(_client())


def test_what_is_put_reads_back(worm: WormStore) -> None:
    assert worm.get("journal/1") is None
    assert worm.put("journal/1", b"one\n") is Put.STORED
    assert worm.get("journal/1") == b"one\n"


@pytest.mark.parametrize("body", [b"one\n", b"two\n"])
def test_a_name_is_used_once_whatever_the_content(worm: WormStore, body: bytes) -> None:
    worm.put("journal/1", b"one\n")
    assert worm.put("journal/1", body) is Put.EXISTS
    assert worm.get("journal/1") == b"one\n"


def test_names_are_listed_in_order_after_a_name(worm: WormStore) -> None:
    names = [f"journal/{number:020d}" for number in range(1, 13)]
    for name in reversed(names):
        worm.put(name, b"x")
    worm.put("checkpoint/1", b"x")
    worm.put("later/1", b"x")
    assert worm.keys_after("journal/", "journal/", 100) == names
    assert worm.keys_after("journal/", names[3], 100) == names[4:]
    assert worm.keys_after("journal/", names[3], 2) == names[4:6]
    assert worm.keys_after("journal/", names[11], 100) == []


def test_long_listings_are_read_to_the_end(s3: S3Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyholder.adapters.worm._PAGE", 3)
    worm = _worm(s3)
    names = [f"journal/{number:020d}" for number in range(8)]
    for name in names:
        worm.put(name, b"x")
    assert worm.keys_after("journal/", "journal/", 100) == names
    assert worm.keys_after("journal/", "journal/", 7) == names[:7]


def test_every_object_is_locked_and_checked(s3: S3Client) -> None:
    sent: list[dict[str, Any]] = []
    s3.meta.events.register("provide-client-params.s3.PutObject", lambda params, **_: sent.append(dict(params)))
    _worm(s3).put("journal/1", b"one\n")
    put = sent[0]
    assert put["IfNoneMatch"] == "*"
    assert put["ObjectLockMode"] == "COMPLIANCE"
    assert put["ObjectLockRetainUntilDate"] == ManualClock().now() + RETENTION
    assert put["ServerSideEncryption"] == "AES256"
    assert put["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(b"one\n").digest()).decode()
    head = s3.head_object(Bucket=BUCKET, Key="journal/1")
    assert head["ObjectLockMode"] == "COMPLIANCE"
    assert head["ObjectLockRetainUntilDate"] == ManualClock().now() + RETENTION
    with pytest.raises(ClientError):
        s3.delete_object(Bucket=BUCKET, Key="journal/1", VersionId=head["VersionId"])


def test_a_delete_marker_hides_an_object(s3: S3Client) -> None:
    worm = _worm(s3)
    worm.put("journal/1", b"one\n")
    s3.delete_object(Bucket=BUCKET, Key="journal/1")
    assert worm.get("journal/1") is None
    assert worm.keys_after("journal/", "journal/", 10) == []


PUT_FAULTS = [
    ("PreconditionFailed", 412, None),
    ("ConditionalRequestConflict", 409, StorageBusyError),
    ("OperationAborted", 409, StorageBusyError),
    ("SlowDown", 503, StorageBusyError),
    ("TooManyRequestsException", 429, StorageBusyError),
    ("InternalError", 500, StorageUncertainError),
    ("BadGateway", 502, StorageUncertainError),
    ("ServiceUnavailable", 503, StorageUncertainError),
    ("GatewayTimeout", 504, StorageUncertainError),
    ("RequestTimeout", 400, StorageUncertainError),
    ("AccessDenied", 403, StorageRefusedError),
    ("NoSuchBucket", 404, StorageRefusedError),
    ("InvalidRequest", 400, StorageRefusedError),
]


@pytest.mark.parametrize(("code", "status", "error"), PUT_FAULTS)
def test_what_s3_answers_to_a_put_is_told_apart(code: str, status: int, error: type[Exception] | None) -> None:
    client = _client_alone()
    with Stubber(client) as stub:
        stub.add_client_error("put_object", code, http_status_code=status)
        if error is None:
            assert _worm(client).put("journal/1", b"x") is Put.EXISTS
        else:
            with pytest.raises(error):
                _worm(client).put("journal/1", b"x")


@pytest.mark.parametrize(("code", "status", "error"), [fault for fault in PUT_FAULTS if fault[2] is not None])
def test_what_s3_answers_to_a_read_is_told_apart(code: str, status: int, error: type[Exception]) -> None:
    client = _client_alone()
    with Stubber(client) as stub:
        stub.add_client_error("get_object", code, http_status_code=status)
        stub.add_client_error("list_objects_v2", code, http_status_code=status)
        with pytest.raises(error):
            _worm(client).get("journal/1")
        with pytest.raises(error):
            _worm(client).keys_after("journal/", "journal/", 10)


@pytest.mark.parametrize("fault", [EndpointConnectionError, ConnectTimeoutError, ReadTimeoutError])
def test_no_answer_is_uncertain_and_asked_once(fault: type[Exception]) -> None:
    client = _client_alone()
    tries = []

    def unreachable(**_: object) -> None:
        tries.append(1)
        raise fault(endpoint_url="https://example.invalid")

    client.meta.events.register("before-send.s3", unreachable)
    with pytest.raises(StorageUncertainError):
        _worm(client).put("journal/1", b"x")
    assert len(tries) == 1


def _client_alone() -> S3Client:
    return boto3.client(
        "s3", region_name=REGION, aws_access_key_id="testing", aws_secret_access_key="testing", config=CLIENT_CONFIG
    )
