"""Free text is searched for what identifies a patient."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.requests.scan import Likeness, find_identifier_like
from tests.people import nhs_numbers
from tests.unit.requests.world import TOKEN

WORDS = st.text(alphabet="abcdefg ,;()\n", max_size=30)
SEPARATORS = st.sampled_from(
    ["", " ", "-", "  ", "\u00a0", "\u2013", "\u200b", "\u200d", "\u2060", "\ufeff", ".", "\n", " - "]
)


@given(WORDS, nhs_numbers(), SEPARATORS, SEPARATORS, WORDS)
def test_an_nhs_number_is_found_however_it_is_spaced(before: str, number: str, one: str, two: str, after: str) -> None:
    written = f"{number[:3]}{one}{number[3:6]}{two}{number[6:]}"
    found = find_identifier_like(before + written + after)
    assert [(place.likeness, place.start, place.end) for place in found] == [
        (Likeness.NHS_NUMBER, len(before), len(before) + len(written))
    ]


@given(nhs_numbers(), st.sampled_from([0x0660, 0xFF10, 0x0966]))
def test_an_nhs_number_in_another_script_is_found(number: str, zero: int) -> None:
    written = "".join(chr(zero + int(digit)) for digit in number)
    assert all(unicodedata.decimal(letter) == int(digit) for letter, digit in zip(written, number, strict=True))
    assert find_identifier_like(f"patient {written}.")


@given(nhs_numbers())
def test_a_number_behind_a_date_is_found(number: str) -> None:
    assert find_identifier_like(f"seen 2026-01-31 {number[:3]} {number[3:6]} {number[6:]}")


@given(nhs_numbers())
def test_a_wrong_check_digit_and_a_longer_number_are_not(number: str) -> None:
    wrong = number[:9] + str((int(number[9]) + 1) % 10)
    assert find_identifier_like(wrong) == ()
    assert find_identifier_like(f"{number}7") == ()


@pytest.mark.parametrize("text", ["25/CAG/0036", "DARS-NIC-123456-A1B2C-v1.2", "call 0113 397 1973 9 to 5", "0" * 10])
def test_references_and_plain_numbers_are_not(text: str) -> None:
    assert find_identifier_like(text) == ()


@given(WORDS.map(lambda text: text + " "), st.booleans())
def test_a_pseudonym_is_found_in_either_case(before: str, lower: bool) -> None:
    token = TOKEN.lower() if lower else TOKEN
    (found,) = find_identifier_like(before + token)
    assert (found.likeness, found.start, found.end) == (Likeness.PSEUDONYM, len(before), len(before) + len(token))
