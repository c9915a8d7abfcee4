"""What holds for every identifier type."""

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.identifiers.forms import FORMS
from keyholder.identifiers.not_an_identifier import NotAnIdentifierError, WhyNot
from keyholder.vocabulary import IdentifierType
from tests.people import TODAY, canonical_identifiers

TYPES = st.sampled_from(IdentifierType)
TYPED = TYPES.flatmap(lambda kind: st.tuples(st.just(kind), canonical_identifiers(kind)))


def _outcome(read: Callable[[], str]) -> str | NotAnIdentifierError:
    try:
        return read()
    except NotAnIdentifierError as error:
        return error


def test_there_is_a_form_for_every_identifier_type() -> None:
    assert {form.identifier_type for form in FORMS.values()} == set(IdentifierType) == set(FORMS)


@given(TYPED)
def test_a_canonical_identifier_survives_reading_and_encoding(typed: tuple[IdentifierType, str]) -> None:
    kind, canonical = typed
    form = FORMS[kind]
    assert form.parse(canonical, TODAY) == canonical
    encoded = form.encode(canonical)
    assert len(encoded) == form.length
    assert form.decode(encoded) == canonical


@given(TYPED, st.sampled_from(["", " ", "\t", "  "]), st.sampled_from(["", " ", "\n"]), st.booleans())
def test_white_space_around_an_identifier_does_not_matter(
    typed: tuple[IdentifierType, str], before: str, after: str, lower: bool
) -> None:
    kind, canonical = typed
    cased = canonical.lower() if lower and kind is IdentifierType.POSTCODE else canonical
    assert FORMS[kind].parse(before + cased + after, TODAY) == canonical


@given(TYPES.flatmap(lambda kind: st.tuples(st.just(kind), *[canonical_identifiers(kind)] * 2)))
def test_different_identifiers_have_different_bytes(typed: tuple[IdentifierType, str, str]) -> None:
    kind, one, other = typed
    assert (FORMS[kind].encode(one) == FORMS[kind].encode(other)) == (one == other)


@given(TYPES, st.text())
def test_any_text_is_read_or_refused_with_a_reason(kind: IdentifierType, text: str) -> None:
    form = FORMS[kind]
    read = _outcome(lambda: form.parse(text, TODAY))
    if isinstance(read, NotAnIdentifierError):
        assert str(read) == f"not an identifier: {read.reason.value}"
        assert read.__context__ is None
    else:
        assert form.parse(read, TODAY) == read
        assert form.decode(form.encode(read)) == read


@given(TYPES.flatmap(lambda kind: st.tuples(st.just(kind), st.binary(max_size=FORMS[kind].length + 1))))
def test_any_bytes_are_decoded_to_what_encodes_to_them_or_refused(typed: tuple[IdentifierType, bytes]) -> None:
    kind, encoded = typed
    form = FORMS[kind]
    read = _outcome(lambda: form.decode(encoded))
    if isinstance(read, NotAnIdentifierError):
        assert read.__context__ is None
    else:
        assert len(encoded) == form.length
        assert form.encode(read) == encoded


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (IdentifierType.NHS_NUMBER, "999 000 0018"),
        (IdentifierType.NHS_NUMBER, "9990000019"),
        (IdentifierType.NHS_NUMBER, "not a number"),
        (IdentifierType.POSTCODE, "sw1a 1aa"),
        (IdentifierType.POSTCODE, "AAA 1AA"),
        (IdentifierType.DATE_OF_BIRTH, "1980-1-1"),
        (IdentifierType.DATE_OF_BIRTH, "1980-02-30"),
        (IdentifierType.GP_LOCAL_PATIENT_NUMBER, " 17"),
        (IdentifierType.GP_LOCAL_PATIENT_NUMBER, ""),
    ],
)
def test_only_canonical_text_is_encoded(kind: IdentifierType, text: str) -> None:
    with pytest.raises(NotAnIdentifierError) as refused:
        FORMS[kind].encode(text)
    assert not text or text not in str(refused.value)


@pytest.mark.parametrize("kind", [IdentifierType.DATE_OF_BIRTH, IdentifierType.DATE_OF_DEATH])
def test_the_day_given_is_the_last_day_allowed(kind: IdentifierType) -> None:
    assert FORMS[kind].parse("2026-07-01", date(2026, 7, 1)) == "2026-07-01"
    with pytest.raises(NotAnIdentifierError) as refused:
        FORMS[kind].parse("2026-07-02", date(2026, 7, 1))
    assert refused.value.reason is WhyNot.IN_THE_FUTURE
