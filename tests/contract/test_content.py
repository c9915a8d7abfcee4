"""Erasable content in S3 under KMS: what binds a piece to its request and its name, and what erasing takes away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from unittest import mock

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyholder.adapters.content import ContentDamagedError, S3ContentStore
from keyholder.vocabulary import RequestId
from tests.contract.aws import REGION, moto

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client

BUCKET = "content"
ONE, TWO = RequestId("REQ-1"), RequestId("REQ-2")
TEXT = b"a justification nobody else may read"


@dataclass
class World:
    s3: S3Client
    kms: KMSClient
    key_arn: str

    @property
    def store(self) -> S3ContentStore:
        return S3ContentStore(self.s3, self.kms, BUCKET, self.key_arn)

    def body(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()

    def put(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)


@pytest.fixture
def world() -> Iterator[World]:
    with moto():
        s3, kms = boto3.client("s3", REGION), boto3.client("kms", REGION)
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield World(s3, kms, kms.create_key()["KeyMetadata"]["Arn"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.dictionaries(st.from_regex(r"[0-9a-f]{8}", fullmatch=True), st.binary(max_size=500), min_size=1, max_size=4))
def test_what_was_kept_is_read_back_also_by_another_function(world: World, pieces: dict[str, bytes]) -> None:
    world.store.keep(ONE, pieces)
    assert world.store.read(ONE, *pieces) == tuple(pieces.values())


def test_nothing_is_stored_in_clear(world: World) -> None:
    world.store.keep(ONE, {"text": TEXT})
    for item in world.s3.list_objects_v2(Bucket=BUCKET)["Contents"]:
        assert TEXT not in world.body(item["Key"])


def test_the_same_piece_is_never_encrypted_alike(world: World) -> None:
    world.store.keep(ONE, {"text": TEXT})
    first = world.body("requests/REQ-1/text")
    world.store.keep(ONE, {"text": TEXT})
    assert world.body("requests/REQ-1/text") != first
    assert world.store.read(ONE, "text") == (TEXT,)


def test_what_is_not_there_is_none(world: World) -> None:
    assert world.store.read(ONE, "text", "other") == (None, None)
    world.store.keep(ONE, {"text": TEXT})
    assert world.store.read(ONE, "other", "text") == (None, TEXT)


@pytest.mark.parametrize("place", [0, 11, 12, 20, -1])
def test_a_changed_object_is_damaged(world: World, place: int) -> None:
    world.store.keep(ONE, {"text": TEXT})
    body = bytearray(world.body("requests/REQ-1/text"))
    body[place] ^= 1
    world.put("requests/REQ-1/text", bytes(body))
    with pytest.raises(ContentDamagedError):
        world.store.read(ONE, "text")


def test_a_piece_under_another_name_is_damaged(world: World) -> None:
    world.store.keep(ONE, {"text": TEXT})
    world.put("requests/REQ-1/other", world.body("requests/REQ-1/text"))
    with pytest.raises(ContentDamagedError):
        world.store.read(ONE, "other")


def test_a_piece_of_another_request_is_damaged(world: World) -> None:
    for request in (ONE, TWO):
        world.store.keep(request, {"text": TEXT})
    world.put("requests/REQ-2/text", world.body("requests/REQ-1/text"))
    with pytest.raises(ContentDamagedError):
        world.store.read(TWO, "text")


def test_another_request_s_key_is_refused_by_kms(world: World) -> None:
    """The wrapped key is bound to its request by the encryption context, so moving it along opens nothing."""
    world.store.keep(ONE, {"text": TEXT})
    for name in ("key", "text"):
        world.put(f"requests/REQ-2/{name}", world.body(f"requests/REQ-1/{name}"))
    with pytest.raises(ClientError, match="InvalidCiphertext"):
        world.store.read(TWO, "text")


def test_without_its_key_everything_of_a_request_is_gone(world: World) -> None:
    for request in (ONE, TWO):
        world.store.keep(request, {"text": TEXT})
    world.s3.delete_object(Bucket=BUCKET, Key="requests/REQ-1/key")
    assert world.store.read(ONE, "text") == (None,)
    assert world.store.read(TWO, "text") == (TEXT,)


def test_of_two_keys_made_at_once_the_first_stored_counts(world: World) -> None:
    late = world.store
    with mock.patch.object(late, "_get", side_effect=[None, *[None] * 0]) as not_yet:
        not_yet.side_effect = lambda key: None if not_yet.call_count == 1 else world.body(key)
        world.store.keep(ONE, {"first": b"1"})
        late.keep(ONE, {"second": b"2"})
    assert world.store.read(ONE, "first", "second") == (b"1", b"2")


def test_a_bucket_that_refuses_is_a_fault_and_not_an_absence(world: World) -> None:
    world.store.keep(ONE, {"text": TEXT})
    world.s3.delete_object(Bucket=BUCKET, Key="requests/REQ-1/text")
    refused = ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "GetObject")
    with mock.patch.object(world.s3, "get_object", side_effect=refused), pytest.raises(ClientError):
        world.store.read(ONE, "text")
