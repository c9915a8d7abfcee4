"""One check as its events leave it, and what may happen to it next: the same rules write the ledger and audit it."""

# ruff: noqa: ARG001 - one rule for each event, all of one shape
from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import singledispatch

from keyholder.ledger.event import Event
from keyholder.ledger.ports import Head
from keyholder.opt_outs.check_events import (
    Answered,
    Asked,
    CheckEvent,
    Discarded,
    DiscardReason,
    Ended,
    EndReason,
    JobCreated,
    Removed,
    SendFault,
    SendRefused,
    Sent,
    from_event,
)
from keyholder.policy.days import london_day
from keyholder.policy.settings import DIRECT_CAP_DAYS
from keyholder.vocabulary import ActorId, StreamId

CHECK_ID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
ASKS = ActorId("system/opt_outs")
"""Who asks, collects and removes: functions/mesh."""

NO_ANSWER_AFTER = timedelta(days=6)
"""MESH reports a list that nobody collected after five days; what has not come a day later will not come."""

OVERDUE_AFTER = timedelta(hours=26)
"""The service answers within an hour, sometimes within a day."""


class CheckEventError(ValueError):
    """An event can't follow those before it."""


class Stage(StrEnum):
    """How far a check is."""

    ASKED = "asked"
    """In the ledger; MESH may or may not have the list."""
    SENT = "sent"
    JOB_CREATED = "job_created"
    ANSWERED = "answered"
    ENDED = "ended"


OPEN = frozenset({Stage.ASKED, Stage.SENT, Stage.JOB_CREATED})
"""An answer may still come."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `version` is the number of its newest event.

    `performed_on`: the London day whose choices the answer tells. `lists`: whose people it is about. `closed_at`: when
    it was answered or ended.
    """

    id: str
    version: int
    stage: Stage
    asked_at: datetime
    performed_on: date
    people: int
    lists: tuple[str, ...]
    asked_sha256: str
    message: str | None = None
    refused: SendFault | None = None
    closed_at: datetime | None = None
    answer_sha256: str | None = None
    why: EndReason | None = None
    removed: bool = False

    @property
    def open(self) -> bool:
        return self.stage in OPEN

    def overdue(self, now: datetime) -> bool:
        """Whether the service should have answered by now."""
        return self.open and now - self.asked_at > OVERDUE_AFTER

    def last_usable(self, direct_days: int) -> date:
        """The last day on which its answer can be used."""
        return self.performed_on + timedelta(days=direct_days)


def check_stream(check: str) -> StreamId:
    return StreamId(f"opt-out-check/{check}")


def asked_on(day: date) -> str:
    """The listing of the checks of one London day."""
    return f"opt-out-checks/{day.isoformat()}"


def check_head(check: Check) -> Head:
    """Where a check is listed."""
    return Head(listings=(asked_on(check.performed_on),))


def past_cap(performed_on: date, now: datetime) -> bool:
    """Whether an answer of that day can't be used any more, however a deployment is set."""
    return (london_day(now) - performed_on).days > DIRECT_CAP_DAYS


_BEFORE: Mapping[type[CheckEvent], frozenset[Stage]] = {
    Sent: frozenset({Stage.ASKED}),
    SendRefused: frozenset({Stage.ASKED}),
    # The service may answer a list whose sending was never confirmed.
    JobCreated: frozenset({Stage.ASKED, Stage.SENT}),
    Answered: OPEN,
    Ended: OPEN,
    Discarded: frozenset(Stage) - {Stage.ASKED, Stage.SENT},
    Removed: frozenset(Stage),
}


def fold(check: str, events: Iterable[Event]) -> Check | None:
    """The check as its events leave it; None without events. Raises `CheckEventError` and what `from_event` raises."""
    state: Check | None = None
    for event in events:
        state = evolve(check, state, from_event(event), event.at)
    return state


def evolve(check: str, state: Check | None, event: CheckEvent, at: datetime) -> Check:
    """The check after one more event. Raises `CheckEventError` for one that can't happen now."""
    if state is None or isinstance(event, Asked):
        return _begun(check, state, event, at)
    if state.stage not in _BEFORE[type(event)] or (state.removed and not isinstance(event, Discarded)):
        raise CheckEventError(f"{event.TYPE} does not follow")
    return replace(_after(event, state, at), version=state.version + 1)


def _begun(check: str, state: Check | None, event: CheckEvent, at: datetime) -> Check:
    if not isinstance(event, Asked) or state is not None or not CHECK_ID.fullmatch(check):
        raise CheckEventError("a check begins with being asked, once")
    if not event.lists or event.performed_on != london_day(at):
        raise CheckEventError("a check is about somebody, and of the day it is asked on")
    return Check(check, 1, Stage.ASKED, at, event.performed_on, event.people, event.lists, event.sha256)


@singledispatch
def _after(event: object, state: Check, at: datetime) -> Check:
    raise CheckEventError("no rule for such an event")


@_after.register
def _sent(event: Sent, state: Check, at: datetime) -> Check:
    return replace(state, stage=Stage.SENT, message=event.message, refused=None)


@_after.register
def _refused(event: SendRefused, state: Check, at: datetime) -> Check:
    return replace(state, refused=event.fault)


@_after.register
def _created(event: JobCreated, state: Check, at: datetime) -> Check:
    return replace(state, stage=Stage.JOB_CREATED)


@_after.register
def _removed(event: Removed, state: Check, at: datetime) -> Check:
    if not past_cap(state.performed_on, at):
        raise CheckEventError("its register is not past the cap")
    return replace(state, removed=True)


@_after.register
def _discarded(event: Discarded, state: Check, at: datetime) -> Check:
    if (event.why is DiscardReason.LATE) is not (state.stage is Stage.ENDED):
        raise CheckEventError("a message is late once the check has ended, and a duplicate before")
    return state


@_after.register
def _answered(event: Answered, state: Check, at: datetime) -> Check:
    if event.clear + event.opted_out != state.people:
        raise CheckEventError("an answer is about everybody asked for")
    if past_cap(state.performed_on, at):
        raise CheckEventError("an answer past the cap is used for nothing")
    return replace(state, stage=Stage.ANSWERED, closed_at=at, answer_sha256=event.sha256)


@_after.register
def _ended(event: Ended, state: Check, at: datetime) -> Check:
    if event.why is EndReason.NO_ANSWER and at - state.asked_at < NO_ANSWER_AFTER:
        raise CheckEventError("its answer may still come")
    if event.why is EndReason.LISTS_GONE and state.stage is not Stage.ASKED:
        raise CheckEventError("the list was sent")
    return replace(state, stage=Stage.ENDED, closed_at=at, why=event.why)
