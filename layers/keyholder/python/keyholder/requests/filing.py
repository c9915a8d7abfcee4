"""Records that come as a file: where it is uploaded, that it is handed in, and the work of reading it off a queue."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Protocol

from keyholder.ledger.ports import Clock
from keyholder.refusals import Refusal
from keyholder.registry.domains import Domain
from keyholder.requests import commands as ask
from keyholder.requests import reasons
from keyholder.requests.actors import PersonActor, System, SystemActor
from keyholder.requests.case import Case
from keyholder.requests.codes import FileStage, State
from keyholder.requests.content import RequestContent
from keyholder.requests.contents import ContentStore
from keyholder.requests.file_reading import FileRefusedError, Surveyed, in_order, named, parts, survey
from keyholder.requests.record_file import FilePart, RecordFile
from keyholder.requests.service import Call, Done, RequestDesk
from keyholder.requests.state import FileProgress, RequestState
from keyholder.uploads.form import UploadForm
from keyholder.vocabulary import ContentHash, DomainId, RequestId

_WRITTEN = frozenset({State.DRAFT, State.RETURNED})


class RecordUploads(Protocol):
    """Where files are uploaded, each under its request and the hash of the draft that declares it.

    Every method may raise `FilesUnavailableError`.
    """

    def form(self, request: RequestId, draft: ContentHash, file: RecordFile, now: datetime) -> UploadForm:
        """For exactly this file: its length and its SHA-256 are checked by the store, and a second upload refused."""
        ...

    def there(self, request: RequestId, draft: ContentHash) -> bool: ...

    def read(self, request: RequestId, draft: ContentHash) -> Iterator[bytes]:
        """In pieces, from the beginning."""
        ...

    def erase(self, request: RequestId, draft: ContentHash) -> None:
        """Nothing of it is kept, and its address is good for nothing. Repeatable."""
        ...


class ReadingQueue(Protocol):
    """Asks for a file to be read; asking twice does no harm."""

    def ask(self, request: RequestId) -> None: ...


class Domains(Protocol):
    """Where domains are looked up."""

    def domain(self, domain: DomainId) -> Domain | None: ...


class Read(Enum):
    """What became of one asking."""

    DONE = "done"
    """It was read, or refused."""
    NOT_ASKED = "not asked"
    """No file waits to be read, or another call has read it."""


@dataclass(frozen=True, slots=True)
class FileShown:
    """A draft's file as its author may see it; `upload` while it is awaited."""

    file: RecordFile
    progress: FileProgress
    bad_rows: Mapping[str, tuple[int, ...]]
    upload: UploadForm | None = None


@dataclass(frozen=True, slots=True)
class RecordFiles:
    """Methods may raise `LedgerUnavailableError`, `FilesUnavailableError` and `ContentLostError`."""

    desk: RequestDesk
    contents: ContentStore
    domains: Domains
    uploads: RecordUploads
    queue: ReadingQueue
    clock: Clock

    def show(self, actor: PersonActor, request: RequestId) -> FileShown | Refusal:
        """How the file of a draft stands, and while it is awaited where to upload it: for its requester alone."""
        state = self.desk.load(request)
        if state.requester != actor.person.id or actor.person.disabled:
            return reasons.UNKNOWN_REQUEST
        content = self.desk.content(state) if state.file is not None else None
        if state.file is None or content is None or content.file is None or state.content_hash is None:
            return reasons.NO_FILE_DECLARED
        shown = FileShown(content.file, state.file, content.file.bad_rows)
        if state.file.stage is not FileStage.DECLARED or state.status not in _WRITTEN:
            return shown
        return replace(shown, upload=self.uploads.form(request, state.content_hash, content.file, self.clock.now()))

    def hand_in(self, call: Call, request: RequestId) -> Done | Refusal:
        """The file is uploaded: have it read."""

        def uploaded(case: Case) -> ask.HandInFile | Refusal:
            draft = case.state.content_hash
            if draft is None or case.state.file is None:
                return reasons.NO_FILE_DECLARED
            awaited = case.state.file.stage is FileStage.DECLARED
            if awaited and not self.uploads.there(request, draft):
                return reasons.FILE_NOT_UPLOADED
            return ask.HandInFile(draft)

        done = self.desk.carry_out(call, request, ask.HandInFile(ContentHash("")), complete=uploaded)
        if isinstance(done, Done) and done.state.file is not None and done.state.file.stage is FileStage.HANDED_IN:
            self.queue.ask(request)
        return done

    def read(self, request: RequestId, trace: str) -> Read:
        """Read the file that was handed in: the draft is then whole, or says why not. The upload goes either way."""
        state = self.desk.load(request)
        if state.file is None or state.file.stage is not FileStage.HANDED_IN or state.content_hash is None:
            return Read.NOT_ASKED
        draft = state.content_hash
        outcome = self._outcome(state, draft)
        done = self.desk.carry_out(Call(SystemActor(System.READER), trace), request, outcome)
        if isinstance(done, Refusal):
            return Read.NOT_ASKED
        self.uploads.erase(request, draft)
        return Read.DONE

    def _outcome(self, state: RequestState, draft: ContentHash) -> ask.RecordFileRead | ask.RefuseFile:
        content = self.desk.content(state)
        try:
            surveyed = survey(self.uploads.read(state.id, draft), content, self._known(content))
        except FileRefusedError as fault:
            return ask.RefuseFile(draft, fault.refusal.code, fault.row)
        return self._kept(state.id, draft, content, surveyed)

    def _kept(
        self, request: RequestId, draft: ContentHash, content: RequestContent, surveyed: Surveyed
    ) -> ask.RecordFileRead:
        """Its records are stored, and then the content that names them."""
        found: list[FilePart] = []

        def pieces() -> Iterator[tuple[str, bytes]]:
            for part in parts(self.uploads.read(request, draft), content):
                stored = part.stored()
                found.append(named(part, stored))
                yield found[-1].sha256, stored

        self.contents.keep(request, pieces())
        if content.file is None:
            raise TypeError("this content has no file")
        file = replace(content.file, parts=in_order(content.file, found), bad_rows=surveyed.bad_rows)
        whole = replace(content, file=file)
        self.contents.keep(request, {hashlib.sha256(whole.canonical()).hexdigest(): whole.canonical()})
        return ask.RecordFileRead(draft, whole.summary(), surveyed.given, surveyed.bad)

    def _known(self, content: RequestContent) -> Mapping[DomainId, Domain]:
        found = {domain: self.domains.domain(domain) for domain in content.record_counts()}
        return {domain: known for domain, known in found.items() if known is not None}
