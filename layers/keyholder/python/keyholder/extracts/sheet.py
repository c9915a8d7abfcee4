"""An uploaded CSV read in blocks of rows, its whole length never in memory; and whether it is what was announced."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import islice

from keyholder.extracts.announcement import Announcement
from keyholder.vocabulary import IdentifierType

BLOCK_ROWS = 50_000
"""Rows made at a time: one part of the result. About 150 MB of memory, a second or two of work."""

LONGEST_LINE = 1 << 20
"""Bytes. Nobody's row is longer; a file without line ends must not fill the memory."""

_ROW_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
"""Nothing that has to be quoted in a CSV, or that a spreadsheet would run."""
_NHS_NUMBER_LONG = 10
_BOM = b"\xef\xbb\xbf"

Row = list[str]


class SheetFault(StrEnum):
    """What is wrong with a file: the code that its provider is told."""

    HASH_DIFFERS = "HASH_DIFFERS"
    SIZE_DIFFERS = "SIZE_DIFFERS"
    COLUMNS_DIFFER = "COLUMNS_DIFFER"
    ROWS_DIFFER = "ROWS_DIFFER"
    NOT_UTF_8 = "NOT_UTF_8"
    NOT_CSV = "NOT_CSV"
    CELLS_DIFFER = "CELLS_DIFFER"
    """A row has more or fewer cells than there are columns."""
    ROW_ID_FORM = "ROW_ID_FORM"
    ROW_ID_IS_NHS_NUMBER = "ROW_ID_IS_NHS_NUMBER"
    """Row ids stay as they are: a number of the row's patient must not be one."""
    ROW_IDS_NOT_UNIQUE = "ROW_IDS_NOT_UNIQUE"


class SheetError(Exception):
    """A file is not as it has to be. `row` counts from 1, the header not included; None where it is no row's fault."""

    def __init__(self, fault: SheetFault, row: int | None = None) -> None:
        super().__init__(fault.value)
        self.fault = fault
        self.row = row


class SheetReader:
    """Records of a CSV (RFC 4180, UTF-8) from its bytes, from any record on. Raises `SheetError` where it breaks.

    `offset` is the number of bytes up to the end of the last record read, `rows` how many records were read. `start`
    and `rows` say where an earlier reader of the same file had come to.
    """

    def __init__(self, chunks: Iterable[bytes], start: int = 0, rows: int = 0) -> None:
        self._chunks = chunks
        self.offset = start
        self.rows = rows
        self._records = csv.reader(self._lines(), strict=True)

    def header(self) -> Row:
        """The first record."""
        read = self._read(1)
        return read[0] if read else []

    def block(self, width: int, most: int = BLOCK_ROWS) -> list[Row]:
        """The next rows, `most` at the most, each of `width` cells; none at the end."""
        block = self._read(most)
        if any(len(row) != width for row in block):
            place = next(place for place, row in enumerate(block, 1) if len(row) != width)
            raise SheetError(SheetFault.CELLS_DIFFER, self.rows + place)
        self.rows += len(block)
        return block

    def _read(self, most: int) -> list[Row]:
        try:
            return list(islice(self._records, most))
        except csv.Error:
            raise SheetError(SheetFault.NOT_CSV, None) from None

    def _lines(self) -> Iterator[str]:
        """Lines with their ends. `csv` asks for as many as a record has and no more, so `offset` is exact."""
        rest = b""
        for chunk in self._chunks:
            data = rest + chunk
            whole, end, rest = data.rpartition(b"\n")
            if end:
                yield from self._split(whole)
            if len(rest) > LONGEST_LINE:
                raise SheetError(SheetFault.NOT_CSV)
        if rest:
            self.offset += len(rest)
            yield _decoded(rest)

    def _split(self, whole: bytes) -> Iterator[str]:
        if not self.offset and whole.startswith(_BOM):
            whole = whole.removeprefix(_BOM)
            self.offset = len(_BOM)
        for raw, line in zip(whole.split(b"\n"), _decoded(whole).split("\n"), strict=True):
            self.offset += len(raw) + 1
            yield line + "\n"


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise SheetError(SheetFault.NOT_UTF_8) from None


def check(chunks: Iterable[bytes], told: Announcement) -> None:
    """Reads the whole file once, before anything is made of it. Raises `SheetError` unless it is what was announced.

    That the bytes are others than announced comes before whatever else is wrong with them.
    """
    hashed = _Hashed(chunks)
    fault: SheetError | None = None
    try:
        _check_rows(SheetReader(hashed), told)
    except SheetError as error:
        fault = error
    hashed.finish()
    if hashed.size != told.size:
        raise SheetError(SheetFault.SIZE_DIFFERS)
    if hashed.sha256 != told.sha256:
        raise SheetError(SheetFault.HASH_DIFFERS)
    if fault is not None:
        raise fault


class _Hashed:
    """Chunks that are counted and hashed on their way, to the last one whoever reads them stops before."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._sha256 = hashlib.sha256()
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._sha256.update(chunk)
            self.size += len(chunk)
            yield chunk

    def finish(self) -> None:
        for _ in self:
            pass

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()


def _check_rows(reader: SheetReader, told: Announcement) -> None:
    if tuple(reader.header()) != told.columns:
        raise SheetError(SheetFault.COLUMNS_DIFFER)
    numbers = _place(told.columns, IdentifierType.NHS_NUMBER)
    # Their hashes, which Python makes under a key of the process: two ids of five million share one once in a million.
    seen: set[int] = set()
    while block := reader.block(len(told.columns)):
        before = reader.rows - len(block)
        if reader.rows > told.rows:
            raise SheetError(SheetFault.ROWS_DIFFER)
        _check_ids(block, numbers, before)
        seen.update(hash(row[0]) for row in block)
    if reader.rows != told.rows:
        raise SheetError(SheetFault.ROWS_DIFFER)
    if len(seen) != reader.rows:
        raise SheetError(SheetFault.ROW_IDS_NOT_UNIQUE)


def _check_ids(block: Sequence[Row], numbers: int | None, before: int) -> None:
    form = _ROW_ID.fullmatch
    for place, row in enumerate(block, before + 1):
        if form(row[0]) is None:
            raise SheetError(SheetFault.ROW_ID_FORM, place)
        if numbers is not None and len(row[0]) >= _NHS_NUMBER_LONG and _digits(row[0]) == _digits(row[numbers]):
            raise SheetError(SheetFault.ROW_ID_IS_NHS_NUMBER, place)


def _digits(cell: str) -> str:
    return "".join(filter(str.isdigit, cell)) or cell


def _place(columns: Sequence[str], name: str) -> int | None:
    return columns.index(name) if name in columns else None
