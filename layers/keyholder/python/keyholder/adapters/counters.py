"""Releases counted for the volume limits, in one DynamoDB table, in the order of time.

| pk | sk | holds |
|---|---|---|
| `release` | time, release, part | the request, who asked, their organisation, digests of up to 40,000 patients |

A part has at most 320 KB, below DynamoDB's 400. Rows go by themselves (TTL) when no window of the limits reaches them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from keyholder.adapters.storage_faults import storage_faults
from keyholder.ledger.event import parse_rfc3339, rfc3339
from keyholder.ledger.ports import StorageBusyError, StorageRefusedError, StorageUncertainError
from keyholder.limits.counting import LONGEST, PATIENT_BYTES, Reserved
from keyholder.limits.limiter import CountersUnavailableError
from keyholder.vocabulary import OrganisationCode, PersonId

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = dict[str, AttributeValueTypeDef]

PART = 40_000 * PATIENT_BYTES
KEPT = LONGEST + timedelta(days=2)
_PARTITION: AttributeValueTypeDef = {"S": "release"}
_FAULTS = (StorageBusyError, StorageRefusedError, StorageUncertainError)


class DynamoDbCounters:
    """Implements `limits.limiter.Counters`. Needs `dynamodb:PutItem`, `Query` and `DeleteItem` on the table."""

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._db = dynamodb
        self._table = table

    def reserve(self, reserved: Reserved) -> None:
        for item in _items(reserved):
            self._put(item)

    def since(self, moment: datetime) -> Sequence[Reserved]:
        parts = sorted(self._parts(moment), key=lambda part: part["sk"]["S"])
        groups = groupby(parts, key=lambda part: part["sk"]["S"].rpartition("#")[0])
        return [_reserved([*found]) for _, found in groups]

    def forget(self, reserved: Reserved) -> None:
        for item in _items(reserved):
            self._remove(item)

    def _put(self, item: Item) -> None:
        try:
            with storage_faults():
                self._db.put_item(TableName=self._table, Item=item)
        except _FAULTS as fault:
            raise CountersUnavailableError from fault

    def _remove(self, item: Item) -> None:
        try:
            with storage_faults():
                self._db.delete_item(TableName=self._table, Key={"pk": item["pk"], "sk": item["sk"]})
        except _FAULTS as fault:
            raise CountersUnavailableError from fault

    def _parts(self, moment: datetime) -> Iterator[Item]:
        pages = self._db.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND sk >= :since",
            ExpressionAttributeValues={":pk": _PARTITION, ":since": {"S": rfc3339(moment)}},
            ConsistentRead=True,
        )
        try:
            with storage_faults():
                for page in pages:
                    yield from page["Items"]
        except _FAULTS as fault:
            raise CountersUnavailableError from fault


def _items(reserved: Reserved) -> Iterator[Item]:
    expires = int((reserved.at + KEPT).timestamp())
    for number, start in enumerate(range(0, max(len(reserved.patients), 1), PART)):
        yield {
            "pk": _PARTITION,
            "sk": {"S": f"{rfc3339(reserved.at)}#{reserved.release}#{number:04d}"},
            "request": {"S": reserved.request},
            "person": {"S": reserved.person},
            "organisation": {"S": reserved.organisation},
            "patients": {"B": reserved.patients[start : start + PART]},
            "expires_at": {"N": str(expires)},
        }


def _reserved(parts: Sequence[Item]) -> Reserved:
    first = parts[0]
    at, release, _ = first["sk"]["S"].split("#")
    return Reserved(
        release=release,
        request=first["request"]["S"],
        at=parse_rfc3339(at),
        person=PersonId(first["person"]["S"]),
        organisation=OrganisationCode(first["organisation"]["S"]),
        patients=b"".join(bytes(part["patients"]["B"]) for part in parts),
    )
