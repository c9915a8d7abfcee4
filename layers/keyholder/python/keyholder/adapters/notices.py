"""What was announced and what was told, in one DynamoDB table. It can all be lost: then somebody is told twice.

| pk | sk | holds |
|---|---|---|
| `announced` | `batch` | the number of the last batch of the journal that was announced |
| `<stream>#<event number>` | person | `until` while an attempt has the message, `sent_at` once it was sent |

What was told is gone after 90 days (TTL).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from keyholder.adapters.storage_faults import storage_faults
from keyholder.ledger.event import rfc3339
from keyholder.notices.notifying import Turn

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = dict[str, AttributeValueTypeDef]

KEPT = timedelta(days=90)


class DynamoDbPositions:
    """Implements `notices.announcing.Positions`. Needs `dynamodb:GetItem` and `PutItem`."""

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._db = dynamodb
        self._table = table

    def announced(self) -> int | None:
        with storage_faults():
            answer = self._db.get_item(TableName=self._table, Key=_POSITION, ConsistentRead=True)
        return int(answer["Item"]["position"]["N"]) if "Item" in answer else None

    def note_announced(self, batch: int) -> None:
        with storage_faults():
            self._db.put_item(TableName=self._table, Item={**_POSITION, "position": {"N": str(batch)}})


class DynamoDbTold:
    """Implements `notices.notifying.Told`. Needs `dynamodb:UpdateItem` and `GetItem`."""

    def __init__(self, dynamodb: DynamoDBClient, table: str) -> None:
        self._db = dynamodb
        self._table = table

    def take(self, key: str, person: str, now: datetime, until: datetime) -> Turn:
        place = _place(key, person)
        with storage_faults():
            try:
                self._db.update_item(
                    TableName=self._table,
                    Key=place,
                    UpdateExpression="SET #until = :until, expires_at = :expires",
                    ConditionExpression=_FREE,
                    ExpressionAttributeNames={"#until": "until"},
                    ExpressionAttributeValues={
                        ":until": {"S": rfc3339(until)},
                        ":now": {"S": rfc3339(now)},
                        ":expires": {"N": _expiry(now)},
                    },
                )
            except self._db.exceptions.ConditionalCheckFailedException:
                found = self._db.get_item(TableName=self._table, Key=place, ConsistentRead=True).get("Item", {})
                return Turn.SENT if "sent_at" in found else Turn.TAKEN
        return Turn.YOURS

    def sent(self, key: str, person: str, now: datetime) -> None:
        with storage_faults():
            self._db.update_item(
                TableName=self._table,
                Key=_place(key, person),
                UpdateExpression="SET sent_at = :now, expires_at = :expires REMOVE #until",
                ExpressionAttributeNames={"#until": "until"},
                ExpressionAttributeValues={":now": {"S": rfc3339(now)}, ":expires": {"N": _expiry(now)}},
            )


_FREE = "attribute_not_exists(sent_at) AND (attribute_not_exists(#until) OR #until <= :now)"
_POSITION: Item = {"pk": {"S": "announced"}, "sk": {"S": "batch"}}


def _place(key: str, person: str) -> Item:
    return {"pk": {"S": key}, "sk": {"S": person}}


def _expiry(now: datetime) -> str:
    return str(int((now + KEPT).timestamp()))
