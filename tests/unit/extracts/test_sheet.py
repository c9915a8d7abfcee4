"""An uploaded file: read in any pieces, from any row on, and refused for the first thing that is not as announced."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.extracts.sheet import check
from keyholder.uploads.sheet import LONGEST_LINE, SheetError, SheetFault, SheetReader
from keyholder.vocabulary import ContentHash
from tests.unit.extracts.world import COLUMNS, announcement, sheet

A, B = "9990000018", "9990000026"
CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8)
ROWS = st.lists(st.lists(CELL, min_size=2, max_size=2), min_size=1, max_size=12)
GOOD = [["1", A, "SW1A 1AA", "F"], ["2", B, "SW1A 2AA", "M"], ["3", "", "", ""]]


def pieces(body: bytes, size: int, start: int = 0) -> Iterator[bytes]:
    return (body[place : place + size] for place in range(start, len(body), size))


def written(rows: list[list[str]], end: str) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end).writerows(rows)
    return text.getvalue().encode()


@given(ROWS, st.sampled_from(["\n", "\r\n"]), st.integers(1, 9), st.integers(1, 5), st.booleans())
def test_any_rows_come_back_in_any_pieces_and_from_any_block_on(
    rows: list[list[str]], end: str, size: int, most: int, marked: bool
) -> None:
    body = b"\xef\xbb\xbf" * marked + written(rows, end)
    reader = SheetReader(pieces(body, size))
    read, places = [], [(0, 0)]
    while block := reader.block(2, most):
        read += block
        places.append((reader.offset, reader.rows))
    assert read == rows
    assert reader.offset == len(body)
    for offset, count in places:
        again = SheetReader(pieces(body, size, offset), offset, count)
        assert again.block(2, len(rows) + 1) == rows[count:]
        assert again.rows == len(rows)


@given(st.binary(max_size=120), st.integers(1, 9))
def test_any_bytes_are_rows_or_a_fault(body: bytes, size: int) -> None:
    told = replace(announcement(body, 1), columns=COLUMNS)
    with pytest.raises(SheetError):
        check(pieces(body, size), told)


def test_what_was_announced_is_taken() -> None:
    check(pieces(sheet(GOOD), 7), announcement(sheet(GOOD), 3))


@pytest.mark.parametrize(
    ("rows", "fault", "row"),
    [
        ([*GOOD, ["4", "", "", ""]], SheetFault.ROWS_DIFFER, None),
        (GOOD[:2], SheetFault.ROWS_DIFFER, None),
        ([GOOD[0], ["2", B, "SW1A 2AA"], GOOD[2]], SheetFault.CELLS_DIFFER, 2),
        ([GOOD[0], [], GOOD[2]], SheetFault.CELLS_DIFFER, 2),
        ([GOOD[0], GOOD[1], ["", "", "", ""]], SheetFault.ROW_ID_FORM, 3),
        ([GOOD[0], GOOD[1], ["=1+1", "", "", ""]], SheetFault.ROW_ID_FORM, 3),
        ([GOOD[0], ["x" * 65, "", "", ""], GOOD[2]], SheetFault.ROW_ID_FORM, 2),
        ([GOOD[0], [B, "999 000 0026", "", ""], GOOD[2]], SheetFault.ROW_ID_IS_NHS_NUMBER, 2),
        ([GOOD[0], ["999-000-0026", B, "", ""], GOOD[2]], SheetFault.ROW_ID_IS_NHS_NUMBER, 2),
        ([GOOD[0], GOOD[1], GOOD[0]], SheetFault.ROW_IDS_NOT_UNIQUE, None),
    ],
)
def test_rows_are_what_was_announced(rows: list[list[str]], fault: SheetFault, row: int | None) -> None:
    body = sheet(rows)
    with pytest.raises(SheetError) as caught:
        check(pieces(body, 7), announcement(body, 3))
    assert (caught.value.fault, caught.value.row) == (fault, row)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", SheetFault.SIZE_DIFFERS),
        (sheet(GOOD, ("row_id", "postcode", "nhs_number", "sex")), SheetFault.COLUMNS_DIFFER),
        (sheet(GOOD).replace(b"SW1A 1AA", b"\xff\xfe 1AAAA"), SheetFault.NOT_UTF_8),
        (sheet(GOOD).replace(b"SW1A 1AA", b'"SW1A"1AA'), SheetFault.NOT_CSV),
        (sheet(GOOD).replace(b"SW1A 1AA", b'"SW1A 1AA'), SheetFault.NOT_CSV),
        (sheet(GOOD).replace(b"\n", b"\r"), SheetFault.NOT_CSV),
        (sheet(GOOD).replace(b"SW1A", b"x" * (LONGEST_LINE + 9)), SheetFault.NOT_CSV),
    ],
)
def test_a_file_that_is_none_is_refused(body: bytes, fault: SheetFault) -> None:
    told = announcement(body, 3)
    with pytest.raises(SheetError) as caught:
        check(pieces(body, 1 << 16), told if body else replace(told, size=1))
    assert caught.value.fault is fault


def test_other_bytes_than_announced_come_before_whatever_is_wrong_with_them() -> None:
    good, bad = sheet(GOOD), sheet(GOOD).replace(b"SW1A 1AA", b'"SW1A"1AA')
    for told, fault in (
        (replace(announcement(bad, 3), sha256=ContentHash(hashlib.sha256(good).hexdigest())), SheetFault.HASH_DIFFERS),
        (replace(announcement(bad, 3), size=len(good)), SheetFault.SIZE_DIFFERS),
    ):
        with pytest.raises(SheetError) as caught:
            check(pieces(bad, 5), told)
        assert caught.value.fault is fault


def test_a_fault_says_nothing_of_the_file() -> None:
    with pytest.raises(SheetError) as caught:
        check(pieces(sheet([[A, A, "", ""]]), 9), announcement(sheet([[A, A, "", ""]]), 1))
    assert A not in repr(caught.value)
