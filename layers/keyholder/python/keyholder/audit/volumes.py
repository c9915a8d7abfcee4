"""What went above the volume limits in a month, for auditors: counted by threshold, and each time by itself.

NHS England's guidance (v1.0, 2017) has eleven thresholds above which re-identification is to be reported. The report is
made from the ledger, which says at each release above a limit which, how far, and what followed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from keyholder.audit.facets import Histories
from keyholder.audit.listing import Indexed
from keyholder.canonical import JsonObject, JsonValue
from keyholder.ledger.event import rfc3339
from keyholder.limits.thresholds import Threshold, VolumeLimits
from keyholder.limits.vocabulary import Action
from keyholder.policy.days import end_of_london_day, london_day
from keyholder.registry.fields import Fields
from keyholder.requests.events import VolumeExceeded, VolumeLetThrough
from keyholder.requests.events.volume import exceeded_json

MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")
MOST = 500
"""Occasions shown by themselves; all are counted, and `audit events` has every one."""
TYPES = (VolumeExceeded.TYPE, VolumeLetThrough.TYPE)


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month in London."""

    first: date

    @classmethod
    def parse(cls, text: str) -> Month | None:
        """`2026-11`; None for anything else."""
        found = MONTH.fullmatch(text)
        return cls(date(int(found[1]), int(found[2]), 1)) if found else None

    @property
    def begins(self) -> datetime:
        return end_of_london_day(self.first - timedelta(days=1))

    @property
    def ends(self) -> datetime:
        """When the next one begins."""
        next_first = (self.first + timedelta(days=31)).replace(day=1)
        return end_of_london_day(next_first - timedelta(days=1))

    def over(self, moment: datetime) -> bool:
        return london_day(moment) >= london_day(self.ends)

    def __str__(self) -> str:
        return f"{self.first:%Y-%m}"


def volume_report(
    month: Month, found: Sequence[Indexed], histories: Histories, limits: VolumeLimits, *, size: int, now: datetime
) -> JsonObject:
    """The report of a tree of `size` leaves. `found` are the month's events of `TYPES`, in order.

    `limits` are those in force now, of which `limits_sha256` is the hash; an occasion names the hash of its own.
    """
    occasions = [
        (one, VolumeExceeded.read(Fields(one.event.data))) for one in found if one.event.type == VolumeExceeded.TYPE
    ]
    through = [
        VolumeLetThrough.read(Fields(one.event.data)) for one in found if one.event.type == VolumeLetThrough.TYPE
    ]
    return {
        "month": str(month),
        "complete": month.over(now),
        "size": size,
        "limits_sha256": limits.hash,
        "thresholds": list(_thresholds(limits, [event for _, event in occasions], through)),
        "occasions": [_occasion(one, event, histories) for one, event in occasions[:MOST]],
        "more": max(len(occasions) - MOST, 0),
    }


def volume_rows(document: JsonObject) -> Iterator[tuple[JsonValue, ...]]:
    """The report's thresholds as a table."""
    thresholds = document["thresholds"]
    for one in thresholds if isinstance(thresholds, list | tuple) else ():
        if isinstance(one, Mapping):
            yield tuple(one[name] for name in VOLUME_COLUMNS)


VOLUME_COLUMNS = (
    "threshold",
    "nhs",
    "scope",
    "measure",
    "window",
    "warn_above",
    "hold_above",
    "block_above",
    "warned",
    "held",
    "blocked",
    "let_through",
    "highest",
)


def _thresholds(
    limits: VolumeLimits, occasions: Iterable[VolumeExceeded], through: Iterable[VolumeLetThrough]
) -> Iterator[JsonObject]:
    """Every threshold of the file, also those nothing went above; then those that are in the file no more."""
    times: Counter[tuple[str, Action]] = Counter()
    highest: dict[str, int] = {}
    for occasion in occasions:
        for one in occasion.exceeded:
            times[one.threshold, one.action] += 1
            highest[one.threshold] = max(highest.get(one.threshold, 0), one.count)
    let = Counter(name for event in through for name in event.thresholds)
    known = {threshold.id: threshold for threshold in limits.thresholds}
    for name in [*known, *sorted((highest.keys() | let.keys()) - known.keys())]:
        yield {
            **_described(name, known.get(name)),
            "warned": times[name, Action.WARN],
            "held": times[name, Action.HOLD],
            "blocked": times[name, Action.BLOCK],
            "let_through": let[name],
            "highest": highest.get(name),
        }


def _described(name: str, threshold: Threshold | None) -> JsonObject:
    above = threshold.above if threshold else {}
    return {
        "threshold": name,
        "nhs": threshold.nhs if threshold else None,
        "scope": threshold.scope.value if threshold else None,
        "measure": threshold.measure.value if threshold else None,
        "window": threshold.window.value if threshold else None,
        **{f"{action.value}_above": above.get(action) for action in Action},
    }


def _occasion(one: Indexed, event: VolumeExceeded, histories: Histories) -> JsonObject:
    state = histories.state(one.event)
    return {
        "index": one.place.index,
        "at": rfc3339(one.event.at),
        "request": one.event.stream.removeprefix("request/"),
        "release_id": event.release,
        "requester": state.requester if state else None,
        "project": state.summary.project if state and state.summary else None,
        "limits_sha256": event.limits_hash,
        "action": event.action.value,
        "stopped": event.stopped,
        "exceeded": [exceeded_json(each) for each in event.exceeded],
    }
