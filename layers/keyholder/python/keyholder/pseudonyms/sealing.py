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


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """What became of one column, cell by cell in order: a pseudonym and the canonical identifier, or None for both.

    `faults` says why, by place; a cell that is None and has no fault was empty.
    """

    pseudonyms: list[Pseudonym | None] = field(repr=False)
    canonical: list[str | None] = field(repr=False)
    faults: Mapping[int, SealStatus | WhyNot]


@dataclass(frozen=True, slots=True)
class ColumnKey:
    """What a column is sealed for and with; `version` None where the domain has none to seal with."""

    domain: DomainId
    identifier_type: IdentifierType
    version: int | None
    scheme: Scheme = Scheme.AES_256_SIV_1


def seal_column(texts: Sequence[str], made: ColumnKey, keys: OpenedKeys, today: date) -> SealedColumn:
    """A whole column, each cell sealed under one key version.

    Only an NHS number column can have FF1 (`ValueError`). A bad cell costs the others nothing. `today` is the last date
    allowed. Raises what `KeyRing.open` raises, and `BatchDisagreesError`.
    """
    kind = made.identifier_type
    key = KeyGone.UNKNOWN if made.version is None else keys.open(made.domain, kind, made.version)
    places = [place for place, text in enumerate(texts) if text and not text.isspace()]
    pseudonyms: list[Pseudonym | None] = [None] * len(texts)
    canonical: list[str | None] = [None] * len(texts)
    if isinstance(key, KeyGone):
        return SealedColumn(pseudonyms, canonical, dict.fromkeys(places, _GONE[key]))
    read = read_column(kind, [texts[place] for place in places], today)
    faults: dict[int, SealStatus | WhyNot] = {
        place: one for place, one in zip(places, read, strict=True) if isinstance(one, WhyNot)
    }
    identifiers = [one for one in read if not isinstance(one, WhyNot)]
    good = [place for place in places if place not in faults] if faults else places
    for place, (text, _), pseudonym in zip(good, identifiers, _sealed(key, made, identifiers), strict=True):
        pseudonyms[place], canonical[place] = pseudonym, text
    return SealedColumn(pseudonyms, canonical, faults)


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

    `schemes` has the columns that are not AES-256-SIV. Asks `keys` once for each type the rows hold; raises as
    `seal_column` does.
    """
    given = list(rows)
    sealed: list[dict[IdentifierType, SealedCell]] = [dict.fromkeys(row, _EMPTY) for row in given]
    columns: defaultdict[IdentifierType, list[int]] = defaultdict(list)
    for place, row in enumerate(given):
        for identifier_type in row:
            columns[identifier_type].append(place)
    for kind, places in columns.items():
        texts = [given[place][kind] for place in places]
        scheme = schemes.get(kind, Scheme.AES_256_SIV_1)
        column = seal_column(texts, ColumnKey(domain, kind, versions.get(kind), scheme), keys, today)
        for number, place in enumerate(places):
            sealed[place][kind] = _cell(column, number)
    return list(sealed)


def _cell(column: SealedColumn, place: int) -> SealedCell:
    fault = column.faults.get(place)
    if isinstance(fault, WhyNot):
        return SealedCell(SealStatus.NOT_AN_IDENTIFIER, why=fault)
    if fault is not None:
        return SealedCell(fault)
    pseudonym = column.pseudonyms[place]
    return _EMPTY if pseudonym is None else SealedCell(SealStatus.SEALED, pseudonym, column.canonical[place])


_EMPTY = SealedCell(SealStatus.EMPTY)


def _sealed(key: DataKey, made: ColumnKey, identifiers: Sequence[Read]) -> Sequence[Pseudonym]:
    if made.scheme is Scheme.FF1:
        column = Ff1Column(key, made.domain, made.identifier_type)
        return column.seal([canonical for canonical, _ in identifiers])
    plaintexts = b"".join([encoded for _, encoded in identifiers])
    ciphertexts = SivColumn(key, made.domain, made.identifier_type).seal(plaintexts)
    return write_tokens(made.identifier_type, key.version, ciphertexts)


def canonical_row(row: SealedRow) -> dict[IdentifierType, str]:
    """The canonical identifiers of a row's sealed cells: what `row_links.link_digests` takes."""
    return {identifier_type: cell.canonical for identifier_type, cell in row.items() if cell.canonical is not None}
