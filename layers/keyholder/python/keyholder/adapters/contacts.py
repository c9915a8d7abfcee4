"""Addresses for notices: one DynamoDB table, each sealed by KMS under a key of their own, the person in its context.

| pk | sk | holds |
|---|---|---|
| person | `current` | `version` (of the event that set or removed it), `sealed` unless it was removed |
| person | `former` | `sealed`: the address before the last change, for a week, so that a change is told to it too |
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from keyholder.adapters.storage_faults import storage_faults
from keyholder.ledger.ports import Clock, StorageRefusedError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    from keyholder.adapters.kms_seal import KmsSeal

    Item = dict[str, AttributeValueTypeDef]

from keyholder.vocabulary import PersonId

FORMER_FOR = timedelta(days=7)


class DynamoDbAddresses:
    """Implements `notices.contacts.Addresses`, for whoever registers them and can read none.

    Needs `dynamodb:GetItem`, `PutItem` and `DeleteItem`, and `kms:Encrypt`.
    """

    def __init__(self, dynamodb: DynamoDBClient, table: str, seal: KmsSeal, clock: Clock) -> None:
        self._db = dynamodb
        self._table = table
        self._seal = seal
        self._clock = clock

    def keep(self, person: PersonId, version: int, address: str) -> None:
        """The old one becomes the former one first, so that a change cut short in between loses neither."""
        before = self._current(person)
        if _version(before) >= version:
            return
        if "sealed" in before:
            expires = int((self._clock.now() + FORMER_FOR).timestamp())
            self._put({**_place(person, "former"), "sealed": before["sealed"], "expires_at": {"N": str(expires)}})
        with storage_faults():
            sealed = self._seal.seal(address.encode(), _context(person))
        self._put_newer(person, version, {"sealed": {"B": sealed}})

    def erase(self, person: PersonId, version: int) -> None:
        if self._put_newer(person, version, {}):
            with storage_faults():
                self._db.delete_item(TableName=self._table, Key=_place(person, "former"))

    def _current(self, person: PersonId) -> Item:
        with storage_faults():
            return dict(
                self._db.get_item(TableName=self._table, Key=_place(person, "current"), ConsistentRead=True).get(
                    "Item", {}
                )
            )

    def _put(self, item: Item) -> None:
        with storage_faults():
            self._db.put_item(TableName=self._table, Item=item)

    def _put_newer(self, person: PersonId, version: int, more: Item) -> bool:
        """False where a later one is there: then this one is not wanted any more."""
        number: AttributeValueTypeDef = {"N": str(version)}
        with storage_faults():
            try:
                self._db.put_item(
                    TableName=self._table,
                    Item={**_place(person, "current"), "version": number, **more},
                    ConditionExpression="attribute_not_exists(version) OR version <= :version",
                    ExpressionAttributeValues={":version": number},
                )
            except self._db.exceptions.ConditionalCheckFailedException:
                return False
        return True


class SealedAddressBook:
    """Implements `notices.notifying.AddressBook`, for the one function that sends. Needs `GetItem`, `kms:Decrypt`."""

    def __init__(self, dynamodb: DynamoDBClient, table: str, seal: KmsSeal) -> None:
        self._db = dynamodb
        self._table = table
        self._seal = seal

    def of(self, person: PersonId, now: datetime) -> str | None:  # noqa: ARG002 - the shape of the port
        return self._open(person, self._item(person, "current"))

    def former(self, person: PersonId, now: datetime) -> str | None:
        item = self._item(person, "former")
        over = int(item["expires_at"]["N"]) <= now.timestamp() if item else True
        return None if over else self._open(person, item)

    def _item(self, person: PersonId, which: str) -> Item:
        with storage_faults():
            answer = self._db.get_item(TableName=self._table, Key=_place(person, which), ConsistentRead=True)
        return dict(answer.get("Item", {}))

    def _open(self, person: PersonId, item: Item) -> str | None:
        if "sealed" not in item:
            return None
        with storage_faults():
            plain = self._seal.open(bytes(item["sealed"]["B"]), _context(person))
        if plain is None:
            raise StorageRefusedError("an address was not sealed for this person")
        return plain.decode()


def _version(item: Item) -> int:
    return int(item["version"]["N"]) if "version" in item else 0


def _place(person: PersonId, which: str) -> Item:
    return {"pk": {"S": person}, "sk": {"S": which}}


def _context(person: PersonId) -> dict[str, str]:
    return {"purpose": "contact", "person": person}
