"""An extract turned into its de-identified shape: who is left out, and that nothing else is lost."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.client import PseudonymisedRow
from keyholder.client.extract import Send, Tally, columns_of, output_columns, pseudonymised
from keyholder.client.spreadsheets import Sheet, SheetError, guarded, plain, private_file, write_rows
from keyholder.client.type_1 import Type1File
from keyholder.collection.codes import BarredCode, CodeList, LegalBar, ListStatus
from keyholder.collection.report import CollectionReport
from keyholder.collection.rules import GP_DATA_COLLECTION, CollectionRules, ItemColumns
from keyholder.collection.screen import Screen, Type1Of
from keyholder.collection.vocabulary import ColumnReason, DropRule
from keyholder.policy.type1 import Type1State
from keyholder.policy.vocabulary import CodeSystem
from keyholder.pseudonyms.deid_columns import COLUMN_OF
from keyholder.vocabulary import IdentifierType
from tests.people import some_nhs_numbers

PEOPLE = some_nhs_numbers(30)
TODAY = date(2026, 7, 1)


class Sent:
    """Gives each cell a code, and remembers every batch."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.reports: list[CollectionReport] = []

    def __call__(
        self, rows: Sequence[tuple[str, Mapping[str, str]]], report: CollectionReport
    ) -> list[PseudonymisedRow]:
        self.reports.append(report)
        self.batches.append([cells["nhs_number"] for _, cells in rows])
        return [
            PseudonymisedRow(row_id, "pseudonymised", {kind: f"S{cell}" for kind, cell in cells.items()}, {})
            for row_id, cells in rows
        ]


def person(nhs_number: str, **more: str) -> dict[str, str]:
    return {"nhs_number": nhs_number, "postcode": "LS1 4AP", "date_of_death": "", "lsoa": "E01000001", **more}


def nobody(_: str) -> Type1State:
    return Type1State.INACTIVE


def collect(
    people: Sequence[Mapping[str, str]],
    send: Send,
    tally: Tally,
    type_1: Type1Of = nobody,
    *,
    rules: CollectionRules = GP_DATA_COLLECTION,
    batch: int = 5_000,
) -> list[Mapping[str, str]]:
    columns = columns_of(people[0], rules)
    return list(pseudonymised(people, columns, Screen(rules, TODAY, type_1), send, tally, batch_rows=batch))


@given(
    states=st.lists(st.sampled_from(list(Type1State)), min_size=1, max_size=30),
    batch=st.integers(1, 7),
)
def test_only_people_known_not_to_have_opted_out_are_sent_and_everybody_is_accounted_for(
    states: list[Type1State], batch: int
) -> None:
    known = dict(zip(PEOPLE, states, strict=False))
    sent, tally = Sent(), Tally()
    rows = collect([person(number) for number in known], sent, tally, known.__getitem__, batch=batch)
    expected = [number for number, state in known.items() if state is Type1State.INACTIVE]
    assert [number for numbers in sent.batches for number in numbers] == expected
    assert all(len(numbers) == batch for numbers in sent.batches[:-1])
    assert [row["patient_id_deid"] for row in rows] == [f"S{number}" for number in expected]
    assert tally.dropped_type_1 == states.count(Type1State.ACTIVE)
    assert tally.read == len(states) == tally.dropped_type_1 + tally.dropped_unknown + tally.written


def test_a_row_without_a_readable_nhs_number_is_not_sent() -> None:
    sent, tally = Sent(), Tally()
    assert len(collect([person(""), person("1234567890"), person(PEOPLE[0])], sent, tally)) == 1
    assert (tally.dropped_unknown, sent.batches) == (2, [[PEOPLE[0]]])


def test_clear_columns_stay_and_empty_cells_are_not_sent() -> None:
    (row,) = collect([person(PEOPLE[0])], Sent(), Tally())
    assert row == {"patient_id_deid": f"S{PEOPLE[0]}", "postcode_deid": "SLS1 4AP", "lsoa": "E01000001"}


def test_a_refused_row_is_left_out_and_a_refused_cell_is_empty() -> None:
    def send(rows: Sequence[tuple[str, Mapping[str, str]]], _: CollectionReport) -> list[PseudonymisedRow]:
        first, second = rows
        return [
            PseudonymisedRow(first[0], "refused", {}, {"nhs_number": "wrong_check_digit"}, "TYPE1_ACTIVE"),
            PseudonymisedRow(second[0], "pseudonymised", {"nhs_number": "S1"}, {"postcode": "not_a_postcode"}),
        ]

    tally = Tally()
    rows = collect(list(map(person, PEOPLE[:2])), send, tally)
    assert rows == [{"patient_id_deid": "S1", "lsoa": "E01000001"}]
    assert (tally.refused, tally.written) == (1, 1)
    assert tally.faults == {"nhs_number wrong_check_digit": 1, "row TYPE1_ACTIVE": 1, "postcode not_a_postcode": 1}


