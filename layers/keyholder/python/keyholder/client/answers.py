"""What Keyholder answers, read strictly into values whose `repr` never shows a pseudonym or an identifier.

Every assumption about the shape of an answer is in this module.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from keyholder.canonical import JsonObject, JsonValue
from keyholder.client.transport import Reply


class AnswerError(Exception):
    """Keyholder answered in a shape this client does not know: the two are of different versions."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads named fields of a JSON object. Every method raises `AnswerError` naming the field, never its value."""

    raw: JsonObject = field(repr=False)

    @classmethod
    def of(cls, reply: Reply) -> Reader:
        try:
            return cls.wrap(json.loads(reply.body), "the answer")
        except ValueError as fault:
            raise AnswerError("the answer is not JSON") from fault

    @classmethod
    def wrap(cls, value: JsonValue, name: str) -> Reader:
        if not isinstance(value, Mapping):
            raise AnswerError(f"{name} is not an object")
        return cls(value)

    def text(self, name: str) -> str:
        value = self.raw.get(name)
        if not isinstance(value, str):
            raise AnswerError(f"{name} is not text")
        return value

    def text_or_none(self, name: str) -> str | None:
        return None if self.raw.get(name) is None else self.text(name)

    def number(self, name: str) -> int:
        value = self.raw.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise AnswerError(f"{name} is not a whole number")
        return value

    def flag(self, name: str) -> bool:
        value = self.raw.get(name)
        if not isinstance(value, bool):
            raise AnswerError(f"{name} is not true or false")
        return value

    def object(self, name: str) -> JsonObject:
        return Reader.wrap(self.raw.get(name, {}), name).raw

    def objects(self, name: str) -> Iterator[Reader]:
        for value in self.sequence(name):
            yield Reader.wrap(value, f"an item of {name}")

    def sequence(self, name: str) -> Sequence[JsonValue]:
        value = self.raw.get(name, ())
        if not isinstance(value, list | tuple):
            raise AnswerError(f"{name} is not a list")
        return value

    def cursor(self, name: str) -> str | None:
        """A cursor is handed back as it came, whatever it is made of."""
        value = self.raw.get(name)
        if value is None or (isinstance(value, str | int) and not isinstance(value, bool)):
            return None if value is None else str(value)
        raise AnswerError(f"{name} is not a cursor")

    def texts(self, name: str) -> Mapping[str, str]:
        """An object whose values are all text."""
        found = {key: value for key, value in self.object(name).items() if isinstance(value, str)}
        if len(found) != len(self.object(name)):
            raise AnswerError(f"a value of {name} is not text")
        return found

    def numbers(self, name: str) -> Mapping[str, int]:
        """An object of counts; what is not a whole number is left out."""
        counts = self.object(name)
        return {key: value for key, value in counts.items() if isinstance(value, int) and not isinstance(value, bool)}


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that an event is at `index` of the ledger, as text (`c2sp.org/tlog-proof@v1`).

    `leaf` is the event itself where it is the caller's own act; else only its hash is known.
    """

    index: int
    number: int
    type: str
    leaf_hash: str
    leaf: str | None = field(repr=False)
    text: str = field(repr=False)

    @classmethod
    def read(cls, body: Reader) -> Receipt:
        return cls(
            body.number("index"),
            body.number("number"),
            body.text("type"),
            body.text("leaf_hash"),
            body.text_or_none("leaf"),
            body.text("receipt"),
        )

    @classmethod
    def all_of(cls, body: Reader) -> tuple[Receipt, ...]:
        """Those of an answer, none where it has none."""
        return tuple(map(cls.read, body.objects("receipts")))

    @classmethod
    def in_header(cls, value: str) -> tuple[Receipt, ...]:
        """Those of an answer whose body is a file."""
        try:
            return cls.all_of(Reader({"receipts": json.loads(base64.b64decode(value, validate=True) or b"[]")}))
        except ValueError as fault:
            raise AnswerError("the header with the receipts is not JSON in base64") from fault


def without_receipts(raw: JsonObject) -> JsonObject:
    """What is shown: receipts are kept in files, not read."""
    return {name: value for name, value in raw.items() if name != "receipts"}


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request as the caller may see it. `etag` is the version to name in the next command."""

    id: str
    state: str
    version: int
    revision: int | None
    content_hash: str | None
    etag: str
    allowed: tuple[str, ...]
    """The commands this caller may send now."""
    document: JsonObject = field(repr=False)
    receipts: tuple[Receipt, ...] = field(default=(), repr=False)
    """Of what a command wrote; none where nothing was commanded."""

    @property
    def repeated(self) -> int:
        """Of a draft that was written: pseudonyms sent beyond the first of their kind."""
        if "given" not in self.document:
            return 0
        return sum(part.number("repeated") for part in Reader(self.document).objects("given"))

    @classmethod
    def parse(cls, reply: Reply) -> RequestView:
        body = Reader.of(reply)
        if isinstance(body.raw.get("request"), Mapping):
            body = Reader(body.object("request"))
        return cls.read(body, reply.headers.get("etag"))

    @classmethod
    def read(cls, body: Reader, etag: str | None = None) -> RequestView:
        version = body.number("version")
        revision = body.raw.get("revision")
        return cls(
            id=body.text("id"),
            state=body.text("state"),
            version=version,
            revision=revision if isinstance(revision, int) else None,
            content_hash=body.text_or_none("content_hash"),
            etag=etag or f'W/"{version}"',
            allowed=_allowed(body.raw.get("allowed_commands")),
            document=without_receipts(body.raw),
            receipts=Receipt.all_of(body),
        )


