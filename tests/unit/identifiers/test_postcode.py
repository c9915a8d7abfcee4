import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.identifiers import postcode
from keyholder.identifiers.not_an_identifier import NotAnIdentifierError, WhyNot
from tests.people import postcodes

LAST = 259_740 * 6_760
"""Six formats make 259,740 outward codes; each has 6,760 inward ones; GIR 0AA comes after them all."""


@given(postcodes(), st.integers(0, 4))
def test_spaces_between_the_halves_do_not_matter(canonical: str, spaces: int) -> None:
    assert postcode.parse(canonical.replace(" ", " " * spaces)) == canonical


@given(st.integers(0, LAST))
def test_every_index_is_one_postcode(index: int) -> None:
    encoded = index.to_bytes(4, "big")
    canonical = postcode.decode(encoded)
    assert postcode.parse(canonical) == canonical
    assert postcode.encode(canonical) == encoded


@given(st.integers(LAST + 1, 2**32 - 1))
def test_no_index_beyond_the_last_is_a_postcode(index: int) -> None:
    with pytest.raises(NotAnIdentifierError):
        postcode.decode(index.to_bytes(4, "big"))


@pytest.mark.parametrize(
    ("canonical", "encoded"),
    [
        ("A0 0AA", "00000000"),
        ("M1 1AE", "000c7dd0"),
        ("B33 8TH", "0028a0bd"),
        ("CR2 6XH", "016e7535"),
        ("ZZ99 3VZ", "1f1d225f"),
        ("W1A 0AX", "216de507"),
        ("SW1A 1AA", "552e6a54"),
        ("GIR 0AA", "68a80760"),
    ],
)
def test_the_encoded_form_is_fixed(canonical: str, encoded: str) -> None:
    assert postcode.encode(canonical).hex() == encoded


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SW1A",
        "1AA",
        "SW1A 1A",
        "SW1A 1AAA",
        "SW 1A 1AA",
        "SW1A-1AA",
        "SW1A\t1AA",
        "SWAA 1AA",
        "S1A1 1AA",
        "9W1 1AA",
        "AAA9 1AA",
        "A999 1AA",
        "GIR 0AB",
        "GIR0 1AA",
        "\u017fW1A 1AA",
        "SW1A 1A\u0131",
    ],
)
def test_other_writing_is_refused(text: str) -> None:
    with pytest.raises(NotAnIdentifierError) as refused:
        postcode.parse(text)
    assert refused.value.reason is WhyNot.NOT_A_POSTCODE
