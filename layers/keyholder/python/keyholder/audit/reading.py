"""What auditors may read: events, one event with its proof, a person's releases, exports, a quarter's report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from keyholder.audit.auditor import (
    EVENT_READ,
    EVENTS_READ,
    EXPORT_BEGUN,
    NOT_AN_AUDITOR,
    REPORT_READ,
    SUBJECT_SEARCHED,
    VOLUMES_READ,
    Auditor,
    Noted,
)
from keyholder.audit.exports import OBJECT_EVENTS, ExportObject, ExportOrder, export_object
from keyholder.audit.facets import EVERYTHING, NOT_A_FILTER, EventFilter
from keyholder.audit.listing import EventPage, Indexed, Journal, Reading, StoppedError
from keyholder.audit.quarters import Quarter, Tally, report
from keyholder.audit.subjects import Reidentified, in_emergency, reidentified
from keyholder.audit.vocabulary import ExportFormat
from keyholder.audit.volumes import TYPES, Month, volume_report
from keyholder.canonical import JsonObject
from keyholder.identifiers.forms import FORMS
from keyholder.identifiers.not_an_identifier import NotAnIdentifierError
from keyholder.ledger.event import Event
from keyholder.ledger.log import EventLog, LedgerBrokenError
from keyholder.ledger.merkle import leaf_hash
from keyholder.ledger.note import Checkpoint, Note, NoteError, Verifier, open_checkpoint
from keyholder.ledger.ports import StepKey
from keyholder.ledger.receipts import Proof, ReceiptError
from keyholder.ledger.tiles import CHECKPOINT, TiledTree, TileError
from keyholder.ledger.verification import EMERGENCY, Download, Found, batches, scan_subject, verify
from keyholder.ledger.views import ViewStore
from keyholder.limits.thresholds import VolumeLimits
from keyholder.pseudonyms.key_ring import KeyUnavailableError, SecretKey
from keyholder.refusals import Refusal, RefusalKind
from keyholder.registry.events import fold_project
from keyholder.release.subject_tags import subject_tag
from keyholder.vocabulary import DomainId, IdentifierType, OrganisationCode, PersonId, StreamId

FIRST_EPOCH = 2026
"""The first year in which tags were made."""
_DOMAINS_AT_ONCE = 1_000
_TAGS_AN_EVENT = 1_000
"""An event has 65,535 bytes at most, and a tag takes 35 of them."""
_AT_ONCE = 1_000
MOST_PROVEN = 500
"""Batches that one call reads and verifies as a whole; a longer ledger is proven offline."""

UNKNOWN_EVENT = Refusal("UNKNOWN_EVENT", RefusalKind.NOT_FOUND, "Name a leaf of the ledger by its index, from 0.")
UNKNOWN_EXPORT = Refusal("UNKNOWN_EXPORT", RefusalKind.NOT_FOUND, "Begin an export of your own, then read its objects.")
UNKNOWN_MONTH = Refusal("UNKNOWN_MONTH", RefusalKind.NOT_FOUND, "Name a calendar month, for example 2026-11.")
UNKNOWN_QUARTER = Refusal("UNKNOWN_QUARTER", RefusalKind.NOT_FOUND, "Name a calendar quarter, for example 2026-Q4.")
NOT_AN_NHS_NUMBER = Refusal(
    "NOT_AN_NHS_NUMBER",
    RefusalKind.INVALID,
    "Send a valid NHS number: ten digits with their check digit.",
    "/nhs_number",
)
PROVE_OFFLINE = Refusal(
    "PROVE_OFFLINE",
    RefusalKind.INVALID,
    "This ledger is too long to be proven in one call: download it, then verify and search it on your own machine.",
    "/proof",
)
LEDGER_IS_WHOLE = Refusal(
    "LEDGER_IS_WHOLE", RefusalKind.INVALID, "The ledger is exported whole; a filter goes with the other formats."
)
REFUSALS = (
    NOT_AN_AUDITOR,
    NOT_A_FILTER,
    UNKNOWN_EVENT,
    UNKNOWN_EXPORT,
    UNKNOWN_MONTH,
    UNKNOWN_QUARTER,
    NOT_AN_NHS_NUMBER,
    PROVE_OFFLINE,
    LEDGER_IS_WHOLE,
)


@dataclass(frozen=True, slots=True)
class Search:
    """What a search found. Each hit is proven; that there is no other is proven only where `whole` says so."""

    found: tuple[Reidentified, ...]
    checkpoint: Checkpoint
    whole: bool
    """Every leaf was read and verified, and not just the index."""
    tags: tuple[str, ...]
    """The person's, for every domain and year: with them anybody can search a download, and prove what is in none."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One event, and the proof that it is in the ledger, made against the newest checkpoint that tiles reach."""

    one: Indexed
    proof: Proof
    size: int


