"""A provider's extract: clear identifiers in, the NHS Data Dictionary's de-identified shape out.

Source of the shape: NHS Data Dictionary, GPDataSet Patient (April 2022, November 2023).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from keyholder.client.answers import PseudonymisedRow
from keyholder.client.spreadsheets import SheetError
from keyholder.identifiers import nhs_number
from keyholder.identifiers.not_an_identifier import NotAnIdentifierError
from keyholder.policy.type1 import Type1State
from keyholder.vocabulary import IdentifierType

BATCH_ROWS = 5_000
"""Rows in one call of the API."""

COLUMN_OF: Mapping[IdentifierType, str] = {
    IdentifierType.NHS_NUMBER: "patient_id_deid",
    IdentifierType.GP_LOCAL_PATIENT_NUMBER: "local_id_deid",
    IdentifierType.POSTCODE: "postcode_deid",
    IdentifierType.DATE_OF_BIRTH: "date_of_birth_deid",
    IdentifierType.DATE_OF_DEATH: "date_of_death_deid",
}
"""Identifier type to the column that holds its pseudonym. The clear column has the identifier type's own name."""

Clear = Mapping[str, str]
Type1Of = Callable[[str], Type1State]
"""The Type 1 state of a canonical NHS number on the day of the extract."""
Send = Callable[[Sequence[tuple[str, Mapping[str, str]]]], Sequence[PseudonymisedRow]]
"""Pseudonymises one batch; rows come back by their ids."""


@dataclass(slots=True)
class Tally:
    """What happened to the rows. `faults` counts cells by identifier type and code, and refused rows by theirs."""

    read: int = 0
    dropped_type_1: int = 0
    dropped_unknown: int = 0
    """Nobody can say whether they opted out: no readable NHS number, or not in the Type 1 file."""
    sent: int = 0
    written: int = 0
    refused: int = 0
    faults: dict[str, int] = field(default_factory=dict)


def clear_columns(header: Collection[str]) -> tuple[str, ...]:
    """The columns that stay as they are. Raises `SheetError` where there is nothing to pseudonymise."""
    identifiers = {identifier_type.value for identifier_type in IdentifierType}
    if "nhs_number" not in header:
        raise SheetError("the file has no column nhs_number")
    return tuple(name for name in header if name not in identifiers)


def output_columns(header: Collection[str]) -> tuple[str, ...]:
    """The columns of the pseudonymised file: the de-identified ones in the standard's order, then the clear ones."""
    return (*(COLUMN_OF[kind] for kind in IdentifierType if kind.value in header), *clear_columns(header))


def pseudonymised(
    people: Iterable[Clear],
    type_1: Type1Of,
    send: Send,
    tally: Tally,
    batch_rows: int = BATCH_ROWS,
) -> Iterator[Mapping[str, str]]:
    """The people who have no Type 1 opt-out, pseudonymised in batches, in the order they came.

    Whoever has one, and whoever nobody can tell of, is dropped before anything is sent. A row that could not be
    pseudonymised is left out and counted; a cell that could not be is empty and counted. Raises `SheetError` for an
    answer that does not hold exactly the rows sent.
    """
    kept = _kept(people, type_1, tally)
    while batch := list(islice(kept, batch_rows)):
        rows = [(str(number), _identifiers(person)) for number, person in batch]
        answers = {row.row_id: row for row in send(rows)}
        if answers.keys() != {row_id for row_id, _ in rows}:
            raise SheetError("the answer does not hold the rows that were sent")
        tally.sent += len(rows)
        for number, person in batch:
            row = _row(person, answers[str(number)], tally)
            if row is not None:
                yield row


def _kept(people: Iterable[Clear], type_1: Type1Of, tally: Tally) -> Iterator[tuple[int, Clear]]:
    for number, person in enumerate(people, 1):
        tally.read += 1
        canonical = canonical_nhs_number(person["nhs_number"])
        state = Type1State.UNKNOWN if canonical is None else type_1(canonical)
        if state is Type1State.ACTIVE:
            tally.dropped_type_1 += 1
        elif state is Type1State.INACTIVE:
            yield number, person
        else:
            tally.dropped_unknown += 1


def canonical_nhs_number(cell: str) -> str | None:
    """Ten digits, or None for a cell that holds no NHS number."""
    try:
        return nhs_number.parse(cell)
    except NotAnIdentifierError:
        return None


def _identifiers(person: Clear) -> Mapping[str, str]:
    return {kind.value: person[kind.value] for kind in IdentifierType if person.get(kind.value, "") != ""}


def _row(person: Clear, answer: PseudonymisedRow, tally: Tally) -> Mapping[str, str] | None:
    faults = [f"{kind} {code}" for kind, code in answer.errors.items()]
    if answer.reason is not None:
        faults.append(f"row {answer.reason}")
    for fault in faults:
        tally.faults[fault] = tally.faults.get(fault, 0) + 1
    if answer.status != "pseudonymised" and not answer.pseudonyms:
        tally.refused += 1
        return None
    tally.written += 1
    clear = {name: cell for name, cell in person.items() if name not in set(IdentifierType)}
    return {COLUMN_OF[IdentifierType(kind)]: token for kind, token in answer.pseudonyms.items()} | clear
