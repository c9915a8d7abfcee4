"""The step store: the same promises kept by DynamoDB (played by moto) and by the fake every unit test stands on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber

from keyholder.adapters.steps import DynamoDbSteps
from keyholder.adapters.storage_faults import CLIENT_CONFIG
from keyholder.ledger.ports import (
    Added,
    Claim,
    Head,
    Lead,
    Mark,
    Step,
    StepKey,
    StepStore,
    StorageBusyError,
    StorageRefusedError,
    StorageUncertainError,
)
from keyholder.vocabulary import StreamId
from tests.contract.aws import REGION, TABLE, moto
from tests.fakes.ledger import MemorySteps

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
STREAM = StreamId("request/1")


def _client() -> DynamoDBClient:
    return boto3.client("dynamodb", region_name=REGION, config=CLIENT_CONFIG)


def _table(client: DynamoDBClient) -> None:
    def keys(partition: str, sort: str) -> list[Any]:
        return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]

    names = ("pk", "sk", "pending", "pending_at", "due", "due_at")
    client.create_table(
        TableName=TABLE,
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        KeySchema=keys("pk", "sk"),
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[
            {"IndexName": name, "KeySchema": keys(name, f"{name}_at"), "Projection": {"ProjectionType": "KEYS_ONLY"}}
            for name in ("pending", "due")
        ],
    )


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> Iterator[StepStore]:
    if request.param == "memory":
        yield MemorySteps()
        return
    with moto():
        client = _client()
        _table(client)
        yield DynamoDbSteps(client, TABLE)


@pytest.fixture
def dynamodb() -> Iterator[DynamoDBClient]:
    with moto():
        client = _client()
        _table(client)
        yield client


def step(first: int = 1, *, stream: str = STREAM, events: int = 1, minutes: int = 0, writer: str = "w1") -> Step:
    lines = tuple(f'{{"n":{number}}}'.encode() for number in range(first, first + events))
    return Step(StepKey(StreamId(stream), first), lines, writer, AT + timedelta(minutes=minutes))


def test_a_stored_step_reads_back_as_it_was_written(store: StepStore) -> None:
    written = step(events=3)
    assert store.add(written, None, None) is Added.ADDED
    assert store.step(written.key) == written
    assert store.steps([written.key, StepKey(STREAM, 9)]) == [written]
    assert store.last(STREAM) == written
    assert store.step(StepKey(STREAM, 2)) is None


def test_a_stream_is_read_in_order_and_apart_from_others(store: StepStore) -> None:
    for first in (1, 3, 5, 7, 9, 11):
        assert store.add(step(first, events=2, writer=f"w{first}"), None, Head(due_at=AT)) is Added.ADDED
    store.add(step(stream="request/10"), None, None)
    assert [one.key.first for one in store.stream(STREAM)] == [1, 3, 5, 7, 9, 11]
    last = store.last(STREAM)
    assert last is not None
    assert (last.key.first, last.last) == (11, 12)
    assert store.stream(StreamId("request/unknown")) == []
    assert store.last(StreamId("request/unknown")) is None


@pytest.mark.parametrize("first", [1, 2, 4])
def test_a_step_goes_only_after_the_newest_event(store: StepStore, first: int) -> None:
    store.add(step(events=2), None, None)
    assert store.add(step(first, writer="w2"), None, None) is Added.STALE
    assert store.add(step(3, writer="w2"), None, None) is Added.ADDED


def test_a_stream_begins_with_its_first_event(store: StepStore) -> None:
    assert store.add(step(2), None, None) is Added.STALE
    assert store.stream(STREAM) == []


def test_a_refused_step_leaves_nothing_behind(store: StepStore) -> None:
    store.add(step(), Claim("k1", "b1", StepKey(STREAM, 1)), Head(("project/1",)))
    late = step(1, writer="w2")
    assert store.add(late, Claim("k2", "b2", late.key), Head(("project/2",), AT)) is Added.STALE
    assert store.claim("k2") is None
    assert store.listed("project/2", None, 10) == []
    assert store.due(AT, 10) == []
    other = step(stream="request/2", writer="w3")
    assert store.add(other, Claim("k1", "b1", other.key), Head(("project/2",))) is Added.CLAIMED
    assert store.step(other.key) is None
    assert store.add(other, None, None) is Added.ADDED


def test_a_claim_tells_whose_it_is(store: StepStore) -> None:
    claim = Claim("k1", "body", StepKey(STREAM, 1))
    store.add(step(), claim, None)
    assert store.claim("k1") == claim
    assert store.claim("k2") is None
    assert store.add(step(1, writer="w2"), claim, None) is Added.CLAIMED


def test_pending_steps_are_listed_oldest_first_until_they_are_marked(store: StepStore) -> None:
    for number in (3, 1, 2):
        store.add(step(stream=f"request/{number}", minutes=number, writer=f"w{number}"), None, None)
    keys = [StepKey(StreamId(f"request/{number}"), 1) for number in (1, 2, 3)]
    assert store.pending(10) == keys
    assert store.pending(2) == keys[:2]
    store.mark_committed([Mark(keys[0], 7, 40), Mark(keys[2], 7, 41)])
    assert store.pending(10) == [keys[1]]
    marked = store.step(keys[2])
    assert marked is not None
    assert (marked.batch, marked.index) == (7, 41)
    assert replace(marked, batch=None, index=None) == step(stream="request/3", minutes=3, writer="w3")


def test_a_mark_may_be_repeated_but_never_moved(store: StepStore) -> None:
    store.add(step(), None, None)
    mark = Mark(StepKey(STREAM, 1), 1, 0)
    store.mark_committed([mark])
    store.mark_committed([mark])
    for moved in (Mark(mark.key, 1, 5), Mark(mark.key, 2, 0), Mark(StepKey(STREAM, 2), 1, 1)):
        with pytest.raises(StorageRefusedError):
            store.mark_committed([moved])
    assert store.stream(STREAM) == [replace(step(), batch=1, index=0)]


def test_many_marks_and_reads_at_once(store: StepStore) -> None:
    keys = [StepKey(StreamId(f"attempt/{number:02}"), 1) for number in range(30)]
    for key in keys:
        store.add(step(stream=key.stream, writer=f"w-{key.stream}"), None, None)
    store.mark_committed([Mark(key, 1, index) for index, key in enumerate(keys)])
    found = {one.key: one.index for one in store.steps(keys)}
    assert found == {key: index for index, key in enumerate(keys)}
    assert store.pending(100) == []


def test_one_writer_leads_until_it_rests_and_leaves_the_newest_batch_to_the_next(store: StepStore) -> None:
    later = AT + timedelta(seconds=2)
    assert store.lead("w1", AT, later) == Lead(0)
    assert store.lead("w1", AT, later) == Lead(0)
    assert store.lead("w2", AT, later) is None
    assert store.newest_batch() == 0
    store.rest("w1", 7)
    assert store.newest_batch() == 7
    assert store.lead("w2", AT, later) == Lead(7)
    store.rest("w1", 3)
    assert store.lead("w3", AT, later) is None
    store.rest("w2", 8)
    assert store.lead("w3", AT, later) == Lead(8)


def test_a_lead_that_nobody_gives_back_ends_by_itself(store: StepStore) -> None:
    later = AT + timedelta(seconds=2)
    store.lead("w1", AT, later)
    assert store.lead("w2", later - timedelta(milliseconds=1), later) is None
    assert store.lead("w2", later, later + timedelta(seconds=2)) == Lead(0)
    store.rest("w1", 5)
    assert store.lead("w3", later, later) is None


def test_two_writers_that_ask_at_once_do_not_both_lead(dynamodb: DynamoDBClient) -> None:
    later = AT + timedelta(seconds=2)
    first, second = DynamoDbSteps(dynamodb, TABLE), DynamoDbSteps(dynamodb, TABLE)
    answers: list[Lead | None] = []

    def between(**_: object) -> None:
        if not answers:
            answers.append(Lead(-1))
            answers[0] = second.lead("w2", AT, later)

    dynamodb.meta.events.register("before-call.dynamodb.UpdateItem", between)
    assert first.lead("w1", AT, later) is None
    assert answers == [Lead(0)]


def test_more_steps_than_one_call_takes_are_marked_and_read(store: StepStore) -> None:
    keys = [StepKey(StreamId(f"attempt/{number:03}"), 1) for number in range(205)]
    for key in keys:
        store.add(step(stream=key.stream, writer=f"w-{key.stream}"), None, None)
    store.mark_committed([Mark(key, 1, index) for index, key in enumerate(keys)])
    found = store.steps([*keys, StepKey(STREAM, 1), keys[0]])
    assert {one.key: one.index for one in found} == {key: index for index, key in enumerate(keys)}
    assert len(found) == len(keys)


def test_one_mark_that_does_not_fit_is_refused(store: StepStore) -> None:
    keys = [StepKey(StreamId(f"attempt/{number}"), 1) for number in range(3)]
    for key in keys:
        store.add(step(stream=key.stream, writer=f"w-{key.stream}"), None, None)
    store.mark_committed([Mark(keys[1], 1, 5)])
    with pytest.raises(StorageRefusedError):
        store.mark_committed([Mark(key, 2, index) for index, key in enumerate(keys)])
    with pytest.raises(StorageRefusedError):
        store.mark_committed([Mark(StepKey(STREAM, 1), 2, 9)])


def test_what_dynamodb_leaves_of_a_batch_is_asked_for_again() -> None:
    keys = [StepKey(StreamId(f"attempt/{number}"), 1) for number in range(2)]
    items = [
        {
            "pk": {"S": key.stream},
            "sk": {"S": "step#000000000001"},
            "lines": {"L": [{"B": b"{}"}]},
            "writer": {"S": "w"},
            "at": {"S": "2026-11-02T09:00:00.000000Z"},
        }
        for key in keys
    ]
    left = {TABLE: {"Keys": [{"pk": {"S": keys[1].stream}, "sk": {"S": "step#000000000001"}}]}}
    client = _client_alone()
    with Stubber(client) as stub:
        stub.add_response("batch_get_item", {"Responses": {TABLE: items[:1]}, "UnprocessedKeys": left})
        stub.add_response("batch_get_item", {"Responses": {TABLE: items[1:]}, "UnprocessedKeys": {}})
        assert [one.key for one in DynamoDbSteps(client, TABLE).steps(keys)] == keys
        stub.add_response("batch_get_item", {"Responses": {}, "UnprocessedKeys": left})
        with pytest.raises(StorageBusyError):
            DynamoDbSteps(client, TABLE).steps(keys)


def test_listings_are_in_order_of_id_and_page(store: StepStore) -> None:
    for number in (2, 3, 1):
        store.add(step(stream=f"request/{number}", writer=f"w{number}"), None, Head(("project/1", "domain/gp")))
    names = [StreamId(f"request/{number}") for number in (1, 2, 3)]
    assert store.listed("project/1", None, 10) == names
    assert store.listed("domain/gp", None, 2) == names[:2]
    assert store.listed("project/1", names[0], 1) == [names[1]]
    assert store.listed("project/1", names[2], 10) == []


def test_there_is_room_for_every_listing(store: StepStore) -> None:
    """20 domains of 20 organisations each are more than a transaction of DynamoDB takes."""
    listings = tuple(f"controller-requests/{number:04}" for number in range(400))
    assert store.add(step(), Claim("k1", "b1", StepKey(STREAM, 1)), Head(listings)) is Added.ADDED
    assert all(store.listed(listing, None, 10) == [STREAM] for listing in listings)


def test_a_head_takes_the_place_of_the_one_before_but_keeps_listings(store: StepStore) -> None:
    store.add(step(), None, Head(("project/1",), AT))
    assert store.due(AT, 10) == [STREAM]
    assert store.due(AT - timedelta(seconds=1), 10) == []
    store.add(step(2, writer="w2"), None, None)
    assert store.due(AT, 10) == [STREAM]
    store.add(step(3, writer="w3"), None, Head(("domain/gp",), AT + timedelta(days=1)))
    assert store.due(AT, 10) == []
    assert store.due(AT + timedelta(days=2), 10) == [STREAM]
    store.add(step(4, writer="w4"), None, Head())
    assert store.due(AT + timedelta(days=2), 10) == []
    assert store.listed("project/1", None, 10) == store.listed("domain/gp", None, 10) == [STREAM]


def test_due_streams_come_longest_overdue_first(store: StepStore) -> None:
    for number in (2, 3, 1):
        head = Head(due_at=AT + timedelta(minutes=number))
        store.add(step(stream=f"request/{number}", writer=f"w{number}"), None, head)
    assert store.due(AT + timedelta(hours=1), 2) == ["request/1", "request/2"]


def test_a_step_of_full_size_is_stored(store: StepStore) -> None:
    line = b"x" * 60_000
    full = Step(StepKey(STREAM, 1), (line,) * 5, "w1", AT)
    assert store.add(full, None, None) is Added.ADDED
    assert store.step(full.key) == full


def test_claims_expire_after_thirty_days(dynamodb: DynamoDBClient) -> None:
    DynamoDbSteps(dynamodb, TABLE).add(step(), Claim("k1", "body", StepKey(STREAM, 1)), None)
    item = dynamodb.get_item(TableName=TABLE, Key={"pk": {"S": "claim#k1"}, "sk": {"S": "claim"}})["Item"]
    assert int(item["expires_at"]["N"]) == int((AT + timedelta(days=30)).timestamp())


def test_the_transaction_carries_the_writers_nonce_as_its_token(dynamodb: DynamoDBClient) -> None:
    sent: list[dict[str, Any]] = []
    dynamodb.meta.events.register(
        "provide-client-params.dynamodb.TransactWriteItems", lambda params, **_: sent.append(params)
    )
    DynamoDbSteps(dynamodb, TABLE).add(step(writer="0123456789abcdef0123456789abcdef"), None, None)
    assert sent[0]["ClientRequestToken"] == "0123456789abcdef0123456789abcdef"


FAULTS = [
    ("ProvisionedThroughputExceededException", 400, StorageBusyError),
    ("ThrottlingException", 400, StorageBusyError),
    ("RequestLimitExceeded", 400, StorageBusyError),
    ("TransactionInProgressException", 400, StorageUncertainError),
    ("InternalServerError", 500, StorageUncertainError),
    ("ServiceUnavailable", 503, StorageUncertainError),
    ("AccessDeniedException", 400, StorageRefusedError),
    ("ResourceNotFoundException", 400, StorageRefusedError),
    ("ValidationException", 400, StorageRefusedError),
]


@pytest.mark.parametrize(("code", "status", "error"), FAULTS)
def test_what_dynamodb_answers_is_told_apart(code: str, status: int, error: type[Exception]) -> None:
    client = _client_alone()
    with Stubber(client) as stub:
        for method in ("transact_write_items", "get_item", "query", "update_item", "batch_get_item"):
            stub.add_client_error(method, code, http_status_code=status)
        store = DynamoDbSteps(client, TABLE)
        with pytest.raises(error):
            store.add(step(), None, None)
        with pytest.raises(error):
            store.claim("k1")
        with pytest.raises(error):
            store.stream(STREAM)
        with pytest.raises(error):
            store.rest("w1", 1)
        with pytest.raises(error):
            store.steps([StepKey(STREAM, 1), StepKey(STREAM, 2)])


@pytest.mark.parametrize(
    ("codes", "outcome"),
    [
        (["ConditionalCheckFailed", "ConditionalCheckFailed", "ConditionalCheckFailed"], Added.CLAIMED),
        (["None", "None", "ConditionalCheckFailed"], Added.CLAIMED),
        (["None", "ConditionalCheckFailed", "None"], Added.STALE),
        (["ConditionalCheckFailed", "None", "None"], Added.STALE),
        (["TransactionConflict", "ConditionalCheckFailed", "None"], Added.STALE),
        (["None", "TransactionConflict", "None"], StorageBusyError),
        (["ThrottlingError", "None", "None"], StorageBusyError),
        (["None", "None", "ValidationError"], StorageRefusedError),
    ],
)
def test_why_a_transaction_was_cancelled(codes: list[str], outcome: Added | type[Exception]) -> None:
    client = _client_alone()
    with Stubber(client) as stub:
        stub.add_client_error(
            "transact_write_items",
            "TransactionCanceledException",
            modeled_fields={"CancellationReasons": [{"Code": code} for code in codes]},
        )
        store = DynamoDbSteps(client, TABLE)
        claim = Claim("k1", "body", StepKey(STREAM, 1))
        if isinstance(outcome, Added):
            assert store.add(step(), claim, None) is outcome
        else:
            with pytest.raises(outcome):
                store.add(step(), claim, None)


@pytest.mark.parametrize("fault", [EndpointConnectionError, ConnectTimeoutError, ReadTimeoutError])
def test_no_answer_is_uncertain(fault: type[Exception]) -> None:
    client = _client_alone()

    def unreachable(**_: object) -> None:
        raise fault(endpoint_url="https://example.invalid")

    client.meta.events.register("before-send.dynamodb", unreachable)
    with pytest.raises(StorageUncertainError):
        DynamoDbSteps(client, TABLE).add(step(), None, None)


def _client_alone() -> DynamoDBClient:
    return boto3.client(
        "dynamodb",
        region_name=REGION,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=CLIENT_CONFIG,
    )
