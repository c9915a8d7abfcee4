"""Canonical JSON (RFC 8785) and the hashes taken over it.

Keyholder hashes only objects with ASCII keys, strings, integers, booleans, null, lists and objects, for which RFC 8785
reduces to sorted keys, no white space and minimal escapes. Floats are refused: their text form is where canonical
forms disagree.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from keyholder.vocabulary import ContentHash

JsonValue = str | int | bool | None | Sequence["JsonValue"] | Mapping[str, "JsonValue"]
JsonObject = Mapping[str, JsonValue]

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
_REFUSAL = "canonical JSON holds strings, integers, booleans, null, lists and objects with ASCII keys"


def canonical_json(value: JsonValue) -> bytes:
    """The one byte form of `value`. Raises `TypeError` for a float, a foreign type or a key outside ASCII."""
    _refuse_foreign(value)
    return _ENCODER.encode(value).encode()


def is_canonical(parsed: JsonValue, text: bytes) -> bool:
    """Whether `text`, of which `parsed` was read without floats, is the one byte form of it.

    A text of ASCII alone has no key outside ASCII, so that what was parsed needs no second look.
    """
    if not text.isascii():
        _refuse_foreign(parsed)
    return _ENCODER.encode(parsed).encode() == text


def content_hash(value: JsonValue) -> ContentHash:
    """SHA-256 over the canonical form, in hexadecimal: what an approval names."""
    return ContentHash(hashlib.sha256(canonical_json(value)).hexdigest())


def _refuse_foreign(value: object) -> None:
    if value is None or isinstance(value, str | bool | int):
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise TypeError(_REFUSAL)
            _refuse_foreign(inner)
        return
    if isinstance(value, list | tuple):
        for inner in value:
            _refuse_foreign(inner)
        return
    raise TypeError(_REFUSAL)