def _allowed(value: JsonValue) -> tuple[str, ...]:
    """The names of allowed commands, given as a list of names, a list of objects, or an object by name."""
    if isinstance(value, Mapping):
        items: list[tuple[str, JsonValue]] = list(value.items())
    elif isinstance(value, list | tuple):
        items = [
            (str(item.get("command", item.get("name", ""))), item) if isinstance(item, Mapping) else (str(item), True)
            for item in value
        ]
    else:
        return ()
    # A command that is decided domain by domain stands there once for each.
    allowed = (name for name, item in items if (item.get("allowed") if isinstance(item, Mapping) else item) is True)
    return tuple(dict.fromkeys(allowed))


@dataclass(frozen=True, slots=True)
class ReleasedItem:
    """One row of a release: its status, and identifiers only where the status says so."""

    row_id: str
    status: str
    identifiers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class FileReceipt:
    """A result file that waits to be collected: its size and the SHA-256 of the encrypted bytes, in hexadecimal."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ReleaseResult:
    """What a release answered: the items themselves, that a file waits, or that it is `running`."""

    release_id: str
    counts: Mapping[str, str]
    items: tuple[ReleasedItem, ...] = field(repr=False)
    file: FileReceipt | None
    document: JsonObject = field(repr=False)
    receipts: tuple[Receipt, ...] = field(repr=False)
    running: bool | None = None
    """None where the records came in the request itself, and so the answer is the release."""

    @classmethod
    def parse(cls, reply: Reply) -> ReleaseResult:
        body = Reader.of(reply)
        file = None
        if isinstance(body.raw.get("file"), Mapping):
            told = Reader(body.object("file"))
            file = FileReceipt(told.number("bytes"), told.text("sha256"))
        items = tuple(
            ReleasedItem(item.text("row_id"), item.text("status"), item.texts("identifiers"))
            for item in body.objects("items")
        )
        document, receipts = without_receipts(body.raw), Receipt.all_of(body)
        running = body.raw.get("running")
        return cls(
            body.text("release_id"),
            body.texts("counts"),
            items,
            file,
            document,
            receipts,
            running if isinstance(running, bool) else None,
        )


@dataclass(frozen=True, slots=True)
class ResultAddress:
    """Where a collected file can be read, and what it has to be. Whoever has it can use it, so it hides itself."""

    url: str = field(repr=False)
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Collected:
    """The collected file, encrypted with age to the recipient's key: itself, or where it is."""

    content: bytes = field(repr=False)
    receipts: tuple[Receipt, ...] = field(default=(), repr=False)
    address: ResultAddress | None = None

    @classmethod
    def parse(cls, reply: Reply) -> Collected:
        receipts = Receipt.in_header(reply.headers.get("keyholder-receipts", ""))
        if not reply.headers.get("content-type", "").startswith("application/json"):
            return cls(reply.body, receipts)
        told = Reader.of(reply)
        return cls(b"", receipts, ResultAddress(told.text("url"), told.number("bytes"), told.text("sha256")))


