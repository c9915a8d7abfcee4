"""What becomes of a request's texts: the stream `texts/<request>`, and its state.

An erasure is proposed, ordered, and carried out, each an event; the order is in the ledger before anything is erased.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from keyholder.canonical import JsonObject
from keyholder.ledger.event import Event, NewEvent, rfc3339
from keyholder.ledger.ports import Head
from keyholder.registry.fields import SHA256, Fields, UnknownEventError
from keyholder.registry.key_changes import actor_of
from keyholder.requests.erasing.naming import NamedText, TextKind
from keyholder.requests.ids import REQUEST
from keyholder.requests.listings import request_stream
from keyholder.vocabulary import PersonId, RequestId, StreamId

TEXTS = "texts"
ERASURE_PROPOSED = "text.erasure_proposed"
ERASURE_ORDERED = "text.erasure_ordered"
ERASURE_WITHDRAWN = "text.erasure_withdrawn"
TEXT_ERASED = "text.erased"
TYPES = (ERASURE_PROPOSED, ERASURE_ORDERED, ERASURE_WITHDRAWN, TEXT_ERASED)

OPEN_FOR = timedelta(days=7)
"""How long a proposal waits for its second person."""
_ANY_STREAM = re.compile(r"request/.{1,64}")
_AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
"""When the sweeper carries an order out: at its next sweep, whatever the clocks."""


class ErasureReason(StrEnum):
    """Why, as a code: free text has no place in the ledger, least of all about text that should be gone."""

    IDENTIFIES_SOMEBODY = "identifies_somebody"
    """It says who a patient is, or lets them be told."""
    ABOUT_A_THIRD_PERSON = "about_a_third_person"
    ERASURE_REQUESTED = "erasure_requested"
    """Somebody it is about asked for it (UK GDPR, Article 17)."""
    RETENTION_OVER = "retention_over"
    OTHER = "other"


class ErasureState(StrEnum):
    """Where an erasure stands."""

    PROPOSED = "proposed"
    """It waits for a second person."""
    EXPIRED = "expired"
    """Nobody confirmed it in time."""
    WITHDRAWN = "withdrawn"
    ORDERED = "ordered"
    """It is carried out within minutes, and nobody can stop it any more."""
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Erasure:
    """The newest proposal to erase one text, and what became of it."""

    text_sha256: str
    kind: TextKind
    reason: ErasureReason
    proposed_by: PersonId
    proposed_at: datetime
    withdrawn_at: datetime | None = None
    ordered_by: PersonId | None = None
    ordered_at: datetime | None = None
    erased_at: datetime | None = None

    def state(self, now: datetime) -> ErasureState:
        """Where it stands at a moment. Expiry is no event: it follows from the clock."""
        if self.erased_at is not None:
            return ErasureState.ERASED
        if self.ordered_at is not None:
            return ErasureState.ORDERED
        if self.withdrawn_at is not None:
            return ErasureState.WITHDRAWN
        return ErasureState.PROPOSED if now < self.proposed_at + OPEN_FOR else ErasureState.EXPIRED


@dataclass(frozen=True, slots=True)
class Erasures:
    """Of one request: the newest erasure of each text, by its hash."""

    by_text: Mapping[str, Erasure] = field(default_factory=dict)

    def to_carry_out(self) -> tuple[Erasure, ...]:
        """Ordered, and not known to be done."""
        return tuple(one for one in self.by_text.values() if one.ordered_at is not None and one.erased_at is None)


@dataclass(frozen=True, slots=True)
class ErasureProposed:
    request: RequestId
    text_sha256: str
    kind: TextKind
    reason: ErasureReason

    def new_event(self) -> NewEvent:
        return NewEvent(
            ERASURE_PROPOSED, _data(self.request, self.text_sha256, kind=self.kind.value, reason=self.reason.value)
        )


@dataclass(frozen=True, slots=True)
class ErasureOrdered:
    request: RequestId
    text_sha256: str

    def new_event(self) -> NewEvent:
        return NewEvent(ERASURE_ORDERED, _data(self.request, self.text_sha256))


@dataclass(frozen=True, slots=True)
class ErasureWithdrawn:
    request: RequestId
    text_sha256: str

    def new_event(self) -> NewEvent:
        return NewEvent(ERASURE_WITHDRAWN, _data(self.request, self.text_sha256))


@dataclass(frozen=True, slots=True)
class TextErased:
    """It is gone from the store."""

    request: RequestId
    text_sha256: str

    def new_event(self) -> NewEvent:
        return NewEvent(TEXT_ERASED, _data(self.request, self.text_sha256))


ErasureEvent = ErasureProposed | ErasureOrdered | ErasureWithdrawn | TextErased


def _data(request: RequestId, text_sha256: str, **more: str) -> JsonObject:
    return {"subject": request_stream(request), "text_sha256": text_sha256, **more}


def texts_stream(request: RequestId) -> StreamId:
    return StreamId(f"{TEXTS}/{request}")


def request_of(stream: StreamId) -> RequestId:
    """The request a stream of texts is about. Raises `UnknownEventError` where it is about none."""
    request = stream.removeprefix(f"{TEXTS}/")
    if not REQUEST.fullmatch(request):
        raise UnknownEventError(stream.partition("/")[0])
    return RequestId(request)


def fold_erasures(events: Sequence[Event]) -> Erasures:
    """The erasures as the events leave them. Raises `FieldError` or `UnknownEventError`."""
    erasures = Erasures()
    for event in events:
        erasures = evolve_erasures(erasures, event)
    return erasures


def evolve_erasures(before: Erasures | None, event: Event) -> Erasures:
    """The erasures after one more event. Raises `FieldError` or `UnknownEventError`."""
    fields, known = Fields(event.data), dict(before.by_text if before else {})
    if fields.text("subject", _ANY_STREAM) != request_stream(request_of(event.stream)):
        raise UnknownEventError(event.type)
    text = fields.text("text_sha256", SHA256)
    known[text] = _proposed(fields, event, text) if event.type == ERASURE_PROPOSED else _moved(known.get(text), event)
    fields.end()
    return Erasures(known)


def _proposed(fields: Fields, event: Event, text: str) -> Erasure:
    kind, reason = fields.choice("kind", TextKind), fields.choice("reason", ErasureReason)
    return Erasure(text, kind, reason, actor_of(event.actor), event.at)


def _moved(erasure: Erasure | None, event: Event) -> Erasure:
    if erasure is None:
        raise UnknownEventError(event.type)
    if event.type == ERASURE_ORDERED:
        return replace(erasure, ordered_by=actor_of(event.actor), ordered_at=event.at)
    if event.type == ERASURE_WITHDRAWN:
        return replace(erasure, withdrawn_at=event.at)
    if event.type == TEXT_ERASED:
        return replace(erasure, erased_at=event.at)
    raise UnknownEventError(event.type)


def erasures_head(erasures: Erasures) -> Head:
    """Listed among all requests that texts were erased of; due as long as an order is not carried out."""
    return Head(listings=(TEXTS,), due_at=_AT_ONCE if erasures.to_carry_out() else None)


def texts_view(texts: Mapping[str, NamedText], erasures: Erasures, now: datetime) -> JsonObject:
    """The form of answers: every text by its hash, and what becomes of it. Never a word of any."""
    return {"items": [_text_view(text, erasures.by_text.get(text.sha256), now) for text in texts.values()]}


def _text_view(text: NamedText, erasure: Erasure | None, now: datetime) -> JsonObject:
    return {
        "text_sha256": text.sha256,
        "kind": text.kind.value,
        "author": text.author,
        "written_at": rfc3339(text.written_at),
        "needs_two": text.decided_on,
        "erasure": _erasure_view(erasure, now) if erasure else None,
    }


def _erasure_view(erasure: Erasure, now: datetime) -> JsonObject:
    return {
        "state": erasure.state(now).value,
        "reason": erasure.reason.value,
        "proposed_by": erasure.proposed_by,
        "proposed_at": rfc3339(erasure.proposed_at),
        "expires_at": rfc3339(erasure.proposed_at + OPEN_FOR),
        "ordered_by": erasure.ordered_by,
        "ordered_at": rfc3339(erasure.ordered_at) if erasure.ordered_at else None,
        "erased_at": rfc3339(erasure.erased_at) if erasure.erased_at else None,
    }
