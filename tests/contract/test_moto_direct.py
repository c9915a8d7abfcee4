"""The short way to moto's DynamoDB gives what the long way does: answers, refusals, and what is left in the table."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.exceptions import ClientError

from tests.contract.aws import REGION, moto
from tests.fakes.moto_direct import OPERATIONS, answer_directly

TABLE = "table"
ONE, TWO, NONE = ({"pk": {"S": "a"}, "sk": {"S": name}} for name in ("1", "2", "3"))
ABSENT = "attribute_not_exists(pk)"
WHOLE: dict[str, Any] = {
    "text": {"S": "x"},
    "number": {"N": "7"},
    "bytes": {"B": b"\x00\xff"},
    "yes": {"BOOL": True},
    "none": {"NULL": True},
    "list": {"L": [{"B": b"1"}, {"M": {"deep": {"N": "1.5"}}}]},
    "set": {"SS": ["p", "q"]},
}


def _put(key: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": TABLE, "Item": {**key, **WHOLE}, **more}}


CALLS: list[tuple[str, dict[str, Any]]] = [
    ("PutItem", {"TableName": TABLE, "Item": {**ONE, **WHOLE}}),
    ("PutItem", {"TableName": TABLE, "Item": ONE, "ConditionExpression": ABSENT}),
    ("GetItem", {"TableName": TABLE, "Key": ONE, "ConsistentRead": True}),
    ("GetItem", {"TableName": TABLE, "Key": NONE}),
    ("TransactWriteItems", {"TransactItems": [_put(TWO), _put(NONE, ConditionExpression="attribute_exists(pk)")]}),
    ("GetItem", {"TableName": TABLE, "Key": TWO}),
    ("TransactWriteItems", {"TransactItems": [_put(TWO), {"Delete": {"TableName": TABLE, "Key": NONE}}]}),
    ("TransactWriteItems", {"TransactItems": [_put(TWO, ConditionExpression=ABSENT), _put(NONE)]}),
    (
        "Query",
        {
            "TableName": TABLE,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": "a"}},
            "Limit": 1,
        },
    ),
    ("BatchGetItem", {"RequestItems": {TABLE: {"Keys": [ONE, TWO, NONE]}}}),
    (
        "UpdateItem",
        {
            "TableName": TABLE,
            "Key": ONE,
            "UpdateExpression": "SET #number = :more REMOVE #bytes",
            "ConditionExpression": "#number = :before",
            "ExpressionAttributeNames": {"#number": "number", "#bytes": "bytes"},
            "ExpressionAttributeValues": {":more": {"N": "8"}, ":before": {"N": "7"}},
            "ReturnValues": "ALL_NEW",
        },
    ),
    ("DeleteItem", {"TableName": TABLE, "Key": TWO, "ConditionExpression": ABSENT}),
    ("DeleteItem", {"TableName": TABLE, "Key": TWO, "ReturnValues": "ALL_OLD"}),
    ("PutItem", {"TableName": "another", "Item": ONE}),
]


def _told(*, short: bool) -> list[Any]:
    """What each call was answered, and in the end what the table holds."""
    with moto():
        client = boto3.client("dynamodb", REGION)
        client.create_table(
            TableName=TABLE,
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            BillingMode="PAY_PER_REQUEST",
        )
        asking = boto3.client("dynamodb", REGION)
        if short:
            answer_directly(asking)
        told = [_answer(asking, name, parameters) for name, parameters in CALLS]
        return [*told, client.scan(TableName=TABLE)["Items"]]


def _answer(client: Any, name: str, parameters: dict[str, Any]) -> Any:
    try:
        answer = client._make_api_call(name, parameters)
    except ClientError as refused:
        answer = refused.response
    return {field: value for field, value in answer.items() if field != "ResponseMetadata"}


def test_both_ways_tell_the_same() -> None:
    assert {name for name, _ in CALLS} == OPERATIONS
    told = _told(short=True)
    assert told == _told(short=False)
    refused = [answer["Error"]["Code"] for answer in told[:-1] if "Error" in answer]
    assert refused == [
        "ConditionalCheckFailedException",
        "TransactionCanceledException",
        "TransactionCanceledException",
        "ConditionalCheckFailedException",
        "ResourceNotFoundException",
    ]
