"""The report of volume limits says each threshold and each occasion, as the ledger has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keyholder.audit.auditor import VOLUMES_READ, Auditor
from keyholder.audit.facets import Histories
from keyholder.audit.index import IndexReader
from keyholder.audit.listing import Indexed, Place, Reading
from keyholder.audit.reading import Auditing
from keyholder.audit.tables import as_csv
from keyholder.audit.volumes import MOST, TYPES, VOLUME_COLUMNS, Month, volume_report, volume_rows
from keyholder.canonical import JsonObject
from keyholder.ledger.event import Event
from keyholder.limits.counting import Exceeded
from keyholder.limits.thresholds import default_limits
from keyholder.limits.vocabulary import Action
from keyholder.requests import commands as ask
from keyholder.requests.codec import to_new_event
from keyholder.requests.service import Done
from keyholder.vocabulary import ActorId, StreamId
from tests.fakes.ledger import ManualClock, Memory, memory_ledger
from tests.fakes.views import MemoryViews
from tests.unit.requests import world
from tests.unit.requests.world import AUDITOR, NADIA, RELEASE, ROSA

LIMITS = default_limits()
NOVEMBER = Month.parse("2026-11")
WARNED = (Exceeded("night", Action.WARN, 2, 1),)
HELD = (Exceeded("night", Action.WARN, 3, 1), Exceeded("person_month", Action.HOLD, 2_001, 2_000))
GONE = (Exceeded("of_last_year", Action.BLOCK, 12, 10),)


def story() -> list[Event]:
    """Warned of once, held once and let through; then blocked by a threshold the file no longer has."""
    course = world.approved()
    assert course.state.content_hash
    for number, (action, stopped, exceeded) in enumerate(
        ((Action.WARN, False, WARNED), (Action.HOLD, True, HELD), (Action.BLOCK, True, GONE)), 1
    ):
        course.do(world.release_of(course, number), ROSA)
        release = f"REL-{number:026d}"
        course.do(ask.RecordVolume(release, LIMITS.hash, action, stopped, exceeded), RELEASE)
        if action is Action.WARN:
            course.do(ask.FailRelease(release, "FAULT"), RELEASE)
        if action is Action.HOLD:
            course.do(ask.LetThrough(course.state.content_hash), NADIA)
    return list(_written(course))


def _written(course: world.Course) -> Iterator[Event]:
    stream = StreamId(f"request/{course.state.id}")
    for number, event in enumerate(course.happened, 1):
        new = to_new_event(event)
        yield Event(stream, number, new.type, world.NOW + timedelta(seconds=number), ActorId(ROSA.id), "t", new.data)


def report(events: Sequence[Event], now: datetime = world.NOW) -> JsonObject:
    assert NOVEMBER
    found = [Indexed(event, event.line(), Place(at, 1)) for at, event in enumerate(events) if event.type in TYPES]
    return volume_report(NOVEMBER, found, Histories(lambda _: tuple(events)), LIMITS, size=len(events), now=now)


def thresholds(made: JsonObject) -> dict[str, JsonObject]:
    items = made["thresholds"]
    assert isinstance(items, list)
    return {str(one["threshold"]): one for one in items if isinstance(one, dict)}


def test_each_threshold_is_there_with_its_numbers_and_what_went_above_it() -> None:
    made = thresholds(report(story()))
    assert [one["nhs"] for one in made.values()] == [*range(1, 12), None]
    assert (made["night"]["warned"], made["night"]["held"], made["night"]["highest"]) == (2, 0, 3)
    month = made["person_month"]
    assert (month["held"], month["let_through"], month["highest"]) == (1, 1, 2_001)
    assert (month["warn_above"], month["hold_above"], month["block_above"]) == (1_000, 2_000, None)
    quiet = made["same_patient"]
    assert (quiet["warned"], quiet["held"], quiet["blocked"], quiet["highest"]) == (0, 0, 0, None)
    assert (made["of_last_year"]["blocked"], made["of_last_year"]["scope"]) == (1, None)


def test_each_occasion_says_who_asked_where_and_what_followed() -> None:
    made = report(story())
    occasions = made["occasions"]
    assert isinstance(occasions, list)
    told = [
        (one["action"], one["stopped"], one["requester"], one["project"]) for one in occasions if isinstance(one, dict)
    ]
    assert told == [
        ("warn", False, ROSA.id, world.PROJECT),
        ("hold", True, ROSA.id, world.PROJECT),
        ("block", True, ROSA.id, world.PROJECT),
    ]
    assert (made["more"], made["limits_sha256"]) == (0, LIMITS.hash)


def test_all_are_counted_and_the_first_are_shown() -> None:
    warned = next(event for event in story() if event.type == TYPES[0])
    made = report([replace(warned, number=number) for number in range(1, MOST + 4)])
    assert (len(made["occasions"]), made["more"]) == (MOST, 3)  # type: ignore[arg-type] - a list
    assert thresholds(made)["night"]["warned"] == MOST + 3


@pytest.mark.parametrize(
    ("text", "begins", "ends"),
    [
        ("2026-11", datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)),
        ("2027-03", datetime(2027, 3, 1, tzinfo=UTC), datetime(2027, 3, 31, 23, tzinfo=UTC)),
        ("2026-12", datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_month_is_of_london_days(text: str, begins: datetime, ends: datetime) -> None:
    month = Month.parse(text)
    assert month
    assert (month.begins, month.ends, str(month)) == (begins, ends, text)
    assert (month.over(ends - timedelta(seconds=1)), month.over(ends)) == (False, True)


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "26-11", "2026-11 ", ""])
def test_anything_else_is_no_month(text: str) -> None:
    assert Month.parse(text) is None


def test_the_thresholds_are_a_table() -> None:
    lines = as_csv(VOLUME_COLUMNS, volume_rows(report(story()))).splitlines()
    assert lines[0].split(",")[:2] == ["threshold", "nhs"]
    assert lines[6] == "person_month,6,person,patients,30_days,1000,2000,,0,1,0,1,2001"
    assert len(lines) == 13


def test_reading_it_is_an_event_and_only_auditors_do() -> None:
    clock = ManualClock(world.NOW)
    house = world.House(memory_ledger(clock, Memory()), clock)
    created = house.desk.create(house.call(ROSA), world.a_body())
    assert isinstance(created, Done)
    numbers = iter(range(1, 9))

    def auditing(who: world.Person) -> Auditing:
        auditor = Auditor(house.log, who, "trace", None, clock.now(), lambda: f"{next(numbers):026d}")
        reading = Reading(house.log, lambda: IndexReader.newest(MemoryViews()))  # type: ignore[arg-type]
        return Auditing(auditor, None, reading, None, None)  # type: ignore[arg-type] - not asked here

    made = auditing(AUDITOR).volume_report("2026-11", LIMITS)
    assert isinstance(made, dict)
    (noted,) = house.log.read(StreamId(f"audit/{1:026d}"))
    assert (noted.type, noted.data) == (VOLUMES_READ, {"month": "2026-11", "size": made["size"], "count": 0})
    assert getattr(auditing(AUDITOR).volume_report("2026-14", LIMITS), "code", None) == "UNKNOWN_MONTH"
    assert getattr(auditing(ROSA).volume_report("2026-11", LIMITS), "code", None) == "NOT_AN_AUDITOR"
