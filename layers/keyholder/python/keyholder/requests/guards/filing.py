"""Rules about a file of records."""

from __future__ import annotations

from dataclasses import replace

from keyholder.refusals import Refusal
from keyholder.requests import reasons
from keyholder.requests.case import Case
from keyholder.requests.codes import FileStage
from keyholder.requests.commands import RecordFileRead, RefuseFile
from keyholder.requests.content import Summary
from keyholder.requests.file_faults import BY_CODE
from keyholder.requests.given import Given
from keyholder.requests.guards.guard import Guard
from keyholder.requests.record_file import MOST_PSEUDONYMS
from keyholder.vocabulary import ContentHash


def _file_awaited(case: Case) -> Refusal | None:
    file = case.state.file
    if file is None:
        return reasons.NO_FILE_DECLARED
    return None if file.stage is FileStage.DECLARED else reasons.FILE_NOT_AWAITED


def _file_handed_in(case: Case) -> Refusal | None:
    file = case.state.file
    return None if file is not None and file.stage is FileStage.HANDED_IN else reasons.FILE_NOT_AWAITED


def _file_read(case: Case) -> Refusal | None:
    """An inline request has nothing to be read."""
    file = case.state.file
    return None if file is None or file.stage is FileStage.READ else reasons.FILE_NOT_READ


def _read_as_declared(case: Case) -> Refusal | None:
    """Reading counts what was declared, and changes nothing of it."""
    command, declared = case.of(RecordFileRead), case.state.summary
    counted = _counted(command.given)
    whole = declared is not None and _but_for_counts(command.summary) == _but_for_counts(declared)
    note = command.summary.file
    fits = whole and note is not None and note.read and command.summary.records == counted
    known = declared is not None and set(counted) == set(declared.records)
    return None if fits and known and _plausible(command.given) else reasons.FILE_READ_AMISS


_ANY = ContentHash("")


def _counted(given: tuple[Given, ...]) -> dict[str, int]:
    return {part.domain: part.records for part in given}


def _but_for_counts(summary: Summary) -> Summary:
    note = replace(summary.file, read=False) if summary.file else None
    return replace(summary, records={}, content_hash=_ANY, file=note)


def _plausible(given: tuple[Given, ...]) -> bool:
    rows = sum(part.records for part in given)
    different = sum(part.distinct for part in given)
    each = all(1 <= part.distinct <= part.pseudonyms and part.records <= part.pseudonyms for part in given)
    return each and rows <= MOST_PSEUDONYMS and different <= MOST_PSEUDONYMS


def _known_fault(case: Case) -> Refusal | None:
    return None if case.of(RefuseFile).code in BY_CODE else reasons.FILE_READ_AMISS


FILE_AWAITED = Guard("a file is declared, and was not handed in yet", _file_awaited)
FILE_HANDED_IN = Guard("the file waits to be read", _file_handed_in)
FILE_WAS_READ = Guard("a declared file was read, and is whole", _file_read)
READ_AS_DECLARED = Guard("what was read is what was declared, counted", _read_as_declared)
KNOWN_FAULT = Guard("the file is refused for one of the listed reasons", _known_fault)
