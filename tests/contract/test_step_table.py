"""The steps table as a whole on DynamoDB (played by moto): read exactly, and changed only as it was seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from unittest import mock

import boto3
import pytest
from botocore.stub import Stubber

from keyholder.adapters.step_table import DynamoDbStepTable
from keyholder.adapters.steps import DynamoDbSteps
from keyholder.ledger.ports import CLAIM_LIFETIME, Claim, Head, Mark, Step, StepKey, StorageBusyError
from keyholder.rebuilding.entries import (
    Change,
    ClaimEntry,
    Entry,
    HeadEntry,
    ListingEntry,
    StepEntry,
    StrayEntry,
    TableChangedError,
)
from keyholder.vocabulary import StreamId
from tests.contract.aws import REGION, TABLE, moto
from tests.contract.test_steps import AT, STREAM, _client, _table

KEY = StepKey(STREAM, 1)
STEP = Step(KEY, (b"one", b"two"), "writer", AT)
OTHER = StreamId("request/2")


@pytest.fixture
def steps() -> Iterator[DynamoDbSteps]:
    with moto():
        client = _client()
        _table(client)
        made = DynamoDbSteps(client, TABLE)
        made.add(STEP, Claim("key", "body", KEY), Head(("projects",), AT))
        yield made


@pytest.fixture
def table(steps: DynamoDbSteps) -> DynamoDbStepTable:
    return DynamoDbStepTable(_client(), TABLE)


def entries(table: DynamoDbStepTable) -> set[Entry]:
    return set(table.entries())


STORED: set[Entry] = {
    StepEntry(STEP),
    HeadEntry(STREAM, 2, AT),
    ClaimEntry("key", KEY, AT + CLAIM_LIFETIME, "body"),
    ListingEntry("projects", STREAM),
}


def test_what_is_added_reads_as_entries_and_the_lead_is_none_of_them(
    steps: DynamoDbSteps, table: DynamoDbStepTable
) -> None:
    steps.lead("somebody", AT, AT + timedelta(seconds=1))
    assert entries(table) == STORED
    steps.mark_committed([Mark(KEY, 3, 7)])
    assert entries(table) == STORED - {StepEntry(STEP)} | {StepEntry(replace(STEP, batch=3, index=7))}


def test_what_is_put_is_what_would_have_been_added(table: DynamoDbStepTable) -> None:
    client = boto3.client("dynamodb", REGION)
    before = client.scan(TableName=TABLE)["Items"]
    table.change([Change(entry, None) for entry in STORED])
    assert client.scan(TableName=TABLE)["Items"] == []
    table.change([Change(None, entry) for entry in STORED])
    assert sorted(client.scan(TableName=TABLE)["Items"], key=str) == sorted(before, key=str)


def test_an_item_that_is_more_or_less_than_its_entry_is_not_exact(table: DynamoDbStepTable) -> None:
    client = boto3.client("dynamodb", REGION)
    for item in client.scan(TableName=TABLE)["Items"]:
        client.put_item(TableName=TABLE, Item=item | {"more": {"S": "x"}})
    assert {replace(entry, exact=True) for entry in entries(table)} == STORED
    assert not any(entry.exact for entry in entries(table))
    for sk in ("step#000000000001", "step#1", "head", "other"):
        client.put_item(TableName=TABLE, Item={"pk": {"S": "request/9"}, "sk": {"S": sk}})
    client.put_item(TableName=TABLE, Item={"pk": {"S": "claim#9"}, "sk": {"S": "claim"}})
    found = {type(entry) for entry in entries(table) if "9" in str(entry)}
    assert found == {StepEntry, HeadEntry, ClaimEntry, StrayEntry}
    table.change([Change(entry, None) for entry in entries(table)])
    assert entries(table) == set()


def test_what_is_not_as_it_was_seen_is_not_changed(steps: DynamoDbSteps, table: DynamoDbStepTable) -> None:
    step, head = StepEntry(STEP), HeadEntry(STREAM, 2, AT)
    claim = ClaimEntry("key", KEY, AT + CLAIM_LIFETIME, "body")
    marked = StepEntry(replace(STEP, batch=3, index=7))
    for stale in (
        Change(None, step),
        Change(replace(step, step=replace(STEP, writer="other")), None),
        Change(marked, step),
        Change(None, head),
        Change(replace(head, newest=1), None),
        Change(None, claim),
        Change(replace(claim, step=StepKey(OTHER, 1)), None),
        Change(StrayEntry(("not", "there")), None),
    ):
        with pytest.raises(TableChangedError):
            table.change([stale])
    assert entries(table) == STORED
    steps.mark_committed([Mark(KEY, 3, 7)])
    with pytest.raises(TableChangedError):
        table.change([Change(step, None)])


def test_many_changes_are_made_in_order_and_stop_where_one_can_not_be(table: DynamoDbStepTable) -> None:
    new = [HeadEntry(StreamId(f"request/new-{number}"), 1) for number in range(150)]
    with pytest.raises(TableChangedError):
        table.change([*(Change(None, entry) for entry in new), Change(None, HeadEntry(STREAM, 2, AT))])
    assert entries(table) == STORED | set(new[:100])


def test_large_steps_go_into_several_transactions(table: DynamoDbStepTable) -> None:
    """DynamoDB takes 4 MB in one, which moto does not say."""
    keys = [StepKey(StreamId(f"request/large-{number}"), 1) for number in range(15)]
    large = [StepEntry(Step(key, (b"x" * 290_000,), "w", AT, place, 1)) for place, key in enumerate(keys)]
    sizes: list[int] = []
    write = table._write
    with mock.patch.object(table, "_write", lambda page: (sizes.append(len(page)), write(page))):
        table.change([Change(None, entry) for entry in large])
    assert sizes == [10, 5]
    assert set(large) <= entries(table)


def test_who_leads_may_close_and_only_they_open_again(steps: DynamoDbSteps, table: DynamoDbStepTable) -> None:
    assert not table.close("rebuild")
    later = AT + timedelta(days=400)
    steps.lead("rebuild", AT, AT + timedelta(seconds=1))
    steps.rest("rebuild", 7)
    steps.lead("rebuild", AT, AT + timedelta(seconds=1))
    assert not table.close("somebody")
    assert table.close("rebuild")
    assert steps.newest_batch() == 0
    assert steps.lead("somebody", later, later) is None
    assert steps.lead("rebuild", later, later) is not None
    steps.rest("rebuild", 9)
    taken = steps.lead("somebody", later, later)
    assert taken is not None
    assert taken.newest == 9


def test_a_table_that_is_busy_says_so(table: DynamoDbStepTable) -> None:
    client = _client()
    busy = DynamoDbStepTable(client, TABLE)
    with Stubber(client) as stub:
        stub.add_client_error("scan", "ProvisionedThroughputExceededException", http_status_code=400)
        with pytest.raises(StorageBusyError):
            list(busy.entries())
