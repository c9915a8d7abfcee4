"""An uploaded file of records, read: whether it is the one declared and can be asked for, and its records in parts.

It is read twice, so that nothing is kept of a file that is refused at its last row. One bad pseudonym refuses no file:
it is counted and named by its row, and its record is answered with its own status at the release.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from keyholder.pseudonyms.checking import MakesPseudonyms, wrong
from keyholder.pseudonyms.deid_columns import COLUMN_OF
from keyholder.pseudonyms.token import Token
from keyholder.refusals import Refusal
from keyholder.requests import file_faults as faults
from keyholder.requests.characters import has_control
from keyholder.requests.content import LONGEST_PSEUDONYM, ROW_ID, RequestContent
from keyholder.requests.given import Given
from keyholder.requests.record_file import MOST_PSEUDONYMS, PART_ROWS, FilePart, PartRecords, RecordFile
from keyholder.requests.scan import SHORTEST_LIKENESS, find_identifier_like
from keyholder.uploads.sheet import Hashed, Row, SheetError, SheetFault, SheetReader
from keyholder.vocabulary import DomainId, IdentifierType

ROW_ID_COLUMN, DOMAIN_COLUMN = "row_id", "domain"
ROWS_NAMED = 10
"""Of each kind of bad pseudonym, so many rows are named."""

_OF_THE_DOMAIN = {None, "key_retired", "key_destroyed"}
_OF_SHEET = {
    SheetFault.NOT_UTF_8: faults.NOT_UTF_8,
    SheetFault.NOT_CSV: faults.NOT_CSV,
    SheetFault.CELLS_DIFFER: faults.CELLS_DIFFER,
}


class FileRefusedError(Exception):
    """The file can't be asked for as it is. `row` counts from 1, without the names; None where it is no row's."""

    def __init__(self, refusal: Refusal, row: int | None = None) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal
        self.row = row


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What a file holds: counts for each domain, and what is wrong with single pseudonyms, by code."""

    given: tuple[Given, ...]
    bad: Mapping[str, int]
    bad_rows: Mapping[str, tuple[int, ...]]
    """The first rows of each code."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the columns are. `kinds` are the types that are read, with their columns."""

    width: int
    row_id: int | None
    domain: int | None
    kinds: tuple[tuple[IdentifierType, int], ...]


class _Record(NamedTuple):
    """Never shown. `cells` has one for each of the layout's kinds, empty where there is none."""

    number: int
    row_id: str
    domain: DomainId
    cells: tuple[str, ...]


def survey(chunks: Iterable[bytes], content: RequestContent, domains: Mapping[DomainId, MakesPseudonyms]) -> Surveyed:
    """Reads the whole file. Raises `FileRefusedError`; that it is another file than declared comes before all else."""
    file = _file(content)
    hashed = Hashed(chunks)
    refused: FileRefusedError | None = None
    found = _Found(file, domains)
    try:
        found.add_all(_Rows(hashed, content))
    except FileRefusedError as fault:
        refused = fault
    hashed.finish()
    if hashed.size != file.size:
        raise FileRefusedError(faults.SIZE_DIFFERS)
    if hashed.sha256 != file.sha256:
        raise FileRefusedError(faults.HASH_DIFFERS)
    if refused is not None:
        raise refused
    return found.surveyed()


def parts(chunks: Iterable[bytes], content: RequestContent) -> Iterator[PartRecords]:
    """The records of a file that was surveyed, each part of one domain. Raises `FileRefusedError` for another file."""
    file = _file(content)
    hashed = Hashed(chunks)
    rows = _Rows(hashed, content)
    waiting: dict[DomainId, list[_Record]] = defaultdict(list)
    for record in rows:
        mine = waiting[record.domain]
        mine.append(record)
        if len(mine) == PART_ROWS:
            yield _part(content.salt, rows.kinds, waiting.pop(record.domain))
    for left in waiting.values():
        yield _part(content.salt, rows.kinds, left)
    hashed.finish()
    if (hashed.size, hashed.sha256) != (file.size, file.sha256):
        raise FileRefusedError(faults.HASH_DIFFERS)


def named(part: PartRecords, stored: bytes) -> FilePart:
    """What the content has of a part."""
    return FilePart(part.domain, hashlib.sha256(stored).hexdigest(), len(part.row_ids))


def in_order(file: RecordFile, found: Iterable[FilePart]) -> tuple[FilePart, ...]:
    """Domain by domain as declared, each in the order of the file."""
    place = {domain: number for number, domain in enumerate(file.domains)}
    return tuple(sorted(found, key=lambda part: place[part.domain]))


def _part(salt: str, kinds: Sequence[IdentifierType], records: Sequence[_Record]) -> PartRecords:
    columns = zip(*(record.cells for record in records), strict=True)
    return PartRecords(
        salt,
        records[0].domain,
        tuple(record.row_id for record in records),
        dict(zip(kinds, columns, strict=True)),
    )


def _file(content: RequestContent) -> RecordFile:
    if content.file is None:
        raise TypeError("this content has no file")
    return content.file


