"""What may be done with a file of records, while its request is written."""

from __future__ import annotations

from keyholder.requests import guards as g
from keyholder.requests.codes import State
from keyholder.requests.commands import CommandName
from keyholder.requests.events import FileHandedIn, FileRead, FileRefused
from keyholder.requests.outcomes import filing
from keyholder.requests.transitions.row import STAYS, Transition, Who, states, types

_WRITTEN = states(State.DRAFT, State.RETURNED)

ROWS: tuple[Transition, ...] = (
    Transition(
        sources=_WRITTEN,
        command=CommandName.HAND_IN_FILE,
        who=Who.REQUESTER,
        guards=(g.PROJECT_MEMBER, g.SAME_CONTENT, g.FILE_AWAITED),
        events=types(FileHandedIn),
        to=STAYS,
        outcome=filing.hand_in,
    ),
    Transition(
        sources=_WRITTEN,
        command=CommandName.RECORD_FILE_READ,
        who=Who.READER,
        guards=(g.FILE_HANDED_IN, g.SAME_CONTENT, g.READ_AS_DECLARED),
        events=types(FileRead),
        to=STAYS,
        outcome=filing.record_read,
    ),
    Transition(
        sources=_WRITTEN,
        command=CommandName.REFUSE_FILE,
        who=Who.READER,
        guards=(g.FILE_HANDED_IN, g.SAME_CONTENT, g.KNOWN_FAULT),
        events=types(FileRefused),
        to=STAYS,
        outcome=filing.refuse,
    ),
)
