"""A world for extracts in memory: a domain, its provider, a ledger, files that can be made to fail at any call."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from keyholder.collection.report import CollectionReport
from keyholder.extracts.announcement import Announcement
from keyholder.extracts.events import Kept
from keyholder.extracts.service import ExtractDesk, Shown, Told
from keyholder.extracts.state import Extract, fold, stream_of
from keyholder.extracts.working import Worked, Workshop
from keyholder.ledger.event import Event
from keyholder.ledger.ledger import Ledger
from keyholder.ledger.log import IdempotencyKey
from keyholder.pseudonyms.key_ring import SecretKey
from keyholder.refusals import Refusal
from keyholder.registry.domains import CareOrigin, Domain, KeyState, SourceDataset
from keyholder.registry.people import Membership, Person, PersonKind
from keyholder.registry.service import Call
from keyholder.requests.ids import RandomIds
from keyholder.uploads.form import ADDRESS_FOR, FilesUnavailableError, UploadForm
from keyholder.vocabulary import ContentHash, DomainId, ExtractId, IdentifierType, OrganisationCode, PersonId, Role
from tests.fakes.key_ring import KeyRingInMemory
from tests.fakes.ledger import ManualClock, Memory, memory_ledger

NUMBER, POSTCODE, DIED = IdentifierType.NHS_NUMBER, IdentifierType.POSTCODE, IdentifierType.DATE_OF_DEATH
RX1 = OrganisationCode("RX1")
DOMAIN = Domain(
    DomainId("gp-2026"),
    (RX1, OrganisationCode("X26")),
    (NUMBER, POSTCODE, DIED),
    SourceDataset.GP,
    CareOrigin.ENGLAND_PUBLIC,
    keys={kind: {1: KeyState.ACTIVE} for kind in (NUMBER, POSTCODE, DIED)},
)
PROVIDER = Person(PersonId("person/" + "a" * 32), (Membership(Role.PROVIDER, RX1),), PersonKind.MACHINE)
OTHER = replace(PROVIDER, id=PersonId("person/" + "b" * 32))
COLUMNS = ("row_id", "nhs_number", "postcode", "sex")
PLENTY = timedelta(minutes=14)

Rows = Sequence[Sequence[str]]


def sheet(rows: Rows, columns: Sequence[str] = COLUMNS) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    return text.getvalue().encode()


def told(body: bytes, rows: int, columns: Sequence[str] = COLUMNS, collection: CollectionReport | None = None) -> Told:
    return Told(rows, len(body), ContentHash(hashlib.sha256(body).hexdigest()), tuple(columns), collection)


def announcement(body: bytes, rows: int, columns: Sequence[str] = COLUMNS) -> Announcement:
    return Announcement(rows, len(body), ContentHash(hashlib.sha256(body).hexdigest()), tuple(columns), "0" * 32)


class Crash(Exception):  # noqa: N818 - what a test plays
    """The function is gone, in the middle of something."""


@dataclass
class MemoryFiles:
    """`ExtractFiles`. `objects` is what is kept; `spent` the uploads that were erased; `calls` what was asked."""

    clock: ManualClock
    objects: dict[str, bytes] = field(default_factory=dict)
    spent: set[ExtractId] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    before: Callable[[str], None] = lambda _: None

    def _call(self, name: str) -> None:
        self.calls.append(name)
        self.before(name)

    def upload(self, extract: ExtractId, body: bytes) -> bool:
        """As the provider does it: refused where there is one already, or one was erased."""
        if f"uploads/{extract}" in self.objects or extract in self.spent:
            return False
        self.objects[f"uploads/{extract}"] = body
        return True

    def keep_announcement(self, extract: ExtractId, stored: bytes) -> None:
        self._call("keep_announcement")
        self.objects[f"announcements/{extract}"] = stored

    def announcement(self, extract: ExtractId) -> bytes | None:
        return self.objects.get(f"announcements/{extract}")

    def upload_form(self, extract: ExtractId, told: Announcement, now: datetime) -> UploadForm:
        return UploadForm(f"https://store.test/{extract}", {"content-length": str(told.size)}, now + ADDRESS_FOR)

    def uploaded(self, extract: ExtractId) -> bool:
        return f"uploads/{extract}" in self.objects

    def read(self, extract: ExtractId, start: int = 0) -> Iterator[bytes]:
        self._call("read")
        body = self.objects.get(f"uploads/{extract}", b"")[start:]
        return (body[place : place + 16] for place in range(0, len(body), 16))

    def keep_part(self, extract: ExtractId, name: str, text: bytes) -> None:
        self._call("keep_part")
        key = f"parts/{extract}/{name}"
        if self.objects.get(key, text) != text:
            raise FilesUnavailableError("two runs wrote one part")
        self.objects[key] = text

    def part_address(self, extract: ExtractId, name: str) -> str:
        return f"parts/{extract}/{name}"

    def keep_progress(self, extract: ExtractId, run: int, stored: bytes) -> None:
        self._call("keep_progress")
        self.objects[f"progress/{extract}/{run}"] = stored

    def progress(self, extract: ExtractId, run: int) -> bytes | None:
        return self.objects.get(f"progress/{extract}/{run}")

    def erase(self, extract: ExtractId, what: AbstractSet[Kept]) -> None:
        self._call("erase")
        if Kept.UPLOAD in what:
            self.spent.add(extract)
            self._remove(f"uploads/{extract}", f"announcements/{extract}")
        if Kept.RESULT in what:
            self._remove(f"parts/{extract}/", f"progress/{extract}/")

    def _remove(self, *prefixes: str) -> None:
        self.objects = {key: body for key, body in self.objects.items() if not key.startswith(prefixes)}


@dataclass
class Links:
    """`LinkStore`."""

    kept: dict[str, bytes] = field(default_factory=dict)

    def keep_links(self, domain: DomainId, job_id: str, links: bytes) -> None:
        self.kept[f"{domain}/{job_id}"] = links


@dataclass
class Type1:
    """Who has an opt-out."""

    numbers: frozenset[str] = frozenset()

    def active(self, nhs_number: str) -> bool:
        return nhs_number in self.numbers

    def active_among(self, nhs_numbers: Sequence[str]) -> frozenset[str]:
        return self.numbers.intersection(nhs_numbers)


@dataclass
class Registered:
    people: dict[PersonId, Person] = field(default_factory=lambda: {one.id: one for one in (PROVIDER, OTHER)})
    domains: dict[DomainId, Domain] = field(default_factory=lambda: {DOMAIN.id: DOMAIN})

    def person(self, person: PersonId) -> Person | None:
        return self.people.get(person)

    def domain(self, domain: DomainId) -> Domain | None:
        return self.domains.get(domain)


@dataclass
class Queue:
    asked: list[ExtractId] = field(default_factory=list)

    def ask(self, extract: ExtractId) -> None:
        self.asked.append(extract)


@dataclass
class World:
    """All of it. `writer()` is another function on the same ledger."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(datetime(2026, 7, 1, 9, tzinfo=UTC)))
    memory: Memory = field(default_factory=Memory)
    ring: KeyRingInMemory = field(default_factory=KeyRingInMemory)
    links: Links = field(default_factory=Links)
    type_1: Type1 = field(default_factory=Type1)
    registered: Registered = field(default_factory=Registered)
    queue: Queue = field(default_factory=Queue)
    block_rows: int = 3

    def __post_init__(self) -> None:
        self.files = MemoryFiles(self.clock)
        self.log: Ledger = memory_ledger(self.clock, self.memory)

    @property
    def desk(self) -> ExtractDesk:
        return ExtractDesk(self.log, self.registered, self.files, self.queue, RandomIds(self.clock), self.clock)

    @property
    def workshop(self) -> Workshop:
        return Workshop(
            self.log,
            self.registered,
            self.ring,
            lambda: SecretKey(b"d" * 32),
            lambda _key, _now: self.type_1,
            self.links,
            self.files,
            self.queue,
            self.clock,
            block_rows=self.block_rows,
        )

    def call(self, key: str | None = None, actor: PersonId = PROVIDER.id, body: str = "b") -> Call:
        return Call(actor, "trace", IdempotencyKey(key, body) if key else None)

    def announced(self, body: bytes, rows: int, columns: Sequence[str] = COLUMNS) -> ExtractId:
        shown = self.desk.announce(self.call(), DOMAIN.id, told(body, rows, columns))
        assert isinstance(shown, Shown), shown
        return shown.extract.id

    def queued(self, rows: Rows, columns: Sequence[str] = COLUMNS) -> ExtractId:
        """Announced, uploaded, and said to be."""
        body = sheet(rows, columns)
        extract = self.announced(body, len(rows), columns)
        assert self.files.upload(extract, body)
        shown = self.desk.start(self.call(), extract)
        assert isinstance(shown, Shown), shown
        return extract

    def work(self, extract: ExtractId, left: timedelta = PLENTY) -> Worked:
        return self.workshop.work(extract, "trace", lambda: left)

    def state(self, extract: ExtractId) -> Extract:
        found = fold(self.events(extract))
        assert found is not None
        return found

    def events(self, extract: ExtractId) -> tuple[Event, ...]:
        return self.log.read(stream_of(extract))

    def types(self, extract: ExtractId) -> list[str]:
        return [event.type.removeprefix("extract.") for event in self.events(extract)]

    def result(self, extract: ExtractId) -> bytes:
        """What the provider downloads."""
        shown = self.desk.collect(self.call(), extract)
        assert isinstance(shown, Shown), shown
        for part, address in shown.parts:
            assert hashlib.sha256(self.files.objects[address]).hexdigest() == part.sha256
        return b"".join(self.files.objects[address] for _, address in shown.parts)

    def rows(self, extract: ExtractId) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.result(extract).decode(), newline="")))

    def kept(self, extract: ExtractId) -> set[str]:
        """What there is of an extract outside the ledger, by the first part of its key."""
        return {key.split("/")[0] for key in self.files.objects if str(extract) in key}


def refused(outcome: object) -> str:
    assert isinstance(outcome, Refusal), outcome
    return outcome.code
