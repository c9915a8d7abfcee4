"""Type 1 events and their files."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.policy.facts import CodedEvent
from keyholder.policy.tables import OPT_OUT_CODES, CodeMeaning
from keyholder.policy.type1 import FileFault, Type1Row, Type1State, read_rows, state_of, write_rows
from tests.people import some_nhs_numbers
from tests.unit.policy.examples import DAY, TODAY

HEADER = "nhs_number,system,code,recorded_on"
A, B = some_nhs_numbers(2)
TYPE1 = [row for row in OPT_OUT_CODES if row.meaning in {CodeMeaning.TYPE1_SET, CodeMeaning.TYPE1_WITHDRAWN}]
SET = {row.code for row in TYPE1 if row.meaning is CodeMeaning.TYPE1_SET}
EVENTS = st.builds(
    lambda row, on: CodedEvent(on, row.system, row.code),
    st.sampled_from(TYPE1),
    st.dates(date(2025, 6, 1), date(2025, 6, 20)),
)
ROWS = st.builds(Type1Row, st.sampled_from([A, B]), st.none() | EVENTS)


@given(st.lists(EVENTS, max_size=8), st.randoms(use_true_random=False))
def test_the_latest_day_wins_in_any_order(events: list[CodedEvent], random: object) -> None:
    counted = [event for event in events if event.on <= TODAY or event.code in SET]
    latest = max((event.on for event in counted), default=None)
    active = any(event.on == latest and event.code in SET for event in counted)
    shuffled = list(events)
    random.shuffle(shuffled)
    expected = Type1State.ACTIVE if active else Type1State.INACTIVE
    assert state_of(shuffled, known=True, today=TODAY) is expected
    assert state_of(shuffled, known=False, today=TODAY) is Type1State.UNKNOWN


@given(st.lists(EVENTS, max_size=6))
def test_a_withdrawal_to_come_changes_nothing_today(events: list[CodedEvent]) -> None:
    withdrawn = next(row for row in TYPE1 if row.meaning is CodeMeaning.TYPE1_WITHDRAWN)
    to_come = CodedEvent(TODAY + DAY, withdrawn.system, withdrawn.code)
    past = [event for event in events if event.on <= TODAY]
    assert state_of([*past, to_come], known=True, today=TODAY) is state_of(past, known=True, today=TODAY)


@given(st.lists(ROWS, min_size=1, max_size=8))
def test_a_file_is_read_back(rows: list[Type1Row]) -> None:
    assert read_rows(write_rows(rows)) == tuple(rows)


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        ([], 1),
        (["nhs_number,system,code"], 1),
        ([HEADER], 1),
        ([HEADER, f"{A},readv2,9Nu0."], 2),
        ([HEADER, f"{A},,,", "9990000019,,,"], 3),
        ([HEADER, "999 000 0018,,,"], 2),
        ([HEADER, ",readv2,9Nu0.,2020-01-01"], 2),
        ([HEADER, f"{A},readv3,9Nu0.,2020-01-01"], 2),
        ([HEADER, f"{A},readv2,9nu0.,2020-01-01"], 2),
        ([HEADER, f"{A},snomed,9Nu0.,2020-01-01"], 2),
        ([HEADER, f"{A},readv2,9Nu4.,2020-01-01"], 2),
        ([HEADER, f"{A},ctv3,XaZ8A,2020-01-01"], 2),
        ([HEADER, f"{A},readv2,9Nu0.,2020-02-30"], 2),
        ([HEADER, f"{A},readv2,9Nu0.,20200101"], 2),
        ([HEADER, f"{A},readv2,9Nu0.,"], 2),
        ([HEADER, f"{A},,,", ""], 3),
    ],
)
def test_a_bad_line_sinks_the_file_and_is_named(lines: list[str], line: int) -> None:
    fault = read_rows("".join(f"{text}\n" for text in lines).encode())
    assert isinstance(fault, FileFault)
    assert fault.line == line
    assert "999" not in fault.why


@given(st.binary(max_size=80))
def test_any_bytes_are_rows_or_a_fault(body: bytes) -> None:
    assert isinstance(read_rows(body), FileFault)


def test_rows_print_nobody() -> None:
    assert A not in repr(Type1Row(A, None))
