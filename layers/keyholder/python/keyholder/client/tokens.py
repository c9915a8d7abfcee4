"""Pseudonyms checked without a key and without a call: what is mistyped, what stands twice, what another domain made.

A pseudonym does not say its domain, and only a key could tell it. What can be seen without one is whether the domain
can have made it: it has pseudonyms of certain types, made under certain key versions, in one form for each type.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import repeat

from keyholder.client.saved_domain import SavedDomain
from keyholder.pseudonyms.batch.ff1_column import is_ten_digits
from keyholder.pseudonyms.deid_columns import COLUMN_OF
from keyholder.pseudonyms.token import Malformed, MalformedReason, Scheme, Token
from keyholder.registry.domains import KeyState
from keyholder.vocabulary import IdentifierType

KIND_OF: Mapping[str, IdentifierType] = {column: kind for kind, column in COLUMN_OF.items()}
"""The identifier type that a column of the standard's name holds."""

OTHER_TYPE = "other_type"
"""Well-formed, but of another identifier type than the column's."""
OTHER_DOMAIN = "other_domain"
"""Well-formed, but nothing the domain can have made; or the row names another domain."""
TEN_DIGITS = "ten_digits"
"""A pseudonym of a domain that has ten digits, or none at all: nobody can tell without knowing the domain."""
_SHUT = {KeyState.RETIRED: "key_retired", KeyState.DESTROYED: "key_destroyed"}


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
        wrong = _wrong(text, token, column, domain)
        if wrong is None and domain is not None and name.strip() not in {"", domain.id}:
            wrong = OTHER_DOMAIN
        if not isinstance(token, Malformed):
            found.types[token.identifier_type.value] += 1
            found.key_versions[str(token.key_version)] += 1
        elif wrong is None:
            found.types[IdentifierType.NHS_NUMBER.value] += 1
        if wrong is not None:
            found.faults.setdefault(wrong, []).append(line)
            continue
        found.good += 1
        spelling = text if isinstance(token, Malformed) else str(token)
        if spelling in seen:
            found.repeated.append(line)
        seen.add(spelling)
    return found


def _wrong(text: str, token: Token | Malformed, column: str, domain: SavedDomain | None) -> str | None:
    # A column whose name says nothing is taken for NHS numbers: no other type can have ten digits.
    kind = KIND_OF.get(column, IdentifierType.NHS_NUMBER)
    if domain is not None and domain.scheme(kind) is Scheme.FF1:
        return _ten_digits(text, token, domain)
    if is_ten_digits(text):
        return TEN_DIGITS if domain is None else OTHER_DOMAIN
    return _token(token, KIND_OF.get(column), domain)


def _ten_digits(text: str, token: Token | Malformed, domain: SavedDomain) -> str | None:
    """What is wrong with a cell of a column that has ten digits. Nobody can tell a typing error in one."""
    if not is_ten_digits(text):
        return MalformedReason.NOT_A_TOKEN.value if isinstance(token, Malformed) else OTHER_DOMAIN
    versions = domain.keys.get(IdentifierType.NHS_NUMBER, {})
    return _SHUT.get(versions[max(versions)]) if versions else OTHER_DOMAIN


def _token(token: Token | Malformed, kind: IdentifierType | None, domain: SavedDomain | None) -> str | None:
    if isinstance(token, Malformed):
        return token.reason.value
    if kind is not None and token.identifier_type is not kind:
        return OTHER_TYPE
    if domain is None:
        return None
    if domain.scheme(token.identifier_type) is Scheme.FF1:
        return OTHER_DOMAIN
    state = domain.keys.get(token.identifier_type, {}).get(token.key_version)
    return OTHER_DOMAIN if state is None else _SHUT.get(state)
