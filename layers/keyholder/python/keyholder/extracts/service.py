"""What a provider does with an extract through the API: announce it, report the upload, look, collect, discard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Protocol

from keyholder.collection.report import CollectionReport
from keyholder.extracts import decide
from keyholder.extracts.announcement import Announcement, column_refusal
from keyholder.extracts.events import Announced, ExtractEvent, Kept, to_new_event
from keyholder.extracts.files import ExtractFiles, PartNote, newest_progress, parts_of
from keyholder.extracts.state import Extract, ExtractStatus, fold, foreseen, stream_of
from keyholder.extracts.working import Registered, WorkQueue
from keyholder.ledger.log import ClaimedError, EventLog, StaleStreamError
from keyholder.ledger.ports import Clock
from keyholder.pseudonyms.job import may_pseudonymise
from keyholder.refusals import Refusal
from keyholder.registry.attempts import AttemptIds, record_refusal
from keyholder.registry.people import Person
from keyholder.registry.replays import BUSY, KEY_REUSED, TRIES, replay
from keyholder.registry.service import Call
from keyholder.uploads.form import UploadForm
from keyholder.vocabulary import ActorId, ContentHash, DomainId, ExtractId, PersonId, StreamId


class ExtractIds(AttemptIds, Protocol):
    """Where ids and salts come from."""

    def extract(self) -> ExtractId: ...

    def salt(self) -> str:
        """32 hexadecimal digits nobody can guess."""
        ...


@dataclass(frozen=True, slots=True)
class Told:
    """A file as its provider announces it."""

    rows: int
    size: int
    sha256: ContentHash
    columns: tuple[str, ...]
    collection: CollectionReport | None


@dataclass(frozen=True, slots=True)
class Shown:
    """An extract as its provider may see it.

    `upload` is there while the file is awaited, `parts` with their addresses where it was asked to collect them,
    `rows_done` while it is worked on.
    """

    extract: Extract
    upload: UploadForm | None = None
    parts: tuple[tuple[PartNote, str], ...] = field(default=(), repr=False)
    rows_done: int = 0


ANNOUNCE, START, COLLECT, DISCARD = "announce_extract", "start_extract", "collect_extract", "discard_extract"
"""The commands, as refusals of them are named in the ledger."""

Decide = Callable[[Person | None, Extract | None], decide.Outcome]


@dataclass(frozen=True, slots=True)
class ExtractDesk:
    """The provider's side. Methods may raise `LedgerUnavailableError` and `FilesUnavailableError`.

    Every refusal is in the ledger before it is told. A command that is repeated with its Idempotency-Key is carried out
    once, and answered with what has become of the extract since.
    """

    log: EventLog
    registered: Registered
    files: ExtractFiles
    queue: WorkQueue
    ids: ExtractIds
    clock: Clock

    def announce(self, call: Call, domain: DomainId, told: Told) -> Shown | Refusal:
        """A new extract, and where to upload it."""
        subject = StreamId(f"domain/{domain}")
        known = self._repeated(call)
        if known is not None:
            return self._answered(call, ANNOUNCE, subject, known)
        announcement = Announcement(told.rows, told.size, told.sha256, told.columns, self.ids.salt())
        event = Announced(
            domain,
            announcement.hash,
            told.rows,
            told.size,
            announcement.identifiers,
            len(announcement.clear),
            told.collection,
        )
        person, known_domain = self.registered.person(call.actor), self.registered.domain(domain)
        refusal = may_pseudonymise(person, known_domain) or column_refusal(told.columns)
        outcome = refusal or decide.announce(person, known_domain, None, event)
        if isinstance(outcome, Refusal):
            return self._refused(call, ANNOUNCE, subject, outcome)
        extract = self.ids.extract()
        self.files.keep_announcement(extract, announcement.to_bytes())
        try:
            return self._shown(self._record(call, stream_of(extract), None, outcome))
        except ClaimedError:
            return self._answered(call, ANNOUNCE, subject, self._repeated(call) or KEY_REUSED)

    def start(self, call: Call, extract: ExtractId) -> Shown | Refusal:
        """The upload is there: have it worked on."""

        def decided(person: Person | None, known: Extract | None) -> decide.Outcome:
            theirs = known is not None and known.provider == call.actor
            uploaded = theirs and self.files.uploaded(extract)
            return decide.queue(person, known, self.clock.now(), uploaded=uploaded)

        outcome = self._carry_out(call, START, extract, decided)
        if isinstance(outcome, Refusal):
            return outcome
        if outcome.status is ExtractStatus.QUEUED:
            self.queue.ask(extract)
        return self._shown(outcome)

    def show(self, call: Call, extract: ExtractId) -> Shown | Refusal:
        """How it stands."""
        known = fold(self.log.read(stream_of(extract)))
        if known is None or known.provider != call.actor:
            return decide.EXTRACT_UNKNOWN
        return self._shown(known)

    def collect(self, call: Call, extract: ExtractId) -> Shown | Refusal:
        """The addresses of the result, good for some minutes. That they are given is in the ledger first."""
        outcome = self._carry_out(
            call, COLLECT, extract, lambda person, known: decide.collect(person, known, self.clock.now())
        )
        if isinstance(outcome, Refusal):
            return outcome
        made = outcome.made if outcome.status is ExtractStatus.MADE else None
        parts = parts_of(newest_progress(self.files, extract, outcome.run), made.result) if made else None
        if parts is None:
            return self._refused(call, COLLECT, outcome.stream, decide.RESULT_GONE)
        given = tuple((part, self.files.part_address(extract, part.name)) for part in parts)
        return Shown(outcome, parts=given, rows_done=outcome.rows)

    def discard(self, call: Call, extract: ExtractId) -> Shown | Refusal:
        """Nothing is kept of it any more, from the moment this is answered."""
        outcome = self._carry_out(call, DISCARD, extract, decide.discard)
        if isinstance(outcome, Refusal):
            return outcome
        what = outcome.to_erase
        if what:
            self.files.erase(extract, what)
            outcome = self._erased(call, outcome, what)
        return self._shown(outcome)

    def _carry_out(self, call: Call, command: str, extract: ExtractId, decided: Decide) -> Extract | Refusal:
        for _ in range(TRIES):
            known = self._repeated(call)
            if isinstance(known, Extract):
                return known
            state = fold(self.log.read(stream_of(extract)))
            outcome = known or decided(self.registered.person(call.actor), state)
            if isinstance(outcome, Refusal):
                return self._refused(call, command, stream_of(extract), outcome)
            try:
                return self._record(call, stream_of(extract), state, outcome)
            except (StaleStreamError, ClaimedError):
                continue
        return self._refused(call, command, stream_of(extract), BUSY)

    def _record(self, call: Call, stream: StreamId, state: Extract | None, new: Sequence[ExtractEvent]) -> Extract:
        """Raises `StaleStreamError` and `ClaimedError`."""
        at, actor = self.clock.now(), ActorId(call.actor)
        after = foreseen(stream, state, new, actor, at)
        self.log.record(
            stream,
            state.version if state else 0,
            [to_new_event(event, after.domain) for event in new],
            actor=actor,
            trace=call.trace,
            head=after.head,
            idempotency=call.idempotency,
            at=at,
        )
        return after

    def _erased(self, call: Call, state: Extract, what: AbstractSet[Kept]) -> Extract:
        """Noted by Keyholder itself, as whenever it erases; where somebody was quicker, they have noted it."""
        outcome = decide.erase(state, frozenset(what))
        if isinstance(outcome, Refusal):
            return state
        try:
            return self._record(Call(PersonId(decide.WORKER), call.trace), state.stream, state, outcome)
        except StaleStreamError:
            return state

    def _repeated(self, call: Call) -> Extract | Refusal | None:
        """What has become of the extract of an earlier command with this Idempotency-Key."""
        found = replay(self.log, call.idempotency)
        if found is None or isinstance(found, Refusal):
            return found
        return fold(self.log.read(found.stream))

    def _answered(self, call: Call, command: str, subject: StreamId, known: Extract | Refusal) -> Shown | Refusal:
        return self._shown(known) if isinstance(known, Extract) else self._refused(call, command, subject, known)

    def _refused(self, call: Call, command: str, subject: StreamId, refusal: Refusal) -> Refusal:
        record_refusal(
            self.log,
            self.ids,
            actor=ActorId(call.actor),
            command=command,
            subject=subject,
            refusal=refusal,
            trace=call.trace,
        )
        return refusal

    def _shown(self, state: Extract) -> Shown:
        if state.status is ExtractStatus.ANNOUNCED:
            told = Announcement.read(self.files.announcement(state.id), state.announcement)
            return Shown(state, upload=self.files.upload_form(state.id, told, self.clock.now()))
        if state.status is ExtractStatus.RUNNING:
            newest = newest_progress(self.files, state.id, state.run)
            return Shown(state, rows_done=newest.progress.rows if newest else 0)
        return Shown(state, rows_done=state.rows if state.made else 0)
