"""What happens to an emergency access, and the form it has in the ledger: codes, counts and keyed tags."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from keyholder.canonical import JsonObject
from keyholder.emergency.access import (
    ACCESS,
    MOST_RECORDS,
    Access,
    Accesses,
    EmergencyReason,
    Review,
    ReviewFinding,
    Verdict,
)
from keyholder.ledger.event import Event, NewEvent, rfc3339
from keyholder.registry.factors import Factor
from keyholder.registry.fields import CODE, ORGANISATION, SHA256, FieldError, FieldFault, Fields, UnknownEventError
from keyholder.registry.projects import DOMAIN
from keyholder.vocabulary import DomainId, IdentifierType, OrganisationCode, PersonId

OPENED = "emergency.opened"
RELEASED = "emergency.released"
FAILED = "emergency.failed"
REVIEWED = "emergency.reviewed"
UPHELD = "emergency.upheld"
NOT_UPHELD = "emergency.not_upheld"
OVERDUE = "emergency.review_overdue"
TYPES = (OPENED, RELEASED, FAILED, REVIEWED, UPHELD, NOT_UPHELD, OVERDUE)

VERDICTS = {Verdict.UPHELD: UPHELD, Verdict.NOT_UPHELD: NOT_UPHELD}
_TAG = re.compile(r"[A-Za-z0-9_-]{16,64}")


@dataclass(frozen=True, slots=True)
class Opened:
    """Written before any key is used. Who opened it is the event's actor."""

    access: str
    domain: DomainId
    reason: EmergencyReason
    identifier_types: tuple[IdentifierType, ...]
    records: int
    organisation: OrganisationCode
    policy_hash: str
    review_by: datetime

    def new_event(self) -> NewEvent:
        data: JsonObject = {
            "access_id": self.access,
            "domain": self.domain,
            "reason": self.reason.value,
            "identifier_types": [kind.value for kind in self.identifier_types],
            "records": self.records,
            "organisation": self.organisation,
            "policy_hash": self.policy_hash,
            "review_by": rfc3339(self.review_by),
        }
        return NewEvent(OPENED, data)


@dataclass(frozen=True, slots=True)
class Released:
    """Written before anything is handed out. `subjects` are keyed tags by the deciding reason, `unresolved` counts the
    records whose person could not be told, `result_sha256` is the hash of the encrypted result where there is one."""

    access: str
    domain: DomainId
    epoch: str
    subjects: Mapping[str, tuple[str, ...]]
    unresolved: Mapping[str, int]
    result_sha256: str | None

    def new_event(self) -> NewEvent:
        data: JsonObject = {
            "access_id": self.access,
            "domain": self.domain,
            "epoch": self.epoch,
            "subjects": {outcome: list(tags) for outcome, tags in self.subjects.items()},
            "unresolved": dict(self.unresolved),
            "result_sha256": self.result_sha256,
        }
        return NewEvent(RELEASED, data)


@dataclass(frozen=True, slots=True)
class Failed:
    """It was cut short before anything was handed out; `code` says by what."""

    access: str
    domain: DomainId
    code: str

    def new_event(self) -> NewEvent:
        return NewEvent(FAILED, {"access_id": self.access, "domain": self.domain, "code": self.code})


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One person's finding, filling one part for one organisation."""

    access: str
    domain: DomainId
    factor: Factor
    organisation: OrganisationCode
    finding: ReviewFinding

    def new_event(self) -> NewEvent:
        data: JsonObject = {
            "access_id": self.access,
            "domain": self.domain,
            "factor": self.factor.value,
            "organisation": self.organisation,
            "finding": self.finding.value,
        }
        return NewEvent(REVIEWED, data)


@dataclass(frozen=True, slots=True)
class Concluded:
    """As many as have to have reviewed it."""

    access: str
    domain: DomainId
    verdict: Verdict

    def new_event(self) -> NewEvent:
        return NewEvent(VERDICTS[self.verdict], {"access_id": self.access, "domain": self.domain})


@dataclass(frozen=True, slots=True)
class Overdue:
    """The time for the review is over; it waits on, and its person gets no other."""

    access: str
    domain: DomainId

    def new_event(self) -> NewEvent:
        return NewEvent(OVERDUE, {"access_id": self.access, "domain": self.domain})


EmergencyEvent = Opened | Released | Failed | Reviewed | Concluded | Overdue


def fold_accesses(person: PersonId, events: Sequence[Event]) -> Accesses:
    """All accesses of a person. Raises `UnknownEventError`, `FieldError` for a stream nobody may decide on."""
    accesses = Accesses(person)
    for event in events:
        accesses = evolve_accesses(accesses, event)
    return accesses


def evolve_accesses(accesses: Accesses, event: Event) -> Accesses:
    """The same after one more event."""
    fields = Fields(event.data)
    access_id = fields.text("access_id", ACCESS)
    domain = DomainId(fields.text("domain", DOMAIN))
    if event.type == OPENED:
        after = _opened(access_id, domain, fields, event.at)
    else:
        access = accesses.access(access_id)
        rule = _AFTER.get(event.type)
        if access is None or access.domain != domain or rule is None:
            raise UnknownEventError(event.type)
        after = rule(access, fields, event)
    fields.end()
    return replace(accesses.with_access(after), version=accesses.version + 1)


def _opened(access_id: str, domain: DomainId, fields: Fields, at: datetime) -> Access:
    return Access(
        id=access_id,
        domain=domain,
        reason=fields.choice("reason", EmergencyReason),
        identifier_types=fields.choices("identifier_types", IdentifierType),
        records=fields.number("records", 1, MOST_RECORDS),
        organisation=OrganisationCode(fields.text("organisation", ORGANISATION)),
        opened_at=at,
        review_by=fields.moment("review_by"),
        policy_hash=fields.text("policy_hash", SHA256),
    )


def _released(access: Access, fields: Fields, event: Event) -> Access:
    fields.text("epoch")
    fields.maybe_text("result_sha256", SHA256)
    counts = dict(fields.counts("unresolved"))
    inner = fields.inner("subjects")
    for outcome in inner.codes():
        counts[outcome] = counts.get(outcome, 0) + len(inner.repeatable(outcome, _TAG, MOST_RECORDS))
    return replace(access, released_at=event.at, counts=counts)


def _failed(access: Access, fields: Fields, _event: Event) -> Access:
    return replace(access, failed=fields.text("code", CODE))


def _reviewed(access: Access, fields: Fields, event: Event) -> Access:
    review = Review(
        PersonId(event.actor),
        fields.choice("factor", Factor),
        OrganisationCode(fields.text("organisation", ORGANISATION)),
        fields.choice("finding", ReviewFinding),
        event.at,
    )
    return replace(access, reviews=(*access.reviews, review))


def _concluded(access: Access, _fields: Fields, event: Event) -> Access:
    verdict = next(verdict for verdict, kind in VERDICTS.items() if kind == event.type)
    return replace(access, verdict=verdict)


def _overdue(access: Access, _fields: Fields, _event: Event) -> Access:
    return replace(access, overdue=True)


_AFTER = {
    RELEASED: _released,
    FAILED: _failed,
    REVIEWED: _reviewed,
    UPHELD: _concluded,
    NOT_UPHELD: _concluded,
    OVERDUE: _overdue,
}


def access_of(event: Event) -> str:
    """The access an event is about. Raises `FieldError`."""
    found = event.data.get("access_id")
    if not isinstance(found, str) or not ACCESS.fullmatch(found):
        raise FieldError("/access_id", FieldFault.FORMAT)
    return found
