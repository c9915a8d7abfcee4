"""Rows of identifiers to rows of pseudonyms: one status each cell, one key opening for each column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from keyholder.identifiers.forms import FORMS
from keyholder.identifiers.not_an_identifier import NotAnIdentifierError, WhyNot
from keyholder.pseudonyms.key_ring import KeyGone, OpenedKeys
from keyholder.pseudonyms.siv import ColumnCipher
from keyholder.vocabulary import DomainId, IdentifierType, Pseudonym


class SealStatus(StrEnum):
    """What became of one cell."""

    SEALED = "sealed"
    EMPTY = "empty"
    """Nothing but white space: a living patient's date of death, say. Stays empty."""
    NOT_AN_IDENTIFIER = "not_an_identifier"
    KEY_RETIRED = "key_retired"
    KEY_DESTROYED = "key_destroyed"
    KEY_UNKNOWN = "key_unknown"
    """The domain has no key for this column."""


_GONE = {
    KeyGone.RETIRED: SealStatus.KEY_RETIRED,
    KeyGone.DESTROYED: SealStatus.KEY_DESTROYED,
    KeyGone.UNKNOWN: SealStatus.KEY_UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class SealedCell:
    """What became of one cell: pseudonym and canonical identifier where the status is SEALED, else neither.

    `why` says what is wrong where the status is NOT_AN_IDENTIFIER, else None.
    """

    status: SealStatus
    pseudonym: Pseudonym | None = field(default=None, repr=False)
    canonical: str | None = field(default=None, repr=False)
    why: WhyNot | None = None


IdentifierRow = Mapping[IdentifierType, str]
SealedRow = Mapping[IdentifierType, SealedCell]


def seal_rows(
    rows: Iterable[IdentifierRow],
    domain: DomainId,
    versions: Mapping[IdentifierType, int],
    keys: OpenedKeys,
    today: date,
) -> list[SealedRow]:
    """The rows with every cell sealed under the key version that `versions` names for its type, in order.

    A bad cell costs the others nothing. Asks `keys` once for each type the rows hold; `today` is the last date allowed.
    Raises what `KeyRing.open` raises.
    """
    columns: dict[IdentifierType, ColumnCipher | KeyGone] = {}

    def column(identifier_type: IdentifierType) -> ColumnCipher | KeyGone:
        if identifier_type not in columns:
            columns[identifier_type] = _column(domain, identifier_type, versions, keys)
        return columns[identifier_type]

    return [
        {
            identifier_type: _cell(identifier_type, text, column(identifier_type), today)
            for identifier_type, text in row.items()
        }
        for row in rows
    ]


def canonical_row(row: SealedRow) -> dict[IdentifierType, str]:
    """The canonical identifiers of a row's sealed cells: what `row_links.link_digests` takes."""
    return {identifier_type: cell.canonical for identifier_type, cell in row.items() if cell.canonical is not None}


def _column(
    domain: DomainId, identifier_type: IdentifierType, versions: Mapping[IdentifierType, int], keys: OpenedKeys
) -> ColumnCipher | KeyGone:
    version = versions.get(identifier_type)
    if version is None:
        return KeyGone.UNKNOWN
    key = keys.open(domain, identifier_type, version)
    return key if isinstance(key, KeyGone) else ColumnCipher(key, domain, identifier_type)


def _cell(identifier_type: IdentifierType, text: str, column: ColumnCipher | KeyGone, today: date) -> SealedCell:
    if not text.strip():
        return SealedCell(SealStatus.EMPTY)
    if isinstance(column, KeyGone):
        return SealedCell(_GONE[column])
    try:
        canonical = FORMS[identifier_type].parse(text, today)
    except NotAnIdentifierError as error:
        return SealedCell(SealStatus.NOT_AN_IDENTIFIER, why=error.reason)
    return SealedCell(SealStatus.SEALED, column.seal(canonical), canonical)
