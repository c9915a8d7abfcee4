"""What follows from each step of a file of records."""

from __future__ import annotations

from keyholder.requests.case import Case
from keyholder.requests.commands import HandInFile, RecordFileRead, RefuseFile
from keyholder.requests.events.filing import FileHandedIn, FileRead, FileRefused
from keyholder.requests.outcomes.outcome import Outcome


def hand_in(case: Case) -> Outcome:
    return (FileHandedIn(case.of(HandInFile).content_hash),)


def record_read(case: Case) -> Outcome:
    command = case.of(RecordFileRead)
    return (FileRead(command.content_hash, command.summary, command.given, command.bad),)


def refuse(case: Case) -> Outcome:
    command = case.of(RefuseFile)
    return (FileRefused(command.content_hash, command.code, command.row),)