def test_an_answer_with_other_rows_is_refused() -> None:
    def send(rows: Sequence[tuple[str, Mapping[str, str]]], _: CollectionReport) -> list[PseudonymisedRow]:
        return [PseudonymisedRow("other", "pseudonymised", {"nhs_number": "S1"}, {})]

    with pytest.raises(SheetError):
        collect([person(PEOPLE[0])], send, Tally())


def test_the_columns_are_those_of_the_standard() -> None:
    header = ("lsoa", "date_of_death", "nhs_number", "postcode", "gp_local_patient_number", "date_of_birth", "sex")
    assert output_columns(columns_of(header, GP_DATA_COLLECTION)) == (*COLUMN_OF.values(), "lsoa", "sex")


def codes(status: ListStatus) -> CollectionRules:
    barred = CodeList("a test", status, (BarredCode(CodeSystem.READV2, "EX1..", LegalBar.FERTILITY_TREATMENT),))
    kinds = (IdentifierType.NHS_NUMBER, IdentifierType.POSTCODE)
    return CollectionRules(date(2021, 7, 1), kinds, ("lsoa",), ItemColumns("code", "recorded_on"), barred)


@pytest.mark.parametrize(
    ("missing", "rules"),
    [
        ("nhs_number", GP_DATA_COLLECTION),
        ("date_of_death", GP_DATA_COLLECTION),
        ("code", codes(ListStatus.IN_FORCE)),
        ("recorded_on", codes(ListStatus.IN_FORCE)),
    ],
)
def test_a_rule_that_cannot_be_asked_stops_the_file(missing: str, rules: CollectionRules) -> None:
    header = [name for name in ("nhs_number", "date_of_death", "code", "recorded_on", "lsoa") if name != missing]
    with pytest.raises(SheetError, match=missing):
        columns_of(header, rules)


def test_codes_do_not_leave_under_an_example_of_a_code_list() -> None:
    header = ("nhs_number", "date_of_death", "code", "recorded_on")
    with pytest.raises(SheetError, match="example"):
        columns_of(header, codes(ListStatus.EXAMPLE))
    assert columns_of(header, codes(ListStatus.EXAMPLE), only_counting=True).clear == ("code", "recorded_on")
    assert columns_of(header[:2], codes(ListStatus.EXAMPLE)).clear == ()


def test_each_batch_tells_what_was_dropped_since_the_one_before_and_the_last_one_everything_left() -> None:
    sent, dead = Sent(), person(PEOPLE[0], date_of_death="1999-01-01")
    kept = [person(number) for number in PEOPLE[:3]]
    collect([dead, kept[0], dead, kept[1], dead, kept[2], dead, dead], sent, Tally(), batch=1)
    assert [report.dropped for report in sent.reports] == [{DropRule.DIED_BEFORE_START: told} for told in (2, 1, 2)]


EVENTS = st.fixed_dictionaries(
    {
        "nhs_number": st.sampled_from([*PEOPLE[:6], "", "9990000019"]),
        "surname": st.just("CANARY"),
        "date_of_death": st.sampled_from(["", "", "2021-06-30", "2021-07-01", "bad"]),
        "code": st.sampled_from(["H33..", "H33..", "EX1..", "EX1..00", "8.2E+14", ""]),
        "Consultation notes": st.just("CANARY"),
        "recorded_on": st.sampled_from(["2020-01-01", "2020-01-01", "2016-06-30", "2016-07-01", ""]),
        "lsoa": st.just("E01000001"),
        "weight": st.just("CANARY"),
        "date_of_birth": st.just("CANARY"),
    }
)


def dropped_by_hand(row: Mapping[str, str], states: Mapping[str, Type1State]) -> DropRule | None:
    """The rules once more, written out for the few values that the rows of the test have."""
    item = row["code"] or row["recorded_on"]
    table = [
        (row["nhs_number"] not in PEOPLE, DropRule.NHS_NUMBER_UNREADABLE),
        (states.get(row["nhs_number"]) is Type1State.ACTIVE, DropRule.TYPE_1_OPT_OUT),
        (states.get(row["nhs_number"]) is Type1State.UNKNOWN, DropRule.TYPE_1_UNKNOWN),
        (row["date_of_death"] == "2021-06-30", DropRule.DIED_BEFORE_START),
        (row["date_of_death"] == "bad", DropRule.DATE_OF_DEATH_UNREADABLE),
        (row["code"].startswith("EX1.."), DropRule.CODE_NOT_SHARED),
        (item and row["code"] in {"", "8.2E+14"}, DropRule.CODE_UNREADABLE),
        (item and row["recorded_on"] == "", DropRule.ITEM_DATE_UNREADABLE),
        (item and row["recorded_on"] == "2016-06-30", DropRule.ITEM_TOO_OLD),
    ]
    return next((rule for applies, rule in table if applies), None)


