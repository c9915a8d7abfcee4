"""Readings that are steps: whatever an auditor is shown, and whatever somebody was not allowed to read.

The working readings of those who have a part in a thing (who asks, who decides, whose advice was asked) are none
(docs/decisions/0020).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from keyholder.audit.auditor import Auditor
from keyholder.edge.call import Call
from keyholder.edge.outcomes import Records, accepted
from keyholder.refusals import Refusal
from keyholder.registry.attempts import record_refusal
from keyholder.registry.people import Person
from keyholder.vocabulary import ActorId, Role, StreamId

T = TypeVar("T")


class Books(Records, Protocol):
    """Where it is written down that something was read."""

    @property
    def new_id(self) -> Callable[[], str]: ...


def shown(call: Call, books: Books, person: Person, subject: StreamId, outcome: T | Refusal, *, count: int = 1) -> T:
    """What was read of `subject`, once the ledger says that it was, where that is a step.

    `count` is of how many things something was shown. Raises `ProblemError` for a refusal, `LedgerUnavailableError`;
    then nothing may be shown.
    """
    command = f"read_{call.command}"
    if isinstance(outcome, Refusal):
        record_refusal(
            books.ledger,
            books.ids,
            actor=ActorId(person.id),
            command=command,
            subject=subject,
            refusal=outcome,
            trace=call.trace,
        )
    elif person.has(Role.AUDITOR):
        auditor = Auditor(books.ledger, person, call.trace, None, call.now, books.new_id)
        accepted(auditor.note_record(command, subject, count))
    return accepted(outcome)
