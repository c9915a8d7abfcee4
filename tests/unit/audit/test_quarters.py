"""A quarter's report counts what happened in it, and no count of people below ten can be worked out from it."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from statistics import median_low

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyholder.audit.facets import Histories
from keyholder.audit.quarters import NOT_SHOWN, SHOWN_AS, Quarter, Tally, percentile, report, report_rows, suppressed
from keyholder.audit.tables import as_csv
from keyholder.audit.terms import event_terms
from keyholder.emergency.events import Released
from tests.unit.audit.world import DOMAINS, MORNING, PEOPLE, PROJECTS, World, grown

Q4 = Quarter(2026, 4)
COUNTS = st.dictionaries(st.sampled_from(["A", "B", "C"]), st.integers(0, 14), max_size=3)


@pytest.mark.parametrize(
    ("moment", "quarter"),
    [
        (datetime(2026, 3, 31, 22, 59, tzinfo=UTC), "2026-Q1"),
        (datetime(2026, 3, 31, 23, 0, tzinfo=UTC), "2026-Q2"),  # midnight in London, where summer time has begun
        (datetime(2026, 12, 31, 23, 59, tzinfo=UTC), "2026-Q4"),
        (datetime(2027, 1, 1, tzinfo=UTC), "2027-Q1"),
    ],
)
def test_a_quarter_is_of_london_days(moment: datetime, quarter: str) -> None:
    assert str(Quarter.of(moment)) == quarter
    assert Quarter.parse(quarter) == Quarter.of(moment)


@pytest.mark.parametrize("text", ["2026Q4", "2026-Q5", "26-Q1", "2026-Q4 ", "", "1999-Q1"])
def test_anything_else_is_no_quarter(text: str) -> None:
    assert Quarter.parse(text) is None


def consistent(shown: dict[str, str], total: str) -> list[tuple[int, ...]]:
    """Every assignment of counts to the hidden cells that says the same table, by brute force."""
    names = sorted(shown)
    ranges = [range(1, 10) if shown[name] == SHOWN_AS else [int(shown[name])] for name in names]
    return [
        counts for counts in itertools.product(*ranges) if total == NOT_SHOWN or sum(counts) == int(total)
    ]  # fmt: skip


@settings(max_examples=200)
@given(COUNTS)
def test_no_small_count_can_be_computed(counts: dict[str, int]) -> None:
    table = suppressed(counts)
    shown, total = table["by_reason"], table["total"]
    assert isinstance(shown, dict)
    assert isinstance(total, str)
    assert set(shown) == {name for name, count in counts.items() if count}
    possible = consistent(shown, total)
    assert possible
    for place, name in enumerate(sorted(shown)):
        if counts[name] < 10:
            assert {candidate[place] for candidate in possible} == set(range(1, 10)), "could be any of 1 to 9"
        else:
            assert shown[name] == str(counts[name])
    if all(count >= 10 for count in counts.values() if count):
        assert total == str(sum(counts.values()))


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=50))
def test_percentiles_are_of_the_nearest_rank(values: list[int]) -> None:
    assert percentile(values, 50) == median_low(values)
    worst = percentile(values, 90)
    assert worst is not None
    assert sum(value <= worst for value in values) >= 0.9 * len(values)
    assert worst in values


def a_quarter() -> World:
    """Six requests: four decided after 1 to 4 hours, one withdrawn, one open; two releases."""
    world = World()
    for number in range(6):
        world.request(number, PROJECTS[0], DOMAINS[:1], purpose="research" if number else "planning_commissioning")
        world.clock.moment += timedelta(hours=number + 1, seconds=-1)
        if number < 3:
            world.approve(number)
        elif number == 3:
            world._own(number, "request.rejected", {"content_hash": "ab" * 32}, "decision/rejected")
        elif number == 4:
            world.end(number, expired=False)
    tags = [f"{number:032x}" for number in range(30)]
    world.release(0, {"S251_SUPPORTED": tags[:12], "NDOO_OPTED_OUT": tags[12:24]}, MALFORMED=3)
    world.release(1, {"S251_SUPPORTED": tags[:1], "TYPE1_ACTIVE": tags[1:12]})
    world.clock.moment = datetime(2027, 1, 1, tzinfo=UTC)
    world.request(6, PROJECTS[0], DOMAINS[:1])
    world.commit()
    return world


@pytest.mark.parametrize("published", [False, True])
def test_the_report_says_what_happened(published: bool) -> None:
    world = a_quarter()
    if published:
        world.publish()
    size = len(world.known)
    tally = Tally.of(world.reading().terms(Q4.prefix, size))
    told = report(Q4, tally, size, MORNING)
    assert told == {
        "quarter": "2026-Q4",
        "complete": False,
        "size": size,
        "submitted": {
            "total": 6,
            "by_purpose": {"planning_commissioning": 1, "research": 5},
            "by_legal_basis": {"s251_reg5": 6},
        },
        "decided": {
            "total": 5,
            "by_outcome": {"approved": 3, "rejected": 1, "withdrawn": 1},
            "by_purpose": {"planning_commissioning": 1, "research": 4},
            "by_legal_basis": {"s251_reg5": 5},
        },
        "time_to_decide": {"decisions": 4, "median_minutes": 120, "p90_minutes": 240},
        "records_released": {"by_reason": {"S251_SUPPORTED": "13"}, "total": "13"},
        "records_withheld": {
            "by_reason": {"MALFORMED": "<10", "NDOO_OPTED_OUT": "12", "TYPE1_ACTIVE": "11"},
            "total": "suppressed",
        },
    }
    assert report(Q4, tally, size, datetime(2027, 1, 1, tzinfo=UTC))["complete"] is True
    rows = as_csv(("a", "b", "c", "d"), report_rows(told)).splitlines()
    assert "records_withheld,by_reason,MALFORMED,<10" in rows
    assert "time_to_decide,median_minutes,,120" in rows


def test_what_left_in_an_emergency_is_counted_with_the_rest() -> None:
    world = World()
    subjects = {"CARE_RELATIONSHIP": tuple(f"{number:032x}" for number in range(12))}
    released = Released(f"EMG-{'e' * 32}-1", DOMAINS[0], "2026", subjects, {"MALFORMED": 1}, None).new_event()
    world.add(f"emergency/{'e' * 32}", released.type, released.data, f"person/{'e' * 32}")
    world.commit()
    tally = Tally.of(world.reading().terms(Q4.prefix, 1))
    told = report(Q4, tally, 1, MORNING)
    assert told["records_released"] == {"by_reason": {"CARE_RELATIONSHIP": "12"}, "total": "12"}
    assert told["records_withheld"] == {"by_reason": {"MALFORMED": "<10"}, "total": "suppressed"}


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_a_report_from_the_index_is_one_from_the_events(data: st.DataObject) -> None:
    world = data.draw(grown(most=15))
    if data.draw(st.booleans()):
        world.publish(most_lines=60, part_lines=7)
        world.refuse(PEOPLE[0], "unknown/unnamed")
        world.commit()
    size = data.draw(st.integers(0, len(world.known)))
    histories = Histories(world.read)
    counted = [term for event, _ in world.known[:size] for term in event_terms(event, histories)]
    expected = sorted(term for term in counted if term.startswith(Q4.prefix))
    assert sorted(world.reading().terms(Q4.prefix, size)) == expected
