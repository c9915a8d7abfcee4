"""What may happen to an extract: one function a command, each gives the events or the rule that says no.

A provider announces, says that the upload is there, collects and discards; Keyholder itself does the rest off a queue,
and decides each time anew whether this provider may still pseudonymise for this domain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from keyholder.extracts.announcement import MOST_BYTES, MOST_ROWS
from keyholder.extracts.events import (
    Announced,
    Collected,
    Discarded,
    Erased,
    Expired,
    ExtractEvent,
    Failed,
    FileRefused,
    Held,
    Kept,
    Made,
    Queued,
    RunReason,
    Started,
)
from keyholder.extracts.state import KEPT_FOR, LEASE, OVER, UPLOAD_WITHIN, WORK_WITHIN, Extract, ExtractStatus
from keyholder.pseudonyms.job import TYPE_NOT_IN_DOMAIN, may_pseudonymise
from keyholder.refusals import Refusal, RefusalKind
from keyholder.registry.domains import Domain, KeyState
from keyholder.registry.people import Person
from keyholder.vocabulary import ActorId, IdentifierType

WORKER = ActorId("system/pseudonymise")
"""Who acts off the queue."""

MOST_RUNS = 8
"""Runs that may begin before it is given up: a run that dies dies of what the next one would die of."""

EXTRACT_UNKNOWN = Refusal("EXTRACT_UNKNOWN", RefusalKind.NOT_FOUND, "Name an extract that you announced yourself.")
KEY_NOT_ACTIVE = Refusal(
    "KEY_NOT_ACTIVE",
    RefusalKind.INVALID,
    "A type of the file has no active key in this domain: leave its column out, or ask an operator.",
    "/columns",
)
DEATHS_NEEDED = Refusal(
    "DEATHS_NEEDED",
    RefusalKind.INVALID,
    "Send date_of_death too, empty for the living: who had died before the collection started does not come.",
    "/columns",
)
TOO_MANY_ROWS = Refusal(
    "TOO_MANY_ROWS",
    RefusalKind.INVALID,
    "Send at most 5,000,000 rows and a gigabyte at a time; the same identifiers get the same pseudonyms in each file.",
    "/rows",
)
NOT_UPLOADED = Refusal(
    "NOT_UPLOADED", RefusalKind.CONFLICT, "Upload the file to the address of the announcement, then say so again."
)
NOT_AWAITED = Refusal(
    "NOT_AWAITED", RefusalKind.CONFLICT, "The upload was reported before, or its time is over: see its status."
)
NOT_READY = Refusal("NOT_READY", RefusalKind.CONFLICT, "Wait until the extract's status is made.")
RESULT_GONE = Refusal(
    "EXTRACT_GONE", RefusalKind.CONFLICT, "The result was kept for its time and is gone: announce the file again."
)
ALREADY_OVER = Refusal("ALREADY_OVER", RefusalKind.CONFLICT, "Nothing is kept of it any more: see its status.")
OUT_OF_TURN = Refusal("OUT_OF_TURN", RefusalKind.CONFLICT, "Another run of the same job has gone on.")
REFUSALS = (
    EXTRACT_UNKNOWN,
    KEY_NOT_ACTIVE,
    DEATHS_NEEDED,
    TOO_MANY_ROWS,
    NOT_UPLOADED,
    NOT_AWAITED,
    NOT_READY,
    RESULT_GONE,
    ALREADY_OVER,
    OUT_OF_TURN,
)

NO_LONGER_ALLOWED = "NO_LONGER_ALLOWED"
KEY_WITHDRAWN = "KEY_WITHDRAWN"
KEYS_UNAVAILABLE = "KEYS_UNAVAILABLE"
TOO_LATE = "TOO_LATE"
FAULT = "FAULT"

Outcome = Sequence[ExtractEvent] | Refusal


def announce(person: Person | None, domain: Domain | None, existing: Extract | None, told: Announced) -> Outcome:
    """A provider of the domain's controllers announces a file; its columns were looked at before."""
    refusal = may_pseudonymise(person, domain)
    if refusal is not None or domain is None:
        return refusal or EXTRACT_UNKNOWN
    if existing is not None:
        return NOT_AWAITED
    if any(kind not in domain.identifier_types for kind in told.identifier_types):
        return TYPE_NOT_IN_DOMAIN
    if not told.identifier_types or set(told.identifier_types) - set(domain.active_versions()):
        return KEY_NOT_ACTIVE
    began = domain.collection_began_on is not None or told.collection is not None
    if began and IdentifierType.DATE_OF_DEATH not in told.identifier_types:
        return DEATHS_NEEDED
    return TOO_MANY_ROWS if told.rows > MOST_ROWS or told.size > MOST_BYTES else [told]


