"""`lookup.Lookup` with numpy, which takes a tenth of a second to import: only for crowds worth that.

The people asked about are sorted first, so that the search walks through a register instead of jumping about in it.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from keyholder.policy.digests import PersonDigests
from keyholder.policy.lookup import Combination, ValueOf

Rows: TypeAlias = NDArray[np.intp]

_TABLE = 1 << 22
"""Up to so many possible combinations are numbered by a table; more are sorted."""


class ArrayLookup:
    """Not for use by several threads at once."""

    def __init__(self, asked: PersonDigests, columns: int) -> None:
        digests = _numbers(asked.joined)
        self._order = np.argsort(digests)
        self._asked = digests[self._order]
        self._columns = [np.zeros(len(asked), np.uint32) for _ in range(columns)]
        """In the order of the digests."""

    def note(self, column: int, digests: bytes, value: int) -> None:
        rows, _ = self._found(digests)
        self._raise(column, rows, np.uint32(value))

    def note_bits(self, column: int, digests: bytes, bits: bytes, values: tuple[int, int]) -> None:
        rows, places = self._found(digests)
        held = np.frombuffer(bits, np.uint8)[places >> 3] >> (7 - (places & 7)).astype(np.uint8) & 1
        self._raise(column, rows, np.array(values, np.uint32)[held])

    def note_each(self, column: int, digests: bytes, value_of: ValueOf) -> None:
        rows, places = self._found(digests)
        # Places come in the order of the digests, so that equal ones stand side by side.
        different = np.ones(len(places), bool)
        np.not_equal(places[1:], places[:-1], out=different[1:])
        values = np.array([value_of(place) for place in places[different].tolist()], np.uint32)
        self._raise(column, rows, values[np.cumsum(different) - 1])

    def combinations(self) -> tuple[Sequence[Combination], array[int]]:
        sizes = [int(column.max(initial=0)) + 1 for column in self._columns]
        codes = np.zeros(len(self._asked), np.uint64)
        possible = 1
        for column, size in zip(self._columns, sizes, strict=True):
            codes *= np.uint64(size)
            codes += column
            possible *= size
        if possible >= 1 << 64:
            raise OverflowError("more combinations than a number of eight bytes can tell apart")
        present, kinds = _numbered(codes, possible)
        of = np.empty(len(kinds), np.uint32)
        of[self._order] = kinds
        return [_combination(int(code), sizes) for code in present], array("I", of.tobytes())

    def _raise(self, column: int, rows: Rows, values: np.uint32 | NDArray[np.uint32]) -> None:
        held = self._columns[column]
        held[rows] = np.maximum(held[rows], values)

    def _found(self, digests: bytes) -> tuple[Rows, Rows]:
        """Row and place of everybody whose digest is there."""
        held = _numbers(digests)
        if not len(held):
            return np.empty(0, np.intp), np.empty(0, np.intp)
        places = np.searchsorted(held, self._asked)
        np.minimum(places, len(held) - 1, out=places)
        rows = np.flatnonzero(held[places] == self._asked)
        return rows, places[rows]


def _numbers(digests: bytes) -> NDArray[np.uint64]:
    return np.frombuffer(digests, ">u8").astype(np.uint64)


def _numbered(codes: NDArray[np.uint64], possible: int) -> tuple[NDArray[np.uint64], NDArray[np.uint32]]:
    """The different codes, ascending, and which of them stands at each place."""
    if possible > _TABLE:
        present, kinds = np.unique(codes, return_inverse=True)
        return present, kinds.astype(np.uint32)
    table = np.zeros(possible, np.uint32)
    table[codes] = 1
    present = np.flatnonzero(table).astype(np.uint64)
    table[present] = np.arange(len(present), dtype=np.uint32)
    return present, table[codes]


def _combination(code: int, sizes: Sequence[int]) -> Combination:
    numbers = []
    for size in reversed(sizes):
        code, number = divmod(code, size)
        numbers.append(number)
    return tuple(reversed(numbers))
