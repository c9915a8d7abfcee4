import pytest

from keyholder.identifiers import gp_local_patient_number
from keyholder.identifiers.not_an_identifier import NotAnIdentifierError, WhyNot


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", WhyNot.EMPTY),
        (" \t", WhyNot.EMPTY),
        ("x" * 21, WhyNot.TOO_LONG),
        ("a\0b", WhyNot.NOT_PRINTABLE_ASCII),
        ("a\tb", WhyNot.NOT_PRINTABLE_ASCII),
        ("a\x7fb", WhyNot.NOT_PRINTABLE_ASCII),
        ("café", WhyNot.NOT_PRINTABLE_ASCII),
    ],
)
def test_other_writing_is_refused(text: str, reason: WhyNot) -> None:
    with pytest.raises(NotAnIdentifierError) as refused:
        gp_local_patient_number.parse(text)
    assert refused.value.reason is reason


def test_case_and_inner_spaces_are_kept() -> None:
    assert gp_local_patient_number.parse(" aB  1/2 ") == "aB  1/2"


def test_the_encoded_form_is_fixed() -> None:
    assert gp_local_patient_number.encode("A-17") == b"A-17" + bytes(20)


@pytest.mark.parametrize(
    "encoded", [bytes(24), b"a\0b".ljust(24, b"\0"), b" a".ljust(24, b"\0"), b"x" * 21 + bytes(3), b"a" + bytes(22)]
)
def test_bytes_that_no_number_encodes_to_are_refused(encoded: bytes) -> None:
    with pytest.raises(NotAnIdentifierError):
        gp_local_patient_number.decode(encoded)
