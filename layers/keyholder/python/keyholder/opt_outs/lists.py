"""The lists of one request's people as their events leave them, and when the next one is due."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from keyholder.ledger.event import Event
from keyholder.opt_outs.check_events import EndReason
from keyholder.opt_outs.checks import Check, CheckEventError, Stage
from keyholder.opt_outs.list_events import (
    ListDropped,
    ListEvent,
    PeopleOpened,
    from_event,
    list_id,
)
from keyholder.policy.days import london_day
from keyholder.vocabulary import ActorId, RequestId

LISTS = ActorId("system/release")
"""Who makes lists: functions/release, which alone can."""

AGAIN_AFTER = timedelta(minutes=10)
"""A list that was begun, or named, and did not arrive by then is made again."""
AFTER_A_FAILURE = timedelta(hours=1)
MOST_A_DAY = 4
"""A check that fails and fails again is not worth more openings of the pseudonyms a day."""
NOTICE = timedelta(hours=6)
"""So long before a request's newest answer is too old, somebody is told."""


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists of one request. `newest` is the id of the newest that names anybody; `people` of that list."""

    request: RequestId
    version: int = 0
    opened_at: datetime | None = None
    opening: bool = False
    """Begun, and not yet said whom."""
    first_opened_at: datetime | None = None
    listed_at: datetime | None = None
    again_on: date | None = None
    people: int = 0
    newest: str | None = None
    listed_on: tuple[date, ...] = ()
    """The London day of every list."""
    named: tuple[int, ...] = ()
    """The numbers of the events that name a list of somebody."""
    dropped: tuple[str, ...] = ()
    """The lists that were not sent in time."""


def fold(request: RequestId, events: Iterable[Event]) -> Lists:
    """Raises `CheckEventError` and what `from_event` raises."""
    state = Lists(request)
    for event in events:
        state = evolve(state, from_event(event), event.at)
    return state


def evolve(state: Lists, event: ListEvent, at: datetime) -> Lists:
    """The lists after one more event. Raises `CheckEventError` for one that can't happen now."""
    number = state.version + 1
    if isinstance(event, PeopleOpened):
        return replace(
            state,
            version=number,
            opened_at=at,
            opening=True,
            first_opened_at=state.first_opened_at or at,
        )
    if isinstance(event, ListDropped):
        return _dropped(state, event)
    today = london_day(at)
    if event.people and not state.opening:
        raise CheckEventError("nobody is listed whose pseudonym was not opened")
    if event.again_on <= today:
        raise CheckEventError("the next look is not before tomorrow")
    return replace(
        state,
        version=number,
        opening=False,
        listed_at=at,
        again_on=event.again_on,
        people=event.people,
        newest=list_id(state.request, number) if event.people else state.newest,
        listed_on=(*state.listed_on, today),
        named=(*state.named, number) if event.people else state.named,
    )


def _dropped(state: Lists, event: ListDropped) -> Lists:
    name = list_id(state.request, event.number)
    if event.number not in state.named or name in state.dropped:
        raise CheckEventError("no such list is there to drop")
    return replace(state, version=state.version + 1, dropped=(*state.dropped, name))


def due(lists: Lists, checks: Iterable[Check], waiting: Set[str], now: datetime) -> bool:
    """Whether the request's people have to be looked at (again).

    `checks`: those of the last weeks. `waiting`: ids of the lists that nobody has asked about yet.
    """
    today = london_day(now)
    if lists.listed_on.count(today) >= MOST_A_DAY:
        return False
    if lists.listed_at is None or lists.again_on is None or lists.opening:
        return lists.opened_at is None or now - lists.opened_at > AGAIN_AFTER
    if today >= lists.again_on:
        return True
    if not lists.people or lists.newest is None or lists.newest in waiting:
        return False
    check = next((one for one in checks if lists.newest in one.lists), None)
    if check is None:
        return lists.newest in lists.dropped or now - lists.listed_at > AGAIN_AFTER
    return check.stage is Stage.ENDED and check.closed_at is not None and now - check.closed_at > AFTER_A_FAILURE


def asked_alone(request: RequestId, checks: Iterable[Check]) -> bool:
    """Whether the request's people are asked about in a list of their own.

    The service cleans nothing of a list with one number it finds invalid. Once that happened, each request of that list
    is asked alone, so that one extract's bad number does not hold up everybody else.
    """
    own = [check for check in checks if any(name.startswith(f"{request}.") for name in check.lists) and not check.open]
    newest = max(own, key=lambda check: check.asked_at, default=None)
    return newest is not None and newest.why is EndReason.ERROR_LINE


def going_stale(lists: Lists, checks: Iterable[Check], direct_days: int, now: datetime) -> bool:
    """Whether a release will soon be held up: the request's newest answer is too old in `NOTICE`, or never came."""
    usable = [
        check.last_usable(direct_days)
        for check in checks
        if check.stage is Stage.ANSWERED and any(name.startswith(f"{lists.request}.") for name in check.lists)
    ]
    if lists.again_on is not None and not lists.people:
        usable.append(lists.again_on)
    if not usable:
        return lists.first_opened_at is not None and now - lists.first_opened_at > NOTICE
    return max(usable) < london_day(now + NOTICE)
