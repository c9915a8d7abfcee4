"""moto with the same answers in less time: more than half of what the contract tests took was spent here.

moto 5.2.5 (dynamodb/models/dynamo_type.py) asks a value for each of its possible types before it compares or copies
it, and (core/serialize.py) looks for each member of an AttributeValue under six names. Values of one text are compared
and shared as they are, and an AttributeValue's members are looked up by their own names, which are the only ones. A
query (dynamodb/models/table.py) sorts the whole table before it picks a partition; here it is given that partition.
A transaction (dynamodb/models/__init__.py) keeps a copy of the whole table for each of its items; here one for all, of
what the transaction touches.

For each request moto looks through all members of a class (core/utils.py: method_names_from_class) and draws the 52
characters of a request's id one by one, and botocore signs what moto never checks (auth.py: SigV4Auth) and puts a
name for itself together. Here the members are kept, and a signature, an id and a name are constants. To find the
service a request is for, moto tries the patterns of all (core/botocore_stubber.py), and makes that service's own anew
(core/base_backend.py: urls). Here those that are asked most are tried first, and what was made is kept.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import SimpleNamespace
from typing import Any
from unittest import mock

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.useragent import UserAgentString
from moto import backend_index
from moto.core import responses
from moto.core.base_backend import BaseBackend
from moto.core.serialize import ResponseSerializer
from moto.dynamodb import models
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DDBType, DynamoType, Item
from moto.dynamodb.models.table import Table

_CAST = DynamoType.cast_value.fget
_COPY = DynamoType.__deepcopy__
_GET = ResponseSerializer.get_value
_QUERY = Table.query
_ALL = Table.all_items
_TRANSACT = DynamoDBBackend.transact_write_items
_CANONICAL = SigV4Auth.canonical_request
_SIGNATURE = SigV4Auth.signature
_MEMBERS = cache(responses.method_names_from_class)
_OFTEN = ("dynamodb", "s3", "kms", "sqs")
_PATTERNS = sorted(backend_index.backend_url_patterns, key=lambda one: one[0] not in _OFTEN)
_URLS = BaseBackend.urls.fget
_FOUND: dict[tuple[type[BaseBackend], tuple[str, ...]], Any] = {}

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


def _query(self: Table, hash_key: DynamoType | None, *args: Any, **arguments: Any) -> Any:
    if arguments.get("index_name") or hash_key is None or (len(args) > 6 and args[6]):
        return _QUERY(self, hash_key, *args, **arguments)
    whole = self.items
    self.items = {hash_key: whole[hash_key]} if hash_key in whole else {}  # type: ignore[assignment]
    try:
        return _QUERY(self, hash_key, *args, **arguments)
    finally:
        self.items = whole


def _all_items(self: Table) -> list[Item]:
    if not self.range_key_attr:
        return _ALL(self)
    items = [item for partition in self.items.values() for item in partition.values()]
    if all(item.hash_key.type == item.range_key.type == DDBType.STRING for item in items):  # type: ignore[union-attr]
        return sorted(items, key=lambda item: (item.hash_key.value, item.range_key.value))  # type: ignore[union-attr]
    return _ALL(self)


def _transact(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
    before: dict[int, Table] = {}

    def copied(one: Any) -> Any:
        if not isinstance(one, Table):
            return copy.deepcopy(one)
        if id(one) not in before:
            before[id(one)] = _as_it_is(one, transact_items)
        return before[id(one)]

    with mock.patch.object(models, "copy", SimpleNamespace(deepcopy=copied, copy=copy.copy)):
        _TRANSACT(self, transact_items)


def _urls(self: BaseBackend) -> Any:
    key = (type(self), tuple(self.url_bases))
    if key not in _FOUND:
        _FOUND[key] = _URLS(self)
    return _FOUND[key]


def _canonical(self: SigV4Auth, request: Any) -> str:
    # What is presigned stays as it is: a form's policy and a link are answers that somebody looks at.
    return "" if type(self) in (SigV4Auth, S3SigV4Auth) else _CANONICAL(self, request)


def _signature(self: SigV4Auth, text: str, request: Any) -> str:
    return "0" * 64 if type(self) in (SigV4Auth, S3SigV4Auth) else _SIGNATURE(self, text, request)


def _request_id(headers: dict[str, Any] | None = None) -> str:
    if headers is not None:
        headers["x-amzn-requestid"] = "A" * 52
    return "A" * 52


def _as_it_is(table: Table, transact_items: list[dict[str, Any]]) -> Table:
    """What moto goes back to when the transaction fails; what it does not touch is shared."""
    changes = [change for item in transact_items for change in item.values() if change["TableName"] == table.name]
    touched = [DynamoType((change.get("Item") or change["Key"])[table.hash_key_attr]) for change in changes]
    kept = copy.copy(table)
    kept.items = copy.copy(table.items)
    for key in touched:
        if key in table.items:
            kept.items[key] = copy.deepcopy(table.items[key])
    return kept


@contextmanager
def moto_in_less_time() -> Iterator[None]:
    """Within this."""
    with (
        mock.patch.object(DynamoType, "cast_value", property(_cast_value)),
        mock.patch.object(DynamoType, "__deepcopy__", _deepcopy),
        mock.patch.object(ResponseSerializer, "get_value", _get_value),
        mock.patch.object(Table, "query", _query),
        mock.patch.object(Table, "all_items", _all_items),
        mock.patch.object(DynamoDBBackend, "transact_write_items", _transact),
        mock.patch.object(SigV4Auth, "canonical_request", _canonical),
        mock.patch.object(SigV4Auth, "signature", _signature),
        mock.patch.object(UserAgentString, "to_string", return_value="tests"),
        mock.patch.object(responses, "method_names_from_class", _MEMBERS),
        mock.patch.object(backend_index, "backend_url_patterns", _PATTERNS),
        mock.patch.object(BaseBackend, "urls", property(_urls)),
        mock.patch.object(responses, "gen_amzn_requestid_long", _request_id),
    ):
        yield
