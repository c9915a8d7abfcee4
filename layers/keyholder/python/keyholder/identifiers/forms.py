"""The form of each identifier type: how a text is read, and how it becomes bytes of one length and back.

One length for each type, so that a pseudonym's length tells the type and nothing about the identifier.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from keyholder.identifiers import dates, gp_local_patient_number, nhs_number, postcode
from keyholder.vocabulary import IdentifierType


@dataclass(frozen=True, slots=True)
class Form:
    """One identifier type's reading and encoding. All three functions raise `NotAnIdentifierError`, and nothing else.

    `parse(text, today)` gives the canonical text (`today` bounds dates); `encode(canonical)` gives `length` bytes;
    `decode(encoded)` gives the canonical text back. `values` is how many different identifiers there can be at most;
    `digits` how many decimal digits each is written with, None where it has other characters or no one length.
    """

    identifier_type: IdentifierType
    length: int
    values: int
    digits: int | None
    parse: Callable[[str, date], str]
    encode: Callable[[str], bytes]
    decode: Callable[[bytes], str]


def _whatever_the_day(parse: Callable[[str], str]) -> Callable[[str, date], str]:
    return lambda text, _today: parse(text)


FORMS: Mapping[IdentifierType, Form] = MappingProxyType(
    {
        form.identifier_type: form
        for form in (
            Form(
                IdentifierType.NHS_NUMBER,
                nhs_number.LENGTH,
                nhs_number.VALUES,
                nhs_number.DIGITS,
                _whatever_the_day(nhs_number.parse),
                nhs_number.encode,
                nhs_number.decode,
            ),
            Form(
                IdentifierType.GP_LOCAL_PATIENT_NUMBER,
                gp_local_patient_number.LENGTH,
                gp_local_patient_number.VALUES,
                None,
                _whatever_the_day(gp_local_patient_number.parse),
                gp_local_patient_number.encode,
                gp_local_patient_number.decode,
            ),
            Form(
                IdentifierType.POSTCODE,
                postcode.LENGTH,
                postcode.VALUES,
                None,
                _whatever_the_day(postcode.parse),
                postcode.encode,
                postcode.decode,
            ),
            Form(
                IdentifierType.DATE_OF_BIRTH, dates.LENGTH, dates.VALUES, None, dates.parse, dates.encode, dates.decode
            ),
            Form(
                IdentifierType.DATE_OF_DEATH, dates.LENGTH, dates.VALUES, None, dates.parse, dates.encode, dates.decode
            ),
        )
    }
)
"""A form for every identifier type."""
