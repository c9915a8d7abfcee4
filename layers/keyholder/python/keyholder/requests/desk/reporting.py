"""What the project hands in once it is done."""

from __future__ import annotations

from dataclasses import replace

from keyholder.refusals import Refusal
from keyholder.requests import commands as ask
from keyholder.requests.content import FreeText
from keyholder.requests.desk.core import Call, Desk, Done
from keyholder.requests.texts import keeping
from keyholder.vocabulary import RequestId


class Reporting(Desk):
    """A request is closed."""

    def report_outcome(
        self, call: Call, request: RequestId, report: ask.ReportOutcome, text: str | None = None
    ) -> Done | Refusal:
        """What came of it, and the statement that what was released is destroyed; `text` goes to the erasable store."""
        kept = None if text is None else FreeText(self._ids.salt(), text)
        command = replace(report, text_sha256=kept.sha256() if kept else None)
        return self.carry_out(call, request, command, keeping(self._contents, kept, "/text"))
