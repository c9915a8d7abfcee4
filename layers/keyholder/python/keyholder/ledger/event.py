"""One event: the exact line that becomes a leaf of the ledger."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn

from keyholder.canonical import JsonObject, JsonValue, canonical_json, is_canonical
from keyholder.vocabulary import ActorId, StreamId

MAX_LEAF_BYTES = 65_535
"""C2SP tlog-tiles: an entry's length is a big-endian uint16."""

FORMAT = 1

_MUST = frozenset({"v", "stream", "number", "type", "at", "actor", "trace", "data"})
_MAY = _MUST | {"claim"}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z", re.ASCII)


def _no_float(_text: str) -> NoReturn:
    raise ValueError("an event's data holds what canonical JSON does not")


_DECODER = json.JSONDecoder(parse_float=_no_float, parse_constant=_no_float)


class EventTooLargeError(ValueError):
    """The event's canonical form would not fit into one entry of the log (65,535 bytes)."""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """What happened, before it has a place: a type from the stream's own list and its data.

    `data` holds codes, counts, hashes and keyed tags; never an identifier, a pseudonym or free text.
    """

    type: str
    data: JsonObject


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, in its place: the `number`-th event (from 1) of `stream`.

    `trace` is the caller's X-Request-ID, which ties the event to the access log. `claim` is the caller's idempotency
    key (`IdempotencyKey.key`), in the first event of a step that took one: so that a retry is known again when all that
    is left is the journal. What the key was used for is not here: a hash of a body can be guessed back.
    """

    stream: StreamId
    number: int
    type: str
    at: datetime
    actor: ActorId
    trace: str
    data: JsonObject
    claim: str | None = None

    def line(self) -> bytes:
        """The leaf bytes: canonical JSON, no newline. Raises `EventTooLargeError` over 65,535 bytes."""
        claim = {} if self.claim is None else {"claim": self.claim}
        line = canonical_json(
            {
                "v": FORMAT,
                "stream": self.stream,
                "number": self.number,
                "type": self.type,
                "at": rfc3339(self.at),
                "actor": self.actor,
                "trace": self.trace,
                "data": self.data,
                **claim,
            }
        )
        if len(line) > MAX_LEAF_BYTES:
            raise EventTooLargeError(
                f"an event of type {self.type} takes {len(line)} bytes; an entry of the log holds {MAX_LEAF_BYTES}"
            )
        return line

    @classmethod
    def parse(cls, line: bytes) -> Event:
        """The event of a leaf. Raises `ValueError` unless `line` is exactly what `line()` would write."""
        if len(line) > MAX_LEAF_BYTES:
            raise EventTooLargeError("an event does not fit into an entry of the log")
        try:
            raw = _DECODER.decode(line.decode())
        except RecursionError as cause:
            raise ValueError("an event is nested too deeply") from cause
        if not isinstance(raw, dict) or raw.keys() - _MAY or not raw.keys() >= _MUST:
            raise ValueError("an event has other fields")
        if type(raw["v"]) is not int or raw["v"] != FORMAT:
            raise ValueError("not an event of format 1")
        event = cls(
            stream=StreamId(_text(raw["stream"])),
            number=_number(raw["number"]),
            type=_text(raw["type"]),
            at=_moment(_text(raw["at"])),
            actor=ActorId(_text(raw["actor"])),
            trace=_text(raw["trace"]),
            data=_object(raw["data"]),
            claim=_text(raw["claim"]) if "claim" in raw else None,
        )
        try:
            canonical = is_canonical(raw, line)
        except (TypeError, RecursionError) as cause:
            raise ValueError("an event's data holds what canonical JSON does not") from cause
        if not canonical:
            raise ValueError("an event is not in canonical form")
        return event


def rfc3339(moment: datetime) -> str:
    """UTC with microseconds and `Z`, always of one length, so that text order is time order (RFC 3339)."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs its zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _moment(text: str) -> datetime:
    """A moment in the one form that `rfc3339` writes."""
    if not _MOMENT.fullmatch(text):
        raise ValueError("a moment is not in its one form")
    return datetime.fromisoformat(text)


def parse_rfc3339(text: str) -> datetime:
    """A moment with its zone. Raises `ValueError` for anything else."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment needs its zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError as cause:
        raise ValueError("a moment outside the calendar") from cause


def _text(value: JsonValue) -> str:
    if not isinstance(value, str):
        raise ValueError("an event's field is not text")  # noqa: TRY004 - a malformed line, not a caller's type error
    return value


def _number(value: JsonValue) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("an event's number is not a positive integer")
    return value


def _object(value: JsonValue) -> JsonObject:
    if not isinstance(value, Mapping):
        raise ValueError("an event's data is not an object")  # noqa: TRY004
    return value
