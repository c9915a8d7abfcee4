"""What is counted, and that nobody gets above a limit by being quick."""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.limits.counting import PATIENT_BYTES, Exceeded, Reserved, exceeded
from keyholder.limits.limiter import CountersUnavailableError, Limiter, Verdict
from keyholder.limits.thresholds import FILE, VolumeLimits, default_limits, read_limits
from keyholder.limits.vocabulary import Action
from keyholder.vocabulary import OrganisationCode, PersonId

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
"""A Thursday at noon."""
ROSA, OTTO = PersonId("person/" + "1" * 32), PersonId("person/" + "2" * 32)
TRUST, OTHER = OrganisationCode("RAA"), OrganisationCode("RBB")
RAW = json.loads(FILE.read_text())


def reserved(
    name: str,
    patients: Sequence[int] = (1,),
    *,
    request: str = "",
    at: datetime = NOW,
    person: PersonId = ROSA,
    organisation: OrganisationCode = TRUST,
) -> Reserved:
    joined = b"".join(number.to_bytes(PATIENT_BYTES, "big") for number in patients)
    return Reserved(name, request or f"REQ-{name}", at, person, organisation, joined)


def limits(**changes: Any) -> VolumeLimits:
    return read_limits({**deepcopy(RAW), **changes})


def found(
    own: Reserved, *others: Reserved, now: datetime = NOW, known: VolumeLimits | None = None
) -> dict[str, Action]:
    return {one.threshold: one.action for one in exceeded(known or default_limits(), own, others, now)}


@dataclass
class MemoryCounters:
    """`Counters` in memory, strongly consistent, step by step."""

    rows: list[Reserved] = field(default_factory=list)
    broken: str = ""

    def reserve(self, reserved: Reserved) -> None:
        self._work("reserve")
        self.rows.append(reserved)

    def since(self, moment: datetime) -> Sequence[Reserved]:
        self._work("since")
        return [row for row in self.rows if row.at >= moment]

    def forget(self, reserved: Reserved) -> None:
        self._work("forget")
        self.rows.remove(reserved)

    def _work(self, step: str) -> None:
        if self.broken == step:
            raise CountersUnavailableError


@pytest.mark.parametrize(
    ("patients", "action"), [(300, None), (301, Action.WARN), (600, Action.WARN), (601, Action.HOLD)]
)
def test_a_person_s_day_at_both_ends_of_each_limit(patients: int, action: Action | None) -> None:
    assert found(reserved("a", range(patients))).get("person_24_hours") is action


def test_the_same_patients_again_are_no_more_patients() -> None:
    day = NOW - timedelta(hours=5)
    assert "person_24_hours" not in found(reserved("a", range(300)), reserved("b", range(300), at=day))
    assert "person_24_hours" in found(reserved("a", range(300)), reserved("b", range(1, 302), at=day))


@pytest.mark.parametrize(
    ("age", "limit", "counts"),
    [
        (timedelta(hours=24) - timedelta(seconds=1), "person_24_hours", True),
        (timedelta(hours=24), "person_24_hours", False),
        (timedelta(days=7) - timedelta(seconds=1), "person_7_days", True),
        (timedelta(days=7), "person_7_days", False),
        (timedelta(days=30) - timedelta(seconds=1), "person_month", True),
        (timedelta(days=30), "person_month", False),
    ],
)
def test_a_window_at_both_ends(age: timedelta, limit: str, counts: bool) -> None:
    before = reserved("before", range(10_000), at=NOW - age)
    assert (limit in found(reserved("now", [20_000]), before)) is counts


def test_another_persons_releases_count_for_their_organisation_only() -> None:
    before = reserved("before", range(800), person=OTTO, at=NOW - timedelta(days=8))
    assert set(found(reserved("now", [900]), before)) == {"organisation_month"}
    elsewhere = reserved("before", range(800), person=OTTO, organisation=OTHER, at=NOW - timedelta(days=8))
    assert found(reserved("now", [900]), elsewhere) == {}


def test_nights_and_free_days_count_when_it_is_one() -> None:
    night = datetime(2026, 11, 25, 22, 0, tzinfo=UTC)
    earlier = [reserved(f"{number}", at=night - timedelta(days=number), patients=[number]) for number in (1, 2)]
    assert found(reserved("now", [9], at=night), *earlier, now=night)["night"] is Action.WARN
    assert "night" not in found(reserved("now", [9]), *earlier)
    saturday = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
    assert found(reserved("now", at=saturday), now=saturday) == {"free_day": Action.WARN}


