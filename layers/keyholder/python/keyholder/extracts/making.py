"""A block of rows of an extract to a block of its result: rules applied, columns sealed, the text written."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import compress
from typing import Protocol

from keyholder.collection.days import death_rule
from keyholder.collection.vocabulary import DropRule
from keyholder.extracts.announcement import FAULTS, ROW_ID, Announcement
from keyholder.formulas import guarded
from keyholder.pseudonyms.deid_columns import COLUMN_OF
from keyholder.pseudonyms.key_ring import OpenedKeys
from keyholder.pseudonyms.row_links import LinkKey, column_links
from keyholder.pseudonyms.sealing import ColumnKey, SealedColumn, seal_column
from keyholder.pseudonyms.token import Scheme
from keyholder.uploads.sheet import Row
from keyholder.vocabulary import DomainId, IdentifierType

NHS_NUMBER, DATE_OF_DEATH = IdentifierType.NHS_NUMBER, IdentifierType.DATE_OF_DEATH


class Type1Column(Protocol):
    """Who is known to have an active Type 1 opt-out, asked of a whole column of canonical NHS numbers."""

    def active_among(self, nhs_numbers: Sequence[str]) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class Rules:
    """What every row is held against: the Type 1 register, the first day of the collection, today in London."""

    type_1: Type1Column
    began_on: date | None
    today: date


@dataclass(frozen=True, slots=True)
class Keys:
    """What pseudonyms and links are made with. Each domain key is opened once for the whole run."""

    domain: DomainId
    versions: Mapping[IdentifierType, int]
    schemes: Mapping[IdentifierType, Scheme]
    opened: OpenedKeys
    links: LinkKey


@dataclass(slots=True)
class Counts:
    """What became of the rows and cells so far."""

    rows: int = 0
    rows_with_errors: int = 0
    refused: Counter[DropRule] = field(default_factory=Counter)
    faults: dict[IdentifierType, Counter[str]] = field(default_factory=dict)
    pseudonyms: Counter[IdentifierType] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Part:
    """One block of the result: its text, and the row links of its rows."""

    text: bytes = field(repr=False)
    links: bytes = field(repr=False)


def header(told: Announcement) -> bytes:
    """The first line of the result."""
    kinds = (COLUMN_OF[kind] for kind in told.identifiers)
    return (",".join((ROW_ID, *kinds, *told.clear, FAULTS)) + "\n").encode()


def make_part(block: Sequence[Row], told: Announcement, keys: Keys, rules: Rules, counts: Counts) -> Part:
    """The rows that no rule keeps out, in order, and what is counted of all of them.

    A cell that is no identifier is empty, and named in the last column. Raises what `OpenedKeys.open` raises, and
    `BatchDisagreesError`.
    """
    cells = dict(zip(told.columns, zip(*block, strict=True), strict=True))
    sealed = {kind: _sealed(cells[kind], kind, keys, rules.today) for kind in told.identifiers}
    refused = _refused(cells, sealed, rules)
    kept = [place not in refused for place in range(len(block))]
    faults = _faults(sealed, refused, len(block), counts)
    columns: list[Sequence[str]] = [cells[ROW_ID]]
    columns += [[pseudonym or "" for pseudonym in column.pseudonyms] for column in sealed.values()]
    columns += [[guarded(cell) for cell in cells[name]] for name in told.clear]
    rows = list(compress(zip(*columns, faults, strict=True), kept))
    counts.rows += len(rows)
    counts.rows_with_errors += sum(bool(row[-1]) for row in rows)
    counts.refused.update(refused.values())
    for kind, column in sealed.items():
        counts.pseudonyms[kind] += sum(one is not None for one in compress(column.pseudonyms, kept))
    linked = {kind: list(compress(column.canonical, kept)) for kind, column in sealed.items()}
    return Part(_text(rows, told), column_links(keys.links, keys.domain, linked, lone_numbers=True))


def _sealed(cells: Sequence[str], kind: IdentifierType, keys: Keys, today: date) -> SealedColumn:
    scheme = keys.schemes.get(kind, Scheme.AES_256_SIV_1)
    return seal_column(cells, ColumnKey(keys.domain, kind, keys.versions.get(kind), scheme), keys.opened, today)


def _refused(
    cells: Mapping[str, Sequence[str]], sealed: Mapping[IdentifierType, SealedColumn], rules: Rules
) -> dict[int, DropRule]:
    """The rows that do not come, by place. A Type 1 opt-out goes before a death, as it does in a call of the API."""
    refused: dict[int, DropRule] = {}
    if rules.began_on is not None and DATE_OF_DEATH in cells:
        deaths = cells[DATE_OF_DEATH]
        broken = {cell: death_rule(cell, rules.began_on, rules.today) for cell in set(deaths)}
        refused = {place: rule for place, cell in enumerate(deaths) if (rule := broken[cell]) is not None}
    if NHS_NUMBER in sealed:
        numbers = sealed[NHS_NUMBER].canonical
        opted_out = rules.type_1.active_among([number for number in numbers if number is not None])
        if opted_out:
            refused |= {place: DropRule.TYPE_1_OPT_OUT for place, number in enumerate(numbers) if number in opted_out}
    return refused


def _faults(
    sealed: Mapping[IdentifierType, SealedColumn], refused: Mapping[int, DropRule], rows: int, counts: Counts
) -> list[str]:
    """The last column: `postcode:not_a_postcode` for each bad cell of a row, and nothing for the others."""
    texts = [""] * rows
    for kind, column in sealed.items():
        for place, fault in column.faults.items():
            if place not in refused:
                counts.faults.setdefault(kind, Counter())[fault.value] += 1
                texts[place] = f"{texts[place]} {kind}:{fault.value}".lstrip()
    return texts


def _text(rows: Sequence[tuple[str, ...]], told: Announcement) -> bytes:
    if not told.clear:
        # Row ids, pseudonyms and codes: nothing that a CSV has to quote.
        return "".join([",".join(row) + "\n" for row in rows]).encode()
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
