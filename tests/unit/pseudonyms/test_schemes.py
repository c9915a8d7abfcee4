"""Which types may have which scheme: computed from how many values they have, and how these are written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.identifiers.forms import FORMS
from keyholder.pseudonyms.schemes import SMALLEST_DOMAIN, Unsuited, unsuited
from keyholder.pseudonyms.token import Scheme
from keyholder.vocabulary import IdentifierType
from tests.people import canonical_identifiers

SUITED = {
    IdentifierType.NHS_NUMBER: None,
    IdentifierType.GP_LOCAL_PATIENT_NUMBER: Unsuited.NOT_DIGITS,
    IdentifierType.POSTCODE: Unsuited.NOT_DIGITS,
    IdentifierType.DATE_OF_BIRTH: Unsuited.TOO_FEW_VALUES,
    IdentifierType.DATE_OF_DEATH: Unsuited.TOO_FEW_VALUES,
}


@pytest.mark.parametrize("kind", IdentifierType)
def test_ff1_suits_nhs_numbers_alone_and_aes_siv_everything(kind: IdentifierType) -> None:
    assert unsuited(Scheme.FF1, FORMS[kind]) is SUITED[kind]
    assert unsuited(Scheme.AES_256_SIV_1, FORMS[kind]) is None


@pytest.mark.parametrize("kind", IdentifierType)
def test_the_bound_is_one_million_values_whatever_the_type(kind: IdentifierType) -> None:
    form = replace(FORMS[kind], digits=6)
    assert unsuited(Scheme.FF1, replace(form, values=SMALLEST_DOMAIN)) is None
    assert unsuited(Scheme.FF1, replace(form, values=SMALLEST_DOMAIN - 1)) is Unsuited.TOO_FEW_VALUES
    assert SMALLEST_DOMAIN == 10**6


@given(st.sampled_from(IdentifierType), st.data())
def test_no_type_has_more_values_than_it_says(kind: IdentifierType, data: st.DataObject) -> None:
    """Those of one length are numbered from 0 in their encoding, so the number of each is below their count."""
    canonical, form = data.draw(canonical_identifiers(kind)), FORMS[kind]
    if kind is not IdentifierType.GP_LOCAL_PATIENT_NUMBER:
        assert int.from_bytes(form.encode(canonical), "big") < form.values
    assert form.digits is None or (len(canonical) == form.digits and canonical.isdigit())