def queue(person: Person | None, extract: Extract | None, now: datetime, *, uploaded: bool) -> Outcome:
    """The provider says that the upload is there."""
    if not _theirs(person, extract) or extract is None:
        return EXTRACT_UNKNOWN
    if extract.status is not ExtractStatus.ANNOUNCED or now >= extract.announced_at + UPLOAD_WITHIN:
        return NOT_AWAITED
    return [Queued()] if uploaded else NOT_UPLOADED


def start(
    extract: Extract,
    person: Person | None,
    domain: Domain | None,
    now: datetime,
    reason: RunReason,
) -> Outcome:
    """A run begins, or the job ends because it may not, can't or has tried for too long."""
    waiting = {ExtractStatus.QUEUED} if reason is RunReason.FIRST else {ExtractStatus.RUNNING}
    if extract.status not in waiting or extract.queued_at is None:
        return OUT_OF_TURN
    if reason is RunReason.TAKEN_OVER and now < extract.moved_at + LEASE:
        return OUT_OF_TURN
    if may_pseudonymise(person, domain) is not None or domain is None:
        return [FileRefused(NO_LONGER_ALLOWED)]
    versions = dict(extract.key_versions) or _versions(extract, domain)
    code = _hopeless(extract, domain, versions, now - extract.queued_at)
    return [Started(extract.run + 1, reason, versions) if code is None else Failed(code)]


def _hopeless(
    extract: Extract, domain: Domain, versions: Mapping[IdentifierType, int], waited: timedelta
) -> str | None:
    """Why no further run is worth while."""
    if waited >= WORK_WITHIN:
        return extract.held or TOO_LATE
    usable = {KeyState.ACTIVE, KeyState.REVERSIBLE}
    if set(versions) != set(extract.identifier_types) or any(
        domain.key_state(key) not in usable for key in versions.items()
    ):
        return KEY_WITHDRAWN
    return FAULT if extract.run >= MOST_RUNS else None


def hold(extract: Extract, run: int, code: str, now: datetime) -> Outcome:
    """A run can't go on for now; told once. After too long it fails, so that the upload is not kept for ever."""
    if not _running(extract, run) or extract.queued_at is None:
        return OUT_OF_TURN
    if now >= extract.queued_at + WORK_WITHIN:
        return [Failed(code)]
    return [] if extract.held == code else [Held(code)]


def finish(extract: Extract, end: Made | FileRefused | Failed, run: int) -> Outcome:
    """A run ends: with a result, with a file that is not taken, or for good without either."""
    if not _running(extract, run):
        return OUT_OF_TURN
    if isinstance(end, Made) and (end.run != run or end.rows + sum(end.refused.values()) != extract.rows):
        return OUT_OF_TURN
    return [end]


def expire(extract: Extract, now: datetime) -> Outcome:
    """The time of an announcement, or of a result, is over."""
    waits = {ExtractStatus.ANNOUNCED: UPLOAD_WITHIN, ExtractStatus.MADE: KEPT_FOR}
    wait = waits.get(extract.status)
    return OUT_OF_TURN if wait is None or now < extract.moved_at + wait else [Expired()]


def collect(person: Person | None, extract: Extract | None, now: datetime) -> Outcome:
    """The provider is given the result; again if they ask again, until its time is over."""
    if not _theirs(person, extract) or extract is None:
        return EXTRACT_UNKNOWN
    if extract.status in OVER:
        return RESULT_GONE
    if extract.status is not ExtractStatus.MADE:
        return NOT_READY
    return RESULT_GONE if now >= extract.moved_at + KEPT_FOR else [Collected()]


def discard(person: Person | None, extract: Extract | None) -> Outcome:
    """The provider takes the file back, or has what they wanted: nothing is kept of it from now on."""
    if not _theirs(person, extract) or extract is None:
        return EXTRACT_UNKNOWN
    return ALREADY_OVER if extract.status in OVER else [Discarded()]


def erase(extract: Extract, what: frozenset[Kept]) -> Outcome:
    """What was to be erased is gone."""
    gone = tuple(kept for kept in Kept if kept in what & extract.to_erase)
    return [Erased(gone)] if gone else OUT_OF_TURN


def _theirs(person: Person | None, extract: Extract | None) -> bool:
    return person is not None and not person.disabled and extract is not None and extract.provider == person.id


def _running(extract: Extract, run: int) -> bool:
    return extract.status is ExtractStatus.RUNNING and extract.run == run


def _versions(extract: Extract, domain: Domain) -> Mapping[IdentifierType, int]:
    active = domain.active_versions()
    return {kind: active[kind] for kind in extract.identifier_types if kind in active}
