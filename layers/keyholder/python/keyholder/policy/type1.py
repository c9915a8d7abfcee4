"""Type 1 opt-outs: dated coded events from a GP record. The latest day wins; a tie is read as set; unknown withholds.

Files are CSV with the header `nhs_number,system,code,recorded_on`, one event a line. A line with a number and three
empty cells says that the person's record was read and holds no such event: without it their state is unknown.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from keyholder.identifiers import nhs_number
from keyholder.identifiers.not_an_identifier import NotAnIdentifierError
from keyholder.policy.facts import CodedEvent
from keyholder.policy.tables import OPT_OUT_CODES, TYPE2_RETIRED_ON, CodeMeaning
from keyholder.policy.vocabulary import CodeSystem

MEANINGS: dict[tuple[CodeSystem, str], CodeMeaning] = {(row.system, row.code): row.meaning for row in OPT_OUT_CODES}
TYPE1_MEANINGS = frozenset({CodeMeaning.TYPE1_SET, CodeMeaning.TYPE1_WITHDRAWN})
TYPE2_MEANINGS = frozenset({CodeMeaning.TYPE2_SET, CodeMeaning.TYPE2_WITHDRAWN})

HEADER = ("nhs_number", "system", "code", "recorded_on")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Type1State(StrEnum):
    """Whether data may leave the practice, as far as this opt-out goes."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    UNKNOWN = "unknown"


def state_of(events: Iterable[CodedEvent], *, known: bool, today: date) -> Type1State:
    """The state on `today` (London) from the events of one record.

    `known` says that the whole record was read; if not, the state is `UNKNOWN` whatever is there. A withdrawal dated
    later than today does not count yet; a set event does, because nobody records a choice before it is made and the
    safe reading of a wrong date is the one that withholds. An event with a foreign code makes the state unknown.
    """
    if not known:
        return Type1State.UNKNOWN
    newest: date | None = None
    active = False
    for event in events:
        meaning = MEANINGS.get((event.system, event.code))
        if meaning not in TYPE1_MEANINGS:
            return Type1State.UNKNOWN
        is_set = meaning is CodeMeaning.TYPE1_SET
        if event.on > today and not is_set:
            continue
        if newest is None or event.on > newest:
            newest, active = event.on, is_set
        elif event.on == newest:
            active = active or is_set
    return Type1State.ACTIVE if active else Type1State.INACTIVE


def set_events(events: Iterable[CodedEvent]) -> Iterator[CodedEvent]:
    """The events that still count in a reading that is not the newest: only a dated withdrawal ends an opt-out, and the
    newest reading has it."""
    return (event for event in events if MEANINGS.get((event.system, event.code)) is not CodeMeaning.TYPE1_WITHDRAWN)


def recorded_after_retirement(events: Iterable[CodedEvent]) -> bool:
    """Whether a Type 2 code was recorded after 11 October 2018, which has no effect (the practice must say so)."""
    return any(event.on > TYPE2_RETIRED_ON for event in events)


@dataclass(frozen=True, slots=True)
class Type1Row:
    """One line of a file: a person, and an event or None for a record that holds none."""

    nhs_number: str = field(repr=False)
    event: CodedEvent | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class FileFault:
    """Why a file is not used at all: a constant sentence and the line (from 1); never what the line holds."""

    why: str
    line: int


def write_rows(rows: Iterable[Type1Row]) -> bytes:
    """The CSV file of these rows, LF endings."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for row in rows:
        event = row.event
        cells = ("", "", "") if event is None else (event.system.value, event.code, event.on.isoformat())
        writer.writerow((row.nhs_number, *cells))
    return out.getvalue().encode()


def read_rows(body: bytes) -> tuple[Type1Row, ...] | FileFault:
    """Every row of a CSV file, or the first fault and nothing. An empty file is a fault."""
    try:
        reader = csv.reader(io.StringIO(body.decode("ascii"), newline=""), strict=True)
        lines = list(reader)
    except (UnicodeDecodeError, csv.Error):
        return FileFault("not a CSV file in ASCII", 1)
    if not lines or tuple(lines[0]) != HEADER:
        return FileFault("the first line is not nhs_number,system,code,recorded_on", 1)
    rows: list[Type1Row] = []
    for number, cells in enumerate(lines[1:], start=2):
        row = _row(cells)
        if isinstance(row, str):
            return FileFault(row, number)
        rows.append(row)
    if not rows:
        return FileFault("the file holds no rows", 1)
    return tuple(rows)


def _row(cells: list[str]) -> Type1Row | str:
    if len(cells) != len(HEADER):
        return "a line has four cells"
    person, system, code, recorded_on = cells
    try:
        if nhs_number.parse(person) != person:
            return "nhs_number is not ten plain digits"
    except NotAnIdentifierError:
        return "nhs_number is not an NHS number"
    if not (system or code or recorded_on):
        return Type1Row(person, None)
    event = _event(system, code, recorded_on)
    return event if isinstance(event, str) else Type1Row(person, event)


def _event(system: str, code: str, recorded_on: str) -> CodedEvent | str:
    if system not in list(CodeSystem):
        return "system is not readv2, ctv3 or snomed"
    event_system = CodeSystem(system)
    if MEANINGS.get((event_system, code)) not in TYPE1_MEANINGS:
        return "code is not a Type 1 code of that system"
    if not DAY.fullmatch(recorded_on):
        return "recorded_on is not a day"
    try:
        return CodedEvent(date.fromisoformat(recorded_on), event_system, code)
    except ValueError:
        return "recorded_on is not a day"
