"""Invented patients of an invented practice, the same ones for the same seed.

NHS numbers are from 999, the range that is never issued to anybody. Days are fixed, so that the data does not depend on
when it is made: the collection began on 1 July 2021 and the extract was taken at the end of 2025.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, timedelta

from keyholder.policy.facts import CodedEvent
from keyholder.policy.type1 import Type1Row
from keyholder.policy.vocabulary import CodeSystem

COLLECTION_BEGAN = date(2021, 7, 1)
EXTRACTED_ON = date(2025, 12, 31)
OLDEST_YEARS = 104

TYPE_1_SHARE = 0.03
TYPE_1_WITHDRAWN_SHARE = 0.006
TYPE_1_LATER_SHARE = 0.01
NATIONAL_OPT_OUT_SHARE = 0.05
DIED_SHARE = 0.03
NO_FIXED_ABODE_SHARE = 0.01

_SET = {CodeSystem.READV2: "9Nu0.", CodeSystem.SNOMED: "827241000000103"}
_WITHDRAWN = {CodeSystem.READV2: "9Nu1.", CodeSystem.SNOMED: "827261000000102"}

_DISTRICTS = ("LS1", "LS6", "LS11", "S10", "S2", "M14", "B15", "SW1A", "E1W", "N1C", "W1T", "BS8", "NE4", "OX4", "PL4")
_INWARD = "ABDEFGHJLNPQRSTUWXYZ"
"""The letters of an inward code (NHS Data Dictionary: never C, I, K, M, O, V)."""
_PSEUDO_POSTCODES = ("ZZ99 3VZ", "ZZ99 3CZ", "ZZ99 3WZ")
"""No fixed abode; England, not otherwise stated; not known (NHS Data Dictionary, POSTCODE)."""


@dataclass(frozen=True, slots=True)
class Patient:
    """One row of the extract: five identifiers and two columns that stay in clear. Empty text: not recorded."""

    nhs_number: str = field(repr=False)
    gp_local_patient_number: str = field(repr=False)
    postcode: str = field(repr=False)
    date_of_birth: str = field(repr=False)
    date_of_death: str = field(repr=False)
    postcode_sector: str
    lsoa: str

    def cells(self) -> dict[str, str]:
        """The row by column name."""
        return {column: str(getattr(self, column)) for column in COLUMNS}


COLUMNS = tuple(each.name for each in fields(Patient))


@dataclass(frozen=True, slots=True)
class Practice:
    """The practice's patients and what each has chosen, in the order of `patients`."""

    patients: tuple[Patient, ...] = field(repr=False)
    type_1_at_collection: tuple[Type1Row, ...] = field(repr=False)
    """Everybody's record as it was read for the extract."""
    type_1_now: tuple[Type1Row, ...] = field(repr=False)
    """The same records read again for a release: a few have opted out since."""
    opted_out_of_the_extract: frozenset[str] = field(repr=False)
    opted_out_since: frozenset[str] = field(repr=False)
    national_opt_outs: frozenset[str] = field(repr=False)

    def in_extract(self) -> tuple[Patient, ...]:
        """Whoever had no active Type 1 opt-out when the extract was taken."""
        return tuple(patient for patient in self.patients if patient.nhs_number not in self.opted_out_of_the_extract)


def invent(count: int, seed: int) -> Practice:
    """A practice of `count` patients."""
    chance = random.Random(seed)  # noqa: S311 - invented data, not secrets
    patients = tuple(_patients(count, chance))
    events = [_type_1_history(chance) for _ in patients]
    active = frozenset(
        patient.nhs_number for patient, history in zip(patients, events, strict=True) if _is_active(history)
    )
    since = frozenset(
        patient.nhs_number
        for patient in patients
        if patient.nhs_number not in active and chance.random() < TYPE_1_LATER_SHARE
    )
    national = frozenset(patient.nhs_number for patient in patients if chance.random() < NATIONAL_OPT_OUT_SHARE)
    at_collection = tuple(_rows(patients, events))
    later = tuple(
        Type1Row(person, CodedEvent(EXTRACTED_ON + timedelta(days=20), CodeSystem.SNOMED, _SET[CodeSystem.SNOMED]))
        for person in sorted(since)
    )
    return Practice(patients, at_collection, at_collection + later, active, since, national)


