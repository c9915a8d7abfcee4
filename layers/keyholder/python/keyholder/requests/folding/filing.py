"""The state after each step of a file of records."""

# ruff: noqa: ARG001 - one rule for each event, all of one shape
from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from keyholder.requests.codes import FileStage
from keyholder.requests.events.filing import FileHandedIn, FileRead, FileRefused
from keyholder.requests.folding.rules import apply
from keyholder.requests.state import FileProgress, RequestState


@apply.register
def _handed_in(event: FileHandedIn, state: RequestState, at: datetime) -> RequestState:
    return replace(state, file=FileProgress(FileStage.HANDED_IN, at))


@apply.register
def _read(event: FileRead, state: RequestState, at: datetime) -> RequestState:
    progress = FileProgress(FileStage.READ, at, given=event.given, bad=event.bad)
    return replace(state, summary=event.summary, file=progress)


@apply.register
def _refused(event: FileRefused, state: RequestState, at: datetime) -> RequestState:
    return replace(state, file=FileProgress(FileStage.REFUSED, at, code=event.code, row=event.row))
