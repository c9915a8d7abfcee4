"""Whom to ask about: what happens to the lists of one request's people; stream `opt-outs/<request>`.

`release` alone can make such a list, because it alone opens pseudonyms. It says so before it opens one, and again, with
how many people it found, before it hands their numbers on, sealed, to who asks the service.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Self

from keyholder.canonical import JsonObject
from keyholder.ledger.event import Event, NewEvent
from keyholder.registry.fields import Fields, UnknownEventError
from keyholder.requests.ids import REQUEST
from keyholder.requests.listings import request_stream
from keyholder.vocabulary import RequestId, StreamId

LIST_ID = re.compile(rf"{REQUEST.pattern}\.[1-9][0-9]{{0,6}}")
"""`<request>.<number of the event that names it>`."""


@dataclass(frozen=True, slots=True)
class PeopleOpened:
    """The request's NHS numbers are about to be opened, to see whose check has to be made."""

    TYPE: ClassVar = "opt_outs.people_opened"

    def data(self) -> JsonObject:
        return {}

    @classmethod
    def read(cls, fields: Fields) -> Self:  # noqa: ARG003 - the shape of all of them
        return cls()


@dataclass(frozen=True, slots=True)
class PeopleListed:
    """So many people have to be asked about. `again_on` is the day to look again: the last on which every check they
    have, or will have once it is answered, can be used."""

    TYPE: ClassVar = "opt_outs.people_listed"
    people: int
    again_on: date

    def data(self) -> JsonObject:
        return {"people": self.people, "again_on": self.again_on.isoformat()}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(fields.number("people"), fields.day("again_on"))


@dataclass(frozen=True, slots=True)
class ListDropped:
    """The list that event `number` names was not sent in time; its numbers are deleted after this."""

    TYPE: ClassVar = "opt_outs.list_dropped"
    number: int

    def data(self) -> JsonObject:
        return {"number": self.number}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(fields.number("number", 1))


ListEvent = PeopleOpened | PeopleListed | ListDropped

EVENTS: Mapping[str, type[ListEvent]] = {kind.TYPE: kind for kind in (PeopleOpened, PeopleListed, ListDropped)}


def lists_stream(request: RequestId) -> StreamId:
    return StreamId(f"opt-outs/{request}")


def list_id(request: RequestId, number: int) -> str:
    """The id of the list that event `number` of the request's stream names."""
    return f"{request}.{number}"


def request_of(name: str) -> RequestId:
    """Whose list it is."""
    return RequestId(name.partition(".")[0])


def number_of(name: str) -> int:
    """The number of the event that names a list."""
    return int(name.partition(".")[2])


def to_new_event(event: ListEvent, request: RequestId) -> NewEvent:
    """The event as it is written down; `subject` lets auditors find it by the request."""
    return NewEvent(event.TYPE, {"subject": request_stream(request), **event.data()})


def from_event(event: Event) -> ListEvent:
    """Raises `UnknownEventError` for a type this version doesn't know, `FieldError` for data it can't read."""
    kind = EVENTS.get(event.type)
    if kind is None:
        raise UnknownEventError(event.type)
    fields = Fields(event.data)
    fields.text("subject", _SUBJECT)
    happened = kind.read(fields)
    fields.end()
    return happened


_SUBJECT = re.compile(rf"request/{REQUEST.pattern}")
