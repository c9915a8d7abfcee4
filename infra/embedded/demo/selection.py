"""Which rows the demonstration asks for, and what has to come back for each."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.embedded.demo.data import World
from infra.embedded.demo.patients import Patient
from keyholder.canonical import JsonValue
from keyholder.client.spreadsheets import Sheet
from keyholder.pseudonyms.deid_columns import COLUMN_OF
from keyholder.vocabulary import IdentifierType

FILE_ROWS = 500
INLINE_CONSENTED = 16
INLINE_WITHOUT = 4
MALFORMED, MISTYPED, FOREIGN = "malformed", "mistyped", "foreign"

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the pseudonymised file and whose it is. `number` is its place in the file, from 1."""

    number: int
    patient: Patient = field(repr=False)
    tokens: Mapping[IdentifierType, str] = field(repr=False)

    @property
    def row_id(self) -> str:
        return str(self.number)

    def record(self, kinds: Sequence[IdentifierType]) -> JsonValue:
        """The row as a request names it, with the tokens of these types."""
        pseudonyms = {kind.value: self.tokens[kind] for kind in kinds if kind in self.tokens}
        return {"row_id": self.row_id, "pseudonyms": pseudonyms}

    def expected(self, kinds: Sequence[IdentifierType]) -> dict[str, str]:
        """What a release of these types has to say of this row: the practice's own values."""
        return {kind.value: str(getattr(self.patient, kind.value)) for kind in kinds if kind in self.tokens}


def read(pseudonymised: Path, world: World) -> tuple[Row, ...]:
    """The rows of the pseudonymised file beside the patients they were made from: same order, none missing."""
    with pseudonymised.open(encoding="utf-8", newline="") as file:
        cells = list(Sheet.read(file, COLUMN_OF.values()).rows)
    if len(cells) != len(world.in_extract):
        raise ValueError("the pseudonymised file does not hold the people of the extract")
    return tuple(
        Row(number, patient, {kind: row[column] for kind, column in COLUMN_OF.items() if row[column]})
        for number, (row, patient) in enumerate(zip(cells, world.in_extract, strict=True), 1)
    )


def for_the_file(rows: Sequence[Row], seed: int, count: int = FILE_ROWS) -> tuple[Row, ...]:
    """Rows for the large request, whoever they are: some have opted out."""
    chance = random.Random(f"file of {seed}")  # noqa: S311 - which rows of invented data
    return tuple(sorted(chance.sample(rows, min(count, len(rows))), key=lambda row: row.number))


def for_the_answer(rows: Sequence[Row], world: World, seed: int) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """Rows for the small request: people who consented to the study, and people who did not or not any more."""
    chance = random.Random(f"answer of {seed}")  # noqa: S311
    consented = [row for row in rows if row.patient.nhs_number in world.consented]
    others = world.withdrew | world.consented_elsewhere
    without = [row for row in rows if row.patient.nhs_number in others]
    never = [row for row in rows if row.patient.nhs_number not in world.consented | others]
    return (
        tuple(chance.sample(consented, INLINE_CONSENTED)),
        tuple(chance.sample(without, INLINE_WITHOUT) + chance.sample(never, INLINE_WITHOUT)),
    )


def bad_records(spare: Row, foreign_token: str) -> list[JsonValue]:
    """Three records that name nobody here: no pseudonym at all, one with a typing error, one of another domain."""
    token = spare.tokens[IdentifierType.NHS_NUMBER]
    return [
        {"row_id": MALFORMED, "pseudonyms": {"nhs_number": "not a pseudonym"}},
        {"row_id": MISTYPED, "pseudonyms": {"nhs_number": mistyped(token)}},
        {"row_id": FOREIGN, "pseudonyms": {"nhs_number": foreign_token}},
    ]


def mistyped(token: str) -> str:
    """The token with one character in the middle changed for another of the alphabet."""
    place = len(token) // 2
    other = _ALPHABET[(_ALPHABET.index(token[place]) + 1) % len(_ALPHABET)]
    return token[:place] + other + token[place + 1 :]
