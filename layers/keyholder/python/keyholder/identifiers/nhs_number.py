"""The NHS number: ten digits, the last a modulus 11 check digit (NHS Data Dictionary, NHS NUMBER)."""

from __future__ import annotations

from nhs_number.standardise import standardise_format
from nhs_number.validate import calculate_checksum, is_valid

from keyholder.identifiers.not_an_identifier import NotAnIdentifierError, WhyNot

LENGTH = 4
"""Bytes of the encoded form: the first nine digits as a big-endian integer. The check digit is computed again."""

_STEMS = 10**9

VALUES = _STEMS
"""How many there can be at most: the check digit follows from the others."""

DIGITS = 10
"""Every canonical NHS number is that many digits and nothing else."""


def parse(text: str) -> str:
    """Ten digits from `9434765919`, `943 476 5919` or `943-476-5919`, white space around it ignored.

    Ten equal digits are refused although modulus 11 holds for each of them. Raises `NotAnIdentifierError`.
    """
    digits = standardise_format(text) if text.isascii() else ""
    if not digits:
        raise NotAnIdentifierError(WhyNot.NOT_TEN_DIGITS)
    if len(set(digits)) == 1:
        raise NotAnIdentifierError(WhyNot.REPEATED_DIGITS)
    if not is_valid(digits):
        raise NotAnIdentifierError(WhyNot.WRONG_CHECK_DIGIT)
    return digits


def is_synthetic(canonical: str) -> bool:
    """Whether the number is from 900 to 999, the range that is never issued to a person: a test's, or made up."""
    return canonical.startswith("9")


def encode(canonical: str) -> bytes:
    """Four bytes. Raises `NotAnIdentifierError` for anything `parse` would not return."""
    if parse(canonical) != canonical:
        raise NotAnIdentifierError(WhyNot.NOT_CANONICAL)
    return int(canonical[:9]).to_bytes(LENGTH, "big")


def decode(encoded: bytes) -> str:
    """The ten digits of four bytes. Raises `NotAnIdentifierError` for bytes `encode` never writes."""
    number = int.from_bytes(encoded, "big")
    if len(encoded) != LENGTH or number >= _STEMS:
        raise NotAnIdentifierError(WhyNot.NOT_ENCODED)
    stem = f"{number:09d}"
    check = calculate_checksum(stem)
    if check is None or check == 10:
        raise NotAnIdentifierError(WhyNot.NOT_ENCODED)
    return parse(f"{stem}{check}")
