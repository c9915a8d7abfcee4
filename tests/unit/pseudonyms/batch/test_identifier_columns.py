"""A column says of each value exactly what the value's form says of it alone."""

from hypothesis import given
from hypothesis import strategies as st

from keyholder.identifiers.forms import FORMS
from keyholder.identifiers.not_an_identifier import NotAnIdentifierError, WhyNot
from keyholder.pseudonyms.batch.identifier_columns import decode_column, is_nhs_number, read_column
from keyholder.vocabulary import IdentifierType
from tests.people import TODAY, canonical_identifiers

KINDS = st.sampled_from(IdentifierType)
REPEATED = [str(digit) * 10 for digit in range(10)]
NEAR_NHS_NUMBERS = st.one_of(
    st.from_regex(r"[0-9]{10}", fullmatch=True),
    st.sampled_from(REPEATED),
    st.sampled_from(["٩" * 10, "²" * 10, "999 000 0018", "999-000-0018", " 9990000018", "99900000180"]),
)


def _read(kind: IdentifierType, text: str) -> tuple[str, bytes] | WhyNot:
    try:
        canonical = FORMS[kind].parse(text, TODAY)
    except NotAnIdentifierError as error:
        return error.reason
    return canonical, FORMS[kind].encode(canonical)


def _decode(kind: IdentifierType, plaintext: bytes) -> str | None:
    try:
        return FORMS[kind].decode(plaintext)
    except NotAnIdentifierError:
        return None


@given(KINDS, st.data())
def test_texts_are_read_as_one_by_one(kind: IdentifierType, data: st.DataObject) -> None:
    values = st.one_of(canonical_identifiers(kind), NEAR_NHS_NUMBERS, st.text(max_size=25))
    texts = data.draw(st.lists(values, max_size=12))
    assert read_column(kind, texts, TODAY) == [_read(kind, text) for text in texts]


@given(KINDS, st.data())
def test_plaintexts_are_decoded_as_one_by_one(kind: IdentifierType, data: st.DataObject) -> None:
    length = FORMS[kind].length
    encoded = canonical_identifiers(kind).map(FORMS[kind].encode)
    stems = st.one_of(st.integers(0, 2**32 - 1), st.integers(0, 9).map(lambda digit: digit * 111_111_111))
    numbers = stems.map(lambda stem: stem.to_bytes(4, "big") * (length // 4))
    plaintexts = data.draw(st.lists(st.one_of(encoded, numbers, st.binary(min_size=length, max_size=length))))
    failed = [row for row in range(len(plaintexts)) if data.draw(st.booleans())]
    expected = [None if row in failed else _decode(kind, one) for row, one in enumerate(plaintexts)]
    assert decode_column(kind, b"".join(plaintexts), failed) == expected


@given(st.one_of(st.from_regex(r"[0-9]{10}", fullmatch=True), st.sampled_from(REPEATED)))
def test_ten_digits_are_an_nhs_number_or_not(digits: str) -> None:
    assert is_nhs_number(digits) == (not isinstance(_read(IdentifierType.NHS_NUMBER, digits), WhyNot))
