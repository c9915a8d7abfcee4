"""The one file of volume limits, read strictly.

Its defaults are the eleven thresholds by which NHS England's guidance (v1.0, 2017, as a London re-identification portal
quotes it; the original was not found) wants re-identification reported. There nothing enforces them. Here each warns at
the guidance's number, and stops at one above it; every number is the deployment's to set.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from keyholder.canonical import JsonObject, content_hash
from keyholder.limits.vocabulary import STRICTEST_FIRST, Action, Measure, Scope, Window
from keyholder.policy.days import london_day
from keyholder.registry.fields import CODE, ORGANISATION, FieldError, FieldFault, Fields
from keyholder.vocabulary import ContentHash, OrganisationCode

FILE = Path(__file__).with_name("volume_limits.json")
FORMAT = 1
LONDON = ZoneInfo("Europe/London")
_MOST = 100
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Threshold:
    """One limit. `above` has the highest count that still goes without the action; an action not in it never follows.

    `nhs` is the number of the guidance's threshold, None for a limit of the deployment's own.
    """

    id: str
    scope: Scope
    measure: Measure
    window: Window
    above: Mapping[Action, int]
    nhs: int | None = None

    def action(self, count: int) -> Action | None:
        """What follows from `count`: the strictest action whose number it exceeds."""
        return next((act for act in STRICTEST_FIRST if act in self.above and count > self.above[act]), None)


@dataclass(frozen=True, slots=True)
class ListSize:
    """How many patients an organisation or area has, and the area the organisation belongs to."""

    patients: int
    area: str | None = None


@dataclass(frozen=True, slots=True)
class VolumeLimits:
    """The whole file. `hash` names it in the ledger."""

    thresholds: tuple[Threshold, ...]
    night: tuple[int, int]
    holidays: frozenset[date]
    organisations: Mapping[OrganisationCode, ListSize]
    areas: Mapping[str, ListSize]
    hash: ContentHash = field(repr=False)

    def area_of(self, organisation: OrganisationCode) -> str | None:
        """The area an organisation belongs to; None for one the file does not name."""
        known = self.organisations.get(organisation)
        return known.area if known else None

    def at_night(self, moment: datetime) -> bool:
        """Whether it is night in London: from the first hour on, until the second one begins."""
        begins, ends = self.night
        hour = moment.astimezone(LONDON).hour
        return begins <= hour < ends if begins <= ends else hour >= begins or hour < ends

    def on_free_day(self, moment: datetime) -> bool:
        """Whether it is a weekend or a bank holiday in London."""
        day = london_day(moment)
        return day.weekday() >= _SATURDAY or day in self.holidays


def default_limits() -> VolumeLimits:
    """The file that was deployed. Raises `FieldError` for one that does not say everything, and says it once."""
    return read_limits(json.loads(FILE.read_text(encoding="utf-8")))


def read_limits(raw: JsonObject) -> VolumeLimits:
    """Raises `FieldError`, which names the place."""
    fields = Fields(raw)
    fields.number("format", FORMAT, FORMAT)
    night = fields.inner("night")
    limits = VolumeLimits(
        thresholds=tuple(_threshold(inner) for inner in fields.inners("thresholds", _MOST)),
        night=(night.number("from_hour", 0, 23), night.number("to_hour", 0, 23)),
        holidays=frozenset(_day(text) for text in fields.texts("holidays")),
        organisations={OrganisationCode(code): size for code, size in _sizes(fields.inner("organisations")).items()},
        areas=_sizes(fields.inner("areas")),
        hash=content_hash(raw),
    )
    night.end()
    fields.end()
    _refuse_unclear(limits)
    return limits


def _refuse_unclear(limits: VolumeLimits) -> None:
    names = [threshold.id for threshold in limits.thresholds]
    if not names:
        raise FieldError("/thresholds", FieldFault.MISSING)
    if len(set(names)) != len(names):
        raise FieldError("/thresholds", FieldFault.REPEATED)
    areas = {size.area for size in limits.organisations.values() if size.area is not None}
    if not areas <= set(limits.areas):
        raise FieldError("/areas", FieldFault.MISSING)


def _threshold(fields: Fields) -> Threshold:
    threshold = Threshold(
        id=fields.text("id", CODE),
        scope=fields.choice("scope", Scope),
        measure=fields.choice("measure", Measure),
        window=fields.choice("window", Window),
        above={
            action: number for action in Action if (number := fields.maybe_number(f"{action.value}_above")) is not None
        },
        nhs=fields.maybe_number("nhs", 1, 11),
    )
    fields.end()
    numbers = [threshold.above[action] for action in Action if action in threshold.above]
    if not numbers or numbers != sorted(numbers):
        raise FieldError(fields.pointer, FieldFault.RANGE)
    fits = {Scope.PATIENT: {Measure.RELEASES}, Scope.PERSON: set(Measure) - {Measure.PATIENTS_PERCENT}}
    if threshold.measure not in fits.get(threshold.scope, set(Measure)):
        raise FieldError(fields.at("measure"), FieldFault.RANGE)
    return threshold


def _sizes(fields: Fields) -> Mapping[str, ListSize]:
    return {name: _size(fields.inner(name)) for name in fields.codes(ORGANISATION)}


def _size(fields: Fields) -> ListSize:
    size = ListSize(fields.number("list_size", 1), fields.maybe_text("area", ORGANISATION))
    fields.end()
    return size


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise FieldError("/holidays", FieldFault.FORMAT) from None
