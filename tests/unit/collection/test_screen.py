"""Each rule drops exactly what it has to, on the right side of its boundary, and what nobody can tell."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.collection.codes import BarredCode, CodeList, LegalBar, ListStatus
from keyholder.collection.days import death_rule, oldest_day
from keyholder.collection.rules import CollectionRules, ItemColumns
from keyholder.collection.screen import Screen
from keyholder.collection.vocabulary import DropRule
from keyholder.policy.type1 import Type1State
from keyholder.policy.vocabulary import CodeSystem
from keyholder.vocabulary import IdentifierType
from tests.people import TODAY, some_nhs_numbers

OPEN, OPTED_OUT, UNKNOWN = some_nhs_numbers(3)
BEGAN = date(2021, 7, 1)
"""The day of the tests is 1 July too, of 2026."""
BARRED = CodeList(
    "a test", ListStatus.IN_FORCE, (BarredCode(CodeSystem.READV2, "EX1..", LegalBar.FERTILITY_TREATMENT),)
)
RULES = CollectionRules(
    BEGAN, tuple(IdentifierType), ("lsoa",), ItemColumns("code", "recorded_on", "code_system"), BARRED
)
STATES = {OPEN: Type1State.INACTIVE, OPTED_OUT: Type1State.ACTIVE, UNKNOWN: Type1State.UNKNOWN}
SCREEN = Screen(RULES, TODAY, STATES.__getitem__)


def row(**cells: str) -> dict[str, str]:
    given_cells = {"nhs_number": OPEN, "date_of_death": "", "code": "H33..", "recorded_on": "2024-05-01"}
    return {**given_cells, "code_system": "readv2", **cells}


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        ({}, None),
        ({"nhs_number": ""}, DropRule.NHS_NUMBER_UNREADABLE),
        ({"nhs_number": "9990000019"}, DropRule.NHS_NUMBER_UNREADABLE),
        ({"nhs_number": OPTED_OUT}, DropRule.TYPE_1_OPT_OUT),
        ({"nhs_number": f" {OPTED_OUT[:3]} {OPTED_OUT[3:6]} {OPTED_OUT[6:]} "}, DropRule.TYPE_1_OPT_OUT),
        ({"nhs_number": UNKNOWN}, DropRule.TYPE_1_UNKNOWN),
        ({"date_of_death": " "}, None),
        ({"date_of_death": "2021-06-30"}, DropRule.DIED_BEFORE_START),
        ({"date_of_death": "2021-07-01"}, None),
        ({"date_of_death": "2024-01-01"}, None),
        ({"date_of_death": "30/06/2021"}, DropRule.DATE_OF_DEATH_UNREADABLE),
        ({"date_of_death": (TODAY + timedelta(1)).isoformat()}, DropRule.DATE_OF_DEATH_UNREADABLE),
        ({"code": "EX1.."}, DropRule.CODE_NOT_SHARED),
        ({"code": " EX1..00 "}, DropRule.CODE_NOT_SHARED),
        ({"code": "EX1..", "code_system": ""}, DropRule.CODE_NOT_SHARED),
        ({"code": "EX1..", "code_system": "ctv3"}, None),
        ({"code": "EX1..", "code_system": "READ"}, DropRule.CODE_UNREADABLE),
        ({"code": "8.27E+14"}, DropRule.CODE_UNREADABLE),
        ({"code": "Asthma, seen with her mother"}, DropRule.CODE_UNREADABLE),
        ({"code": ""}, DropRule.CODE_UNREADABLE),
        ({"code": "", "recorded_on": "", "code_system": ""}, None),
        ({"recorded_on": "2016-07-01"}, None),
        ({"recorded_on": "2016-06-30"}, DropRule.ITEM_TOO_OLD),
        ({"recorded_on": ""}, DropRule.ITEM_DATE_UNREADABLE),
        ({"recorded_on": "May 2024"}, DropRule.ITEM_DATE_UNREADABLE),
        ({"recorded_on": (TODAY + timedelta(1)).isoformat()}, DropRule.ITEM_DATE_UNREADABLE),
        ({"nhs_number": OPTED_OUT, "date_of_death": "1999-01-01", "code": "EX1.."}, DropRule.TYPE_1_OPT_OUT),
        ({"date_of_death": "1999-01-01", "code": "EX1..", "recorded_on": ""}, DropRule.DIED_BEFORE_START),
    ],
)
def test_a_row_is_dropped_by_the_first_rule_that_applies(cells: dict[str, str], rule: DropRule | None) -> None:
    assert SCREEN.dropped_by(row(**cells)) is rule


def test_without_a_column_of_systems_a_code_barred_in_any_is_barred() -> None:
    rules = CollectionRules(BEGAN, tuple(IdentifierType), (), ItemColumns("code", "recorded_on"), BARRED)
    screen = Screen(rules, TODAY, STATES.__getitem__)
    assert screen.dropped_by(row(code="EX1..", code_system="ctv3")) is DropRule.CODE_NOT_SHARED


@pytest.mark.parametrize(
    ("today", "years", "oldest"),
    [
        (date(2026, 7, 1), 10, date(2016, 7, 1)),
        (date(2028, 2, 29), 10, date(2018, 3, 1)),
        (date(2028, 2, 29), 4, date(2024, 2, 29)),
        (date(2026, 2, 28), 10, date(2016, 2, 28)),
    ],
)
def test_ten_years_are_counted_by_the_calendar(today: date, years: int, oldest: date) -> None:
    assert oldest_day(today, years) == oldest


days = st.dates(date(1850, 1, 1), TODAY)


@given(died=days, began=days)
def test_who_lived_when_it_began_comes_and_who_had_died_does_not(died: date, began: date) -> None:
    assert (death_rule(died.isoformat(), began, TODAY) is DropRule.DIED_BEFORE_START) == (died < began)


@given(recorded=days)
def test_an_event_comes_for_ten_years_and_a_day_longer_is_too_old(recorded: date) -> None:
    rule = SCREEN.dropped_by(row(recorded_on=recorded.isoformat()))
    assert rule is (DropRule.ITEM_TOO_OLD if recorded < date(2016, 7, 1) else None)


cells = st.text(max_size=12) | st.sampled_from(["", OPEN, OPTED_OUT, UNKNOWN, "EX1..", "2020-01-01", "readv2"])


@given(st.dictionaries(st.sampled_from(sorted(row())), cells))
def test_any_text_is_an_answer_and_nothing_passes_that_cannot_be_read(changes: dict[str, str]) -> None:
    one = row(**changes)
    if SCREEN.dropped_by(one) is None:
        assert "".join(filter(str.isdigit, one["nhs_number"])) == OPEN
        assert not one["code"].strip().startswith("EX1..") or one["code_system"].strip() in {"ctv3", "snomed"}
        assert _is_day(one["date_of_death"], lambda day: BEGAN <= day <= TODAY) or not one["date_of_death"].strip()
        assert _is_day(one["recorded_on"], lambda day: date(2016, 7, 1) <= day <= TODAY) or not one["code"].strip()


def _is_day(cell: str, test: Callable[[date], bool]) -> bool:
    try:
        return test(date.fromisoformat(cell.strip()))
    except ValueError:
        return False
