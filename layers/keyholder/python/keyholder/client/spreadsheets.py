"""CSV that survives a spreadsheet: cells are text, and none starts like a formula."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""What makes a spreadsheet run a cell (OWASP, CSV injection), or would look like a guarded one."""

_GUARDED = re.compile(r"'+[=+\-@\t\r]")

OWNER_ONLY = 0o600

_NOT_UTF_8 = "the file is not in UTF-8: save it as 'CSV UTF-8'"


class SheetError(Exception):
    """A CSV file is not as it has to be. Names lines and columns, never a cell."""


def guarded(cell: str) -> str:
    """The cell with an apostrophe before it where a spreadsheet would run it."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def plain(cell: str) -> str:
    """The cell that `guarded` was given."""
    return cell[1:] if _GUARDED.match(cell) else cell


@dataclass(frozen=True, slots=True)
class Sheet:
    """A CSV with a header, every cell as text (a leading zero stays) and as it was before it was guarded."""

    header: tuple[str, ...]
    rows: Iterator[dict[str, str]] = field(repr=False)

    @classmethod
    def read(cls, file: TextIO, needed: Iterable[str] = ()) -> Sheet:
        """Raises `SheetError` for a missing or repeated column at once, for a broken line when it is reached."""
        reader = csv.DictReader(file, strict=True)
        try:
            header = tuple(reader.fieldnames or ())
        except UnicodeDecodeError:
            raise SheetError(_NOT_UTF_8) from None
        missing = [name for name in needed if name not in header]
        if missing:
            raise SheetError(f"the file has no column {', '.join(missing)}")
        if len(set(header)) != len(header):
            raise SheetError("the file has a column twice")
        return cls(header, _rows(reader))


def _rows(reader: csv.DictReader[str]) -> Iterator[dict[str, str]]:
    try:
        for row in reader:
            if None in row or None in row.values():
                raise SheetError(f"line {reader.line_num} has more or fewer cells than the header")
            yield {name: plain(cell) for name, cell in row.items()}
    except UnicodeDecodeError:
        raise SheetError(_NOT_UTF_8) from None
    except csv.Error as fault:
        raise SheetError(f"line {reader.line_num} is not CSV") from fault


@contextmanager
def private_file(path: Path) -> Iterator[TextIO]:
    """A new text file that only its owner can read (0600); it appears whole, or not at all."""
    with private_bytes_path(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        yield file


@contextmanager
def private_bytes_path(path: Path) -> Iterator[Path]:
    """A path beside `path`, mode 0600, that takes its name once it was written without a fault."""
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY))
    try:
        yield partial
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    partial.replace(path)


def write_rows(file: TextIO, columns: Sequence[str], cells: Iterable[Mapping[str, str]]) -> int:
    """Writes a CSV with guarded cells; the answer is the number of rows."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    written = 0
    for row in cells:
        writer.writerow([guarded(row.get(column, "")) for column in columns])
        written += 1
    return written
