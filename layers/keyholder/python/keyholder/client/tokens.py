"""Columns of pseudonyms checked without a key and without a call (`pseudonyms.checking`), and what stands twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import repeat

from keyholder.client.saved_domain import SavedDomain
from keyholder.pseudonyms.checking import OTHER_DOMAIN, wrong
from keyholder.pseudonyms.deid_columns import COLUMN_OF
from keyholder.pseudonyms.token import Malformed, Token
from keyholder.vocabulary import IdentifierType

KIND_OF: Mapping[str, IdentifierType] = {column: kind for kind, column in COLUMN_OF.items()}
"""The identifier type that a column of the standard's name holds."""


@dataclass(slots=True)
class ColumnCheck:
    """A column's count. `faults` maps what is wrong with a pseudonym to the lines it stands on, never its text.

    `repeated` has the lines of pseudonyms that stood in the column before: no fault, for a person may have many rows.
    """

    column: str
    cells: int = 0
    empty: int = 0
    good: int = 0
    repeated: list[int] = field(default_factory=list)
    types: Counter[str] = field(default_factory=Counter)
    key_versions: Counter[str] = field(default_factory=Counter)
    faults: dict[str, list[int]] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        return not self.faults


def check_column(
    column: str, cells: Iterable[str], domain: SavedDomain | None = None, named: Iterable[str] | None = None
) -> ColumnCheck:
    """Checks a column; the first cell is on line 2, below the header. `named` is the domain that each row names."""
    found, seen = ColumnCheck(column), set[str]()
    for line, (cell, name) in enumerate(zip(cells, repeat("") if named is None else named, strict=False), 2):
        found.cells += 1
        text = cell.strip()
        if not text:
            found.empty += 1
            continue
        token = Token.parse(text)
        fault = wrong(text, token, KIND_OF.get(column), domain)
        if fault is None and domain is not None and name.strip() not in {"", domain.id}:
            fault = OTHER_DOMAIN
        if not isinstance(token, Malformed):
            found.types[token.identifier_type.value] += 1
            found.key_versions[str(token.key_version)] += 1
        elif fault is None:
            found.types[IdentifierType.NHS_NUMBER.value] += 1
        if fault is not None:
            found.faults.setdefault(fault, []).append(line)
            continue
        found.good += 1
        spelling = text if isinstance(token, Malformed) else str(token)
        if spelling in seen:
            found.repeated.append(line)
        seen.add(spelling)
    return found
