"""Strict reading of JSON: every field named, every value known, and a fault that says where but never what.

Used for case files and FHIR resources. A path is written as in `request.cag.ref` or `controllers_required[1]`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import TypeVar

from keyholder.canonical import JsonValue

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")


class FieldError(ValueError):
    """A field is missing, unknown or not what it should be. Text: the path and a constant sentence."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


class Node:
    """One JSON value and where it stands."""

    __slots__ = ("path", "value")

    def __init__(self, value: JsonValue, path: str = "") -> None:
        self.value = value
        self.path = path

    def fault(self, why: str) -> FieldError:
        """The fault of this very field."""
        return FieldError(self.path or "the document", why)

    def get(self, name: str) -> Node:
        """A field that must be there (it may be null)."""
        fields = self._fields()
        path = f"{self.path}.{name}" if self.path else name
        if name not in fields:
            raise FieldError(path, "is missing")
        return Node(fields[name], path)

    def find(self, name: str) -> Node | None:
        """A field that may be absent; null counts as absent."""
        return None if self._fields().get(name) is None else self.get(name)

    def only(self, *names: str) -> None:
        """Refuses any field that is not in `names`: an unknown field may be a condition nobody would look at."""
        for name in self._fields():
            if name not in names:
                inner = f"{self.path}.{name}" if self.path else name
                raise FieldError(inner, "is not a field of this place")

    def items(self) -> list[Node]:
        """The elements of a list."""
        if isinstance(self.value, str | bytes) or not isinstance(self.value, Sequence):
            raise self.fault("is not a list")
        return [Node(value, f"{self.path}[{index}]") for index, value in enumerate(self.value)]

    def optional(self, read: Callable[[Node], T]) -> T | None:
        """None for null, else what `read` makes of it."""
        return None if self.value is None else read(self)

    def text(self) -> str:
        """A string that is not empty."""
        if not isinstance(self.value, str) or not self.value:
            raise self.fault("is not text")
        return self.value

    def matching(self, pattern: re.Pattern[str], what: str) -> str:
        """A string of one form; `what` says which, as in `a CAG reference, for example 22/CAG/0129`."""
        text = self.text()
        if not pattern.fullmatch(text):
            raise self.fault(f"is not {what}")
        return text

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            raise self.fault("is not true or false")
        return self.value

    def number(self) -> int:
        """A whole number, zero or more."""
        if not isinstance(self.value, int) or isinstance(self.value, bool) or self.value < 0:
            raise self.fault("is not a whole number")
        return self.value

    def choice(self, kind: type[E]) -> E:
        """One word of a vocabulary."""
        if not isinstance(self.value, str) or self.value not in list(kind):
            raise self.fault(f"is not one of: {', '.join(kind)}")
        return kind(self.value)

    def day(self) -> date:
        """A calendar day, `2025-06-10`."""
        try:
            if isinstance(self.value, str) and _DAY.fullmatch(self.value):
                return date.fromisoformat(self.value)
        except ValueError:
            pass
        raise self.fault("is not a calendar day, for example 2025-06-10")

    def moment(self) -> datetime:
        """A moment with its zone, `2025-06-10T10:00:00+01:00`."""
        try:
            if isinstance(self.value, str) and _MOMENT.fullmatch(self.value):
                return datetime.fromisoformat(self.value)
        except ValueError:
            pass
        raise self.fault("is not a moment with a zone, for example 2025-06-10T10:00:00+01:00")

    def _fields(self) -> Mapping[str, JsonValue]:
        if not isinstance(self.value, Mapping):
            raise self.fault("is not an object")
        return self.value


def read_json(body: bytes) -> Node:
    """The document of UTF-8 JSON. Raises `FieldError` for anything else, a name given twice and NaN included."""
    try:
        value: JsonValue = json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as fault:
        if isinstance(fault, FieldError):
            raise
        raise FieldError("the document", "is not JSON in UTF-8") from None
    return Node(value)


def _once(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise FieldError("the document", "gives one name twice in an object")
    return fields


def _no_constant(_text: str) -> JsonValue:
    raise FieldError("the document", "holds a number that JSON does not know")
