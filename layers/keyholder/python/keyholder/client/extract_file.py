"""A large extract as one file: only its identifiers travel, and come back as pseudonyms beside the row they are of.

The file to upload is never written to a disk. It is made from the extract twice, once to be counted and hashed and once
to be sent; should the extract have changed in between, the store refuses it.
"""

from __future__ import annotations

import csv
import hashlib
import io
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from keyholder.client.extract import Clear, Tally, kept_rows
from keyholder.client.extract_answers import ExtractView, Measured
from keyholder.client.keyholder import Keyholder
from keyholder.client.problems import KeyholderError
from keyholder.client.spreadsheets import SheetError
from keyholder.client.storage import Storage, StorageRefusedError, download, upload
from keyholder.collection.columns import ColumnPlan
from keyholder.collection.report import CollectionReport
from keyholder.collection.screen import Screen
from keyholder.pseudonyms.deid_columns import COLUMN_OF

ROW_ID = "row_id"
CHUNK_ROWS = 5_000
SECONDS_BETWEEN = (1.0, 2.0, 5.0)
"""How long to wait before asking how it stands, the last again and again."""

WORKING = frozenset({"announced", "queued", "running"})

People = Callable[[], Iterable[Clear]]
"""The extract's rows, from the beginning each time it is asked."""


@dataclass(slots=True)
class Watching:
    """Who is told how it goes: rows that are done, and that it waits for a key."""

    done: Callable[[int], None] = lambda _: None
    held: Callable[[], None] = lambda: None
    wait: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Service:
    """Whom a file is sent to, by which way, for which domain, and who watches."""

    keyholder: Keyholder
    storage: Storage
    domain: str
    watching: Watching


@dataclass(frozen=True, slots=True)
class ExtractFile:
    """One extract, the columns that travel, and the rules its rows are held against."""

    people: People = field(repr=False)
    columns: ColumnPlan
    screen: Screen = field(repr=False)

    @property
    def header(self) -> tuple[str, ...]:
        """The columns of the file that travels."""
        return (ROW_ID, *(kind.value for kind in self.columns.identifiers))

    def measured(self, tally: Tally) -> Measured:
        """Reads the extract once; `tally` has what was read and dropped."""
        size, sha256 = 0, hashlib.sha256()
        for chunk in self._chunks(tally):
            size += len(chunk)
            sha256.update(chunk)
        rows = tally.read - sum(tally.dropped.values())
        return Measured(rows, size, sha256.hexdigest(), self.header)

    def pseudonymised(self, to: Service, told: Measured, tally: Tally) -> Iterator[Mapping[str, str]]:
        """The rows with their pseudonyms, in the order they came, once Keyholder has made them all.

        Whatever goes wrong, what Keyholder has of the file is discarded. Raises `SheetError` for a file that it does
        not take, `StorageRefusedError`, `KeyholderError`, `AnswerError`.
        """
        rules, columns = self.screen.rules, self.columns.refused_counts()
        report = CollectionReport(rules.rules_hash, rules.began_on, tally.dropped.copy(), columns)
        extract = to.keyholder.announce_extract(to.domain, told, report)
        try:
            if extract.upload is None:
                raise SheetError("Keyholder gave no address to upload the file to")
            address = extract.upload
            upload(to.storage, address.url, address.headers, lambda: self._chunks(Tally()), to.watching.wait)
            to.keyholder.start_extract(extract.id)
            made = _made(to, extract.id)
            tally.sent = told.rows
            _count_faults(made, tally)
            yield from self._joined(_rows(to, extract.id), tally)
        finally:
            # It ends of itself all the same: what nobody discards is kept for hours, and no longer.
            with suppress(KeyholderError):
                to.keyholder.discard_extract(extract.id)

    def _chunks(self, tally: Tally) -> Iterator[bytes]:
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.header)
        for written, (number, person) in enumerate(kept_rows(self.people(), self.screen, tally), 1):
            writer.writerow([str(number), *(person[kind.value] for kind in self.columns.identifiers)])
            if not written % CHUNK_ROWS:
                yield text.getvalue().encode()
                text.seek(0)
                text.truncate()
        yield text.getvalue().encode()

    def _joined(self, made: Iterator[Mapping[str, str]], tally: Tally) -> Iterator[Mapping[str, str]]:
        """Each row of the result beside the extract's own row of that number; a row that is missing was refused."""
        ahead = next(made, None)
        for number, person in kept_rows(self.people(), self.screen, Tally()):
            if ahead is None or ahead[ROW_ID] != str(number):
                tally.refused += 1
                continue
            tally.written += 1
            tokens = {COLUMN_OF[kind]: ahead[COLUMN_OF[kind]] for kind in self.columns.identifiers}
            yield tokens | {name: person[name] for name in self.columns.clear}
            ahead = next(made, None)
        if ahead is not None:
            raise SheetError("the result does not hold the rows that were sent")


def _made(to: Service, extract: str) -> ExtractView:
    """The extract once its result is there. Raises `SheetError` where there will be none."""
    done, asked, told = 0, 0, False
    while (now := to.keyholder.extract(extract)).status in WORKING:
        to.watching.done(now.rows_done - done)
        done = now.rows_done
        if now.held and not told:
            to.watching.held()
            told = True
        to.watching.wait(SECONDS_BETWEEN[min(asked, len(SECONDS_BETWEEN) - 1)])
        asked += 1
    if now.status != "made":
        where = "" if now.row is None else f", row {now.row}"
        why = f" ({now.code}{where})" if now.code else ""
        raise SheetError(f"Keyholder has made nothing of the file: it is {now.status}{why}")
    to.watching.done(now.rows - done)
    return now


def _rows(to: Service, extract: str) -> Iterator[Mapping[str, str]]:
    """The rows of the result, part by part, each of which has to be what Keyholder says it is."""
    header: list[str] = []
    parts = to.keyholder.collect_extract(extract).parts
    for place in range(len(parts)):
        try:
            body = download(to.storage, parts[place].url, to.watching.wait)
        except StorageRefusedError:
            # An address is good for a quarter of an hour, and a line may be slow.
            parts = to.keyholder.collect_extract(extract).parts
            body = download(to.storage, parts[place].url, to.watching.wait)
        if len(body) != parts[place].bytes or hashlib.sha256(body).hexdigest() != parts[place].sha256:
            raise SheetError("a part of the result is not what Keyholder made")
        rows = csv.reader(io.StringIO(body.decode(), newline=""), strict=True)
        header = header or next(rows)
        for row in rows:
            yield dict(zip(header, row, strict=True))


def _count_faults(made: ExtractView, tally: Tally) -> None:
    for kind, codes in made.faults.items():
        for code, count in codes.items():
            tally.faults[f"{kind} {code}"] = count
    for rule, count in made.refused.items():
        tally.faults[f"row {rule}"] = count
