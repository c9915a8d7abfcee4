"""A CSV read in blocks of rows, its whole length never in memory; and counted and hashed on its way."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import islice

BLOCK_ROWS = 50_000
"""Rows made at a time: one part of the result. About 150 MB of memory, a second or two of work."""

LONGEST_LINE = 1 << 20
"""Bytes. Nobody's row is longer; a file without line ends must not fill the memory."""

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


class Hashed:
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
