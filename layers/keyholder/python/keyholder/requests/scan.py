"""Does a free text hold something that identifies a patient? Looked for before anything is stored or logged."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from keyholder.identifiers import nhs_number
from keyholder.identifiers.not_an_identifier import NotAnIdentifierError

_SEPARATORS = r"[\s\-\u2010-\u2015\u2212._/\u00ad\u061c\u180e\u200b-\u200f\u2060-\u2064\ufeff]{0,3}"
"""What people put between groups of digits, invisible characters included."""
_DIGITS = re.compile(rf"\d(?:{_SEPARATORS}\d)*")
_NHS_NUMBER_DIGITS = 10
SHORTEST_LIKENESS = _NHS_NUMBER_DIGITS
"""Characters of the shortest text that can hold one of them."""
_GROUP = re.compile(r"\d+")
_TOKEN = re.compile(r"(?<![0-9A-Za-z])(?=[A-Za-z]*[0-9])[A-TV-Za-tv-z][0-9A-TV-Za-tv-z]{25,199}(?![0-9A-Za-z])")
"""A letter, then Crockford's base32 with the look-alikes people type, at least one digit, as long as the shortest token
that still carries a 16-byte synthetic initialisation vector: the shape of a pseudonym, whoever made it."""


class Likeness(StrEnum):
    """What was found."""

    NHS_NUMBER = "nhs_number"
    """Ten digits in any script and spacing for which modulus 11 holds."""
    PSEUDONYM = "pseudonym"


@dataclass(frozen=True, slots=True)
class Found:
    """Where in the text it stands, in characters, the end exclusive; never what it says."""

    likeness: Likeness
    start: int
    end: int


def find_identifier_like(text: str) -> tuple[Found, ...]:
    """Everything in `text` shaped like an NHS number or a pseudonym, in order."""
    return tuple(sorted((*_nhs_numbers(text), *_pseudonyms(text)), key=lambda found: found.start))


def _pseudonyms(text: str) -> Iterator[Found]:
    return (Found(Likeness.PSEUDONYM, *match.span()) for match in _TOKEN.finditer(text))


def _nhs_numbers(text: str) -> Iterator[Found]:
    """Ten digits made of whole groups: `2026-01-31 999 123 4567` hides one behind a date."""
    for run in _DIGITS.finditer(text):
        groups = [(match.start(), match.end()) for match in _GROUP.finditer(text, run.start(), run.end())]
        for place in range(len(groups)):
            digits = ""
            for start, end in groups[place:]:
                digits += text[start:end]
                if len(digits) >= _NHS_NUMBER_DIGITS:
                    if len(digits) == _NHS_NUMBER_DIGITS and _holds(digits):
                        yield Found(Likeness.NHS_NUMBER, groups[place][0], end)
                    break


def _holds(digits: str) -> bool:
    # `int` reads decimal digits of every script, so full-width digits don't slip through.
    try:
        nhs_number.parse(f"{int(digits):010d}")
    except NotAnIdentifierError:
        return False
    return True
