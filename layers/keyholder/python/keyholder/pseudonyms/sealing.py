"""Rows of identifiers to rows of pseudonyms: one status each cell, one key opening for each column."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from keyholder.identifiers.not_an_identifier import WhyNot
from keyholder.pseudonyms.batch.ff1_column import Ff1Column
from keyholder.pseudonyms.batch.identifier_columns import Read, read_column
from keyholder.pseudonyms.batch.siv_column import SivColumn
from keyholder.pseudonyms.batch.token_text import write_tokens
from keyholder.pseudonyms.key_ring import DataKey, KeyGone, OpenedKeys
from keyholder.pseudonyms.token import ALL_SIV, Scheme
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
    *,
    schemes: Mapping[IdentifierType, Scheme] = ALL_SIV,
) -> list[SealedRow]:
    """The rows with every cell sealed under the key version that `versions` names for its type, in order.

    `schemes` has the columns that are not AES-256-SIV; only an NHS number column can have FF1 (`ValueError`).
    A bad cell costs the others nothing. Asks `keys` once for each type the rows hold; `today` is the last date allowed.
    Raises what `KeyRing.open` raises, and `BatchDisagreesError`.
    """
    given = list(rows)
    empty = SealedCell(SealStatus.EMPTY)
    sealed: list[dict[IdentifierType, SealedCell]] = [dict.fromkeys(row, empty) for row in given]
    columns: defaultdict[IdentifierType, list[int]] = defaultdict(list)
    for place, row in enumerate(given):
        for identifier_type in row:
            columns[identifier_type].append(place)
    for identifier_type, places in columns.items():
        key = _key(domain, identifier_type, versions, keys)
        written = [place for place in places if given[place][identifier_type].strip()]
        column = _Column(domain, identifier_type, schemes.get(identifier_type, Scheme.AES_256_SIV_1))
        texts = [given[place][identifier_type] for place in written]
        for place, cell in zip(written, _cells(texts, key, column, today), strict=True):
            sealed[place][identifier_type] = cell
    return list(sealed)


@dataclass(frozen=True, slots=True)
class _Column:
    """What its pseudonyms are made for, and how."""

    domain: DomainId
    identifier_type: IdentifierType
    scheme: Scheme

    def seal(self, key: DataKey, identifiers: Sequence[Read]) -> Sequence[Pseudonym]:
        if self.scheme is Scheme.FF1:
            return Ff1Column(key, self.domain, self.identifier_type).seal([canonical for canonical, _ in identifiers])
        plaintexts = b"".join([encoded for _, encoded in identifiers])
        ciphertexts = SivColumn(key, self.domain, self.identifier_type).seal(plaintexts)
        return write_tokens(self.identifier_type, key.version, ciphertexts)


def canonical_row(row: SealedRow) -> dict[IdentifierType, str]:
    """The canonical identifiers of a row's sealed cells: what `row_links.link_digests` takes."""
    return {identifier_type: cell.canonical for identifier_type, cell in row.items() if cell.canonical is not None}


def _key(
    domain: DomainId, identifier_type: IdentifierType, versions: Mapping[IdentifierType, int], keys: OpenedKeys
) -> DataKey | KeyGone:
    version = versions.get(identifier_type)
    return KeyGone.UNKNOWN if version is None else keys.open(domain, identifier_type, version)


def _cells(texts: Sequence[str], key: DataKey | KeyGone, column: _Column, today: date) -> list[SealedCell]:
    if isinstance(key, KeyGone):
        return [SealedCell(_GONE[key])] * len(texts)
    read = read_column(column.identifier_type, texts, today)
    pseudonyms = iter(column.seal(key, [one for one in read if not isinstance(one, WhyNot)]))
    return [
        SealedCell(SealStatus.NOT_AN_IDENTIFIER, why=one)
        if isinstance(one, WhyNot)
        else SealedCell(SealStatus.SEALED, next(pseudonyms), one[0])
        for one in read
    ]
