"""The file of volume limits: what is deployed, and what is refused."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from keyholder.limits.thresholds import FILE, default_limits, read_limits
from keyholder.limits.vocabulary import Action, Measure, Scope, Window
from keyholder.registry.fields import FieldError

RAW = json.loads(FILE.read_text())


def changed(**changes: Any) -> dict[str, Any]:
    return {**deepcopy(RAW), **changes}


def one(**changes: Any) -> dict[str, Any]:
    return changed(thresholds=[{**deepcopy(RAW["thresholds"][3]), **changes}])


def test_the_eleven_thresholds_of_the_guidance_are_there_with_its_numbers() -> None:
    told = {
        threshold.nhs: (threshold.scope, threshold.measure, threshold.window, threshold.above[Action.WARN])
        for threshold in default_limits().thresholds
    }
    assert told == {
        1: (Scope.PERSON, Measure.NIGHT_RELEASES, Window.DAYS_30, 1),
        2: (Scope.ORGANISATION, Measure.FREE_DAY_RELEASES, Window.DAY, 0),
        3: (Scope.ORGANISATION, Measure.RELEASES, Window.DAY, 100),
        4: (Scope.PERSON, Measure.PATIENTS, Window.HOURS_24, 300),
        5: (Scope.PERSON, Measure.PATIENTS, Window.DAYS_7, 500),
        6: (Scope.PERSON, Measure.PATIENTS, Window.DAYS_30, 1000),
        7: (Scope.ORGANISATION, Measure.PATIENTS, Window.DAYS_30, 750),
        8: (Scope.ORGANISATION, Measure.PATIENTS_PERCENT, Window.DAYS_7, 6),
        9: (Scope.ORGANISATION, Measure.PATIENTS_PERCENT, Window.DAYS_30, 6),
        10: (Scope.AREA, Measure.PATIENTS_PERCENT, Window.DAYS_30, 6),
        11: (Scope.PATIENT, Measure.RELEASES, Window.DAYS_30, 2),
    }


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (changed(format=2), "/format"),
        (changed(more=1), ""),
        (changed(thresholds=[]), "/thresholds"),
        (changed(thresholds=RAW["thresholds"][:1] * 2), "/thresholds"),
        (changed(holidays=["2026-02-30"]), "/holidays"),
        (changed(night={"from_hour": 24, "to_hour": 6}), "/night/from_hour"),
        (changed(organisations={"Y00001": {"list_size": 0}}), "/organisations/Y00001/list_size"),
        (changed(organisations={"Y00001": {"list_size": 9, "area": "QWE"}}), "/areas"),
        (one(scope="everybody"), "/thresholds/0/scope"),
        (one(window="for ever"), "/thresholds/0/window"),
        (one(warn_above=None, hold_above=None), "/thresholds/0"),
        (one(warn_above=300, hold_above=299), "/thresholds/0"),
        (one(measure="patients_percent"), "/thresholds/0/measure"),
        (one(scope="patient"), "/thresholds/0/measure"),
        (one(nhs=12), "/thresholds/0/nhs"),
    ],
)
def test_a_file_that_is_not_clear_is_refused_with_the_place(raw: dict[str, Any], place: str) -> None:
    with pytest.raises(FieldError) as refused:
        read_limits(raw)
    assert refused.value.pointer == place


def test_another_number_is_another_hash() -> None:
    assert read_limits(one(warn_above=299)).hash != read_limits(one()).hash


@pytest.mark.parametrize(
    ("moment", "night"),
    [
        ("2026-11-26T20:59:59+00:00", False),
        ("2026-11-26T21:00:00+00:00", True),
        ("2026-11-27T05:59:59+00:00", True),
        ("2026-11-27T06:00:00+00:00", False),
        # British Summer Time: 21:00 in London is 20:00 UTC.
        ("2026-07-01T20:00:00+00:00", True),
        ("2026-07-01T05:00:00+00:00", False),
    ],
)
def test_the_night_is_londons(moment: str, night: bool) -> None:
    assert default_limits().at_night(datetime.fromisoformat(moment)) is night


@pytest.mark.parametrize(
    ("moment", "free"),
    [
        (datetime(2026, 11, 27, 23, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 28, 0, 0, tzinfo=UTC), True),
        (datetime(2026, 11, 30, 0, 0, tzinfo=UTC), False),
        (datetime(2026, 12, 28, 12, 0, tzinfo=UTC), True),
        # Half past midnight on Saturday in London is still Friday in UTC.
        (datetime(2026, 7, 3, 23, 30, tzinfo=UTC), True),
    ],
)
def test_free_days_are_weekends_and_holidays_in_london(moment: datetime, free: bool) -> None:
    assert default_limits().on_free_day(moment) is free
