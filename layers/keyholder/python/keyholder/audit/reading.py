"""What auditors may read. Reading is a step too: it is in the ledger before the answer is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from keyholder.canonical import JsonObject
from keyholder.identifiers.forms import FORMS
from keyholder.identifiers.not_an_identifier import NotAnIdentifierError
from keyholder.ledger.event import Event, NewEvent
from keyholder.ledger.log import ClaimedError, EventLog, IdempotencyKey, Receipt
from keyholder.ledger.note import Checkpoint, Verifier
from keyholder.ledger.ports import Head, StepKey
from keyholder.ledger.verification import Download, Found, batches, scan_subject, verify
from keyholder.pseudonyms.key_ring import KeyUnavailableError, SecretKey
from keyholder.refusals import Refusal, RefusalKind
from keyholder.registry.attempts import UNNAMED
from keyholder.registry.people import Person, PersonKind
from keyholder.registry.replays import KEY_REUSED, replay
from keyholder.release.subject_tags import subject_tag
from keyholder.vocabulary import ActorId, DomainId, IdentifierType, PersonId, RequestId, Role, StreamId

EVENTS_READ = "audit.events_read"
SUBJECT_SEARCHED = "audit.subject_searched"
EXPORT_BEGUN = "audit.export_begun"

FIRST_EPOCH = 2026
"""The first year in which tags were made."""
MOST_DOMAINS = 1_000

NOT_AN_AUDITOR = Refusal(
    "NOT_AN_AUDITOR",
    RefusalKind.FORBIDDEN,
    "Only a registered auditor reads the ledger; an operator registers auditors.",
)
UNKNOWN_EXPORT = Refusal("UNKNOWN_EXPORT", RefusalKind.NOT_FOUND, "Begin an export of your own, then read its objects.")
NOT_AN_NHS_NUMBER = Refusal(
    "NOT_AN_NHS_NUMBER",
    RefusalKind.INVALID,
    "Send a valid NHS number: ten digits with their check digit.",
    "/nhs_number",
)
REFUSALS = (NOT_AN_AUDITOR, UNKNOWN_EXPORT, NOT_AN_NHS_NUMBER)


def audit_head(actor: ActorId) -> Head:
    """Where a reading is listed."""
    return Head(listings=("audits", f"audits/{actor}"))


@dataclass(frozen=True, slots=True)
class Indexed:
    """An event and the receipt that proves where it stands."""

    event: Event
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Reidentified:
    """One time a person was in a release: what came of it, and who had asked."""

    index: int
    request: str
    release: str
    at: datetime
    who: PersonId | None
    outcome: str


@dataclass(frozen=True, slots=True)
class Search:
    """What a search found in the whole verified ledger; finding nothing is proven too."""

    found: tuple[Reidentified, ...]
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Export:
    """A ledger to be downloaded: everything up to this tree."""

    export_id: str
    size: int


@dataclass(frozen=True, slots=True)
class Auditing:
    """One auditor's call. Every method may raise `LedgerUnavailableError`."""

    log: EventLog
    download: Callable[[int], Download]
    verifiers: Sequence[Verifier]
    tag_key: Callable[[int], SecretKey]
    new_id: Callable[[], str]
    person: Person | None
    trace: str
    idempotency: IdempotencyKey | None
    now: datetime

    def events(self, request: RequestId, after: int, limit: int) -> tuple[Indexed, ...] | Refusal:
        """Events of a request with number above `after`, each proven anew."""
        if not self._auditor():
            return NOT_AN_AUDITOR
        stream = StreamId(f"request/{request}")
        known = self.log.proven(stream)
        self._note(EVENTS_READ, {"subject": stream if known else UNNAMED})
        events = [
            Indexed(event, receipt)
            for recorded in known
            for event, receipt in zip(recorded.events, recorded.receipts, strict=True)
        ]
        return tuple(one for one in events if one.event.number > after)[:limit]

    def search(self, text: str, reason: str) -> Search | Refusal:
        """Every release a person was in. Raises `BrokenLedgerError` if the ledger is not whole."""
        if not self._auditor():
            return NOT_AN_AUDITOR
        try:
            number = FORMS[IdentifierType.NHS_NUMBER].parse(text, self.now.date())
        except NotAnIdentifierError:
            return NOT_AN_NHS_NUMBER
        tags = self._tags(number)
        noted = self._note(SUBJECT_SEARCHED, {"reason": reason, "tags": sorted(tags)})
        if isinstance(noted, Refusal):
            return noted
        download = self.download(noted[1].size)
        whole = verify(download, self.verifiers)
        found = [self._reidentified(one, tags) for one in scan_subject(batches(download), tags)]
        return Search(tuple(found), whole.checkpoint)

    def begin_export(self) -> Export | Refusal:
        """The ledger up to and including the event that says that it is being exported."""
        if not self._auditor():
            return NOT_AN_AUDITOR
        noted = self._note(EXPORT_BEGUN, {})
        return noted if isinstance(noted, Refusal) else Export(noted[0], noted[1].size)

    def exported(self, export: str) -> Download | Refusal:
        """The objects of an export that this auditor began."""
        if not self._auditor() or self.person is None:
            return NOT_AN_AUDITOR
        stream = StreamId(f"audit/{export}")
        events = self.log.read(stream)
        if not events or events[0].type != EXPORT_BEGUN or events[0].actor != ActorId(self.person.id):
            return UNKNOWN_EXPORT
        return self.download(self.log.settle(StepKey(stream, 1)).receipts[0].size)

    def _auditor(self) -> bool:
        person = self.person
        human = person is not None and person.kind is PersonKind.HUMAN and not person.disabled
        return human and person is not None and person.has(Role.AUDITOR)

    def _note(self, kind: str, data: JsonObject) -> tuple[str, Receipt] | Refusal:
        """The event of this reading: its id and receipt. A repeated call stands on the event of the first."""
        actor = ActorId(self.person.id if self.person else "")
        try:
            recorded = self.log.record(
                StreamId(f"audit/{self.new_id()}"),
                0,
                [NewEvent(kind, data)],
                actor=actor,
                trace=self.trace,
                head=audit_head(actor),
                idempotency=self.idempotency,
            )
        except ClaimedError:
            found = replay(self.log, self.idempotency)
            if found is None or isinstance(found, Refusal):
                return found or KEY_REUSED
            recorded = found.recorded
        return recorded.step.stream.removeprefix("audit/"), recorded.receipts[0]

    def _tags(self, number: str) -> set[str]:
        """The person's tag for every domain and epoch there was. An epoch whose key is gone can't be searched."""
        domains = [
            DomainId(stream.removeprefix("domain/")) for stream in self.log.listed("domains", None, MOST_DOMAINS)
        ]
        tags: set[str] = set()
        for epoch in range(FIRST_EPOCH, self.now.year + 1):
            try:
                key = self.tag_key(epoch)
            except KeyUnavailableError:
                continue
            with key:
                tags.update(subject_tag(key.material, domain, number) for domain in domains)
        return tags

    def _reidentified(self, found: Found, tags: set[str]) -> Reidentified:
        data = found.event.data
        release = str(data.get("release_id"))
        return Reidentified(
            index=found.index,
            request=found.event.stream.removeprefix("request/"),
            release=release,
            at=found.event.at,
            who=self._asked_by(found.event.stream, release),
            outcome=_outcome(data, tags),
        )

    def _asked_by(self, stream: StreamId, release: str) -> PersonId | None:
        for event in self.log.read(stream):
            if event.type == "request.release_authorised" and event.data.get("release_id") == release:
                return PersonId(event.actor)
        return None


def _outcome(data: JsonObject, tags: set[str]) -> str:
    subjects = data.get("subjects")
    if isinstance(subjects, dict):
        for outcome, held in subjects.items():
            if isinstance(held, list | tuple) and tags.intersection(map(str, held)):
                return str(outcome)
    return "unknown"