def _patients(count: int, chance: random.Random) -> Iterator[Patient]:
    for number, nhs_number in enumerate(nhs_numbers(count, chance), 1):
        postcode = _postcode(chance)
        known = not postcode.startswith("ZZ99")
        born = EXTRACTED_ON - timedelta(days=int(chance.betavariate(1.2, 1.6) * OLDEST_YEARS * 365.25))
        yield Patient(
            nhs_number=nhs_number,
            gp_local_patient_number=_local_number(number, chance),
            postcode=postcode,
            date_of_birth=born.isoformat(),
            date_of_death=_died(born, chance),
            postcode_sector=postcode[:-2],
            lsoa=f"E010{chance.randrange(33_000):05d}" if known else "",
        )


def nhs_numbers(count: int, chance: random.Random) -> Iterator[str]:
    """Different valid NHS numbers that start with 999, in no order."""
    found = 0
    for stem in chance.sample(range(999_000_001, 999_999_999), min(count * 2, 999_998)):
        digits = f"{stem:09d}"
        check = 11 - sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=True)) % 11
        if check == 10 or found == count:
            continue
        found += 1
        yield f"{digits}{check % 11}"


def _local_number(number: int, chance: random.Random) -> str:
    """Practices number as they like; a dash at the front is what a spreadsheet would take for a formula."""
    if chance.random() < 0.01:
        return f"-{number:06d}"
    return f"{chance.choice(('EMIS', 'TPP', 'V'))}{number:06d}"


def _postcode(chance: random.Random) -> str:
    if chance.random() < NO_FIXED_ABODE_SHARE:
        return chance.choice(_PSEUDO_POSTCODES)
    inward = f"{chance.randrange(10)}{chance.choice(_INWARD)}{chance.choice(_INWARD)}"
    return f"{chance.choice(_DISTRICTS)} {inward}"


def _died(born: date, chance: random.Random) -> str:
    """Only people who died after the collection began are in it; the old died more often."""
    years = (EXTRACTED_ON - born).days / 365.25
    if chance.random() >= DIED_SHARE * years / 40:
        return ""
    earliest = max(COLLECTION_BEGAN, born)
    return (earliest + timedelta(days=chance.randrange((EXTRACTED_ON - earliest).days + 1))).isoformat()


def _type_1_history(chance: random.Random) -> tuple[CodedEvent, ...]:
    draw = chance.random()
    if draw >= TYPE_1_SHARE + TYPE_1_WITHDRAWN_SHARE:
        return ()
    system = chance.choice(tuple(_SET))
    first = COLLECTION_BEGAN + timedelta(days=chance.randrange(1_000))
    history = (CodedEvent(first, system, _SET[system]),)
    if draw >= TYPE_1_SHARE:
        return (*history, CodedEvent(first + timedelta(days=chance.randrange(1, 500)), system, _WITHDRAWN[system]))
    if draw < TYPE_1_SHARE / 10:
        withdrawn = CodedEvent(first + timedelta(days=100), system, _WITHDRAWN[system])
        return (*history, withdrawn, CodedEvent(first + timedelta(days=200), system, _SET[system]))
    return history


def _is_active(history: Sequence[CodedEvent]) -> bool:
    return bool(history) and history[-1].code in _SET.values()


def _rows(patients: Sequence[Patient], histories: Sequence[Sequence[CodedEvent]]) -> Iterator[Type1Row]:
    for patient, history in zip(patients, histories, strict=True):
        if not history:
            yield Type1Row(patient.nhs_number, None)
        for event in history:
            yield Type1Row(patient.nhs_number, event)