@given(
    rows=st.lists(EVENTS, min_size=1, max_size=25),
    states=st.fixed_dictionaries({number: st.sampled_from(list(Type1State)) for number in PEOPLE[:6]}),
    batch=st.integers(1, 5),
)
def test_every_row_is_dropped_by_its_rule_or_comes_in_order_and_nothing_refused_leaves(
    rows: list[dict[str, str]], states: dict[str, Type1State], batch: int
) -> None:
    sent, tally = Sent(), Tally()
    made = collect(rows, sent, tally, states.__getitem__, rules=codes(ListStatus.IN_FORCE), batch=batch)
    expected = Counter(dropped_by_hand(row, states) for row in rows)
    kept = [row for row in rows if dropped_by_hand(row, states) is None]
    assert tally.dropped == Counter({rule: count for rule, count in expected.items() if rule is not None})
    assert tally.read == len(rows) == sum(tally.dropped.values()) + tally.written
    assert [number for numbers in sent.batches for number in numbers] == [row["nhs_number"] for row in kept]
    assert [(row["code"], row["recorded_on"]) for row in made] == [(row["code"], row["recorded_on"]) for row in kept]
    assert "CANARY" not in str(made)
    assert all(set(row) <= {"patient_id_deid", "code", "recorded_on", "lsoa"} for row in made)
    told = sum((Counter(report.dropped) for report in sent.reports), Counter[DropRule]())
    assert told == (tally.dropped if kept else Counter())
    for report in sent.reports:
        assert report.columns_refused == {ColumnReason.NAME: 1, ColumnReason.FREE_TEXT: 1, ColumnReason.NOT_IN_RULES: 3}


@given(
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=8) | st.sampled_from(["-1", "'-1", "''=A"])
)
def test_no_cell_is_run_by_a_spreadsheet_and_none_is_changed(cell: str) -> None:
    assert not guarded(cell).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert plain(guarded(cell)) == cell


def test_a_sheet_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path, rows = tmp_path / "x.csv", [{"a": "007", "b": '-1,"x"'}, {"a": "=A1", "b": ""}]
    with private_file(path) as file:
        assert write_rows(file, ["a", "b"], rows) == 2
    assert path.stat().st_mode & 0o777 == 0o600
    with path.open(newline="") as file:
        assert list(Sheet.read(file, ["a"]).rows) == rows


def test_a_file_that_could_not_be_finished_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("earlier")
    with pytest.raises(AttributeError), private_file(path) as file:
        write_rows(file, ["a"], [{"a": "half"}, None])  # type: ignore[list-item]  # the fault in the middle
    assert [each.name for each in tmp_path.iterdir()] == ["x.csv"]
    assert path.read_text() == "earlier"


@pytest.mark.parametrize("text", ["a,a\n1,2\n", "b\n1\n", "a,b\n1\n", "a,b\n1,2,9990000018\n", 'a,b\n"9990000018\n'])
def test_a_broken_sheet_is_refused_without_its_cells(text: str) -> None:
    with pytest.raises(SheetError) as raised:
        list(Sheet.read(io.StringIO(text), ["a", "b"] if text.startswith("a,b") else ["a"]).rows)
    assert "9990000018" not in str(raised.value)


def test_the_type_1_file_says_who_may_be_in_the_extract() -> None:
    body = (
        "nhs_number,system,code,recorded_on\n"
        f"{PEOPLE[0]},,,\n"
        f"{PEOPLE[1]},readv2,9Nu0.,2024-02-01\n"
        f"{PEOPLE[2]},snomed,827241000000103,2024-02-01\n{PEOPLE[2]},snomed,827261000000102,2024-03-01\n"
    )
    file = Type1File.parse(body.encode())
    states = [file.state(number, TODAY) for number in PEOPLE[:4]]
    assert states == [Type1State.INACTIVE, Type1State.ACTIVE, Type1State.INACTIVE, Type1State.UNKNOWN]
    with pytest.raises(SheetError, match="line 2"):
        Type1File.parse(b"nhs_number,system,code,recorded_on\n9990000018,readv2,9nu0.,2024-02-01\n")
