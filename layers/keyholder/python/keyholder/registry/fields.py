"""Strict reading of JSON objects: every field is named, typed and bounded, and nothing else may be there.

One reader serves request bodies, stored content and the data of events. A fault names the place and the rule, never
the value: a value, or a field name nobody knows, may be an identifier.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import TypeVar

from keyholder.canonical import JsonValue
from keyholder.ledger.event import parse_rfc3339
from keyholder.refusals import Refusal, RefusalKind

Choice = TypeVar("Choice", bound=StrEnum)

MAX_NUMBER = 2**53 - 1
"""The largest integer every JSON reader keeps exact (RFC 8259, section 6)."""

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")
"""A coded value: no space, so no prose."""
SHA256 = re.compile(r"[0-9a-f]{64}")
ORGANISATION = re.compile(r"[A-Z0-9]{3,10}")
"""An ODS organisation code (NHS Data Dictionary, ORGANISATION CODE: 3 to 8 characters; 10 leaves room for sites)."""
PERSON = re.compile(r"person/[0-9a-f]{32}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class FieldFault(StrEnum):
    """Which rule a field broke."""

    MISSING = "FIELD_MISSING"
    UNKNOWN = "FIELD_UNKNOWN"
    TYPE = "FIELD_TYPE"
    FORMAT = "FIELD_FORMAT"
    RANGE = "FIELD_RANGE"
    REPEATED = "FIELD_REPEATED"


ADVICE: Mapping[FieldFault, str] = {
    FieldFault.MISSING: "Send this field; it is required.",
    FieldFault.UNKNOWN: "Leave out the field inside this object that the API description does not name.",
    FieldFault.TYPE: "Send this field as the type the API description gives.",
    FieldFault.FORMAT: "Send this field in the format the API description gives.",
    FieldFault.RANGE: "Send a value within the limits the API description gives.",
    FieldFault.REPEATED: "Send each value once.",
}


class FieldError(ValueError):
    """A field is missing, unknown, of another type or out of its bounds: the place and the rule, never the value."""

    def __init__(self, pointer: str, fault: FieldFault) -> None:
        super().__init__(f"{pointer or '(the whole)'}: {fault.value}")
        self.pointer = pointer
        self.fault = fault

    def refusal(self) -> Refusal:
        """The same as an answer to whoever sent it."""
        return Refusal(self.fault.value, RefusalKind.INVALID, ADVICE[self.fault], self.pointer)


class UnknownEventError(ValueError):
    """A stream holds an event its kind doesn't know: nobody may decide on it."""


