"""A column of identifiers to its encoded bytes and back: exactly what `FORMS` says, each value worked out once.

A column repeats itself (dates, postcodes, one patient's many rows), and most NHS numbers are written as ten digits.
Nothing is kept beyond one column: these are patients' identifiers.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import date

from keyholder.identifiers.forms import FORMS
from keyholder.identifiers.not_an_identifier import NotAnIdentifierError, WhyNot
from keyholder.vocabulary import IdentifierType

_STEMS = 10**9
_REPDIGIT = 111_111_111
_PLAIN = 320_000_000
"""From this stem on modulus 11 says it all; below are Scottish numbers, which begin with a date besides."""

Read = tuple[str, bytes]
"""An identifier in canonical form, and encoded."""


def read_column(identifier_type: IdentifierType, texts: Sequence[str], today: date) -> list[Read | WhyNot]:
    """What each text says, in order, or why it is no identifier of this type."""
    ten_digits = _ten_digits if identifier_type is IdentifierType.NHS_NUMBER else _no_short_cut
    read: dict[str, Read | WhyNot] = {}
    for text in texts:
        if text not in read:
            read[text] = ten_digits(text) or _read(identifier_type, text, today)
    return [read[text] for text in texts]


def decode_column(identifier_type: IdentifierType, plaintexts: bytes, failed: Sequence[int]) -> list[str | None]:
    """The canonical identifier of each plaintext, in order; None where it failed or no identifier encodes so."""
    if identifier_type is IdentifierType.NHS_NUMBER:
        decoded = _nhs_numbers(plaintexts)
    else:
        length = FORMS[identifier_type].length
        rows = [plaintexts[start : start + length] for start in range(0, len(plaintexts), length)]
        values = {row: _decode(identifier_type, row) for row in set(rows)}
        decoded = [values[row] for row in rows]
    for row in failed:
        decoded[row] = None
    return decoded


def is_nhs_number(digits: str) -> bool:
    """Whether ten ASCII digits are an NHS number."""
    return _nhs_number(int(digits[:9])) == digits


def _read(identifier_type: IdentifierType, text: str, today: date) -> Read | WhyNot:
    form = FORMS[identifier_type]
    try:
        canonical = form.parse(text, today)
        return canonical, form.encode(canonical)
    except NotAnIdentifierError as error:
        return error.reason


def _decode(identifier_type: IdentifierType, plaintext: bytes) -> str | None:
    try:
        return FORMS[identifier_type].decode(plaintext)
    except NotAnIdentifierError:
        return None


def _no_short_cut(_text: str) -> Read | None:
    return None


def _ten_digits(text: str) -> Read | None:
    """An NHS number as most are written; None for anything else, which may be one all the same."""
    if len(text) != 10 or not (text.isascii() and text.isdigit()) or not is_nhs_number(text):
        return None
    return text, int(text[:9]).to_bytes(4, "big")


def _nhs_numbers(plaintexts: bytes) -> list[str | None]:
    return [_nhs_number(stem) for stem in struct.unpack(f">{len(plaintexts) // 4}I", plaintexts)]


def _nhs_number(stem: int) -> str | None:
    if stem >= _STEMS or not stem % _REPDIGIT:
        return None
    if stem < _PLAIN:
        return _decode(IdentifierType.NHS_NUMBER, stem.to_bytes(4, "big"))
    high, low = divmod(stem, 1_000_000)
    middle, low = divmod(low, 1_000)
    last = _LAST_DIGIT[(_HIGH[high] + _MIDDLE[middle] + _LOW[low]) % 11]
    return f"{stem:09d}{last}" if last else None


def _weights(first: int) -> list[int]:
    """Modulus 11 sums of three digits, the first of which weighs `first` and the others one less each."""
    return [n // 100 * first + n // 10 % 10 * (first - 1) + n % 10 * (first - 2) for n in range(1000)]


_HIGH, _MIDDLE, _LOW = _weights(10), _weights(7), _weights(4)
_LAST_DIGIT = ("0", None, *"987654321")
"""The check digit by the weighed sum modulo 11; a sum of 1 would need a check digit 10, and is no NHS number."""
