"""What was released lately, as the counters hold it, and what it amounts to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from keyholder.limits.thresholds import Threshold, VolumeLimits
from keyholder.limits.vocabulary import Action, Measure, Scope, Window
from keyholder.policy.days import london_day
from keyholder.vocabulary import OrganisationCode, PersonId

PATIENT_BYTES = 8
"""A patient is a keyed digest of this length, the registers' (`policy.digests`)."""

NOBODY = "?"
"""Stands before a code that opens to nobody, where a patient is named."""

LONGEST = timedelta(days=30)
SPANS = {
    Window.HOURS_24: timedelta(hours=24),
    Window.DAYS_7: timedelta(days=7),
    Window.DAYS_30: LONGEST,
}


@dataclass(frozen=True, slots=True)
class Reserved:
    """One release as it is counted: who asked, when, and whose records were asked for, one after the other.

    All records count, also those withheld in the end: a limit that counted only what left would tell the requester
    how many people had said no.
    """

    release: str
    request: str
    at: datetime
    person: PersonId
    organisation: OrganisationCode
    patients: bytes = field(repr=False)

    def digests(self) -> Iterator[bytes]:
        """Each patient's digest."""
        return (self.patients[at : at + PATIENT_BYTES] for at in range(0, len(self.patients), PATIENT_BYTES))


@dataclass(frozen=True, slots=True)
class Exceeded:
    """A threshold that a release goes above, and what follows."""

    threshold: str
    action: Action
    count: int
    above: int


def exceeded(limits: VolumeLimits, own: Reserved, others: Iterable[Reserved], now: datetime) -> tuple[Exceeded, ...]:
    """What `own` goes above, counted together with what was released or reserved before, in the file's order."""
    known = {other.release: other for other in others if now - LONGEST < other.at}
    everything = [*(other for name, other in known.items() if name != own.release), own]
    found = []
    for threshold in limits.thresholds:
        counted = count(limits, threshold, own, everything, now)
        action = threshold.action(counted)
        if action is not None:
            found.append(Exceeded(threshold.id, action, counted, threshold.above[action]))
    return tuple(found)


def count(
    limits: VolumeLimits, threshold: Threshold, own: Reserved, everything: Iterable[Reserved], now: datetime
) -> int:
    """How much of the threshold's measure there is, `own` included."""
    counted = [one for one in everything if _in_window(threshold.window, one.at, now)]
    if threshold.scope is Scope.PATIENT:
        return _most_often(own, counted)
    counted = [one for one in counted if _same(limits, threshold.scope, one, own)]
    match threshold.measure:
        case Measure.RELEASES:
            return len(counted)
        case Measure.NIGHT_RELEASES:
            return sum(limits.at_night(one.at) for one in counted) if limits.at_night(own.at) else 0
        case Measure.FREE_DAY_RELEASES:
            return sum(limits.on_free_day(one.at) for one in counted) if limits.on_free_day(own.at) else 0
        case Measure.PATIENTS:
            return _patients(counted)
        case Measure.PATIENTS_PERCENT:
            return _percent(limits, threshold.scope, own, _patients(counted))


def _in_window(window: Window, at: datetime, now: datetime) -> bool:
    if window is Window.DAY:
        return london_day(at) == london_day(now)
    return now - SPANS[window] < at


def _same(limits: VolumeLimits, scope: Scope, one: Reserved, own: Reserved) -> bool:
    match scope:
        case Scope.PERSON:
            return one.person == own.person
        case Scope.ORGANISATION:
            return one.organisation == own.organisation
        case _:
            area = limits.area_of(own.organisation)
            return area is not None and limits.area_of(one.organisation) == area


def _patients(counted: Iterable[Reserved]) -> int:
    return len({digest for one in counted for digest in one.digests()})


def _percent(limits: VolumeLimits, scope: Scope, own: Reserved, patients: int) -> int:
    """Rounded up, so that anything above a whole per cent is above it. Who has no list has no share of one."""
    area = limits.area_of(own.organisation)
    if scope is Scope.ORGANISATION:
        size = limits.organisations.get(own.organisation)
    else:
        size = limits.areas.get(area) if area is not None else None
    return -(-100 * patients // size.patients) if size else 0


def _most_often(own: Reserved, counted: Iterable[Reserved]) -> int:
    """In how many requests the patient was who is in most of them, of those in `own`. Retrieved again is not again."""
    requests: dict[bytes, set[str]] = {digest: set() for digest in own.digests()}
    for one in counted:
        for digest in requests.keys() & set(one.digests()):
            requests[digest].add(one.request)
    return max(map(len, requests.values()), default=0)