class Fields:
    """One JSON object being read. Every method raises `FieldError`; `end()` does if anything was not read."""

    def __init__(self, raw: JsonValue, pointer: str = "") -> None:
        if not isinstance(raw, Mapping):
            raise FieldError(pointer, FieldFault.TYPE)
        self._raw = raw
        self._unread = set(raw)
        self.pointer = pointer

    def __repr__(self) -> str:
        return f"Fields({self.pointer!r})"

    def at(self, name: str) -> str:
        """JSON pointer (RFC 6901) of a field of this object. `name` is one of ours, so needs no escape."""
        return f"{self.pointer}/{name}"

    def end(self) -> None:
        """Refuse whatever was not read."""
        if self._unread:
            raise FieldError(self.pointer, FieldFault.UNKNOWN)

    def has(self, name: str) -> bool:
        """Whether the field is there and not null; null counts as read."""
        if self._raw.get(name) is None:
            self._unread.discard(name)
            return False
        return True

    def names(self) -> tuple[str, ...]:
        """The field names not read yet, for an object whose keys are data."""
        return tuple(sorted(self._unread))

    def _take(self, name: str) -> JsonValue:
        if name not in self._raw:
            raise FieldError(self.at(name), FieldFault.MISSING)
        self._unread.discard(name)
        return self._raw[name]

    def text(self, name: str, pattern: re.Pattern[str] = CODE) -> str:
        return _text(self._take(name), self.at(name), pattern)

    def maybe_text(self, name: str, pattern: re.Pattern[str] = CODE) -> str | None:
        return self.text(name, pattern) if self.has(name) else None

    def prose(self, name: str, most: int) -> str:
        """Free text of at most `most` characters, blank text refused."""
        value = self._take(name)
        if not isinstance(value, str):
            raise FieldError(self.at(name), FieldFault.TYPE)
        if not value.strip() or len(value) > most:
            raise FieldError(self.at(name), FieldFault.RANGE)
        return value

    def raw_text(self, name: str, most: int) -> str:
        """Text of any form, at most `most` characters, the empty one included."""
        value = self._take(name)
        if not isinstance(value, str):
            raise FieldError(self.at(name), FieldFault.TYPE)
        if len(value) > most:
            raise FieldError(self.at(name), FieldFault.RANGE)
        return value

    def number(self, name: str, least: int = 0, most: int = MAX_NUMBER) -> int:
        return _number(self._take(name), self.at(name), least, most)

    def maybe_number(self, name: str, least: int = 0, most: int = MAX_NUMBER) -> int | None:
        return self.number(name, least, most) if self.has(name) else None

    def flag(self, name: str) -> bool:
        value = self._take(name)
        if not isinstance(value, bool):
            raise FieldError(self.at(name), FieldFault.TYPE)
        return value

    def day(self, name: str) -> date:
        value = _text(self._take(name), self.at(name), _DAY)
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise FieldError(self.at(name), FieldFault.FORMAT) from None

    def maybe_day(self, name: str) -> date | None:
        return self.day(name) if self.has(name) else None

    def moment(self, name: str) -> datetime:
        value = self._take(name)
        if not isinstance(value, str):
            raise FieldError(self.at(name), FieldFault.TYPE)
        try:
            return parse_rfc3339(value)
        except (ValueError, OverflowError):
            raise FieldError(self.at(name), FieldFault.FORMAT) from None

    def maybe_moment(self, name: str) -> datetime | None:
        return self.moment(name) if self.has(name) else None

    def choice(self, name: str, kind: type[Choice]) -> Choice:
        return _choice(self._take(name), self.at(name), kind)

    def choices(self, name: str, kind: type[Choice]) -> tuple[Choice, ...]:
        """A list of distinct codes of one closed list."""
        return _distinct(
            tuple(_choice(raw, f"{self.at(name)}/{index}", kind) for index, raw in enumerate(self._list(name))),
            self.at(name),
        )

    def texts(self, name: str, pattern: re.Pattern[str] = CODE, most: int = 1_000) -> tuple[str, ...]:
        """A list of distinct texts."""
        return _distinct(self.repeatable(name, pattern, most), self.at(name))

    def repeatable(self, name: str, pattern: re.Pattern[str] = CODE, most: int = 1_000) -> tuple[str, ...]:
        """A list of texts, which may repeat."""
        raws = self._list(name, most)
        return tuple(_text(raw, f"{self.at(name)}/{index}", pattern) for index, raw in enumerate(raws))

    def numbers(self, name: str, least: int = 0, most: int = MAX_NUMBER) -> tuple[int, ...]:
        """A list of distinct integers."""
        raws = enumerate(self._list(name))
        return _distinct(
            tuple(_number(raw, f"{self.at(name)}/{index}", least, most) for index, raw in raws), self.at(name)
        )

    def inner(self, name: str) -> Fields:
        return Fields(self._take(name), self.at(name))

    def raw(self, name: str) -> Mapping[str, JsonValue]:
        """An object as it was given, for what is kept and not read."""
        value = self._take(name)
        if not isinstance(value, Mapping):
            raise FieldError(self.at(name), FieldFault.TYPE)
        return value

    def maybe_inner(self, name: str) -> Fields | None:
        return self.inner(name) if self.has(name) else None

    def inners(self, name: str, most: int = 10_000) -> tuple[Fields, ...]:
        return tuple(Fields(raw, f"{self.at(name)}/{index}") for index, raw in enumerate(self._list(name, most)))

    def counts(self, name: str, keys: re.Pattern[str] = CODE) -> Mapping[str, int]:
        """An object whose keys are codes and whose values are counts."""
        inner = self.inner(name)
        return {key: inner.number(key) for key in inner.codes(keys)}

    def tally(self, name: str, kind: type[Choice]) -> Mapping[Choice, int]:
        """An object whose keys are codes of one closed list and whose values are counts."""
        inner = self.inner(name)
        found = {code: inner.number(code) for code in kind if inner.has(code)}
        inner.end()
        return found

    def codes(self, keys: re.Pattern[str] = CODE) -> tuple[str, ...]:
        """The unread names of an object whose keys are data; a key out of format is reported at the object."""
        names = self.names()
        if not all(keys.fullmatch(key) for key in names):
            raise FieldError(self.pointer, FieldFault.FORMAT)
        return names

    def _list(self, name: str, most: int = 1_000) -> list[JsonValue]:
        value = self._take(name)
        if not isinstance(value, list | tuple):
            raise FieldError(self.at(name), FieldFault.TYPE)
        if len(value) > most:
            raise FieldError(self.at(name), FieldFault.RANGE)
        return list(value)


def _text(value: JsonValue, pointer: str, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str):
        raise FieldError(pointer, FieldFault.TYPE)
    if not pattern.fullmatch(value):
        raise FieldError(pointer, FieldFault.FORMAT)
    return value


def _number(value: JsonValue, pointer: str, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise FieldError(pointer, FieldFault.TYPE)
    if not least <= value <= most:
        raise FieldError(pointer, FieldFault.RANGE)
    return value


def _choice(value: JsonValue, pointer: str, kind: type[Choice]) -> Choice:
    if not isinstance(value, str):
        raise FieldError(pointer, FieldFault.TYPE)
    try:
        return kind(value)
    except ValueError:
        raise FieldError(pointer, FieldFault.FORMAT) from None


T = TypeVar("T")


def _distinct(values: tuple[T, ...], pointer: str) -> tuple[T, ...]:
    if len(set(values)) != len(values):
        raise FieldError(pointer, FieldFault.REPEATED)
    return values