class _Rows:
    """The records of a file one after the other, each checked for itself. Raises `FileRefusedError`."""

    def __init__(self, chunks: Iterable[bytes], content: RequestContent) -> None:
        self._reader = SheetReader(chunks)
        self._wanted = frozenset(content.identifier_types)
        self._domains = _file(content).domains
        self.kinds: tuple[IdentifierType, ...] = ()

    def __iter__(self) -> Iterator[_Record]:
        try:
            layout = self._layout(self._reader.header())
            self.kinds = tuple(kind for kind, _ in layout.kinds)
            while block := self._reader.block(layout.width, PART_ROWS):
                before = self._reader.rows - len(block)
                if self._reader.rows > MOST_PSEUDONYMS:
                    raise FileRefusedError(faults.TOO_MANY, MOST_PSEUDONYMS + 1)
                if has_control("".join(chain.from_iterable(block))):
                    raise FileRefusedError(faults.CONTROL_CHARACTER, before + _controlled(block))
                for number, row in enumerate(block, before + 1):
                    yield self._record(layout, number, row)
        except SheetError as error:
            raise FileRefusedError(_OF_SHEET[error.fault], error.row) from None

    def _layout(self, header: Row) -> _Layout:
        if len(set(header)) != len(header):
            raise FileRefusedError(faults.COLUMN_REPEATED)
        place = {name: number for number, name in enumerate(header)}
        kinds = [kind for kind in IdentifierType if COLUMN_OF[kind] in place]
        several = len(self._domains) > 1
        if not self._wanted <= set(kinds) or (several and DOMAIN_COLUMN not in place):
            raise FileRefusedError(faults.COLUMN_MISSING)
        read = [kind for kind in kinds if kind in self._wanted or kind is IdentifierType.NHS_NUMBER]
        return _Layout(
            len(header),
            place.get(ROW_ID_COLUMN),
            place.get(DOMAIN_COLUMN),
            tuple((kind, place[COLUMN_OF[kind]]) for kind in read),
        )

    def _record(self, layout: _Layout, number: int, row: Row) -> _Record:
        cells = tuple([row[column].strip() for _, column in layout.kinds])
        if not any(cells):
            raise FileRefusedError(faults.ROW_EMPTY, number)
        if max(map(len, cells)) > LONGEST_PSEUDONYM:
            raise FileRefusedError(faults.CELL_TOO_LONG, number)
        named_domain = "" if layout.domain is None else row[layout.domain].strip()
        domain = DomainId(named_domain) if named_domain or len(self._domains) > 1 else self._domains[0]
        if domain not in self._domains:
            raise FileRefusedError(faults.DOMAIN_UNDECLARED, number)
        row_id = "" if layout.row_id is None else row[layout.row_id]
        return _Record(number, _row_id(row_id, number) if row_id else str(number), domain, cells)


def _row_id(row_id: str, number: int) -> str:
    if ROW_ID.fullmatch(row_id) is None:
        raise FileRefusedError(faults.ROW_ID_FORM, number)
    # Nothing shorter is like an identifier, and a million short ids are looked at in no time.
    if len(row_id) >= SHORTEST_LIKENESS and find_identifier_like(row_id):
        raise FileRefusedError(faults.ROW_ID_IDENTIFIER, number)
    return row_id


def _controlled(block: Sequence[Row]) -> int:
    return next(place for place, row in enumerate(block, 1) if has_control("".join(row)))


class _Found:
    """What a file is found to hold, row by row."""

    def __init__(self, file: RecordFile, domains: Mapping[DomainId, MakesPseudonyms]) -> None:
        self._file = file
        self._domains = domains
        self._ids: set[str] = set()
        self._distinct: dict[DomainId, set[tuple[int, str]]] = {domain: set() for domain in file.domains}
        self._records: Counter[DomainId] = Counter()
        self._pseudonyms: Counter[DomainId] = Counter()
        self._good: Counter[DomainId] = Counter()
        self._bad: dict[str, int] = {}
        self._bad_rows: dict[str, list[int]] = {}

    def add_all(self, rows: _Rows) -> None:
        """Raises `FileRefusedError`."""
        different = 0
        for record in rows:
            if record.row_id in self._ids:
                raise FileRefusedError(faults.ROW_ID_REPEATED, record.number)
            self._ids.add(record.row_id)
            self._records[record.domain] += 1
            different += self._add(record, rows.kinds)
            if different > MOST_PSEUDONYMS:
                raise FileRefusedError(faults.TOO_MANY, record.number)
        if not self._ids:
            raise FileRefusedError(faults.NO_PSEUDONYMS)
        for domain in self._file.domains:
            if not self._records[domain]:
                raise FileRefusedError(faults.DOMAIN_ABSENT)
            if domain in self._domains and not self._good[domain]:
                raise FileRefusedError(faults.OTHER_DOMAIN)

    def surveyed(self) -> Surveyed:
        given = tuple(
            Given(domain, self._records[domain], self._pseudonyms[domain], len(self._distinct[domain]))
            for domain in self._file.domains
        )
        rows = {code: tuple(numbers) for code, numbers in self._bad_rows.items()}
        return Surveyed(given, self._bad, rows)

    def _add(self, record: _Record, kinds: Sequence[IdentifierType]) -> int:
        """How many pseudonyms of it are new."""
        domain, distinct = self._domains.get(record.domain), self._distinct[record.domain]
        before = len(distinct)
        for place, text in enumerate(record.cells):
            if not text:
                continue
            self._pseudonyms[record.domain] += 1
            # A token is the same whatever the case it is written in (`pseudonyms.token`).
            distinct.add((place, text.casefold()))
            code = wrong(text, Token.parse(text), kinds[place], domain)
            if code in _OF_THE_DOMAIN:
                self._good[record.domain] += 1
            if code is None:
                continue
            self._bad[code] = self._bad.get(code, 0) + 1
            rows = self._bad_rows.setdefault(code, [])
            if len(rows) < ROWS_NAMED and record.number not in rows:
                rows.append(record.number)
        return len(distinct) - before
