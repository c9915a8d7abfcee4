"""A pseudonymised CSV whose pseudonyms are replaced by others: its rows, their order and its other columns stay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from keyholder.client.answers import ReplacedRow
from keyholder.client.extract import BATCH_ROWS
from keyholder.client.spreadsheets import SheetError
from keyholder.pseudonyms.deid_columns import COLUMN_OF
from keyholder.pseudonyms.rekeying import RekeyStatus
from keyholder.pseudonyms.token import LONGEST
from keyholder.vocabulary import IdentifierType

Tokens = Mapping[str, str]
"""A row's pseudonyms by identifier type."""

Replace = Callable[[Sequence[tuple[str, Tokens]]], Sequence[ReplacedRow]]
"""Replaces one batch; rows come back by their ids."""

TokenColumns = Mapping[IdentifierType, str]
"""The column that holds each identifier type's pseudonyms."""

STATUS_SUFFIX = "_status"
SHOWN = 10


@dataclass(slots=True)
class Replaced:
    """What became of the cells: counts by column and status, and the lines (from 2) of the first few of each."""

    rows: int = 0
    cells: Counter[tuple[str, str]] = field(default_factory=Counter)
    lines: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def add(self, column: str, status: str, line: int) -> None:
        """One more cell."""
        self.cells[column, status] += 1
        if self.cells[column, status] <= SHOWN:
            self.lines.setdefault((column, status), []).append(line)


def token_columns(header: Collection[str], chosen: TokenColumns) -> TokenColumns:
    """The columns to replace: those chosen, or the NHS Data Dictionary's that are there.

    Raises `SheetError` where a chosen one is missing, or there is none.
    """
    missing = [name for name in chosen.values() if name not in header]
    if missing:
        raise SheetError(f"the file has no column {', '.join(missing)}")
    found = chosen or {kind: name for kind, name in COLUMN_OF.items() if name in header}
    if not found:
        raise SheetError("the file has no column of pseudonyms that is called as in the NHS Data Dictionary")
    if len(set(found.values())) != len(found):
        raise SheetError("one column can't hold two types")
    return found


@dataclass(frozen=True, slots=True)
class Replacing:
    """How a file is replaced: which columns, by what, and what stands where there is no new pseudonym.

    `kept` says of a status whether the old pseudonym stays; a cell without a new one is empty otherwise.
    `only_sent` are columns that are asked about and left out of the result.
    """

    columns: TokenColumns
    replace: Replace = field(repr=False)
    kept: Callable[[str], bool]
    with_status: bool = False
    only_sent: frozenset[IdentifierType] = frozenset()

    def header(self, header: Sequence[str]) -> tuple[str, ...]:
        """The columns of the result. Raises `SheetError` where a status column's name is taken."""
        kind_of = {name: kind for kind, name in self.columns.items()}
        written: list[str] = []
        for name in header:
            kind = kind_of.get(name)
            if kind in self.only_sent:
                continue
            written.append(name)
            if kind is not None and self.with_status:
                written.append(name + STATUS_SUFFIX)
        if len(set(written)) != len(written):
            raise SheetError(f"the file has a column that ends in {STATUS_SUFFIX} already")
        return tuple(written)

    def rows(
        self, rows: Iterable[Mapping[str, str]], done: Replaced, *, batch_rows: int = BATCH_ROWS
    ) -> Iterator[Mapping[str, str]]:
        """The file's rows in order, in batches. Raises `SheetError` for an answer to other rows than were sent."""
        numbered = enumerate(rows, 1)
        while batch := list(islice(numbered, batch_rows)):
            sent = [(str(number), tokens) for number, row in batch if (tokens := self._tokens(row))]
            answers = {row.row_id: row for row in self.replace(sent)} if sent else {}
            if answers.keys() != {row_id for row_id, _ in sent}:
                raise SheetError("the answer does not hold the rows that were sent")
            for number, row in batch:
                done.rows += 1
                yield self._row(row, answers.get(str(number)), number + 1, done)

    def _tokens(self, row: Mapping[str, str]) -> Tokens:
        """What is sent of a row: nothing where nothing of it would come back."""
        tokens = {kind: row[name] for kind, name in self.columns.items() if 0 < len(row[name]) <= LONGEST}
        return {kind.value: token for kind, token in tokens.items()} if tokens.keys() - self.only_sent else {}

    def _row(self, row: Mapping[str, str], answer: ReplacedRow | None, line: int, done: Replaced) -> Mapping[str, str]:
        written = dict(row)
        for kind, name in self.columns.items():
            if kind in self.only_sent:
                continue
            status = answer.statuses.get(kind.value, "") if answer is not None else ""
            if len(row[name]) > LONGEST:
                status = RekeyStatus.MALFORMED.value
            if row[name] and not status:
                raise SheetError("the answer does not hold the cells that were sent")
            if status:
                done.add(name, status, line)
            written[name + STATUS_SUFFIX] = status
            new = answer.pseudonyms.get(kind.value) if answer is not None else None
            if new is not None or not self.kept(status):
                written[name] = new or ""
        return written
