"""The right lane for each size, and a lane that is wrong is found out before anything leaves it."""

from itertools import pairwise
from random import Random

import pytest

from keyholder.pseudonyms.batch import siv_column
from keyholder.pseudonyms.batch.checked import SAMPLE, BatchDisagreesError, sample
from keyholder.pseudonyms.batch.integer_lane import IntegerLane
from keyholder.pseudonyms.batch.siv_column import FEW, MANY, SivColumn, _lane_for
from keyholder.pseudonyms.batch.siv_constants import OpenedBlock, SivConstants
from keyholder.pseudonyms.key_ring import DataKey
from keyholder.pseudonyms.siv import Siv, associated_data
from keyholder.vocabulary import DomainId, IdentifierType

DOMAIN, KIND = DomainId("gp-2026"), IdentifierType.NHS_NUMBER
KEY = DataKey(bytes(range(64)), 7)


class Wrong(IntegerLane):
    """A lane with a fault in one row of eight, as the tests name it."""

    def __init__(self, constants: SivConstants, fault: str) -> None:
        super().__init__(constants)
        self.fault = fault

    def seal(self, plaintexts: bytes) -> bytes:
        sealed = super().seal(plaintexts)
        return sealed[:-1] if self.fault == "short" else _flipped(sealed, 20)

    def open(self, sealed: bytes) -> OpenedBlock:
        opened = super().open(sealed)
        rows = len(sealed) // 20
        match self.fault:
            case "short":
                return OpenedBlock(opened.plaintexts[:-4], opened.failed)
            case "another value":
                return OpenedBlock(_flipped(opened.plaintexts, 4), opened.failed)
            case "opens what failed":
                return OpenedBlock(opened.plaintexts, [])
            case "fails what opens":
                return OpenedBlock(opened.plaintexts, range(0, rows, 8))
            case "does not blank":
                return OpenedBlock(_flipped(opened.plaintexts, 4), opened.failed)
        raise AssertionError(self.fault)


def _flipped(rows: bytes, width: int) -> bytes:
    changed = bytearray(rows)
    for start in range(0, len(rows), width * 8):
        changed[start] ^= 1
    return bytes(changed)


def _plaintexts(rows: int) -> bytes:
    return Random(rows).randbytes(4 * rows)  # noqa: S311 - the same bytes every time


def _column(fault: str | None = None) -> SivColumn:
    lane = None if fault is None else lambda constants: Wrong(constants, fault)
    return SivColumn(KEY, DOMAIN, KIND, lane)


@pytest.mark.parametrize("rows", [0, 1, FEW - 1, FEW, 5000])
def test_a_column_is_the_library_whatever_its_size(rows: int) -> None:
    plaintexts, library, associated = _plaintexts(rows), Siv(KEY.material), associated_data(DOMAIN, KIND, 7)
    sealed = _column().seal(plaintexts)
    assert sealed == b"".join(
        library.seal(plaintexts[start : start + 4], associated) for start in range(0, 4 * rows, 4)
    )
    assert _column().open(sealed) == OpenedBlock(plaintexts, [])


@pytest.mark.parametrize("rows", [8, FEW + 9])
def test_rows_of_another_key_are_blank_and_named(rows: int) -> None:
    sealed = _flipped(_column().seal(_plaintexts(rows)), 20)
    opened = _column().open(sealed)
    assert list(opened.failed) == list(range(0, rows, 8))
    assert all(opened.plaintexts[4 * row : 4 * row + 4] == bytes(4) for row in opened.failed)


@pytest.mark.parametrize("fault", ["short", "another value", "fails what opens"])
def test_a_lane_that_opens_wrongly_is_refused(fault: str) -> None:
    """As many rows as a sample has, so that the test never depends on which are drawn."""
    sealed = _column().seal(_plaintexts(SAMPLE))
    with pytest.raises(BatchDisagreesError):
        _column(fault).open(sealed)


@pytest.mark.parametrize("fault", ["opens what failed", "does not blank"])
def test_a_lane_that_hands_out_what_failed_is_refused(fault: str) -> None:
    sealed = _flipped(_column().seal(_plaintexts(SAMPLE)), 20)
    with pytest.raises(BatchDisagreesError):
        _column(fault).open(sealed)


@pytest.mark.parametrize("fault", ["short", "another value"])
def test_a_lane_that_seals_wrongly_is_refused(fault: str) -> None:
    with pytest.raises(BatchDisagreesError):
        _column(fault).seal(_plaintexts(SAMPLE))


def test_the_exception_says_nothing_of_the_batch() -> None:
    assert str(BatchDisagreesError()) == "the batch form of a cipher disagrees with its one-by-one form"


@pytest.mark.parametrize("rows", [0, 1, SAMPLE, SAMPLE + 1, 5000])
def test_a_sample_is_of_different_rows_and_another_each_time(rows: int) -> None:
    drawn = [sorted(sample(rows)) for _ in range(20)]
    assert all(len(set(one)) == len(one) == min(rows, SAMPLE) for one in drawn)
    assert all(0 <= row < rows for one in drawn for row in one)
    if rows == 5000:
        assert all(one != other for one, other in pairwise(drawn))


def test_lanes_by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(siv_column.sys.modules, "numpy", raising=False)
    assert _lane_for(FEW - 1) is None
    assert _lane_for(FEW) is IntegerLane
    assert _lane_for(MANY - 1) is IntegerLane


def test_without_numpy_a_large_batch_is_done_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(siv_column.sys.modules, "keyholder.pseudonyms.batch.array_lane", None)
    assert _lane_for(MANY) is IntegerLane
