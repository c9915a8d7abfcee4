"""The outbox: sealed lists in S3, and whose turn it is with the mailbox, in DynamoDB."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import boto3
import pytest

from keyholder.adapters.mailbox_turn import MailboxTurns
from keyholder.adapters.outbox import S3Outbox
from keyholder.opt_outs.outbox import OutboxDamagedError, OutboxUnavailableError
from tests.contract.aws import REGION, TABLE, moto
from tests.people import some_nhs_numbers

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "outbox"
NAME, OTHER = (f"REQ-{'0' * 25}{number}.2" for number in (1, 2))
PEOPLE = frozenset(some_nhs_numbers(3))
NOW = datetime(2026, 7, 1, 9, tzinfo=UTC)
SIX = timedelta(minutes=6)


@pytest.fixture
def s3() -> Iterator[S3Client]:
    with moto():
        client = boto3.client("s3", REGION)
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield client


@pytest.fixture
def outbox(s3: S3Client) -> S3Outbox:
    kms = boto3.client("kms", REGION)
    return S3Outbox(s3, kms, BUCKET, kms.create_key()["KeyMetadata"]["Arn"])


def test_what_is_put_waits_is_read_and_is_gone(outbox: S3Outbox, s3: S3Client) -> None:
    assert outbox.read(NAME) is None
    assert outbox.waiting() == []
    outbox.put(OTHER, {min(PEOPLE)})
    outbox.put(NAME, PEOPLE)
    assert [one.list_id for one in outbox.waiting()] == [NAME, OTHER]
    assert all(one.since.tzinfo is not None for one in outbox.waiting())
    assert outbox.read(NAME) == PEOPLE
    stored = s3.get_object(Bucket=BUCKET, Key=f"lists/{NAME}")["Body"].read()
    assert not [number for number in PEOPLE if number.encode() in stored]
    outbox.remove(NAME)
    outbox.remove(NAME)
    assert outbox.read(NAME) is None


def test_a_list_is_only_what_it_was_put_as(outbox: S3Outbox, s3: S3Client) -> None:
    """Changed, moved to another request's name, or somebody else's: nobody is asked about."""
    outbox.put(NAME, PEOPLE)
    stored = s3.get_object(Bucket=BUCKET, Key=f"lists/{NAME}")["Body"].read()
    s3.put_object(Bucket=BUCKET, Key=f"lists/{OTHER}", Body=stored)
    for body in (stored[:-1], stored[:-1] + bytes([stored[-1] ^ 1]), b"{}\n" + b"0" * 40, b"", b"\xff\n"):
        s3.put_object(Bucket=BUCKET, Key=f"lists/{NAME}", Body=body)
        with pytest.raises(OutboxDamagedError):
            outbox.read(NAME)
    with pytest.raises(OutboxUnavailableError):
        outbox.read(OTHER)


def test_a_list_of_nobody_or_of_no_numbers_is_refused(outbox: S3Outbox) -> None:
    for people in ((), ("9990000019",), ("x",)):
        with pytest.raises(ValueError, match="request list"):
            outbox.put(NAME, frozenset(people))
    for name in ("9990000018", "../a", f"{NAME}/x"):
        with pytest.raises(ValueError, match="named after"):
            outbox.put(name, PEOPLE)


def test_a_store_that_refuses_is_unavailable(s3: S3Client) -> None:
    kms = boto3.client("kms", REGION)
    elsewhere = S3Outbox(s3, kms, "somebody-elses", kms.create_key()["KeyMetadata"]["Arn"])
    for call in (
        lambda: elsewhere.put(NAME, PEOPLE),
        lambda: elsewhere.read(NAME),
        elsewhere.waiting,
        lambda: elsewhere.remove(NAME),
    ):
        with pytest.raises(OutboxUnavailableError):
            call()


@pytest.fixture
def turns(s3: S3Client) -> MailboxTurns:
    dynamodb = boto3.client("dynamodb", REGION)
    dynamodb.create_table(
        TableName=TABLE,
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return MailboxTurns(dynamodb, TABLE, "X26KH0001")


def test_a_mailbox_is_one_rounds_at_a_time(turns: MailboxTurns) -> None:
    with turns.take("one", NOW, SIX) as turn:
        assert turn is not None
        with turns.take("two", NOW + SIX - timedelta(seconds=1), SIX) as second:
            assert second is None
    with turns.take("two", NOW, SIX) as after:
        assert after is not None


def test_a_turn_that_was_lost_is_not_given_back(turns: MailboxTurns) -> None:
    with turns.take("one", NOW, SIX) as first:
        assert first is not None
        with turns.take("two", NOW + SIX, SIX) as second:
            assert second is not None
            first.handshaken(NOW)
            with turns.take("three", NOW + SIX, SIX) as third:
                assert third is None
    with turns.take("four", NOW + SIX, SIX) as fourth:
        assert fourth is not None
        assert fourth.last_handshake() is None


def test_a_handshake_is_remembered_from_one_round_to_the_next(turns: MailboxTurns) -> None:
    with turns.take("one", NOW, SIX) as turn:
        assert turn is not None
        assert turn.last_handshake() is None
        turn.handshaken(NOW)
    for holder in ("two", "three"):
        with turns.take(holder, NOW, SIX) as later:
            assert later is not None
            assert later.last_handshake() == NOW
