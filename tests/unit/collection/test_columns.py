"""Which columns come: only those the rules name, and never one whose name says what must not come."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyholder.collection.columns import plan, refused_by_name
from keyholder.collection.rules import GP_DATA_COLLECTION
from keyholder.collection.vocabulary import ColumnReason
from keyholder.vocabulary import IdentifierType

REFUSED = {
    ColumnReason.NAME: (
        "name surname Forename patient_name PatientSurname1 FIRSTNAME first-name GivenNames alias initials title "
        "next_of_kin filename"
    ),
    ColumnReason.ADDRESS: (
        "address addr1 ADDRESS_LINE_2 HomeAddress postal.address addressline street town city uprn latitude house_no"
    ),
    ColumnReason.CONTACT: "email e-mail HomeEmail email_address phone telephone mobile_no contactPhone1 fax",
    ColumnReason.FREE_TEXT: "free_text freetext clinicalNotes note comment narrative consultation_text Letter summary",
    ColumnReason.IMAGE: "image xray x_ray photo patientPhoto scan_1 attachment document pdf dicom retina_images",
}
NAMES = [(reason, name) for reason, text in REFUSED.items() for name in text.split()]
OPEN = "value unit ethnicity context practice_code contact_date latest_bmi longest_stay state enamel code code_system"


@pytest.mark.parametrize(("reason", "name"), NAMES)
def test_names_addresses_free_text_and_images_are_refused_by_name(reason: ColumnReason, name: str) -> None:
    assert refused_by_name(name) is reason
    for spelling in (name.upper(), f"patient_{name}", f"{name}_2", f"{name} code"):
        assert refused_by_name(spelling) is not None, spelling
    columns = plan(["nhs_number", name, "lsoa"], tuple(IdentifierType), [name, "lsoa"])
    assert (columns.clear, columns.refused) == (("lsoa",), {name: reason})


@pytest.mark.parametrize("name", [*IdentifierType, *GP_DATA_COLLECTION.clear_columns, *OPEN.split()])
def test_columns_of_codes_dates_and_areas_have_no_refused_name(name: str) -> None:
    assert refused_by_name(name) is None


some_names = st.lists(
    st.sampled_from([*IdentifierType, "lsoa", "sex", "weight", "surname", "Notes", "LSOA", "postcode sector"])
    | st.text(max_size=12),
    unique=True,
    max_size=12,
)


@given(
    header=some_names,
    kinds=st.sets(st.sampled_from(IdentifierType)),
    clear=st.sets(st.text(max_size=6) | some_names.map("".join)),
)
def test_every_column_comes_or_is_left_out_with_a_reason(
    header: list[str], kinds: set[IdentifierType], clear: set[str]
) -> None:
    columns = plan(header, kinds, clear | {"lsoa", "surname"})
    coming = [kind.value for kind in columns.identifiers] + list(columns.clear)
    assert sorted([*coming, *columns.refused]) == sorted(header)
    assert set(coming) <= {*kinds, *clear, "lsoa"}
    assert not set(columns.clear) & set(IdentifierType)
    assert not any(refused_by_name(name) for name in coming)
    assert [name for name in header if name in columns.clear] == list(columns.clear)
    assert sum(columns.refused_counts().values()) == len(columns.refused)
