"""A file whose pseudonyms are replaced: nothing else changes, and no old pseudonym stays where it must not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.client import ReplacedRow
from keyholder.client.spreadsheets import SheetError
from keyholder.client.token_columns import Replaced, Replacing, token_columns
from keyholder.vocabulary import IdentifierType

NUMBER, POSTCODE = IdentifierType.NHS_NUMBER, IdentifierType.POSTCODE
COLUMNS = {NUMBER: "patient_id_deid", POSTCODE: "postcode_deid"}
HEADER = ("lsoa", "patient_id_deid", "note", "postcode_deid")


class Sent:
    """Puts `new-` before each pseudonym, but for those that begin with `bad`; remembers every batch."""

    def __init__(self) -> None:
        self.batches: list[Sequence[tuple[str, Mapping[str, str]]]] = []

    def __call__(self, rows: Sequence[tuple[str, Mapping[str, str]]]) -> list[ReplacedRow]:
        self.batches.append(rows)
        return [
            ReplacedRow(
                row_id,
                {kind: "not_available" if cell.startswith("bad") else "replaced" for kind, cell in cells.items()},
                {kind: f"new-{cell}" for kind, cell in cells.items() if not cell.startswith("bad")},
            )
            for row_id, cells in rows
        ]


def row(number: str, postcode: str, note: str = "") -> dict[str, str]:
    return dict(zip(HEADER, ("E01", number, note, postcode), strict=True))


CELLS = st.sampled_from(["", "SN01", "bad", "=SN", "x" * 201])


@given(st.lists(st.tuples(CELLS, CELLS), max_size=12), st.integers(1, 5), st.booleans())
def test_rows_order_and_other_columns_stay(cells: list[tuple[str, str]], batch: int, keep: bool) -> None:
    rows = [row(*pair, note=str(place)) for place, pair in enumerate(cells)]
    sent, done = Sent(), Replaced()
    replacing = Replacing(COLUMNS, sent, kept=lambda _: keep)
    written = list(replacing.rows(rows, done, batch_rows=batch))
    assert [(one["lsoa"], one["note"]) for one in written] == [(one["lsoa"], one["note"]) for one in rows]
    for before, after in zip(rows, written, strict=True):
        for name in COLUMNS.values():
            cell = before[name]
            replaced = cell not in {"", "bad"} and len(cell) <= 200
            assert after[name] == (f"new-{cell}" if replaced else cell if keep else "")
    flat = [cell for pair in cells for cell in pair]
    assert sum(done.cells.values()) == sum(bool(cell) for cell in flat)
    assert all(len(rows) <= batch for rows in sent.batches)
    assert not any(
        len(cell) > 200 or not cell for rows in sent.batches for _, tokens in rows for cell in tokens.values()
    )


def test_each_fault_is_counted_and_its_first_lines_are_told() -> None:
    done = Replaced()
    list(Replacing(COLUMNS, Sent(), kept=lambda _: True).rows([row("bad", "SN")] * 12, done))
    assert done.cells["patient_id_deid", "not_available"] == 12
    assert done.lines["patient_id_deid", "not_available"] == list(range(2, 12))


def test_a_status_column_stands_beside_each_if_asked_for_and_a_column_only_sent_is_left_out() -> None:
    replacing = Replacing(COLUMNS, Sent(), kept=lambda _: False, with_status=True, only_sent=frozenset({NUMBER}))
    assert replacing.header(HEADER) == ("lsoa", "note", "postcode_deid", "postcode_deid_status")
    done = Replaced()
    (written,) = replacing.rows([row("SN", "bad")], done)
    assert (written["postcode_deid"], written["postcode_deid_status"]) == ("", "not_available")
    assert set(done.cells) == {("postcode_deid", "not_available")}
    with pytest.raises(SheetError, match="_status"):
        replacing.header((*HEADER, "postcode_deid_status"))


@pytest.mark.parametrize(
    "answer",
    [
        lambda rows: Sent()(rows)[1:],
        lambda rows: [*Sent()(rows), ReplacedRow("99", {}, {})],
        lambda rows: [ReplacedRow("99", {}, {})],  # noqa: ARG005
        lambda rows: [ReplacedRow(row_id, {}, {}) for row_id, _ in rows],
    ],
)
def test_an_answer_to_something_else_is_not_written(answer: Sent) -> None:
    with pytest.raises(SheetError, match="sent"):
        list(Replacing(COLUMNS, answer, kept=lambda _: True).rows([row("SN", "SP")], Replaced()))


def test_which_columns_are_meant() -> None:
    assert token_columns(HEADER, {}) == COLUMNS
    assert token_columns(HEADER, {NUMBER: "note"}) == {NUMBER: "note"}
    for header, chosen in ((("lsoa",), {}), (HEADER, {NUMBER: "absent"}), (HEADER, {NUMBER: "note", POSTCODE: "note"})):
        with pytest.raises(SheetError):
            token_columns(header, chosen)
