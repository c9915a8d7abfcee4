import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.identifiers import nhs_number
from keyholder.identifiers.not_an_identifier import NotAnIdentifierError, WhyNot
from tests.people import nhs_numbers, some_nhs_numbers


def _reason(text: str) -> WhyNot:
    with pytest.raises(NotAnIdentifierError) as refused:
        nhs_number.parse(text)
    return refused.value.reason


@given(nhs_numbers())
def test_the_three_ways_to_write_a_number_are_one(number: str) -> None:
    for written in (number, f"{number[:3]} {number[3:6]} {number[6:]}", f"{number[:3]}-{number[3:6]}-{number[6:]}"):
        assert nhs_number.parse(written) == number
    assert nhs_number.is_synthetic(number)


@pytest.mark.parametrize(("number", "synthetic"), [("9000000009", True), ("9990000018", True), ("4010232137", False)])
def test_the_range_nobody_is_given_a_number_of_is_flagged(number: str, synthetic: bool) -> None:
    assert nhs_number.is_synthetic(nhs_number.parse(number)) is synthetic


@given(nhs_numbers(), st.integers(0, 9), st.integers(1, 9))
def test_any_one_wrong_digit_is_found(number: str, place: int, change: int) -> None:
    wrong = number[:place] + str((int(number[place]) + change) % 10) + number[place + 1 :]
    assert _reason(wrong) in {WhyNot.WRONG_CHECK_DIGIT, WhyNot.REPEATED_DIGITS}


@given(nhs_numbers(), st.integers(0, 8))
def test_two_neighbouring_digits_swapped_are_found(number: str, place: int) -> None:
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    if swapped != number:
        assert _reason(swapped) is WhyNot.WRONG_CHECK_DIGIT


@pytest.mark.parametrize("digit", "0123456789")
def test_ten_equal_digits_are_nobody(digit: str) -> None:
    assert _reason(digit * 10) is WhyNot.REPEATED_DIGITS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "999000001",
        "99900000180",
        "999 00 00018",
        "9990 000018",
        "999.000.0018",
        "+990000018",
        "٩٩٩٠٠٠٠٠١٨",
        "999000001\uff18",
    ],
)
def test_other_writing_is_refused(text: str) -> None:
    assert _reason(text) is WhyNot.NOT_TEN_DIGITS


def test_the_first_test_numbers_are_the_published_ones() -> None:
    assert some_nhs_numbers(10) == [
        "9990000018",
        "9990000026",
        "9990000034",
        "9990000042",
        "9990000050",
        "9990000069",
        "9990000077",
        "9990000085",
        "9990000093",
        "9990000107",
    ]


def test_the_encoded_form_is_fixed() -> None:
    assert nhs_number.encode("9990000018").hex() == "3b8b87c1"


def test_a_stem_without_a_check_digit_is_not_decoded() -> None:
    with pytest.raises(NotAnIdentifierError) as refused:
        nhs_number.decode((999_000_014).to_bytes(4, "big"))
    assert refused.value.reason is WhyNot.NOT_ENCODED