@dataclass(frozen=True, slots=True)
class Export:
    """An export of everything up to this tree."""

    export_id: str
    size: int


@dataclass(frozen=True, slots=True)
class SignedLog:
    """The ledger's journal and notes: what `Ledger` gives, and the pinned keys they are verified with."""

    journal: Journal
    note: Callable[[int], bytes | None]
    """The checkpoint of a size, as stored."""
    verifiers: Sequence[Verifier]
    tiles: ViewStore

    @property
    def origin(self) -> str:
        """A key's name is its log's origin (C2SP tlog-checkpoint)."""
        return self.verifiers[0].name

    def checkpoint(self, size: int) -> Checkpoint:
        """Raises `LedgerBrokenError` where a committed tree has no checkpoint."""
        note = self.note(size)
        if note is None:
            raise LedgerBrokenError("a committed tree has no checkpoint")
        return open_checkpoint(note, self.origin, self.verifiers)

    def proof(self, one: Indexed) -> tuple[Proof, int]:
        """Against the newest published checkpoint, or that of its own batch where the tiles do not reach so far.

        Verified here, so that nothing is handed out that does not prove its leaf. Raises `LedgerBrokenError`.
        """
        try:
            return self._verified(one, self._from_tiles(one))
        except (TileError, ReceiptError, NoteError, IndexError):
            return self._verified(one, self._from_journal(one))

    def _from_tiles(self, one: Indexed) -> Proof:
        note = self.tiles.get(CHECKPOINT)
        if note is None:
            raise TileError("nothing was published yet")
        tree = TiledTree(Checkpoint.parse(Note.parse(note).text).size, self.tiles.get)
        return Proof.from_tiles(tree, one.place.index, note)

    def _from_journal(self, one: Indexed) -> Proof:
        batch = self.journal.batch(one.place.batch)
        note = self.note(batch.end) if batch else None
        if batch is None or note is None:
            raise LedgerBrokenError("a committed batch is gone")
        return Proof(one.place.index, batch.span().inclusion_path(one.place.index), note)

    def _verified(self, one: Indexed, proof: Proof) -> tuple[Proof, int]:
        return proof, proof.verify(one.leaf, self.origin, self.verifiers).checkpoint.size


