"""Type 1 opt-outs at the practice's own door: who may be in an extract at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from keyholder.client.spreadsheets import SheetError
from keyholder.policy.facts import CodedEvent
from keyholder.policy.type1 import FileFault, Type1State, read_rows, state_of


@dataclass(frozen=True, slots=True)
class Type1File:
    """A file of Type 1 events: everybody whose record was read (canonical NHS numbers), and what it holds."""

    events: Mapping[str, tuple[CodedEvent, ...]] = field(repr=False)

    @classmethod
    def parse(cls, body: bytes) -> Type1File:
        """Reads the form of `keyholder.policy.type1`. Raises `SheetError`: an opt-out overlooked would be worse."""
        rows = read_rows(body)
        if isinstance(rows, FileFault):
            raise SheetError(f"line {rows.line} of the Type 1 file: {rows.why}")
        events: dict[str, tuple[CodedEvent, ...]] = {}
        for row in rows:
            events[row.nhs_number] = events.get(row.nhs_number, ()) + (() if row.event is None else (row.event,))
        return cls(events)

    def state(self, nhs_number: str, today: date) -> Type1State:
        """The state of one person; `UNKNOWN` for somebody who is not in the file."""
        return state_of(self.events.get(nhs_number, ()), known=nhs_number in self.events, today=today)
