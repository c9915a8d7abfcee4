"""NHS numbers as ten-digit pseudonyms by FF1: a whole column at once, a sample of every batch done again one by one."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence

from keyholder.pseudonyms.batch.checked import BatchDisagreesError, sample
from keyholder.pseudonyms.batch.ff1_lanes import RADIX, Ff1Constants, Ff1Lane, Ff1ListLane
from keyholder.pseudonyms.batch.identifier_columns import is_nhs_number
from keyholder.pseudonyms.ff1 import Ff1, ff1_key, ff1_tweak
from keyholder.pseudonyms.key_ring import DataKey
from keyholder.vocabulary import DomainId, IdentifierType, Pseudonym

DIGITS = 10
_ZERO = ord("0")

FEW = 96
"""Below this many rows one by one is faster than a batch and its sample (measured)."""

MANY = 50_000
"""From this many rows on numpy saves more than its import costs, 0.13 s (measured: 2.6 microseconds a row)."""

MANY_WITH_NUMPY = 300
"""The same where numpy is imported already."""

_TEN_DIGITS = re.compile(r"[0-9]{10}")

Ff1LaneMaker = Callable[[Ff1Constants], Ff1Lane]


def is_ten_digits(text: str) -> bool:
    """Whether a text can be an FF1 pseudonym: all that can be said without a key."""
    return _TEN_DIGITS.fullmatch(text) is not None


class Ff1Column:
    """Seals and opens the NHS numbers of one domain under one key version. All raise `BatchDisagreesError`.

    Raises `ValueError` for another identifier type: only NHS numbers have ten digits. `lane` is for tests.
    """

    __slots__ = ("_choose", "_constants", "_ff1", "_tweak")

    def __init__(
        self, key: DataKey, domain: DomainId, identifier_type: IdentifierType, lane: Ff1LaneMaker | None = None
    ) -> None:
        if identifier_type is not IdentifierType.NHS_NUMBER:
            raise ValueError("FF1 pseudonyms are for NHS numbers only")
        material = ff1_key(key)
        self._tweak = ff1_tweak(domain, identifier_type, key.version)
        self._ff1 = Ff1(material, RADIX)
        self._constants = Ff1Constants(material, self._tweak, DIGITS)
        self._choose = lane

    def seal(self, canonical: Sequence[str]) -> list[Pseudonym]:
        """Ten digits for each NHS number."""
        return [Pseudonym(text) for text in _split(self.encrypt("".join(canonical).encode("ascii")))]

    def open(self, pseudonyms: Sequence[str]) -> list[str | None]:
        """For each ten digits, what they decrypt to if that is an NHS number, else None.

        Of ten digits that this key did not make, about one in fifteen gives an NHS number all the same.
        """
        opened = _split(self.decrypt("".join(pseudonyms).encode("ascii")))
        return [text if is_nhs_number(text) else None for text in opened]

    def encrypt(self, joined: bytes) -> bytes:
        """Rows of ten ASCII digits, joined, to as many."""
        lane = self._lane(len(joined) // DIGITS)
        return self._checked(joined, self._ff1.encrypt, None if lane is None else lane.encrypt)

    def decrypt(self, joined: bytes) -> bytes:
        """What `encrypt` was given, row by row; other digits for a row it did not make."""
        lane = self._lane(len(joined) // DIGITS)
        return self._checked(joined, self._ff1.decrypt, None if lane is None else lane.decrypt)

    def _checked(
        self,
        joined: bytes,
        one_by_one: Callable[[Sequence[int], bytes], list[int]],
        together: Callable[[bytes], bytes] | None,
    ) -> bytes:
        def one(row: int) -> bytes:
            numerals = [digit - _ZERO for digit in joined[DIGITS * row : DIGITS * (row + 1)]]
            return bytes(numeral + _ZERO for numeral in one_by_one(numerals, self._tweak))

        rows = len(joined) // DIGITS
        if together is None:
            return b"".join([one(row) for row in range(rows)])
        changed = together(joined)
        if len(changed) != len(joined) or any(
            changed[DIGITS * row : DIGITS * (row + 1)] != one(row) for row in sample(rows)
        ):
            raise BatchDisagreesError
        return changed

    def _lane(self, rows: int) -> Ff1Lane | None:
        make = self._choose or _lane_for(rows)
        return make and make(self._constants)


def _split(joined: bytes) -> list[str]:
    text = joined.decode("ascii")
    return [text[start : start + DIGITS] for start in range(0, len(text), DIGITS)]


def _lane_for(rows: int) -> Ff1LaneMaker | None:
    if rows < FEW:
        return None
    if rows < (MANY_WITH_NUMPY if "numpy" in sys.modules else MANY):
        return Ff1ListLane
    try:
        from keyholder.pseudonyms.batch.ff1_array_lane import Ff1ArrayLane
    except ImportError:
        # numpy is optional, and Lambda's layer is without it.
        return Ff1ListLane
    return Ff1ArrayLane
