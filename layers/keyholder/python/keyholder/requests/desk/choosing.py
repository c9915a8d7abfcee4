"""Which records an approver approves: worked out on the request as it stands, kept in the erasable store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from keyholder.refusals import Refusal
from keyholder.requests import reasons
from keyholder.requests.case import Case
from keyholder.requests.codes import State
from keyholder.requests.commands import Approve
from keyholder.requests.contents import ContentStore, kept_records, stored_content, stored_records
from keyholder.requests.guards import CONTROLS_DOMAIN, NO_CONFLICT, NOT_RECUSED, SAME_CONTENT
from keyholder.requests.records import KeptRecords, RecordChoice, covered
from keyholder.vocabulary import RequestId

_BEFORE = (CONTROLS_DOMAIN, NOT_RECUSED, SAME_CONTENT, NO_CONFLICT)


class Choosing:
    """One approval's choice of records, `None` for all of them. `complete` and `keep` go to `Desk.carry_out`."""

    def __init__(self, contents: ContentStore, salt: str, choice: RecordChoice | None) -> None:
        self._contents = contents
        self._salt = salt
        self._choice = choice
        self._kept: KeptRecords | None = None

    def complete(self, case: Case) -> Approve | Refusal:
        """The approval with what it narrows and what every approval of the domain then covers.

        Whoever may not decide for the domain is refused by its rules before a row id of theirs is looked up. Raises
        `ContentLostError`.
        """
        command = case.of(Approve)
        self._kept = None
        if case.state.status is not State.IN_REVIEW or any(rule.check(case) for rule in _BEFORE):
            return command
        if self._choice is None and not case.state.domains[command.domain].narrowed():
            return command
        asked = self._asked(case, command) if self._choice else ()
        chosen = self._choice.of(asked) if self._choice else None
        if isinstance(chosen, Refusal):
            return chosen
        if chosen is not None and len(chosen) < len(asked):
            self._kept = KeptRecords(self._salt, command.domain, command.content_hash, chosen)
        return self._counted(case, command)

    def keep(self, request: RequestId) -> Refusal | None:
        """Store the choice before it is named in the ledger."""
        if self._kept is not None:
            self._contents.keep(request, {self._kept.narrowed().sha256: self._kept.stored()})
        return None

    def _asked(self, case: Case, command: Approve) -> Sequence[str]:
        """The row ids of the domain, in order."""
        content = stored_content(self._contents, case.state)
        found = stored_records(self._contents, case.state.id, content, {command.domain})
        return [record.row_id for selection in found for record in selection.records]

    def _counted(self, case: Case, command: Approve) -> Approve | Refusal:
        choices: list[Sequence[str]] = list(kept_records(self._contents, case.state, command.domain))
        choices += [self._kept.row_ids] if self._kept else []
        if not choices:
            return command
        left = len(covered(choices))
        narrowed = self._kept.narrowed() if self._kept else None
        return replace(command, records=narrowed, records_left=left) if left else reasons.RECORDS_NOT_LEFT
