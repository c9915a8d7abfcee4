"""Dates of birth and death: ISO 8601 calendar dates from 1850-01-01 to today."""

from __future__ import annotations

import re
from datetime import date, timedelta

from keyholder.identifiers.not_an_identifier import NotAnIdentifierError, WhyNot

LENGTH = 4
"""Bytes of the encoded form: days since 1850-01-01, big-endian."""

EARLIEST = date(1850, 1, 1)

VALUES = (date(2199, 12, 31) - EARLIEST).days + 1
"""How many there can be at most, in as long a time as anybody plans for: 127,835 days."""

_WRITTEN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LAST_DAY = (date.max - EARLIEST).days


def parse(text: str, today: date) -> str:
    """`yyyy-mm-dd`, white space around it ignored; no other order, which would have to be guessed.

    `today` is the last day allowed: nobody is born or dies tomorrow. Raises `NotAnIdentifierError`.
    """
    day = _day(text.strip())
    if day > today:
        raise NotAnIdentifierError(WhyNot.IN_THE_FUTURE)
    return day.isoformat()


def encode(canonical: str) -> bytes:
    """Four bytes. Raises `NotAnIdentifierError` for anything but a date from 1850 on in canonical form."""
    return (_day(canonical) - EARLIEST).days.to_bytes(LENGTH, "big")


def decode(encoded: bytes) -> str:
    """The date of four bytes. Raises `NotAnIdentifierError` for bytes `encode` never writes."""
    days = int.from_bytes(encoded, "big")
    if len(encoded) != LENGTH or days > _LAST_DAY:
        raise NotAnIdentifierError(WhyNot.NOT_ENCODED)
    return (EARLIEST + timedelta(days=days)).isoformat()


def _day(text: str) -> date:
    day = _calendar_day(text)
    if day is None:
        raise NotAnIdentifierError(WhyNot.NOT_A_DATE)
    if day < EARLIEST:
        raise NotAnIdentifierError(WhyNot.TOO_EARLY)
    return day


def _calendar_day(text: str) -> date | None:
    if _WRITTEN.fullmatch(text) is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
