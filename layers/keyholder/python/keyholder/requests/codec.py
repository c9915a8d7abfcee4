"""Events of a request to the ledger's form and back: one list of what there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from keyholder.ledger.event import Event, NewEvent
from keyholder.registry.fields import Fields, UnknownEventError
from keyholder.requests.events import (
    AdviceGiven,
    AdviceRequested,
    ChecksHeld,
    ChecksRecorded,
    Claimed,
    Commented,
    ConditionsAccepted,
    ConditionsOffered,
    ConflictCleared,
    ConsentFell,
    DestructionRequired,
    DomainApproved,
    DomainRejected,
    DraftSaved,
    Escalated,
    FileHandedIn,
    FileRead,
    FileRefused,
    HandedBack,
    Nudged,
    OutcomeReported,
    Recused,
    Reminded,
    Replied,
    RequestApproved,
    RequestBlocked,
    RequestCreated,
    RequestDiscarded,
    RequestExpired,
    RequestRejected,
    RequestReturned,
    RequestRevoked,
    RequestSubmitted,
    RequestTakenOver,
    RequestWithdrawn,
    StandingApprovalUsed,
    VolumeExceeded,
    VolumeLetThrough,
    VoteWithdrawn,
)
from keyholder.requests.events.releasing import (
    ItemsReleased,
    ReleaseAuthorised,
    ReleaseCollected,
    ReleaseFailed,
    ReleaseFinished,
)
from keyholder.vocabulary import ActorId

RequestEvent = (
    RequestCreated
    | DraftSaved
    | FileHandedIn
    | FileRead
    | FileRefused
    | RequestDiscarded
    | RequestSubmitted
    | RequestTakenOver
    | ChecksHeld
    | ChecksRecorded
    | RequestBlocked
    | DomainApproved
    | DomainRejected
    | VoteWithdrawn
    | RequestReturned
    | ConditionsOffered
    | ConditionsAccepted
    | RequestApproved
    | RequestRejected
    | RequestWithdrawn
    | RequestRevoked
    | DestructionRequired
    | RequestExpired
    | ReleaseAuthorised
    | ItemsReleased
    | ReleaseFinished
    | ReleaseFailed
    | ReleaseCollected
    | StandingApprovalUsed
    | ConflictCleared
    | Recused
    | Claimed
    | HandedBack
    | Escalated
    | VolumeExceeded
    | VolumeLetThrough
    | Commented
    | Replied
    | Nudged
    | AdviceRequested
    | AdviceGiven
    | ConsentFell
    | Reminded
    | OutcomeReported
)

EVENTS: Mapping[str, type[RequestEvent]] = {
    kind.TYPE: kind
    for kind in (
        RequestCreated,
        DraftSaved,
        FileHandedIn,
        FileRead,
        FileRefused,
        RequestDiscarded,
        RequestSubmitted,
        RequestTakenOver,
        ChecksHeld,
        ChecksRecorded,
        RequestBlocked,
        DomainApproved,
        DomainRejected,
        VoteWithdrawn,
        RequestReturned,
        ConditionsOffered,
        ConditionsAccepted,
        RequestApproved,
        RequestRejected,
        RequestWithdrawn,
        RequestRevoked,
        DestructionRequired,
        RequestExpired,
        ReleaseAuthorised,
        ItemsReleased,
        ReleaseFinished,
        ReleaseFailed,
        ReleaseCollected,
        StandingApprovalUsed,
        ConflictCleared,
        Recused,
        Claimed,
        HandedBack,
        Escalated,
        VolumeExceeded,
        VolumeLetThrough,
        Commented,
        Replied,
        Nudged,
        AdviceRequested,
        AdviceGiven,
        ConsentFell,
        Reminded,
        OutcomeReported,
    )
}


@dataclass(frozen=True, slots=True)
class Happened:
    """An event, when it happened and by whom."""

    event: RequestEvent
    at: datetime
    actor: ActorId


def to_new_event(event: RequestEvent) -> NewEvent:
    return NewEvent(event.TYPE, event.data())


def from_event(event: Event) -> Happened:
    """Raises `UnknownEventError` for a type this version doesn't know, `FieldError` for data it can't read."""
    kind = EVENTS.get(event.type)
    if kind is None:
        raise UnknownEventError(event.type)
    fields = Fields(event.data)
    happened = Happened(kind.read(fields), event.at, event.actor)
    fields.end()
    return happened
