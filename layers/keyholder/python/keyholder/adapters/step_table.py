"""The steps table as a whole: every item read, and items put where the journal says they belong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from keyholder.adapters.step_items import (
    CLAIM,
    CLAIMS,
    HEAD,
    LEAD,
    LISTINGS,
    STEP,
    claim_item,
    claim_place,
    head_item,
    head_place,
    listing_item,
    listing_place,
    place,
    read_claim,
    read_step,
    step_item,
    step_place,
)
from keyholder.adapters.storage_faults import cancellation_codes, cancellation_fault, storage_faults
from keyholder.ledger.event import parse_rfc3339, rfc3339
from keyholder.ledger.ports import Claim, Step, StepKey, StorageRefusedError
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

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import (
        AttributeValueTypeDef,
        DeleteTypeDef,
        PutTypeDef,
        TransactWriteItemTypeDef,
    )

    from keyholder.adapters.step_items import Item

_MOST_ITEMS = 100
_MOST_BYTES = 3_000_000
"""In one transaction, of which DynamoDB takes 4 MB."""


_NOWHERE = StepKey(StreamId(""), 1)
_NO_TIME = datetime.min.replace(tzinfo=UTC)
_WITHOUT_END = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Condition:
    """A condition on an item. An attribute's name and value have its name after `#` and `:`."""

    expression: str
    values: Item = field(default_factory=dict)

    def bind(self, write: PutTypeDef | DeleteTypeDef) -> None:
        """Let `write` happen on this condition only."""
        write["ConditionExpression"] = self.expression
        if self.values:
            write["ExpressionAttributeNames"] = {f"#{name}": name for name in self.values}
            write["ExpressionAttributeValues"] = {f":{name}": value for name, value in self.values.items()}


class DynamoDbStepTable:
    """Implements `rebuilding.entries.StepTable`.

    Needs `dynamodb:Scan`, `PutItem`, `UpdateItem` and `DeleteItem` on the table, which no other part of Keyholder does.
    """

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._db = dynamodb
        self._table = table

    def entries(self) -> Iterator[Entry]:
        """A consistent scan, page by page."""
        pages = iter(self._db.get_paginator("scan").paginate(TableName=self._table, ConsistentRead=True))
        while True:
            with storage_faults():
                page = next(pages, None)
            if page is None:
                return
            yield from (entry for entry in map(_read, page["Items"]) if entry is not None)

    def change(self, changes: Sequence[Change]) -> None:
        """Up to a hundred in one transaction, each on the condition that its place is as it was seen."""
        page: list[TransactWriteItemTypeDef] = []
        size = 0
        for one in changes:
            weight = _weight(one)
            if page and (len(page) == _MOST_ITEMS or size + weight > _MOST_BYTES):
                self._write(page)
                page, size = [], 0
            page.append(self._written(one))
            size += weight
        if page:
            self._write(page)

    def close(self, writer: str) -> bool:
        """One conditional update of the lead."""
        with storage_faults():
            try:
                self._db.update_item(
                    TableName=self._table,
                    Key=place(*LEAD),
                    UpdateExpression="SET #until = :until REMOVE #batch",
                    ConditionExpression="leader = :writer",
                    ExpressionAttributeNames={"#batch": "batch", "#until": "until"},
                    ExpressionAttributeValues={":writer": {"S": writer}, ":until": {"S": rfc3339(_WITHOUT_END)}},
                )
            except self._db.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def _write(self, page: Sequence[TransactWriteItemTypeDef]) -> None:
        try:
            with storage_faults():
                self._db.transact_write_items(TransactItems=page)
        except StorageRefusedError as refused:
            if "ConditionalCheckFailed" in cancellation_codes(refused):
                raise TableChangedError("the table is not as it was seen") from refused
            raise cancellation_fault(refused) from refused

    def _written(self, change: Change) -> TransactWriteItemTypeDef:
        entry = change.wanted or change.seen
        if entry is None:
            raise ValueError("a change of nothing into nothing")
        condition = _as_seen(change.seen)
        if change.wanted is None:
            delete: DeleteTypeDef = {"TableName": self._table, "Key": _place(entry)}
            condition.bind(delete)
            return {"Delete": delete}
        put: PutTypeDef = {"TableName": self._table, "Item": _item(entry)}
        condition.bind(put)
        return {"Put": put}


