import pytest

from keyholder.identifiers import dates
from keyholder.identifiers.not_an_identifier import NotAnIdentifierError, WhyNot
from tests.people import TODAY


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1849-12-31", WhyNot.TOO_EARLY),
        ("2026-07-02", WhyNot.IN_THE_FUTURE),
        ("2023-02-29", WhyNot.NOT_A_DATE),
        ("0000-01-01", WhyNot.NOT_A_DATE),
        ("01/07/1980", WhyNot.NOT_A_DATE),
        ("19800701", WhyNot.NOT_A_DATE),
        ("1980-W27-2", WhyNot.NOT_A_DATE),
        ("1980-07-01T00:00", WhyNot.NOT_A_DATE),
        ("١٩٨٠-07-01", WhyNot.NOT_A_DATE),
        ("", WhyNot.NOT_A_DATE),
    ],
)
def test_other_writing_is_refused(text: str, reason: WhyNot) -> None:
    with pytest.raises(NotAnIdentifierError) as refused:
        dates.parse(text, TODAY)
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    ("canonical", "encoded"),
    [("1850-01-01", "00000000"), ("1850-01-02", "00000001"), ("1948-07-05", "00008c8b"), ("9999-12-31", "002d6bd5")],
)
def test_the_encoded_form_is_fixed(canonical: str, encoded: str) -> None:
    assert dates.encode(canonical).hex() == encoded
    assert dates.decode(bytes.fromhex(encoded)) == canonical


def test_a_day_after_the_last_of_the_calendar_is_not_decoded() -> None:
    with pytest.raises(NotAnIdentifierError):
        dates.decode((0x002D6BD5 + 1).to_bytes(4, "big"))
