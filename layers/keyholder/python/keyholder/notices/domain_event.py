"""What other programs hear of a step: ids and a state, after it is in the ledger. Nothing of what it was about."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from keyholder.canonical import JsonObject
from keyholder.ledger.event import Event, parse_rfc3339, rfc3339
from keyholder.vocabulary import StreamId

FORMAT = 1
SOURCE = "keyholder"
"""`source` of every event on the bus; `detail-type` is the event's type."""

_STREAM = re.compile(r"[a-z_-]{1,32}/[A-Za-z0-9_-]{1,80}")
_TYPE = re.compile(r"[a-z][a-z0-9_]{0,30}\.[a-z][a-z0-9_]{0,40}")
_STATE = re.compile(r"[a-z_]{1,32}")


class NotOneOfOursError(ValueError):
    """A message that is no event of Keyholder's."""


@dataclass(frozen=True, slots=True)
class DomainEvent:
    """One committed event: which it is, and the state its request was in right after it (None for other streams)."""

    stream: StreamId
    number: int
    type: str
    at: datetime
    index: int
    """Its leaf in the ledger: with it anybody who may can ask for the event and its proof."""
    state: str | None = None

    def detail(self) -> JsonObject:
        return {
            "v": FORMAT,
            "stream": self.stream,
            "number": self.number,
            "type": self.type,
            "at": rfc3339(self.at),
            "index": self.index,
            "state": self.state,
        }

    @classmethod
    def read(cls, detail: object) -> DomainEvent:
        """What `detail` wrote. Raises `NotOneOfOursError`."""
        try:
            return cls._read(detail)
        except (KeyError, TypeError, ValueError) as fault:
            raise NotOneOfOursError("not an event of Keyholder's") from fault

    @classmethod
    def _read(cls, detail: object) -> DomainEvent:
        if not isinstance(detail, dict) or detail["v"] != FORMAT:
            raise ValueError("another format")
        number, index, state = detail["number"], detail["index"], detail["state"]
        whole = type(number) is int and type(index) is int and number > 0 <= index
        named = _STREAM.fullmatch(detail["stream"]) and _TYPE.fullmatch(detail["type"])
        if not whole or not named or (state is not None and not _STATE.fullmatch(state)):
            raise ValueError("a field is not in its form")
        return cls(StreamId(detail["stream"]), number, detail["type"], parse_rfc3339(detail["at"]), index, state)


def domain_event(event: Event, index: int, state: str | None) -> DomainEvent:
    """What is said of an event of the ledger."""
    return DomainEvent(event.stream, event.number, event.type, event.at, index, state)
