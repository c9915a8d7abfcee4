"""An auditor's call: who may read, and that reading is a step too, in the ledger before the answer is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from keyholder.canonical import JsonObject
from keyholder.ledger.event import NewEvent
from keyholder.ledger.log import ClaimedError, EventLog, IdempotencyKey, Receipt
from keyholder.ledger.ports import Head
from keyholder.refusals import Refusal, RefusalKind
from keyholder.registry.attempts import safe_subject
from keyholder.registry.people import Person, PersonKind
from keyholder.registry.replays import KEY_REUSED, replay
from keyholder.vocabulary import ActorId, Role, StreamId

EVENTS_READ = "audit.events_read"
EVENT_READ = "audit.event_read"
SUBJECT_SEARCHED = "audit.subject_searched"
EXPORT_BEGUN = "audit.export_begun"
REPORT_READ = "audit.report_read"
VOLUMES_READ = "audit.volumes_read"
CONSISTENCY_READ = "audit.consistency_read"
RECORD_READ = "audit.record_read"
"""A request, an agreement, an emergency access, or a list of them, read where those who have a part in it read it."""
TYPES = frozenset(
    {EVENTS_READ, EVENT_READ, SUBJECT_SEARCHED, EXPORT_BEGUN, REPORT_READ, VOLUMES_READ, CONSISTENCY_READ, RECORD_READ}
)
KIND = "audit"
"""The kind of the streams that readings stand in."""

NOT_AN_AUDITOR = Refusal(
    "NOT_AN_AUDITOR",
    RefusalKind.FORBIDDEN,
    "Only a registered auditor reads the ledger; an operator registers auditors.",
)


def audit_head(actor: ActorId) -> Head:
    """Where a reading is listed."""
    return Head(listings=("audits", f"audits/{actor}"))


def reads(person: Person | None) -> bool:
    """Whether somebody may read the ledger: a registered human auditor."""
    human = person is not None and person.kind is PersonKind.HUMAN and not person.disabled
    return human and person is not None and person.has(Role.AUDITOR)


@dataclass(frozen=True, slots=True)
class Noted:
    """A reading as the ledger has it: its id and its proof."""

    id: str
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Auditor:
    """Whoever calls, and what ties the call to the access log and to its repetitions."""

    log: EventLog
    person: Person | None
    trace: str
    idempotency: IdempotencyKey | None
    now: datetime
    new_id: Callable[[], str]

    def refusal(self) -> Refusal | None:
        """Why this person may not read the ledger, if they may not."""
        return None if reads(self.person) else NOT_AN_AUDITOR

    @property
    def id(self) -> ActorId:
        return ActorId(self.person.id if self.person else "")

    def note(self, kind: str, *data: JsonObject) -> Noted | Refusal:
        """The event of this reading; several where one would be too large.

        A repeated call stands on the events of the first. Raises `LedgerUnavailableError`; then nothing may be shown.
        """
        try:
            recorded = self.log.record(
                StreamId(f"{KIND}/{self.new_id()}"),
                0,
                [NewEvent(kind, one) for one in data],
                actor=self.id,
                trace=self.trace,
                head=audit_head(self.id),
                idempotency=self.idempotency,
            )
        except ClaimedError:
            found = replay(self.log, self.idempotency)
            if found is None or isinstance(found, Refusal):
                return found or KEY_REUSED
            recorded = found.recorded
        return Noted(recorded.step.stream.removeprefix("audit/"), recorded.receipts[0])

    def note_record(self, command: str, subject: StreamId, count: int) -> Noted | Refusal:
        """That something was read of `subject`: of how many things, and by which `command`, a constant.

        A subject whose id is not of the form Keyholder gives out stands in the ledger as unnamed.
        """
        return self.note(RECORD_READ, {"command": command, "subject": safe_subject(subject), "count": count})
