"""The bucket of views: the same promises kept by S3 (played by moto) and by the fake."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest import mock

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from keyholder.adapters.views import S3ViewStore
from keyholder.ledger.ports import StorageBusyError, StorageRefusedError, StorageUncertainError
from keyholder.ledger.views import ViewStore
from tests.contract.aws import BUCKET, REGION, moto
from tests.fakes.views import MemoryViews


def _bucket() -> Any:
    client = boto3.client("s3", REGION)
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    return client


@pytest.fixture(params=["memory", "s3"])
def store(request: pytest.FixtureRequest) -> Iterator[ViewStore]:
    if request.param == "memory":
        yield MemoryViews()
        return
    with moto():
        yield S3ViewStore(_bucket(), BUCKET)


def test_what_is_put_reads_back_and_may_be_put_again(store: ViewStore) -> None:
    assert store.get("tile/0/000") is None
    for body in (b"one", b"two", b"two"):
        store.put("tile/0/000", body)
        assert store.get("tile/0/000") == body


def test_what_is_deleted_is_gone_and_may_be_deleted_again(store: ViewStore) -> None:
    store.put("a", b"1")
    for _ in range(2):
        store.delete("a")
        assert store.get("a") is None
    assert store.list("") == []


def test_names_are_listed_in_order(store: ViewStore) -> None:
    names = ["checkpoint", "position/tiles", "tile/0/000", "tile/0/000.p/3", "tile/0/001", "tile/1/000.p/1"]
    for name in reversed(names):
        store.put(name, b"x")
    assert store.list("") == names
    assert store.list("tile/0/") == names[2:5]
    assert store.list("nothing/") == []


def test_long_listings_are_read_to_the_end() -> None:
    with moto():
        client = _bucket()
        store = S3ViewStore(client, BUCKET)
        names = [f"{number:02d}" for number in range(7)]
        for name in names:
            store.put(name, b"x")
        paginator = client.get_paginator

        def two_at_a_time(name: Any) -> Any:
            pages = paginator(name)
            return mock.Mock(paginate=lambda **of: pages.paginate(**of, PaginationConfig={"PageSize": 2}))

        with mock.patch.object(client, "get_paginator", two_at_a_time):
            assert store.list("") == names


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("SlowDown", 503, StorageBusyError),
        ("InternalError", 500, StorageUncertainError),
        ("AccessDenied", 403, StorageRefusedError),
        ("NoSuchBucket", 404, StorageRefusedError),
    ],
)
def test_what_s3_answers_is_told_apart(code: str, status: int, error: type[Exception]) -> None:
    client: Any = boto3.client("s3", REGION, aws_access_key_id="testing", aws_secret_access_key="testing")
    client.meta.config.retries = {"total_max_attempts": 1}
    store = S3ViewStore(client, BUCKET)
    calls = {
        "get_object": lambda: store.get("a"),
        "put_object": lambda: store.put("a", b""),
        "delete_object": lambda: store.delete("a"),
        "list_objects_v2": lambda: store.list(""),
    }
    for operation, call in calls.items():
        with Stubber(client) as stub:
            stub.add_client_error(operation, code, http_status_code=status)
            with pytest.raises(error):
                call()


def test_no_answer_is_uncertain() -> None:
    client = mock.Mock()
    client.exceptions.NoSuchKey = KeyError
    client.get_object.side_effect = EndpointConnectionError(endpoint_url="https://s3.test")
    with pytest.raises(StorageUncertainError):
        S3ViewStore(client, BUCKET).get("a")
