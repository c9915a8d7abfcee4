"""From a declared file to a draft that can be submitted, over a ledger in memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from keyholder.refusals import Refusal
from keyholder.registry.domains import Domain, KeyState
from keyholder.requests import file_reading
from keyholder.requests.codes import FileStage, State
from keyholder.requests.commands import RecordChunk
from keyholder.requests.content import RequestContent
from keyholder.requests.contents import ContentLostError, stored_records
from keyholder.requests.events.releasing import ItemsReleased
from keyholder.requests.filing import Read, RecordFiles
from keyholder.requests.listings import request_head
from keyholder.requests.service import Done
from keyholder.vocabulary import DomainId, IdentifierType, RequestId
from tests.fakes.ledger import ManualClock, memory_ledger
from tests.unit.requests import world
from tests.unit.requests.world import COLLEAGUE, GP, HOSPITAL, NADIA, RELEASE, ROSA, a_token


@dataclass
class Keyed:
    """Domains with a key each."""

    house: world.House

    def domain(self, name: DomainId) -> Domain | None:
        known = self.house.registry.domain(name)
        return replace(known, keys={IdentifierType.NHS_NUMBER: {1: KeyState.ACTIVE}}) if known else None


@dataclass
class Office:
    """A house that takes files."""

    house: world.House = field(
        default_factory=lambda: world.House(memory_ledger(clock := ManualClock(world.NOW)), clock)
    )
    uploads: world.MemoryUploads = field(default_factory=world.MemoryUploads)

    def __post_init__(self) -> None:
        self.queue = world.Asked()
        self.files = RecordFiles(
            self.house.desk, self.house.contents, Keyed(self.house), self.uploads, self.queue, self.house.clock
        )

    def declared(self, body: bytes, *domains: DomainId, **changes: object) -> RequestId:
        sent = world.a_filed_body(body, *domains)
        sent["file"] = {**sent["file"], **changes}  # type: ignore[dict-item]  # a test names the fields
        done = self.house.desk.create(self.house.call(ROSA), sent)
        assert isinstance(done, Done), done
        return done.state.id

    def uploaded(self, request: RequestId, body: bytes) -> RequestId:
        draft = self.house.desk.load(request).content_hash
        assert draft
        self.uploads.files[request, draft] = body
        return request

    def hand_in(self, request: RequestId) -> Done | Refusal:
        return self.files.hand_in(self.house.call(ROSA), request)

    def read(self, body: bytes, *domains: DomainId, **changes: object) -> RequestId:
        """Declared, uploaded, handed in and read."""
        request = self.uploaded(self.declared(body, *domains, **changes), body)
        assert isinstance(self.hand_in(request), Done)
        assert self.files.read(request, "trace") is Read.DONE
        return request

    def content(self, request: RequestId) -> RequestContent:
        return self.house.desk.content(self.house.desk.load(request))


def test_a_file_is_declared_uploaded_handed_in_and_read_and_then_the_draft_is_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(file_reading, "PART_ROWS", 2)
    office, tokens = Office(), [a_token(number) for number in range(5)]
    lines = "".join(f"{token},{GP if place % 2 else HOSPITAL}\n" for place, token in enumerate(tokens))
    body = f"patient_id_deid,domain\n{lines}".encode()
    request = office.declared(body, GP, HOSPITAL)
    before = office.house.desk.load(request)
    assert before.file
    assert (before.file.stage, before.summary and before.summary.records) == (FileStage.DECLARED, {GP: 0, HOSPITAL: 0})
    shown = office.files.show(world.signed_in(ROSA), request)
    assert not isinstance(shown, Refusal)
    assert shown.upload
    office.uploaded(request, body)
    assert isinstance(office.hand_in(request), Done)
    assert office.queue.requests == [request]
    assert office.files.read(request, "trace") is Read.DONE
    state = office.house.desk.load(request)
    assert state.summary
    assert (state.status, state.summary.records) == (State.DRAFT, {GP: 2, HOSPITAL: 3})
    assert state.content_hash != before.content_hash
    content = office.content(request)
    assert content.file
    assert content.file.sha256 == hashlib.sha256(body).hexdigest()
    found = [
        (selection.domain, [record.row_id for record in selection.records])
        for selection in stored_records(office.house.contents, request, content)
    ]
    assert found == [(GP, ["2", "4"]), (HOSPITAL, ["1", "3"]), (HOSPITAL, ["5"])]
    assert set(office.uploads.files.values()) == {b""}, "the upload is not kept"
    assert isinstance(office.house.desk.submit(office.house.call(ROSA), request), Done)


def test_an_approval_of_a_file_is_bound_to_every_byte_of_it() -> None:
    """Any other file, though it says the same of itself, is another content; so is the same file declared again."""
    office = Office()
    one, other = (f"patient_id_deid\n{a_token(number)}\n".encode() for number in (1, 2))
    hashes = [office.house.desk.load(office.read(body)).content_hash for body in (one, other, one)]
    assert len(set(hashes)) == 3
    content = office.content(office.read(one))
    assert content.file
    (part,) = content.file.parts
    changed = replace(content, file=replace(content.file, parts=(replace(part, sha256="0" * 64),)))
    assert changed.hash() != content.hash()
    assert replace(content, file=replace(content.file, sha256="0" * 64)).hash() != content.hash()


def test_a_refused_file_leaves_the_draft_as_it_was_and_nothing_of_the_file() -> None:
    office = Office()
    body = f"patient_id_deid\n{a_token(1)}\n\n".encode()
    request = office.uploaded(office.declared(body), body)
    pieces = dict(office.house.contents.pieces)
    summary = office.house.desk.load(request).summary
    assert isinstance(office.hand_in(request), Done)
    assert office.files.read(request, "trace") is Read.DONE
    state = office.house.desk.load(request)
    assert state.file
    assert (state.file.stage, state.file.code, state.file.row) == (FileStage.REFUSED, "FILE_CELLS_DIFFER", 2)
    assert (state.status, state.summary) == (State.DRAFT, summary)
    assert office.house.contents.pieces == pieces
    assert set(office.uploads.files.values()) == {b""}
    submitted = office.house.desk.submit(office.house.call(ROSA), request)
    assert isinstance(submitted, Refusal)
    assert submitted.code == "FILE_NOT_READ"
    again = office.hand_in(request)
    assert isinstance(again, Refusal)
    assert again.code == "FILE_NOT_AWAITED"


def test_another_file_than_declared_is_refused_and_can_be_declared_anew() -> None:
    office, body = Office(), world.FILE_ROWS
    request = office.uploaded(office.declared(body, sha256="0" * 64), body)
    assert isinstance(office.hand_in(request), Done)
    office.files.read(request, "trace")
    state = office.house.desk.load(request)
    assert state.file
    assert state.file.code == "FILE_HASH_DIFFERS"
    saved = office.house.desk.save(office.house.call(ROSA), request, world.a_filed_body(body))
    assert isinstance(saved, Done)
    office.uploaded(request, body)
    assert isinstance(office.hand_in(request), Done)
    assert office.files.read(request, "trace") is Read.DONE
    assert isinstance(office.house.desk.submit(office.house.call(ROSA), request), Done)


def test_what_was_not_uploaded_is_not_handed_in_and_nobody_else_sees_the_address() -> None:
    office = Office()
    request = office.declared(world.FILE_ROWS)
    outcome = office.hand_in(request)
    assert isinstance(outcome, Refusal)
    assert outcome.code == "FILE_NOT_UPLOADED"
    assert office.queue.requests == []
    for who in (NADIA, COLLEAGUE):
        shown = office.files.show(world.signed_in(who), request)
        assert isinstance(shown, Refusal)
    inline = office.house.desk.create(office.house.call(ROSA), world.a_body())
    assert isinstance(inline, Done)
    no_file = office.hand_in(inline.state.id)
    assert isinstance(no_file, Refusal)
    assert no_file.code == "NO_FILE_DECLARED"


def test_read_twice_it_is_recorded_once_and_saved_meanwhile_it_is_not() -> None:
    office = Office()
    request = office.read(world.FILE_ROWS)
    version = office.house.desk.load(request).version
    assert office.files.read(request, "again") is Read.NOT_ASKED
    assert office.house.desk.load(request).version == version
    waits = office.uploaded(office.declared(world.FILE_ROWS), world.FILE_ROWS)
    office.hand_in(waits)
    original = office.files.desk.content

    def saved_meanwhile(state: object) -> RequestContent:
        content = original(state)  # type: ignore[arg-type]  # the desk's own method
        saved = office.house.desk.save(office.house.call(ROSA), waits, world.a_filed_body())
        assert isinstance(saved, Done)
        return content

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(office.files.desk, "content", saved_meanwhile)
        assert office.files.read(waits, "trace") is Read.NOT_ASKED
    state = office.house.desk.load(waits)
    assert state.file
    assert state.file.stage is FileStage.DECLARED


def test_a_part_that_is_gone_or_altered_stops_whatever_reads_it() -> None:
    office = Office()
    request = office.read(world.FILE_ROWS)
    content = office.content(request)
    assert content.file
    name = content.file.parts[0].sha256
    office.house.contents.pieces[request, name] += b" "
    with pytest.raises(ContentLostError):
        list(stored_records(office.house.contents, request, content))
    office.house.contents.erase(request, name)
    with pytest.raises(ContentLostError):
        list(stored_records(office.house.contents, request, content))


def test_chunks_of_one_step_follow_each_other_and_are_of_one_release() -> None:
    course = world.approved()
    release = world.release_of(course)
    course.do(release, ROSA)
    one, two, three = (
        ItemsReleased(release.release, number, 3, 1, "2026", {}, {"malformed": 1}) for number in (1, 2, 3)
    )
    for wrong in (
        (one, three),
        (one, two, two),
        (one, replace(two, release="REL-" + "9" * 26)),
        (one, replace(two, chunks=2)),
        (one, two, three, replace(three, chunk=4)),
        (two, three),
    ):
        assert course.refused(RecordChunk.of(*wrong), RELEASE) == "CHUNK_OUT_OF_ORDER"
    after = course.do(RecordChunk.of(one, two), RELEASE).state.release(release.release)
    assert after
    assert after.chunks_written == 2
    course.do(RecordChunk.of(three), RELEASE)


def test_a_release_of_a_file_has_longer_than_one_that_somebody_waits_for() -> None:
    """It is cut short by its time all the same."""
    for course, minutes in ((world.approved(), 2), (world.filed_and_approved(), 19)):
        command = world.release_of(course, 7)
        course.do(command, ROSA)
        course.now += timedelta(minutes=minutes)
        outcome = course.ask(world.chunk_of(command.release), RELEASE)
        assert isinstance(outcome, Refusal) == (minutes == 2)
        course.now += timedelta(minutes=1)
        assert course.refused(world.chunk_of(command.release), RELEASE) == "RELEASE_OVER"


def test_a_file_that_nobody_reads_is_asked_for_again_within_minutes() -> None:
    course = world.handed_in()
    due = request_head(course.state).due_at
    assert due
    assert (due - world.NOW).total_seconds() == 6 * 60
    read = request_head(world.filed().state).due_at
    assert read
    assert read > due
