"""Postcodes: the six British formats, the NHS pseudo-postcodes (ZZ99 3VZ and its like) and GIR 0AA.

Only the format is checked, not whether the postcode exists: real ones come and go, and a pseudo-postcode breaks the
letter rules that stricter patterns apply (NHS Data Dictionary, POSTCODE).
"""

from __future__ import annotations

import re
import string

from keyholder.identifiers.not_an_identifier import NotAnIdentifierError, WhyNot

LENGTH = 4
"""Bytes of the encoded form: a mixed-radix index over the formats, below 2^31, big-endian."""

GIROBANK = "GIR 0AA"

_OUTWARD_SHAPES = ("A9", "A99", "AA9", "AA99", "A9A", "AA9A")
_INWARD_SHAPE = "9AA"
_WRITTEN = re.compile(r"([A-Z0-9]{2,4}?) *([0-9][A-Z]{2})")
_SHAPE_OF = str.maketrans(dict.fromkeys(string.ascii_uppercase, "A") | dict.fromkeys(string.digits, "9"))
_RADIX = {"A": 26, "9": 10}


def _count(shape: str) -> int:
    total = 1
    for kind in shape:
        total *= _RADIX[kind]
    return total


def _offsets() -> tuple[dict[str, int], int]:
    offsets, total = {}, 0
    for shape in _OUTWARD_SHAPES:
        offsets[shape] = total
        total += _count(shape)
    return offsets, total


_OFFSETS, _OUTWARDS = _offsets()
_INWARDS = _count(_INWARD_SHAPE)
_GIROBANK_INDEX = _OUTWARDS * _INWARDS

VALUES = _GIROBANK_INDEX + 1
"""How many there can be at most, those that nobody has been given included."""


def parse(text: str) -> str:
    """Upper case, one space: `sw1a1aa` gives `SW1A 1AA`. Raises `NotAnIdentifierError`."""
    written = _WRITTEN.fullmatch(text.strip().upper()) if text.isascii() else None
    if written is None:
        raise NotAnIdentifierError(WhyNot.NOT_A_POSTCODE)
    outward, inward = written.groups()
    canonical = f"{outward} {inward}"
    if outward.translate(_SHAPE_OF) not in _OFFSETS and canonical != GIROBANK:
        raise NotAnIdentifierError(WhyNot.NOT_A_POSTCODE)
    return canonical


def encode(canonical: str) -> bytes:
    """Four bytes. Raises `NotAnIdentifierError` for anything `parse` would not return."""
    if parse(canonical) != canonical:
        raise NotAnIdentifierError(WhyNot.NOT_CANONICAL)
    if canonical == GIROBANK:
        return _GIROBANK_INDEX.to_bytes(LENGTH, "big")
    outward, inward = canonical.split(" ")
    index = (_OFFSETS[outward.translate(_SHAPE_OF)] + _index(outward)) * _INWARDS + _index(inward)
    return index.to_bytes(LENGTH, "big")


def decode(encoded: bytes) -> str:
    """The postcode of four bytes. Raises `NotAnIdentifierError` for bytes `encode` never writes."""
    index = int.from_bytes(encoded, "big")
    if len(encoded) != LENGTH or index > _GIROBANK_INDEX:
        raise NotAnIdentifierError(WhyNot.NOT_ENCODED)
    if index == _GIROBANK_INDEX:
        return GIROBANK
    outward, inward = divmod(index, _INWARDS)
    shape = max((shape for shape in _OUTWARD_SHAPES if _OFFSETS[shape] <= outward), key=_OFFSETS.__getitem__)
    return f"{_text(outward - _OFFSETS[shape], shape)} {_text(inward, _INWARD_SHAPE)}"


def _index(text: str) -> int:
    index = 0
    for character in text:
        if character.isdigit():
            index = index * 10 + int(character)
        else:
            index = index * 26 + string.ascii_uppercase.index(character)
    return index


def _text(index: int, shape: str) -> str:
    characters = []
    for kind in reversed(shape):
        index, place = divmod(index, _RADIX[kind])
        characters.append((string.ascii_uppercase if kind == "A" else string.digits)[place])
    return "".join(reversed(characters))