def _read(item: Item) -> Entry | None:
    """The entry of an item, None for the lead. It is exact where writing it again would give this very item."""
    pk, sk = item["pk"]["S"], item["sk"]["S"]
    if (pk, sk) == LEAD:
        return None
    try:
        entry = _entry(item, pk, sk)
        return entry if _item(entry) == item else replace(entry, exact=False)
    except (KeyError, ValueError, TypeError):
        return _spoilt(pk, sk)


def _entry(item: Item, pk: str, sk: str) -> Entry:
    """Raises `KeyError`, `ValueError` or `TypeError` for an item that can't be read."""
    if pk.startswith(CLAIMS) and sk == CLAIM:
        claim, until = read_claim(item)
        return ClaimEntry(claim.key, claim.step, until, claim.body)
    if pk.startswith(LISTINGS):
        return ListingEntry(pk.removeprefix(LISTINGS), StreamId(sk))
    if sk == HEAD:
        due_at = parse_rfc3339(item["due_at"]["S"]) if "due_at" in item else None
        return HeadEntry(StreamId(pk), int(item["newest"]["N"]), due_at)
    if sk.startswith(STEP):
        return StepEntry(read_step(item))
    return StrayEntry((pk, sk))


def _spoilt(pk: str, sk: str) -> Entry:
    """What stands in the place of an entry and can't be read as one."""
    if pk.startswith(CLAIMS) and sk == CLAIM:
        return ClaimEntry(pk.removeprefix(CLAIMS), _NOWHERE, _NO_TIME, exact=False)
    if sk == HEAD:
        return HeadEntry(StreamId(pk), 0, exact=False)
    if sk.startswith(STEP) and sk.removeprefix(STEP).isdecimal():
        key = StepKey(StreamId(pk), int(sk.removeprefix(STEP)))
        if step_place(key) == place(pk, sk):
            return StepEntry(Step(key, (), "", _NO_TIME), exact=False)
    return StrayEntry((pk, sk))


def _item(entry: Entry) -> dict[str, AttributeValueTypeDef]:
    match entry:
        case StepEntry(step):
            return step_item(step)
        case HeadEntry(stream, newest, due_at):
            return head_item(stream, newest, due_at)
        case ClaimEntry(key, step, until, body):
            return claim_item(Claim(key, body, step), until)
        case ListingEntry(listing, stream):
            return listing_item(listing, stream)
        case StrayEntry(where):
            return place(*where)


def _place(entry: Entry) -> dict[str, AttributeValueTypeDef]:
    match entry:
        case StepEntry(step):
            return step_place(step.key)
        case HeadEntry(stream):
            return head_place(stream)
        case ClaimEntry(key):
            return claim_place(key)
        case ListingEntry(listing, stream):
            return listing_place(listing, stream)
        case StrayEntry(where):
            return place(*where)


def _as_seen(seen: Entry | None) -> _Condition:
    """Whoever adds a step changes these attributes, so what is not as it was seen is not overwritten."""
    match seen:
        case None:
            return _Condition("attribute_not_exists(pk)")
        case StepEntry(step, exact=True) if step.index is None:
            return _Condition("#writer = :writer AND attribute_not_exists(leaf)", {"writer": {"S": step.writer}})
        case StepEntry(step, exact=True):
            return _Condition("#leaf = :leaf", {"leaf": {"N": str(step.index)}})
        case HeadEntry(_, newest, exact=True):
            return _Condition("#newest = :newest", {"newest": {"N": str(newest)}})
        case ClaimEntry(_, step, exact=True):
            return _Condition(
                "#stream = :stream AND #first = :first",
                {"stream": {"S": step.stream}, "first": {"N": str(step.first)}},
            )
        case _:
            return _Condition("attribute_exists(pk)")


def _weight(change: Change) -> int:
    """About how many bytes are written."""
    return 1_000 + (sum(map(len, change.wanted.step.lines)) if isinstance(change.wanted, StepEntry) else 0)
