"""One round at a time uses a MESH mailbox: an item of the steps table, taken and given back with conditions.

`pk` `mailbox#<mailbox id>`, `sk` `turn`; `holder` and `until` while it is taken, `handshaken_at` from then on. No
stream has a `#` in its name before its `/`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from keyholder.adapters.storage_faults import storage_faults
from keyholder.ledger.event import parse_rfc3339, rfc3339

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef


class MailboxTurn:
    """Implements `opt_outs.round.Turn`, while it lasts."""

    def __init__(self, handshaken_at: datetime | None) -> None:
        self._handshaken_at = handshaken_at

    def last_handshake(self) -> datetime | None:
        return self._handshaken_at

    def handshaken(self, now: datetime) -> None:
        self._handshaken_at = now


class MailboxTurns:
    """Needs `dynamodb:UpdateItem` on the steps table."""

    def __init__(self, dynamodb: DynamoDBClient, table: str, mailbox: str) -> None:
        self._db = dynamodb
        self._table = table
        self._key: dict[str, AttributeValueTypeDef] = {"pk": {"S": f"mailbox#{mailbox}"}, "sk": {"S": "turn"}}

    @contextmanager
    def take(self, holder: str, now: datetime, lasts: timedelta) -> Iterator[MailboxTurn | None]:
        """The turn for a `with` block; None where somebody else has it. Whoever dies with it loses it after `lasts`.

        Raises the storage errors of `ledger.ports`.
        """
        turn = self._take(holder, now, now + lasts)
        try:
            yield turn
        finally:
            if turn is not None:
                self._give_back(holder, turn.last_handshake())

    def _take(self, holder: str, now: datetime, until: datetime) -> MailboxTurn | None:
        with storage_faults():
            try:
                answer = self._db.update_item(
                    TableName=self._table,
                    Key=self._key,
                    UpdateExpression="SET holder = :holder, #until = :until",
                    ConditionExpression="attribute_not_exists(holder) OR holder = :holder OR #until <= :now",
                    ExpressionAttributeNames={"#until": "until"},
                    ExpressionAttributeValues={
                        ":holder": {"S": holder},
                        ":until": {"S": rfc3339(until)},
                        ":now": {"S": rfc3339(now)},
                    },
                    ReturnValues="ALL_NEW",
                )
            except self._db.exceptions.ConditionalCheckFailedException:
                return None
        said = answer["Attributes"].get("handshaken_at", {}).get("S")
        return MailboxTurn(None if said is None else parse_rfc3339(said))

    def _give_back(self, holder: str, handshaken_at: datetime | None) -> None:
        """Nothing to give back where the turn was lost meanwhile."""
        said = "" if handshaken_at is None else " SET handshaken_at = :said"
        values: dict[str, AttributeValueTypeDef] = {":holder": {"S": holder}}
        if handshaken_at is not None:
            values[":said"] = {"S": rfc3339(handshaken_at)}
        with storage_faults():
            try:
                self._db.update_item(
                    TableName=self._table,
                    Key=self._key,
                    UpdateExpression=f"REMOVE holder, #until{said}",
                    ConditionExpression="holder = :holder",
                    ExpressionAttributeNames={"#until": "until"},
                    ExpressionAttributeValues=values,
                )
            except self._db.exceptions.ConditionalCheckFailedException:
                return
