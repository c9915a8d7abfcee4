"""Many people looked up in registers of sorted digests at once: what each register says of whom, column by column.

A column holds one number a person, at first 0; what registers note there only ever raises it. So registers may be asked
in any order, and the greater number is the one that counts. `array_lookup` does the same with numpy.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from keyholder.policy.digests import DIGEST_LENGTH, PersonDigests

Combination = tuple[int, ...]
"""One person's numbers, in the order of the columns."""

ValueOf = Callable[[int], int]

MANY = 300_000
"""From this many people on numpy saves more than its import costs, 0.13 s (measured: 1.5 microseconds a person)."""

MANY_WITH_NUMPY = 100
"""The same where numpy is imported already."""


class Lookup(Protocol):
    """People to be looked up, and what was noted of them so far. Digests are joined and sorted, each there once."""

    def note(self, column: int, digests: bytes, value: int) -> None:
        """`value` for everybody whose digest is there."""
        ...

    def note_bits(self, column: int, digests: bytes, bits: bytes, values: tuple[int, int]) -> None:
        """By the bit at the digest's place (the most significant of a byte first): `values[0]` or `values[1]`."""
        ...

    def note_each(self, column: int, digests: bytes, value_of: ValueOf) -> None:
        """What `value_of` says of the digest's place; it is asked about places that somebody has."""
        ...

    def combinations(self) -> tuple[Sequence[Combination], array[int]]:
        """Every different combination of numbers, and which of them each person has."""
        ...


LookupMaker = Callable[[PersonDigests, int], Lookup]
"""A lookup of these people with so many columns."""


class PlainLookup:
    """`Lookup` with the standard library alone."""

    def __init__(self, asked: PersonDigests, columns: int) -> None:
        self._asked = numbers(asked.joined)
        self._columns = [array("I", bytes(4 * len(asked))) for _ in range(columns)]

    def note(self, column: int, digests: bytes, value: int) -> None:
        raised = self._columns[column]
        for row, _ in self._found(digests):
            raised[row] = max(raised[row], value)

    def note_bits(self, column: int, digests: bytes, bits: bytes, values: tuple[int, int]) -> None:
        raised = self._columns[column]
        for row, place in self._found(digests):
            raised[row] = max(raised[row], values[bits[place >> 3] >> (7 - (place & 7)) & 1])

    def note_each(self, column: int, digests: bytes, value_of: ValueOf) -> None:
        raised = self._columns[column]
        for row, place in self._found(digests):
            raised[row] = max(raised[row], value_of(place))

    def combinations(self) -> tuple[Sequence[Combination], array[int]]:
        known: dict[Combination, int] = {}
        of = array("I", (known.setdefault(each, len(known)) for each in zip(*self._columns, strict=True)))
        return tuple(known), of

    def _found(self, digests: bytes) -> Iterator[tuple[int, int]]:
        """Row and place of everybody whose digest is there."""
        held = numbers(digests)
        count = len(held)
        for row, digest in enumerate(self._asked):
            place = bisect_left(held, digest)
            if place < count and held[place] == digest:
                yield row, place


def lookup_for(people: int) -> LookupMaker:
    """The fastest one for so many people."""
    if people < (MANY_WITH_NUMPY if "numpy" in sys.modules else MANY):
        return PlainLookup
    try:
        from keyholder.policy.array_lookup import ArrayLookup
    except ImportError:
        # numpy is optional, and Lambda's layer is without it.
        return PlainLookup
    return ArrayLookup


def numbers(digests: bytes) -> array[int]:
    """Digests as numbers that are ordered as their bytes are."""
    found = array("Q", digests)
    if found.itemsize != DIGEST_LENGTH:
        raise TypeError("this platform has no numbers of eight bytes")
    if sys.byteorder == "little":
        found.byteswap()
    return found
