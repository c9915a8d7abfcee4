"""Synthetic people for any test: NHS numbers from 999 only, and identifiers as an extract would hold them.

Every strategy gives canonical text. `extract_rows` gives whole rows, as a provider would send them.
"""

from __future__ import annotations

import string
from datetime import date

from hypothesis import strategies as st

from keyholder.vocabulary import IdentifierType

TODAY = date(2026, 7, 1)
"""The day on which tests run, whatever the day."""

_LETTERS = string.ascii_uppercase
_DIGITS = string.digits


def nhs_number(serial: int) -> str | None:
    """The test number 999 and six more digits, or None for the one serial in eleven that has no check digit."""
    stem = f"999{serial:06d}"
    check = -sum(int(digit) * weight for digit, weight in zip(stem, range(10, 1, -1), strict=True)) % 11
    return None if check == 10 else f"{stem}{check}"


def some_nhs_numbers(count: int) -> list[str]:
    """The first `count` test numbers but the all-nines one, in order, all different: for a test that needs a crowd."""
    numbers = (nhs_number(serial) for serial in range(2 * count + 20))
    return [number for number in numbers if number is not None][:count]


def nhs_numbers() -> st.SearchStrategy[str]:
    """Valid ones; 999 999 9999 is left out because it is one digit repeated."""
    return st.integers(0, 999_998).map(nhs_number).filter(lambda number: number is not None).map(str)


def postcodes() -> st.SearchStrategy[str]:
    """All six formats, pseudo-postcodes and GIR 0AA."""
    outward = st.sampled_from(["A9", "A99", "AA9", "AA99", "A9A", "AA9A"]).flatmap(_shaped)
    inward = _shaped("9AA")
    return st.one_of(
        st.tuples(outward, inward).map(" ".join),
        inward.map(lambda end: f"ZZ99 {end}"),
        st.just("GIR 0AA"),
    )


def dates(first: date = date(1850, 1, 1), last: date = TODAY) -> st.SearchStrategy[str]:
    return st.dates(first, last).map(date.isoformat)


def gp_local_patient_numbers() -> st.SearchStrategy[str]:
    """1 to 20 printable ASCII characters, no space at either end."""
    characters = st.characters(min_codepoint=0x20, max_codepoint=0x7E)
    return st.text(characters, min_size=1, max_size=20).filter(lambda text: text == text.strip())


def canonical_identifiers(identifier_type: IdentifierType) -> st.SearchStrategy[str]:
    """Canonical identifiers of one type."""
    return {
        IdentifierType.NHS_NUMBER: nhs_numbers,
        IdentifierType.GP_LOCAL_PATIENT_NUMBER: gp_local_patient_numbers,
        IdentifierType.POSTCODE: postcodes,
        IdentifierType.DATE_OF_BIRTH: dates,
        IdentifierType.DATE_OF_DEATH: dates,
    }[identifier_type]()


def extract_rows() -> st.SearchStrategy[dict[IdentifierType, str]]:
    """A row of an extract: always an NHS number and a date of birth, the other columns perhaps."""
    return st.fixed_dictionaries(
        {
            IdentifierType.NHS_NUMBER: nhs_numbers(),
            IdentifierType.DATE_OF_BIRTH: dates(),
        },
        optional={
            IdentifierType.GP_LOCAL_PATIENT_NUMBER: gp_local_patient_numbers(),
            IdentifierType.POSTCODE: postcodes(),
            IdentifierType.DATE_OF_DEATH: dates(),
        },
    )


def _shaped(shape: str) -> st.SearchStrategy[str]:
    return st.tuples(*(st.sampled_from(_LETTERS if kind == "A" else _DIGITS) for kind in shape)).map("".join)
