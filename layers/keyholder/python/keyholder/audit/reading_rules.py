"""Readings of the ledger and of other people's requests: each by a registered auditor."""

from __future__ import annotations

from collections.abc import Sequence

from keyholder.audit.auditor import KIND, TYPES, reads
from keyholder.audit.records import Records
from keyholder.audit.replaying import RuleError
from keyholder.ledger.event import Event

HOME = dict.fromkeys(TYPES, KIND)


class ReadingRules:
    """Knows the people who may have read."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def step(self, events: Sequence[Event]) -> None:
        """Raises `RuleError` unless an auditor could have read this."""
        if len({event.type for event in events}) != 1 or events[0].number != 1:
            raise RuleError("no command makes these events together")
        if not any(reads(person) for person in self._records.acting(events[0])):
            raise RuleError("who read was no auditor")