def test_one_patient_too_often_whoever_asks() -> None:
    before = [
        reserved(str(n), [7, n + 100], person=OTTO, organisation=OTHER, at=NOW - timedelta(days=n))
        for n in range(1, 10)
    ]
    assert "same_patient" not in found(reserved("now", [7]), *before[:1])
    assert found(reserved("now", [7]), *before[:2])["same_patient"] is Action.WARN
    assert found(reserved("now", [7]), *before)["same_patient"] is Action.HOLD
    assert "same_patient" not in found(reserved("now", [8]), *before)
    again = [reserved(str(n), [7], request="REQ-now") for n in range(20)]
    assert "same_patient" not in found(reserved("now", [7]), *again)


def test_shares_of_a_list_are_rounded_up_and_need_a_list() -> None:
    known = limits(organisations={"RAA": {"list_size": 1000, "area": "QWE"}}, areas={"QWE": {"list_size": 5000}})
    assert "list_7_days" not in found(reserved("a", range(60)), known=known)
    assert found(reserved("a", range(61)), known=known)["list_7_days"] is Action.WARN
    assert "area_month" not in found(reserved("a", range(300)), known=known)
    assert "area_month" in found(reserved("a", range(301)), known=known)
    assert "list_7_days" not in found(reserved("a", range(100), organisation=OTHER), known=known)


def test_more_releases_a_day_than_anybody_may_let_through_are_blocked() -> None:
    others = [reserved(str(n), [n], person=OTTO, at=NOW - timedelta(minutes=1)) for n in range(1000)]
    assert found(reserved("now", [0]), *others)["releases_day"] is Action.BLOCK


@given(st.sets(st.sampled_from(["night", "same_patient", "person_month"])), st.sets(st.sampled_from(list(Action))))
def test_a_hold_passes_only_if_all_of_it_was_let_through(through: set[str], actions: set[Action]) -> None:
    verdict = Verdict(tuple(Exceeded("night", action, 2, 1) for action in actions))
    stops = verdict.stops(frozenset(through))
    if Action.BLOCK in actions:
        assert stops
    elif Action.HOLD in actions:
        assert stops is ("night" not in through)
    else:
        assert not stops


def test_what_is_stopped_is_not_counted_and_what_passes_is() -> None:
    counters = MemoryCounters()
    limiter = Limiter(default_limits(), counters)
    assert limiter.reserve(reserved("held", range(601)), frozenset(), NOW).action is Action.HOLD
    assert counters.rows == []
    through = limiter.reserve(reserved("held", range(601)), frozenset({"person_24_hours"}), NOW)
    assert not through.stops(frozenset({"person_24_hours"}))
    assert len(counters.rows) == 1


@pytest.mark.parametrize("step", ["reserve", "since", "forget"])
def test_without_counters_nothing_is_released(step: str) -> None:
    with pytest.raises(CountersUnavailableError):
        Limiter(default_limits(), MemoryCounters(broken=step)).reserve(reserved("a", range(601)), frozenset(), NOW)


@pytest.mark.parametrize("order", list(permutations(["a", "b", "a", "b"]))[:24])
def test_two_at_once_never_go_above_a_limit_together(order: Sequence[str]) -> None:
    """Each writes itself down, then looks, in any order of the two: 400 patients each, 600 allowed."""
    counters = MemoryCounters()
    own = {"a": reserved("a", range(400)), "b": reserved("b", range(400, 800))}
    verdicts: dict[str, bool] = {}
    for name in order:
        if own[name] not in counters.rows:
            counters.reserve(own[name])
        else:
            others = counters.since(NOW - timedelta(days=30))
            verdicts[name] = bool(Verdict(exceeded(default_limits(), own[name], others, NOW)).stops(frozenset()))
    assert any(verdicts.values())


def test_it_is_written_down_before_anybody_looks() -> None:
    class Looking(MemoryCounters):
        def since(self, moment: datetime) -> Sequence[Reserved]:
            assert self.rows
            return super().since(moment)

    Limiter(default_limits(), Looking()).reserve(reserved("a"), frozenset(), NOW)


@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.sampled_from([ROSA, OTTO]), st.sets(st.integers(0, 30), min_size=1)),
        max_size=12,
    )
)
def test_distinct_patients_against_a_plain_count(history: list[tuple[int, PersonId, set[int]]]) -> None:
    small = limits(
        thresholds=[
            {"id": "x", "scope": "person", "measure": "patients", "window": "7_days", "warn_above": 0},
        ]
    )
    others = [
        reserved(str(place), sorted(patients), at=NOW - timedelta(days=age), person=person)
        for place, (age, person, patients) in enumerate(history)
    ]
    own = reserved("own", [31])
    plain = {31} | {p for age, person, patients in history for p in patients if person == ROSA and age < 7}
    (told,) = exceeded(small, own, others, NOW)
    assert told.count == len(plain)
