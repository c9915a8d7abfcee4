"""What ends a request in order: a report on what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from keyholder.requests.codes import Destruction, Finding
from keyholder.requests.commands.names import CommandName


@dataclass(frozen=True, slots=True)
class ReportOutcome:
    """`used` counts the records whose identifiers were used; `destroyed_on` is None where nothing was received."""

    NAME: ClassVar[CommandName] = CommandName.REPORT_OUTCOME
    used: int
    finding: Finding
    destruction: Destruction
    destroyed_on: date | None = None
    text_sha256: str | None = None
