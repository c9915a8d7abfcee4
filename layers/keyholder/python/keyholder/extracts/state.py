"""An extract as its events leave it, and when somebody has to look at it again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from keyholder.extracts.events import (
    Announced,
    Collected,
    Discarded,
    Erased,
    Expired,
    ExtractEvent,
    Failed,
    FileRefused,
    Held,
    Kept,
    Made,
    Queued,
    Started,
    UnknownEventError,
    from_event,
    to_new_event,
)
from keyholder.ledger.event import Event
from keyholder.ledger.ports import Head
from keyholder.registry.fields import PERSON
from keyholder.vocabulary import ActorId, ContentHash, DomainId, ExtractId, IdentifierType, PersonId, StreamId

EXTRACT = re.compile(r"EXT-[0-9A-HJKMNP-TV-Z]{26}")
KIND = "extract/"

UPLOAD_WITHIN = timedelta(hours=2)
"""From the announcement until the provider says that the upload is there: a gigabyte at 1.5 megabits a second."""
ASK_AGAIN = timedelta(minutes=1)
"""A message that asked for the work and got lost is sent again after this."""
LEASE = timedelta(minutes=3)
"""A run not heard of for so long is over. It is heard of with every part it makes, some seconds apart."""
WORK_WITHIN = timedelta(hours=6)
"""From the queue to the result. What identifies patients is kept no longer, whatever fails."""
KEPT_FOR = timedelta(hours=24)
"""How long a result can be collected."""


class ExtractStatus(StrEnum):
    """Where an extract stands."""

    ANNOUNCED = "announced"
    QUEUED = "queued"
    RUNNING = "running"
    MADE = "made"
    REFUSED = "refused"
    FAILED = "failed"
    EXPIRED = "expired"
    DISCARDED = "discarded"


OVER = frozenset({ExtractStatus.REFUSED, ExtractStatus.FAILED, ExtractStatus.EXPIRED, ExtractStatus.DISCARDED})


@dataclass(frozen=True, slots=True)
class Extract:
    """One job. `moved_at` is when its status changed last, `run` the newest run, `version` its newest event's number.

    `began_on` is the first day of the collection as the provider's client told it. `code` says why it was refused, or
    failed, and `held` what it waits for. `kept` is what there may still be outside the ledger.
    """

    id: ExtractId
    domain: DomainId
    provider: PersonId
    announcement: ContentHash
    rows: int
    size: int
    identifier_types: tuple[IdentifierType, ...]
    clear_columns: int
    began_on: date | None
    announced_at: datetime
    moved_at: datetime
    status: ExtractStatus = ExtractStatus.ANNOUNCED
    queued_at: datetime | None = None
    run: int = 0
    key_versions: Mapping[IdentifierType, int] = field(default_factory=dict)
    held: str | None = None
    made: Made | None = None
    collected: int = 0
    code: str | None = None
    row: int | None = None
    kept: frozenset[Kept] = frozenset({Kept.UPLOAD})
    version: int = 1

    @property
    def stream(self) -> StreamId:
        return stream_of(self.id)

    @property
    def to_erase(self) -> frozenset[Kept]:
        """What is kept and no longer needed: the upload once there is a result, everything once it is over."""
        if self.status in OVER:
            return self.kept
        return self.kept & {Kept.UPLOAD} if self.status is ExtractStatus.MADE else frozenset()

    @property
    def due_at(self) -> datetime | None:
        """When somebody has to look at it, if nobody does before."""
        if self.to_erase:
            return self.moved_at
        after = {
            ExtractStatus.ANNOUNCED: UPLOAD_WITHIN,
            ExtractStatus.QUEUED: ASK_AGAIN,
            ExtractStatus.RUNNING: ASK_AGAIN if self.held else LEASE,
            ExtractStatus.MADE: KEPT_FOR,
        }.get(self.status)
        return None if after is None else self.moved_at + after

    @property
    def head(self) -> Head:
        """Where it is listed, and when the sweeper looks at it."""
        return Head(listings=(f"extracts/{self.domain}",), due_at=self.due_at)


def stream_of(extract: ExtractId) -> StreamId:
    return StreamId(f"{KIND}{extract}")


def fold(events: Sequence[Event]) -> Extract | None:
    """The extract as its events leave it; None without events. Raises `UnknownEventError` or `FieldError`."""
    state: Extract | None = None
    for event in events:
        state = evolve(state, event, from_event(event))
    return state


def foreseen(
    stream: StreamId, state: Extract | None, new: Sequence[ExtractEvent], actor: ActorId, at: datetime
) -> Extract:
    """The extract as these events will leave it: what its head is stored with. Raises as `evolve`, and `ValueError`."""
    for event in new:
        domain = event.domain if isinstance(event, Announced) else state.domain if state else DomainId("")
        told, number = to_new_event(event, domain), state.version + 1 if state else 1
        state = evolve(state, Event(stream, number, told.type, at.astimezone(UTC), actor, "", told.data), event)
    if state is None:
        raise ValueError("nothing happens without an event")
    return state


def evolve(state: Extract | None, event: Event, happened: ExtractEvent) -> Extract:
    """The extract after one more event. Raises `UnknownEventError` for one that can't come now."""
    if isinstance(happened, Announced):
        if state is not None:
            raise UnknownEventError(event.type)
        return _announced(event, happened)
    if state is None or event.data.get("domain") != state.domain:
        raise UnknownEventError(event.type)
    state = replace(state, version=event.number)
    status = _STATUS_AFTER.get(type(happened))
    if status is not None:
        state = replace(state, status=status, moved_at=event.at, held=None)
    return _with_details(state, event.at, happened)


def _with_details(state: Extract, at: datetime, happened: ExtractEvent) -> Extract:
    match happened:
        case Queued():
            state = replace(state, queued_at=at)
        case Started(run, _, key_versions):
            state = replace(state, run=run, key_versions=key_versions, kept=state.kept | {Kept.RESULT})
        case Held(code):
            state = replace(state, held=code, moved_at=at)
        case Made():
            state = replace(state, made=happened)
        case FileRefused(code, row):
            state = replace(state, code=code, row=row)
        case Failed(code):
            state = replace(state, code=code)
        case Collected():
            state = replace(state, collected=state.collected + 1)
        case Erased(what):
            state = replace(state, kept=state.kept - set(what))
    return state


_STATUS_AFTER: Mapping[type[ExtractEvent], ExtractStatus] = {
    Queued: ExtractStatus.QUEUED,
    Started: ExtractStatus.RUNNING,
    Made: ExtractStatus.MADE,
    FileRefused: ExtractStatus.REFUSED,
    Failed: ExtractStatus.FAILED,
    Expired: ExtractStatus.EXPIRED,
    Discarded: ExtractStatus.DISCARDED,
}


def _announced(event: Event, happened: Announced) -> Extract:
    return Extract(
        id=ExtractId(event.stream.removeprefix(KIND)),
        domain=happened.domain,
        provider=PersonId(event.actor if PERSON.fullmatch(event.actor) else ""),
        announcement=happened.announcement,
        rows=happened.rows,
        size=happened.size,
        identifier_types=happened.identifier_types,
        clear_columns=happened.clear_columns,
        began_on=None if happened.collection is None else happened.collection.began_on,
        announced_at=event.at,
        moved_at=event.at,
    )
