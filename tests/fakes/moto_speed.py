"""DynamoDB in moto with the same answers in less time: half of what the contract tests took was spent here.

moto 5.2.5 (dynamodb/models/dynamo_type.py) asks a value for each of its possible types before it compares or copies
it, and (core/serialize.py) looks for each member of an AttributeValue under six names. Values of one text are compared
and shared as they are, and an AttributeValue's members are looked up by their own names, which are the only ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from moto.core.serialize import ResponseSerializer
from moto.dynamodb.models.dynamo_type import DDBType, DynamoType

_CAST = DynamoType.cast_value.fget
_COPY = DynamoType.__deepcopy__
_GET = ResponseSerializer.get_value

_PLAIN = frozenset({DDBType.STRING, DDBType.BINARY, DDBType.BOOLEAN})
_KINDS = frozenset({"S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"})


def _cast_value(self: DynamoType) -> Any:
    return self.value if self.type in _PLAIN else _CAST(self)


def _deepcopy(self: DynamoType, memo: dict[int, Any]) -> DynamoType:
    # Nothing in moto gives a value of one text another: what changes is which value an item has.
    return self if self.type in _PLAIN or self.type == DDBType.NUMBER else _COPY(self, memo)


def _get_value(self: ResponseSerializer, value: Any, key: str, shape: Any) -> Any:
    if key in _KINDS and type(value) is dict and len(value) == 1 and value.keys() <= _KINDS:
        return value.get(key)
    return _GET(self, value, key, shape)


@contextmanager
def dynamodb_in_less_time() -> Iterator[None]:
    """Within this."""
    with (
        mock.patch.object(DynamoType, "cast_value", property(_cast_value)),
        mock.patch.object(DynamoType, "__deepcopy__", _deepcopy),
        mock.patch.object(ResponseSerializer, "get_value", _get_value),
    ):
        yield
