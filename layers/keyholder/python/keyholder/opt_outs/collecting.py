"""The inbox, from first to last message: what each means to a check, stored before it is acknowledged."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from keyholder.ledger.event import NewEvent
from keyholder.ledger.log import EventLog
from keyholder.ledger.ports import Clock
from keyholder.opt_outs.book import (
    CheckBook,
    OptOutStore,
    RegisterChangedError,
    answer_register,
    asked_register,
    failed_register,
    sha256_of,
)
from keyholder.opt_outs.check_events import (
    Answered,
    CheckEvent,
    Discarded,
    DiscardReason,
    Ended,
    EndReason,
    JobCreated,
)
from keyholder.opt_outs.checks import ASKS, Check, Stage, past_cap
from keyholder.opt_outs.mailbox import Correspondence, Envelope, Mailbox, MessageKind
from keyholder.policy.choices import Stored
from keyholder.policy.digests import Digester
from keyholder.policy.opt_outs import Reply, ReplyState, read_reply
from keyholder.policy.registers import OptOutRegister
from keyholder.vocabulary import StreamId

MESSAGE_LEFT = "opt_out_message.left"
MOST_LISTINGS = 50
"""How often the inbox is listed in one round: messages may come while others are read."""


@dataclass(frozen=True, slots=True)
class Collected:
    """How many messages meant what."""

    answered: int = 0
    ended: int = 0
    jobs_created: int = 0
    discarded: int = 0
    foreign: int = 0
    """Left in the mailbox: they belong to somebody else."""
    gone: int = 0
    held: int = 0
    """Left for now: another message is the one the ledger names."""


_COUNTED: dict[type[CheckEvent], str] = {
    Answered: "answered",
    Ended: "ended",
    JobCreated: "jobs_created",
    Discarded: "discarded",
}


@dataclass(slots=True)
class Collecting:
    """Collects for one round. Raises what the ledger, the store, the key service and MESH raise; what was not
    acknowledged by then comes again."""

    book: CheckBook
    log: EventLog
    store: OptOutStore
    mailbox: Mailbox
    correspondence: Correspondence
    digester: Callable[[], Digester]
    clock: Clock
    checks: dict[str, Check]
    """Those of the last weeks by id; kept up to date."""
    done: Collected = field(default_factory=Collected)

    def run(self) -> Collected:
        """Every message that is there, and those that come meanwhile."""
        seen: set[str] = set()
        for _ in range(MOST_LISTINGS):
            new = [message for message in self.mailbox.waiting() if message not in seen]
            if not new:
                break
            for message in new:
                seen.add(message)
                self._message(message)
        return self.done

    def _message(self, message_id: str) -> None:
        with self.mailbox.open(message_id) as message:
            check = None if message is None else self._check(message.envelope)
            report = message is not None and message.envelope.kind is MessageKind.REPORT
            body = message.body() if message is not None and check is not None and not report else None
        if message is None:
            self._count("gone")
        elif check is None:
            self._leave(message_id)
        elif report:
            self._close(check, Ended(EndReason.UNDELIVERED), message_id)
        elif body is None:
            self._count("gone")
        else:
            self._read(check, body, message_id)

    def _check(self, envelope: Envelope) -> Check | None:
        """The check a message is about; None for a message that is not for Keyholder."""
        if not self.correspondence.concerns(envelope):
            return None
        known = self.checks.get(envelope.local_id) or self.book.load(envelope.local_id)
        if known is None and envelope.kind is MessageKind.REPORT and envelope.linked_message:
            known = next((one for one in self.checks.values() if one.message == envelope.linked_message), None)
        return known

    def _leave(self, message_id: str) -> None:
        """A message of somebody else's stays where it is; that it was seen is written down once."""
        stream = StreamId(f"opt-out-message/{hashlib.sha256(message_id.encode()).hexdigest()[:32]}")
        if not self.log.read(stream):
            event = NewEvent(MESSAGE_LEFT, {"why": "foreign"})
            self.log.record(stream, 0, [event], actor=ASKS, trace=self.book.trace)
        self._count("foreign")

    def _read(self, check: Check, body: bytes, message_id: str) -> None:
        asked = self.store.opt_out_register(asked_register(check.id))
        if not check.open:
            self._again(check, asked, body, message_id)
            return
        if asked is None or sha256_of(asked) != check.asked_sha256:
            self._close(check, Ended(EndReason.REGISTER_LOST), message_id)
            return
        reply = self._judged(check, asked, body)
        now = self.clock.now()
        if reply.state is ReplyState.PENDING:
            created = check.stage is not Stage.JOB_CREATED
            self._close(check, JobCreated() if created else Discarded(DiscardReason.DUPLICATE), message_id)
        elif reply.state is ReplyState.CLEANED and not past_cap(check.performed_on, now):
            answer = asked.answered(reply, now)
            event = Answered(len(reply.clear), len(reply.opted_out), sha256_of(answer))
            check = self._note(check, event, now)
            self._put_to_use(check, answer)
            self.mailbox.acknowledge(message_id)
        else:
            why = EndReason(reply.fault.value) if reply.fault is not None else EndReason.NO_ANSWER
            self._close(check, Ended(why, reply.line), message_id)

    def _judged(self, check: Check, asked: OptOutRegister, body: bytes) -> Reply:
        digester = self.digester()
        return read_reply(
            body,
            asked.names(),
            name=lambda number: digester.digest(number).hex(),
            local_id=check.id,
            delivered_whole=True,
        )

    def _again(self, check: Check, asked: OptOutRegister | None, body: bytes, message_id: str) -> None:
        """A message about a check that is closed: the very answer whose storing was cut short, or one too many."""
        if check.stage is Stage.ANSWERED and asked is not None and not self._stored(check, asked, body):
            self._count("held")
            return
        why = DiscardReason.LATE if check.stage is Stage.ENDED else DiscardReason.DUPLICATE
        if asked is None or check.stage is Stage.ENDED:
            self._close(check, Discarded(why), message_id)
        else:
            self.mailbox.acknowledge(message_id)

    def _stored(self, check: Check, asked: OptOutRegister, body: bytes) -> bool:
        """Whether this is the answer that the ledger names; if so it is put to use."""
        reply = self._judged(check, asked, body)
        if reply.state is not ReplyState.CLEANED or check.closed_at is None:
            return False
        answer = asked.answered(reply, check.closed_at)
        if sha256_of(answer) != check.answer_sha256:
            return False
        self._put_to_use(check, answer)
        return True

    def _put_to_use(self, check: Check, answer: OptOutRegister) -> None:
        if self.store.keep(answer_register(check.id), answer) is not Stored.STORED:
            raise RegisterChangedError
        self.store.remove_opt_outs(asked_register(check.id))

    def _close(self, check: Check, event: CheckEvent, message_id: str) -> None:
        """What a message means, written down; then it is acknowledged."""
        if not check.open and not isinstance(event, Discarded):
            late = check.stage is Stage.ENDED
            event = Discarded(DiscardReason.LATE if late else DiscardReason.DUPLICATE)
        now = self.clock.now()
        check = self._note(check, event, now)
        if isinstance(event, Ended):
            keep_failed(self.store, check, now)
        self.mailbox.acknowledge(message_id)

    def _note(self, check: Check, event: CheckEvent, now: datetime) -> Check:
        after = self.book.record(check.id, check, event, now)
        self.checks[check.id] = after
        self._count(_COUNTED[type(event)])
        return after

    def _count(self, what: str) -> None:
        self.done = replace(self.done, **{what: getattr(self.done, what) + 1})


def keep_failed(store: OptOutStore, check: Check, now: datetime) -> None:
    """Everybody an ended check was about has a failed check from now on. Repeatable: it finishes a half one."""
    asked = store.opt_out_register(asked_register(check.id))
    if asked is None:
        return
    if store.keep(failed_register(check.id), asked.failed(check.closed_at or now)) is not Stored.STORED:
        raise RegisterChangedError
    store.remove_opt_outs(asked_register(check.id))