@dataclass(frozen=True, slots=True)
class Auditing:
    """One auditor's call. Every method may raise `LedgerUnavailableError`, and `StoppedError` where noted."""

    auditor: Auditor
    log: SignedLog
    reading: Reading
    download: Callable[[int], Download]
    tag_key: Callable[[int], SecretKey]

    @property
    def _events(self) -> EventLog:
        return self.log.journal

    def events(self, wanted: EventFilter, begin: int, size: int | None, limit: int) -> EventPage | Refusal:
        """A page of events, from leaf `begin` on, of the tree of `size` leaves: the newest for the first page."""
        refusal = self.auditor.refusal() or wanted.fault()
        if refusal:
            return refusal
        page = self.reading.page(wanted, begin, self.reading.size() if size is None else size, limit)
        noted = self._note_page(wanted, begin, page.size, len(page.items))
        return noted if isinstance(noted, Refusal) else page

    def event(self, index: int) -> Shown | Refusal:
        """One event and its proof."""
        refusal = self.auditor.refusal()
        if refusal:
            return refusal
        one = self.reading.event(index)
        if one is None:
            return UNKNOWN_EVENT
        proof, size = self.log.proof(one)
        noted = self.auditor.note(EVENT_READ, {"index": index, "leaf_hash": leaf_hash(one.leaf).hex(), "size": size})
        return noted if isinstance(noted, Refusal) else Shown(one, proof, size)

    def search(self, text: str, reason: str, *, prove: bool) -> Search | Refusal:
        """Every release a person was in.

        From the index, which is quick; or, with `prove`, from every leaf of the whole verified ledger, so that also
        finding nothing is proven. Raises `BrokenLedgerError` if it is not whole, `StoppedError`.
        """
        refusal = self.auditor.refusal()
        if refusal:
            return refusal
        try:
            number = FORMS[IdentifierType.NHS_NUMBER].parse(text, self.auditor.now.date())
        except NotAnIdentifierError:
            return NOT_AN_NHS_NUMBER
        if prove and self.log.journal.newest() > MOST_PROVEN:
            return PROVE_OFFLINE
        tags, size = self._tags(number), self.reading.size()
        checkpoint = self.log.checkpoint(size)
        hits = self._scanned(tags, size) if prove else self.reading.tagged(tags, size)
        found = tuple(one for hit in hits for one in self._reidentified(hit, tags))
        told: JsonObject = {"reason": reason, "found": len(found), "size": size, "proven": prove}
        sought = sorted(tags)
        parts = [sought[place : place + _TAGS_AN_EVENT] for place in range(0, len(sought) or 1, _TAGS_AN_EVENT)]
        noted = self.auditor.note(SUBJECT_SEARCHED, *({**told, "tags": part} for part in parts))
        return noted if isinstance(noted, Refusal) else Search(found, checkpoint, prove, tuple(sought))

    def begin_export(self, order: ExportOrder) -> Export | Refusal:
        """Everything up to and including the event that says that it is being exported."""
        refusal = self.auditor.refusal() or order.wanted.fault()
        if refusal is None and order.format is ExportFormat.LEDGER and order.wanted != EVERYTHING:
            refusal = LEDGER_IS_WHOLE
        if refusal:
            return refusal
        noted = self.auditor.note(EXPORT_BEGUN, order.json())
        return noted if isinstance(noted, Refusal) else Export(noted.id, noted.receipt.size)

    def exported_ledger(self, export: str, begin: int) -> Download | Refusal:
        """The objects of a ledger's export that this auditor began; it goes on with object `begin`."""
        size = self._begun(export, ExportOrder())
        if isinstance(size, Refusal):
            return size
        noted = self._note_page(EVERYTHING, begin, size, size, export)
        return noted if isinstance(noted, Refusal) else self.download(size)

    def exported_events(self, export: str, order: ExportOrder, begin: int) -> ExportObject | Refusal:
        """The next object of an export of events that this auditor began with this very order."""
        size = self._begun(export, order)
        if isinstance(size, Refusal):
            return size
        page = self.reading.page(order.wanted, begin, size, OBJECT_EVENTS)
        made = export_object(order, page, begin, self.reading.histories, self.log.origin)
        noted = self._note_page(order.wanted, begin, size, made.events, export)
        return noted if isinstance(noted, Refusal) else made

    def report(self, text: str) -> JsonObject | Refusal:
        """The report of a quarter, from the index and what is newer. Raises `StoppedError`."""
        refusal = self.auditor.refusal()
        if refusal:
            return refusal
        quarter = Quarter.parse(text)
        if quarter is None:
            return UNKNOWN_QUARTER
        size = self.reading.size()
        tally = Tally.of(self.reading.terms(quarter.prefix, size))
        noted = self.auditor.note(REPORT_READ, {"quarter": str(quarter), "size": size})
        return noted if isinstance(noted, Refusal) else report(quarter, tally, size, self.auditor.now)

    def volume_report(self, text: str, limits: VolumeLimits) -> JsonObject | Refusal:
        """What went above volume limits in a month (`2026-11`). Raises `StoppedError`."""
        refusal = self.auditor.refusal()
        if refusal:
            return refusal
        month = Month.parse(text)
        if month is None:
            return UNKNOWN_MONTH
        size = self.reading.size()
        found = [one for kind in TYPES for one in self._all_of(month, kind, size)]
        made = volume_report(
            month,
            sorted(found, key=lambda one: one.place.index),
            self.reading.histories,
            limits,
            size=size,
            now=self.auditor.now,
        )
        noted = self.auditor.note(VOLUMES_READ, {"month": str(month), "size": size, "count": len(found)})
        return noted if isinstance(noted, Refusal) else made

    def _all_of(self, month: Month, kind: str, size: int) -> Iterator[Indexed]:
        """Every event of a type in a month. Raises `StoppedError` where that is more than one answer reads."""
        wanted = EventFilter(type=kind, since=month.begins, until=month.ends)
        begin: int | None = 0
        while begin is not None:
            page = self.reading.page(wanted, begin, size, _AT_ONCE)
            yield from page.items
            if page.begin is not None and len(page.items) < _AT_ONCE:
                raise StoppedError(page.begin)
            begin = page.begin

    def _note_page(
        self, wanted: EventFilter, begin: int, size: int, count: int, export: str | None = None
    ) -> Noted | Refusal:
        """What was looked for by its hash, and how much was shown."""
        data: JsonObject = {
            "filter": wanted.sha256(),
            "begin": begin,
            "size": size,
            "count": count,
            **({"export": export} if export else {}),
        }
        return self.auditor.note(EVENTS_READ, data)

    def _begun(self, export: str, order: ExportOrder) -> int | Refusal:
        """How large the ledger was when this auditor began this export."""
        refusal = self.auditor.refusal()
        if refusal:
            return refusal
        stream = StreamId(f"audit/{export}")
        events = self._events.read(stream)
        if not events or events[0].type != EXPORT_BEGUN or events[0].actor != self.auditor.id:
            return UNKNOWN_EXPORT
        if events[0].data != order.json():
            return UNKNOWN_EXPORT
        return self._events.settle(StepKey(stream, 1)).receipts[0].size

    def _scanned(self, tags: Mapping[str, DomainId], size: int) -> list[Indexed]:
        """Raises `BrokenLedgerError` unless the whole ledger is as it must be."""
        download = self.download(size)
        verify(download, self.log.verifiers)
        return [self._indexed(found) for found in scan_subject(batches(download), tags)]

    def _indexed(self, found: Found) -> Indexed:
        one = self.reading.event(found.index)
        if one is None:
            raise LedgerBrokenError("a verified event is gone")
        return one

    def _tags(self, number: str) -> dict[str, DomainId]:
        """The person's tag for every domain and epoch there was. An epoch whose key is gone can't be searched."""
        domains = list(self._domains())
        tags: dict[str, DomainId] = {}
        for epoch in range(FIRST_EPOCH, self.auditor.now.year + 1):
            try:
                key = self.tag_key(epoch)
            except KeyUnavailableError:
                continue
            with key:
                tags.update((subject_tag(key.material, domain, number), domain) for domain in domains)
        return tags

    def _domains(self) -> Iterator[DomainId]:
        """Every domain there is."""
        after: StreamId | None = None
        while streams := self._events.listed("domains", after, _DOMAINS_AT_ONCE):
            yield from (DomainId(stream.removeprefix("domain/")) for stream in streams)
            after = streams[-1]

    def _reidentified(self, hit: Indexed, tags: Mapping[str, DomainId]) -> list[Reidentified]:
        if hit.event.type == EMERGENCY:
            return in_emergency(hit, tags, self._events.read(hit.event.stream))
        state = self.reading.histories.state(hit.event)
        if state is None:
            return []
        project = (
            fold_project(self._events.read(StreamId(f"project/{state.summary.project}"))) if state.summary else None
        )
        organisation: OrganisationCode | None = project.organisation if project else None
        who = _asked_by(self._events.read(hit.event.stream), str(hit.event.data.get("release_id")))
        return reidentified(hit, tags, state, organisation, who)


def _asked_by(events: Sequence[Event], release: str) -> PersonId | None:
    for event in events:
        if event.type == "request.release_authorised" and event.data.get("release_id") == release:
            return PersonId(event.actor)
    return None
