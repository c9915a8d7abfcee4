"""Refused and failed commands are events too, each in a stream of its own."""

from __future__ import annotations

import re
from typing import Protocol

from keyholder.canonical import JsonObject
from keyholder.ledger.event import NewEvent
from keyholder.ledger.log import EventLog, Recorded
from keyholder.ledger.ports import Head
from keyholder.refusals import Refusal
from keyholder.vocabulary import ActorId, StreamId

ATTEMPT_REFUSED = "attempt.refused"
ATTEMPT_FAILED = "attempt.failed"

UNNAMED = StreamId("unknown/unnamed")
"""Stands for a subject whose id is not of the form Keyholder gives out: a caller's text never enters the ledger."""

_SUBJECTS = re.compile(
    r"(request|texts)/REQ-[0-9A-HJKMNP-TV-Z]{26}"
    r"|extract/EXT-[0-9A-HJKMNP-TV-Z]{26}"
    r"|(person|contact|emergency)/[0-9a-f]{32}"
    r"|linkage/LNK-[0-9A-HJKMNP-TV-Z]{26}"
    r"|standing/STA-[0-9A-HJKMNP-TV-Z]{26}"
    r"|(project|domain|choices)/[A-Za-z][A-Za-z0-9-]{0,62}"
    r"|(registry|policy|audit|ledger|pseudonymise|requests)/[a-z_]{1,32}"
)
_TEN_DIGITS = re.compile(r"(?:[0-9]-?){10}")
_PSEUDONYM_LONG = re.compile(r"[A-Za-z0-9]{30}")
"""A pseudonym has 38 symbols or more in one run; what people call things has hyphens or is shorter."""
_COMMAND = re.compile(r"[a-z][a-z0-9_]{0,63}")


class AttemptIds(Protocol):
    """Where new attempt ids come from."""

    def attempt(self) -> str:
        """A new id, of letters, digits and hyphens."""
        ...


def record_refusal(
    log: EventLog, ids: AttemptIds, *, actor: ActorId, command: str, subject: StreamId, refusal: Refusal, trace: str
) -> Recorded:
    """Write down that `actor` was refused `command` on `subject`, before they are told.

    Raises `LedgerUnavailableError`; the caller then answers that, and not the refusal.
    """
    attempt = _attempt(ATTEMPT_REFUSED, command, subject, refusal.code)
    return _record(log, ids, attempt, actor, trace)


def record_failure(
    log: EventLog, ids: AttemptIds, *, actor: ActorId, command: str, subject: StreamId, code: str, trace: str
) -> Recorded:
    """Write down that `command` failed by a fault of ours; `code` is a constant, never an exception's text."""
    return _record(log, ids, _attempt(ATTEMPT_FAILED, command, subject, code), actor, trace)


def safe_subject(subject: StreamId) -> StreamId:
    """`subject` if its id is of a form Keyholder gives out and is no patient's number or pseudonym, else `UNNAMED`."""
    if not _SUBJECTS.fullmatch(subject):
        return UNNAMED
    chosen_by_people = subject.startswith(("project/", "domain/", "choices/"))
    if chosen_by_people and (_TEN_DIGITS.search(subject) or _PSEUDONYM_LONG.search(subject)):
        return UNNAMED
    return subject


def _attempt(kind: str, command: str, subject: StreamId, code: str) -> NewEvent:
    if not _COMMAND.fullmatch(command):
        raise ValueError("a command's name is a constant")
    return NewEvent(kind, {"command": command, "code": code, "subject": safe_subject(subject)})


def _record(log: EventLog, ids: AttemptIds, attempt: NewEvent, actor: ActorId, trace: str) -> Recorded:
    return log.record(
        StreamId(f"attempt/{ids.attempt()}"),
        0,
        [attempt],
        actor=actor,
        trace=trace,
        head=attempt_head(actor, attempt.data),
    )


def attempt_head(actor: ActorId, data: JsonObject) -> Head:
    """Where an attempt is listed: under what it was about, and under who made it."""
    return Head(listings=(f"attempts/{data['subject']}", f"attempts/{actor}"))
