"""A large extract as one file: what comes out is what the same rows give in calls, and nothing is left behind."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.client import PseudonymisedRow
from keyholder.client.extract import Tally, columns_of, pseudonymised
from keyholder.client.extract_file import ExtractFile, Service, Watching
from keyholder.client.problems import KeyholderError
from keyholder.client.spreadsheets import SheetError
from keyholder.client.storage import StorageRefusedError
from keyholder.client.transport import NoAnswerError
from keyholder.collection.report import CollectionReport
from keyholder.collection.rules import GP_DATA_COLLECTION
from keyholder.collection.screen import Screen
from keyholder.policy.type1 import Type1State
from tests.people import some_nhs_numbers
from tests.unit.client.fake_api import FakeApi
from tests.unit.client.fake_extracts import EXTRACT, FakeExtracts

PEOPLE = some_nhs_numbers(12)
TODAY = date(2026, 7, 1)
LOST = NoAnswerError("lost")


def person(number: str, **more: str) -> dict[str, str]:
    return {"nhs_number": number, "postcode": "LS1 4AP", "date_of_death": "", "lsoa": "E01000001", **more}


CROWD = [person(number) for number in PEOPLE]


def type_1(number: str) -> Type1State:
    return Type1State.ACTIVE if number == PEOPLE[1] else Type1State.INACTIVE


def extract(people: Sequence[Mapping[str, str]]) -> ExtractFile:
    columns = columns_of(people[0], GP_DATA_COLLECTION)
    return ExtractFile(lambda: iter(people), columns, Screen(GP_DATA_COLLECTION, TODAY, type_1))


def made(at: FakeExtracts, people: Sequence[Mapping[str, str]], tally: Tally | None = None) -> list[Mapping[str, str]]:
    tally, file = tally or Tally(), extract(people)
    told = file.measured(tally)
    to = Service(FakeApi(at).client(attempts=1), at, "gp-2026", Watching(wait=lambda _: None))
    return list(file.pseudonymised(to, told, tally))


def in_calls(at: FakeExtracts, people: Sequence[Mapping[str, str]], tally: Tally) -> list[Mapping[str, str]]:
    """The same rows by the other way."""

    def send(rows: Sequence[tuple[str, Mapping[str, str]]], _report: CollectionReport) -> list[PseudonymisedRow]:
        answers = []
        for row_id, cells in rows:
            if cells["nhs_number"] in at.refuses:
                answers.append(PseudonymisedRow(row_id, "refused", {}, {}, "type_1_opt_out"))
                continue
            good = {kind: f"S{cell}" for kind, cell in cells.items() if cell not in at.bad}
            errors = {kind: "not_good" for kind, cell in cells.items() if cell in at.bad}
            answers.append(PseudonymisedRow(row_id, "pseudonymised", good, errors))
        return answers

    columns = columns_of(people[0], GP_DATA_COLLECTION)
    return list(pseudonymised(people, columns, Screen(GP_DATA_COLLECTION, TODAY, type_1), send, tally))


@given(
    st.lists(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(["LS1 4AP", "nowhere", ""])), min_size=1, max_size=14),
    st.sets(st.sampled_from(PEOPLE[2:5])),
    st.integers(1, 4),
)
def test_a_file_gives_what_calls_give_row_for_row_and_count_for_count(
    rows: list[tuple[str, str]], refuses: set[str], part_rows: int
) -> None:
    # Each row has a clear cell of its own, so that a pseudonym beside another's row is seen.
    people = [person(number, postcode=postcode, lsoa=f"E{place:08}") for place, (number, postcode) in enumerate(rows)]
    at = FakeExtracts(frozenset(refuses), frozenset({"nowhere"}), part_rows)
    ours, theirs = Tally(), Tally()
    blank = {"patient_id_deid": "", "postcode_deid": "", "date_of_death_deid": ""}
    if all(number == PEOPLE[1] for number, _ in rows):
        return
    assert made(at, people, ours) == [blank | row for row in in_calls(at, people, theirs)]
    assert ours == theirs
    assert at.discarded


def test_only_identifiers_travel_and_nobody_who_was_dropped() -> None:
    at = FakeExtracts()
    made(at, CROWD)
    assert at.uploaded is not None
    read = list(csv.reader(io.StringIO(at.uploaded.decode())))
    assert read[0] == ["row_id", "nhs_number", "postcode", "date_of_death"]
    assert PEOPLE[1].encode() not in at.uploaded
    assert b"E01000001" not in at.uploaded
    assert at.told["rows"] == len(CROWD) - 1
    assert at.told["collection"]["dropped"] == {"type_1_opt_out": 1}


@pytest.mark.parametrize(
    ("puts", "gets"),
    [([LOST], []), ([503], []), ([LOST, 503], [LOST]), ([], [503, LOST]), ([], [403])],
    ids=["an upload whose answer is lost", "later", "both", "a download that is lost", "an address that was too old"],
)
def test_what_gets_lost_on_the_way_is_sent_and_fetched_again(
    puts: list[int | NoAnswerError], gets: list[int | NoAnswerError]
) -> None:
    assert made(FakeExtracts(puts=list(puts), gets=list(gets)), CROWD) == made(FakeExtracts(), CROWD)


@pytest.mark.parametrize(
    ("at", "error", "words"),
    [
        (FakeExtracts(puts=[403]), StorageRefusedError, "403"),
        (FakeExtracts(puts=[503] * 9), StorageRefusedError, "does not answer"),
        (FakeExtracts(gets=[404, 404]), StorageRefusedError, "404"),
        (
            FakeExtracts(polls=[{"status": "refused", "code": "ROW_ID_FORM", "row": 7}]),
            SheetError,
            "refused .ROW_ID_FORM, row 7.",
        ),
        (FakeExtracts(polls=[{"status": "failed", "code": "KEY_WITHDRAWN"}]), SheetError, "failed .KEY_WITHDRAWN."),
        (FakeExtracts(polls=[{"status": "expired"}]), SheetError, "expired"),
    ],
)
def test_whatever_goes_wrong_is_said_and_nothing_is_left_behind(
    at: FakeExtracts, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        made(at, CROWD)
    assert at.discarded
    assert not any(number in str(caught.value) for number in PEOPLE)


def test_an_extract_that_changes_on_the_way_is_not_taken() -> None:
    people, at = list(CROWD), FakeExtracts()
    file, tally = extract(people), Tally()
    told = file.measured(tally)
    people[3] = person(PEOPLE[3], postcode="LS2 4AP")
    to = Service(FakeApi(at).client(attempts=1), at, "gp-2026", Watching(wait=lambda _: None))
    with pytest.raises(StorageRefusedError):
        list(file.pseudonymised(to, told, tally))
    assert at.discarded


def test_a_part_that_is_not_what_was_made_is_not_used() -> None:
    class Spoilt(FakeExtracts):
        def get(self, url: str) -> tuple[int, bytes]:
            status, body = super().get(url)
            return status, body[:-2] + b"x\n"

    with pytest.raises(SheetError, match="not what Keyholder made"):
        made(Spoilt(), CROWD)


def test_a_result_of_other_rows_is_not_used() -> None:
    class Other(FakeExtracts):
        def _make(self) -> None:
            super()._make()
            self.parts[-1] += b"99,,,,\n"

    with pytest.raises(SheetError, match="rows that were sent"):
        made(Other(), CROWD)


def test_who_stops_in_the_middle_leaves_nothing_behind() -> None:
    at, tally, file = FakeExtracts(), Tally(), extract(CROWD)
    told = file.measured(tally)
    to = Service(FakeApi(at).client(attempts=1), at, "gp-2026", Watching(wait=lambda _: None))
    rows = file.pseudonymised(to, told, tally)
    next(rows)
    rows.close()
    assert at.discarded


def test_progress_and_waiting_are_told() -> None:
    at = FakeExtracts(
        polls=[
            {"status": "queued"},
            {"status": "running", "rows_done": 4},
            {"status": "running", "rows_done": 4, "held": "KEYS_UNAVAILABLE"},
            {"status": "running", "rows_done": 6, "held": "KEYS_UNAVAILABLE"},
        ]
    )
    done: list[int] = []
    held: list[bool] = []
    waited: list[float] = []
    file, tally = extract(CROWD), Tally()
    told = file.measured(tally)
    watching = Watching(done.append, lambda: held.append(True), waited.append)
    list(file.pseudonymised(Service(FakeApi(at).client(attempts=1), at, "gp-2026", watching), told, tally))
    assert sum(done) == told.rows
    assert held == [True]
    assert waited == [1.0, 2.0, 5.0, 5.0]


def test_nothing_is_sent_where_keyholder_does_not_take_the_announcement() -> None:
    class Refusing(FakeExtracts):
        def __call__(self, asked: object) -> object:
            raise NoAnswerError("down")

    at = Refusing()
    with pytest.raises(KeyholderError):
        made(at, CROWD)
    assert at.uploaded is None
    assert EXTRACT not in str(at.asked)


def test_the_store_is_reached_by_https_alone() -> None:
    class Plain(FakeExtracts):
        def _view(self, status: object, **more: object) -> dict[str, object]:
            return super()._view(status, **more) | {"upload": {"url": "http://store.test/up", "headers": {}}}

    with pytest.raises(StorageRefusedError, match="https://"):
        made(Plain(), CROWD)
