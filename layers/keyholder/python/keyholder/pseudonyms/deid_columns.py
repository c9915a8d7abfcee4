"""The names of pseudonymised columns (NHS Data Dictionary, GPDataSet Patient: April 2022, November 2023)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from keyholder.vocabulary import IdentifierType

COLUMN_OF: Mapping[IdentifierType, str] = MappingProxyType(
    {
        IdentifierType.NHS_NUMBER: "patient_id_deid",
        IdentifierType.GP_LOCAL_PATIENT_NUMBER: "local_id_deid",
        IdentifierType.POSTCODE: "postcode_deid",
        IdentifierType.DATE_OF_BIRTH: "date_of_birth_deid",
        IdentifierType.DATE_OF_DEATH: "date_of_death_deid",
    }
)
"""Identifier type to the column that holds its pseudonym. The clear column has the identifier type's own name."""
