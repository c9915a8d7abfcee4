"""Whether an uploaded CSV is what was announced."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from keyholder.extracts.announcement import Announcement
from keyholder.uploads.sheet import Hashed, Row, SheetError, SheetFault, SheetReader
from keyholder.vocabulary import IdentifierType

_ROW_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
"""Nothing that has to be quoted in a CSV, or that a spreadsheet would run."""
_NHS_NUMBER_LONG = 10


def check(chunks: Iterable[bytes], told: Announcement) -> None:
    """Reads the whole file once, before anything is made of it. Raises `SheetError` unless it is what was announced.

    That the bytes are others than announced comes before whatever else is wrong with them.
    """
    hashed = Hashed(chunks)
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
