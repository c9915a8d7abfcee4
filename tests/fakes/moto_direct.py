"""moto's DynamoDB without the wire: three quarters of what the contract tests ask of AWS, in a third of the time.

A call of botocore is checked and written as a request as ever; then moto's own handler is given what was asked, instead
of an HTTP request that moto would have to read, and an HTTP response that botocore would have to. Whatever is refused
goes the whole way after all, since what a refusal says is made on that way, and a refusal leaves nothing behind.
`tests/contract/test_moto_direct.py` holds both ways against each other.
"""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.exceptions import HTTPException, ServiceException
from moto.core.utils import camelcase_to_underscores
from moto.dynamodb.responses import DynamoHandler

OPERATIONS = frozenset(
    {"GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"}
)
_ASKED = "moto_direct"
_ANSWERED = SimpleNamespace(status_code=200, headers={}, raw=None, content=b"")


def answer_directly(client: Any) -> None:
    """Let every further call of this DynamoDB client go the short way."""
    client.meta.events.register("before-parameter-build.dynamodb", _keep)
    client.meta.events.register("before-call.dynamodb", _answer)


def _keep(params: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
    if model.name in OPERATIONS:
        context[_ASKED] = _as_sent(params)


def _answer(model: Any, context: dict[str, Any], **_: Any) -> tuple[Any, Any] | None:
    if _ASKED not in context:
        return None
    handler = DynamoHandler()
    handler.params = handler.body = context[_ASKED]
    handler.uri_match = {}
    handler.region, handler.current_account = context["client_region"], DEFAULT_ACCOUNT_ID
    try:
        result = getattr(handler, camelcase_to_underscores(model.name))().result
    except (HTTPException, ServiceException):
        return None
    known = model.output_shape.members
    parsed = {name: value for name, value in result.items() if name in known and value is not None}
    if "Attributes" in parsed:
        parsed["Attributes"] = _as_read(parsed["Attributes"])
    return _ANSWERED, {**parsed, "ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0}}


def _as_read(value: Any) -> Any:
    """What an item held before it was changed, which moto leaves as it came over the wire."""
    if isinstance(value, dict):
        if isinstance(value.get("B"), str):
            return {"B": base64.b64decode(value["B"])}
        return {name: _as_read(inner) for name, inner in value.items()}
    return [_as_read(inner) for inner in value] if isinstance(value, list) else value


def _as_sent(value: Any) -> Any:
    """A copy in which bytes are what they are on the wire."""
    if isinstance(value, dict):
        return {name: _as_sent(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_as_sent(inner) for inner in value]
    return base64.b64encode(value).decode() if isinstance(value, bytes | bytearray) else value