@dataclass(frozen=True, slots=True)
class PseudonymisedRow:
    """One row's pseudonyms by identifier type, and the code of what was wrong with the others.

    `reason` is the code of why the whole row was refused.
    """

    row_id: str
    status: str
    pseudonyms: Mapping[str, str] = field(repr=False)
    errors: Mapping[str, str]
    reason: str | None = None

    @classmethod
    def parse(cls, reply: Reply) -> tuple[PseudonymisedRow, ...]:
        return tuple(
            cls(
                row.text("row_id"),
                row.text("status"),
                row.texts("pseudonyms"),
                row.texts("errors"),
                row.text_or_none("reason"),
            )
            for row in Reader.of(reply).objects("rows")
        )


@dataclass(frozen=True, slots=True)
class ReplacedRow:
    """What became of each of a row's pseudonyms, by identifier type, and the new ones where there are any."""

    row_id: str
    statuses: Mapping[str, str]
    pseudonyms: Mapping[str, str] = field(repr=False)

    @classmethod
    def parse(cls, reply: Reply) -> tuple[ReplacedRow, ...]:
        return tuple(
            cls(row.text("row_id"), row.texts("statuses"), row.texts("pseudonyms"))
            for row in Reader.of(reply).objects("rows")
        )


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, and the cursor of the next one."""

    items: tuple[JsonObject, ...] = field(repr=False)
    next: str | None = field(repr=False)

    @classmethod
    def parse(cls, reply: Reply) -> Page:
        body = Reader.of(reply)
        return cls(tuple(item.raw for item in body.objects("items")), body.cursor("next"))


@dataclass(frozen=True, slots=True)
class Found:
    """One time a person's identifiers left: which leaf of the ledger says so."""

    index: int
    request: str
    at: str
    actor: str | None
    document: JsonObject = field(repr=False)


@dataclass(frozen=True, slots=True)
class SubjectSearch:
    """Who re-identified a person, and how much of the ledger was searched to say so."""

    found: tuple[Found, ...]
    size: int
    root: str
    proven: bool
    """Every event was read and verified: there is no other release."""
    tags: tuple[str, ...]
    """What stands for the person in releases, for each domain and year."""
    document: JsonObject = field(repr=False)

    @classmethod
    def parse(cls, reply: Reply) -> SubjectSearch:
        body = Reader.of(reply)
        searched = Reader(body.object("searched"))
        found = tuple(
            Found(hit.number("index"), hit.text("request"), hit.text("at"), hit.text_or_none("actor"), hit.raw)
            for hit in body.objects("found")
        )
        tags = tuple(map(str, body.sequence("tags")))
        return cls(found, searched.number("size"), searched.text("root"), body.flag("proven"), tags, body.raw)


@dataclass(frozen=True, slots=True)
class Export:
    """An export ready to be read: the ledger's size in events, and the verifier key of its checkpoints.

    `first` is the cursor of the first object of an export of events.
    """

    export_id: str
    size: int
    vkey: str
    first: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, reply: Reply) -> Export:
        body = Reader.of(reply)
        return cls(body.text("export_id"), body.number("size"), body.text("vkey"), body.text_or_none("first"))


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """One version of a ledger object, as storage lists it: a second one is an alarm."""

    version_id: str
    is_delete_marker: bool
    last_modified: str
    size: int


@dataclass(frozen=True, slots=True)
class JournalObject:
    """One object of the ledger: `journal/…` or `checkpoint/…`."""

    key: str
    body: bytes = field(repr=False)
    versions: tuple[ObjectVersion, ...]

    @classmethod
    def parse(cls, reply: Reply) -> tuple[tuple[JournalObject, ...], str | None]:
        answer = Reader.of(reply)
        items = tuple(
            cls(
                item.text("key"),
                item.text("body").encode(),
                tuple(
                    ObjectVersion(
                        version.text("version_id"),
                        version.flag("is_delete_marker"),
                        version.text("last_modified"),
                        version.number("size"),
                    )
                    for version in item.objects("versions")
                ),
            )
            for item in answer.objects("items")
        )
        return items, answer.cursor("next")
