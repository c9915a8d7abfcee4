"""Steps, heads, claims and listings in one DynamoDB table, each step in one transaction; `step_items` has the items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from keyholder.adapters.step_items import (
    LEAD,
    LISTINGS,
    STEP,
    claim_item,
    claim_place,
    due_attributes,
    head_place,
    listing_item,
    place,
    read_claim,
    read_key,
    read_step,
    step_item,
    step_place,
)
from keyholder.adapters.storage_faults import cancellation_codes, cancellation_fault, storage_faults
from keyholder.ledger.event import rfc3339
from keyholder.ledger.ports import (
    CLAIM_LIFETIME,
    Added,
    Claim,
    Head,
    Lead,
    Mark,
    Step,
    StepKey,
    StorageBusyError,
    StorageRefusedError,
)
from keyholder.vocabulary import StreamId

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        QueryInputPaginateTypeDef,
        TransactWriteItemTypeDef,
        UpdateTypeDef,
    )

    from keyholder.adapters.step_items import Item

MOST_LISTINGS = 90
"""Listings that are written in one transaction with their step: a transaction has at most 100 items."""

_LEAD = place(*LEAD)
_MOST_ITEMS = 100

T = TypeVar("T")


class DynamoDbSteps:
    """Implements `ledger.ports.StepStore`. Build the client with `storage_faults.CLIENT_CONFIG`.

    Needs `dynamodb:GetItem`, `BatchGetItem`, `PutItem`, `UpdateItem` and `Query` on the table, and `Query` on its
    indexes.
    """

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._db = dynamodb
        self._table = table

    def stream(self, stream: StreamId) -> Sequence[Step]:
        """All steps of a stream in order."""
        pages = self._pages(
            {
                "TableName": self._table,
                "KeyConditionExpression": "pk = :pk AND begins_with(sk, :step)",
                "ExpressionAttributeValues": {":pk": {"S": stream}, ":step": {"S": STEP}},
                "ConsistentRead": True,
            }
        )
        return [read_step(item) for item in pages]

    def last(self, stream: StreamId) -> Step | None:
        """The newest step of a stream."""
        with storage_faults():
            answer = self._db.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :step)",
                ExpressionAttributeValues={":pk": {"S": stream}, ":step": {"S": STEP}},
                ConsistentRead=True,
                ScanIndexForward=False,
                Limit=1,
            )
        return next((read_step(item) for item in answer["Items"]), None)

    def step(self, key: StepKey) -> Step | None:
        """One step, read consistently."""
        item = self._get(step_place(key))
        return read_step(item) if item else None

    def steps(self, keys: Sequence[StepKey]) -> Sequence[Step]:
        """Those of `keys` that exist, each read consistently."""
        if len(keys) == 1:
            step = self.step(keys[0])
            return [] if step is None else [step]
        wanted: list[Item] = [step_place(key) for key in dict.fromkeys(keys)]
        return [read_step(item) for page in _pages_of(wanted) for item in self._got(page)]

    def add(self, step: Step, claim: Claim | None, head: Head | None) -> Added:
        """One transaction. Its token is the writer's nonce, so that DynamoDB itself knows a repeated call again.

        Listings it has no room for are written before it. A listing is a hint, which every reader holds against the
        stream; one too many shows nothing, one too few would hide a request from whoever has to decide it.
        """
        listings = list(dict.fromkeys(head.listings)) if head is not None else []
        self._list(step.key.stream, listings[MOST_LISTINGS:])
        items = [self._step_item(step), self._head_item(step, head)]
        if claim is not None:
            items.append(self._claim_item(claim, step.at))
        items += [self._listing_item(listing, step.key.stream) for listing in listings[:MOST_LISTINGS]]
        try:
            with storage_faults():
                self._db.transact_write_items(TransactItems=items, ClientRequestToken=step.writer[:36])
        except StorageRefusedError as refused:
            return _cancelled(refused, claimed=claim is not None)
        return Added.ADDED

    def _list(self, stream: StreamId, listings: Sequence[str]) -> None:
        for page in _pages_of(listings):
            with storage_faults():
                self._db.transact_write_items(TransactItems=[self._listing_item(listing, stream) for listing in page])

    def claim(self, key: str) -> Claim | None:
        """The claim on an idempotency key."""
        item = self._get(claim_place(key))
        return read_claim(item)[0] if item else None

    def pending(self, limit: int) -> Sequence[StepKey]:
        """Keys from the sparse index, oldest first; the index follows the table with a delay."""
        pages = self._pages(
            {
                "TableName": self._table,
                "IndexName": "pending",
                "KeyConditionExpression": "pending = :pending",
                "ExpressionAttributeValues": {":pending": {"S": "pending"}},
                "PaginationConfig": {"MaxItems": limit},
            }
        )
        return [read_key(item) for item in pages]

    def mark_committed(self, marks: Sequence[Mark]) -> None:
        """One update a step; of many, a hundred in one transaction."""
        if len(marks) == 1:
            if not self._update_unless(self._mark(marks[0])):
                raise StorageRefusedError("a committed step is missing, or stands elsewhere")
            return
        for page in _pages_of(marks):
            items: list[TransactWriteItemTypeDef] = [{"Update": self._mark(mark)} for mark in page]
            try:
                with storage_faults():
                    self._db.transact_write_items(TransactItems=items)
            except StorageRefusedError as refused:
                raise cancellation_fault(refused) from refused

    def lead(self, writer: str, now: datetime, until: datetime) -> Lead | None:
        """Looks before it asks: a refused write costs what eight such reads do, and many wait at one item."""
        if _led_by_another(self._get(_LEAD, consistent=False), writer, now):
            return None
        with storage_faults():
            try:
                answer = self._db.update_item(
                    TableName=self._table,
                    Key=_LEAD,
                    UpdateExpression="SET leader = :writer, #until = :until",
                    ConditionExpression="attribute_not_exists(leader) OR leader = :writer OR #until <= :now",
                    ExpressionAttributeNames={"#until": "until"},
                    ExpressionAttributeValues={
                        ":writer": {"S": writer},
                        ":until": {"S": rfc3339(until)},
                        ":now": {"S": rfc3339(now)},
                    },
                    ReturnValues="ALL_NEW",
                )
            except self._db.exceptions.ConditionalCheckFailedException:
                return None
        newest = answer["Attributes"].get("batch")
        return Lead(int(newest["N"]) if newest else 0)

    def rest(self, writer: str, newest: int) -> None:
        """One conditional update; it fails where the lead was lost, and then there is nothing to give back."""
        self._update_unless(
            {
                "TableName": self._table,
                "Key": _LEAD,
                "UpdateExpression": "SET #batch = :batch REMOVE leader, #until",
                "ConditionExpression": "leader = :writer",
                "ExpressionAttributeNames": {"#batch": "batch", "#until": "until"},
                "ExpressionAttributeValues": {":batch": {"N": str(newest)}, ":writer": {"S": writer}},
            }
        )

    def newest_batch(self) -> int:
        """The hint, 0 where there is none yet."""
        newest = self._get(_LEAD).get("batch")
        return int(newest["N"]) if newest else 0

    def listed(self, listing: str, after: StreamId | None, limit: int) -> Sequence[StreamId]:
        """Streams of a listing in order of their ids."""
        pages = self._pages(
            {
                "TableName": self._table,
                "KeyConditionExpression": "pk = :pk AND sk > :after" if after else "pk = :pk",
                "ExpressionAttributeValues": {
                    ":pk": {"S": f"{LISTINGS}{listing}"},
                    **({":after": {"S": str(after)}} if after else {}),
                },
                "ConsistentRead": True,
                "PaginationConfig": {"MaxItems": limit},
            }
        )
        return [StreamId(item["sk"]["S"]) for item in pages]

    def due(self, before: datetime, limit: int) -> Sequence[StreamId]:
        """Streams from the sparse index, the longest overdue first."""
        pages = self._pages(
            {
                "TableName": self._table,
                "IndexName": "due",
                "KeyConditionExpression": "due = :due AND due_at <= :before",
                "ExpressionAttributeValues": {":due": {"S": "due"}, ":before": {"S": rfc3339(before)}},
                "PaginationConfig": {"MaxItems": limit},
            }
        )
        return [StreamId(item["pk"]["S"]) for item in pages]

    def _step_item(self, step: Step) -> TransactWriteItemTypeDef:
        return self._new(step_item(step))

    def _head_item(self, step: Step, head: Head | None) -> TransactWriteItemTypeDef:
        values: dict[str, AttributeValueTypeDef] = {":newest": {"N": str(step.last)}}
        expression = "SET newest = :newest"
        if head is not None and head.due_at is not None:
            expression += ", due = :due, due_at = :due_at"
            values |= {f":{name}": value for name, value in due_attributes(head.due_at).items()}
        elif head is not None:
            expression += " REMOVE due, due_at"
        condition = "attribute_not_exists(pk)"
        if step.key.first > 1:
            condition = "newest = :before"
            values[":before"] = {"N": str(step.key.first - 1)}
        return {
            "Update": {
                "TableName": self._table,
                "Key": head_place(step.key.stream),
                "UpdateExpression": expression,
                "ConditionExpression": condition,
                "ExpressionAttributeValues": values,
            }
        }

    def _claim_item(self, claim: Claim, at: datetime) -> TransactWriteItemTypeDef:
        return self._new(claim_item(claim, at + CLAIM_LIFETIME))

    def _new(self, item: Item) -> TransactWriteItemTypeDef:
        return {
            "Put": {"TableName": self._table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"},
        }

    def _listing_item(self, listing: str, stream: StreamId) -> TransactWriteItemTypeDef:
        return {"Put": {"TableName": self._table, "Item": listing_item(listing, stream)}}

    def _mark(self, mark: Mark) -> UpdateTypeDef:
        return {
            "TableName": self._table,
            "Key": step_place(mark.key),
            "UpdateExpression": "SET #batch = :batch, leaf = :leaf REMOVE pending, pending_at",
            "ConditionExpression": "attribute_exists(pk) AND "
            "(attribute_not_exists(leaf) OR (leaf = :leaf AND #batch = :batch))",
            "ExpressionAttributeNames": {"#batch": "batch"},
            "ExpressionAttributeValues": {":batch": {"N": str(mark.batch)}, ":leaf": {"N": str(mark.index)}},
        }

    def _update_unless(self, update: UpdateTypeDef) -> bool:
        """Whether the update's condition held."""
        with storage_faults():
            try:
                self._db.update_item(**update)
            except self._db.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def _get(self, key: Item, *, consistent: bool = True) -> Item:
        with storage_faults():
            return self._db.get_item(TableName=self._table, Key=key, ConsistentRead=consistent).get("Item", {})

    def _got(self, keys: Sequence[Item]) -> list[Item]:
        """Up to 100 items, each read consistently. DynamoDB may leave some for the next call (16 MB, throttled)."""
        found: list[Item] = []
        while keys:
            with storage_faults():
                answer = self._db.batch_get_item(RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}})
            items = answer["Responses"].get(self._table, [])
            unprocessed = answer["UnprocessedKeys"].get(self._table)
            left = unprocessed["Keys"] if unprocessed else []
            if left and not items:
                raise StorageBusyError("no item of a batch could be read for now")
            found += items
            keys = left
        return found

    def _pages(self, query: QueryInputPaginateTypeDef) -> list[Item]:
        with storage_faults():
            pages = self._db.get_paginator("query").paginate(**query)
            return [item for page in pages for item in page["Items"]]


def _cancelled(refused: StorageRefusedError, *, claimed: bool) -> Added:
    """Why a transaction was cancelled; its reasons stand in the order of its items: step, head, claim, listings."""
    codes = cancellation_codes(refused)
    if claimed and codes[2:3] == ["ConditionalCheckFailed"]:
        return Added.CLAIMED
    if "ConditionalCheckFailed" in codes[:2]:
        return Added.STALE
    raise cancellation_fault(refused) from refused.__cause__


def _led_by_another(item: Item, writer: str, now: datetime) -> bool:
    return "leader" in item and item["leader"]["S"] != writer and item["until"]["S"] > rfc3339(now)


def _pages_of(all_of: Sequence[T]) -> Iterator[Sequence[T]]:
    """DynamoDB reads, and writes in one transaction, 100 items at most."""
    return (all_of[start : start + _MOST_ITEMS] for start in range(0, len(all_of), _MOST_ITEMS))
