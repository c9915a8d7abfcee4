"""What happens to an extract, and the form it has in the ledger: codes, counts and hashes, never a cell or a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Self

from keyholder.canonical import JsonObject
from keyholder.collection.report import CollectionReport
from keyholder.collection.vocabulary import DropRule
from keyholder.ledger.event import Event, NewEvent
from keyholder.registry.fields import CODE, SHA256, Fields
from keyholder.registry.projects import DOMAIN
from keyholder.vocabulary import ContentHash, DomainId, IdentifierType


class UnknownEventError(ValueError):
    """An extract's stream holds an event nobody knows: nobody may decide on it."""


class RunReason(StrEnum):
    """Why a run began."""

    FIRST = "first"
    CONTINUED = "continued"
    """The run before had no time left and handed over."""
    TAKEN_OVER = "taken_over"
    """The run before was not heard of any more."""


@dataclass(frozen=True, slots=True)
class Announced:
    """A provider will upload this file. `clear_columns`: how many columns stay as they are."""

    TYPE: ClassVar[str] = "extract.announced"
    domain: DomainId
    announcement: ContentHash
    rows: int
    size: int
    identifier_types: tuple[IdentifierType, ...]
    clear_columns: int
    collection: CollectionReport | None

    def data(self) -> JsonObject:
        return {
            "domain": self.domain,
            "announcement": self.announcement,
            "rows": self.rows,
            "bytes": self.size,
            "identifier_types": [kind.value for kind in self.identifier_types],
            "clear_columns": self.clear_columns,
            "collection": None if self.collection is None else self.collection.json(),
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        collection = fields.maybe_inner("collection")
        return cls(
            DomainId(fields.text("domain", DOMAIN)),
            ContentHash(fields.text("announcement", SHA256)),
            fields.number("rows", 1),
            fields.number("bytes", 1),
            fields.choices("identifier_types", IdentifierType),
            fields.number("clear_columns"),
            None if collection is None else CollectionReport.read(collection),
        )


@dataclass(frozen=True, slots=True)
class Queued:
    """The provider says that the upload is there, and it is; the file waits for its turn."""

    TYPE: ClassVar[str] = "extract.queued"

    def data(self) -> JsonObject:
        return {}

    @classmethod
    def read(cls, _fields: Fields) -> Self:
        return cls()


@dataclass(frozen=True, slots=True)
class Started:
    """A run begins, before any key is used. Every run of a job uses the key versions of the first."""

    TYPE: ClassVar[str] = "extract.started"
    run: int
    reason: RunReason
    key_versions: Mapping[IdentifierType, int]

    def data(self) -> JsonObject:
        versions = {kind.value: version for kind, version in self.key_versions.items()}
        return {"run": self.run, "reason": self.reason.value, "key_versions": versions}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        run, reason = fields.number("run", 1), fields.choice("reason", RunReason)
        return cls(run, reason, fields.tally("key_versions", IdentifierType))


@dataclass(frozen=True, slots=True)
class Held:
    """Nothing can be done for now; `code` says what for. Told once, tried again every minute."""

    TYPE: ClassVar[str] = "extract.held"
    code: str

    def data(self) -> JsonObject:
        return {"code": self.code}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(fields.text("code", CODE))


@dataclass(frozen=True, slots=True)
class Made:
    """The pseudonymised file lies ready, in `parts` objects. The counts are those of `pseudonyms.made`.

    `refused` counts rows by the rule that kept them out, `faults` cells by identifier type and code. `result` is the
    hash of the list of parts, each with its SHA-256.
    """

    TYPE: ClassVar[str] = "extract.made"
    run: int
    rows: int
    rows_with_errors: int
    refused: Mapping[DropRule, int]
    faults: Mapping[IdentifierType, Mapping[str, int]]
    pseudonyms: Mapping[IdentifierType, int]
    parts: int
    size: int
    result: ContentHash

    def data(self) -> JsonObject:
        return {
            "run": self.run,
            "rows": self.rows,
            "rows_with_errors": self.rows_with_errors,
            "refused": {rule.value: count for rule, count in self.refused.items()},
            "faults": {kind.value: dict(codes) for kind, codes in self.faults.items()},
            "pseudonyms": {kind.value: count for kind, count in self.pseudonyms.items()},
            "parts": self.parts,
            "bytes": self.size,
            "result": self.result,
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        faults = fields.inner("faults")
        found = {kind: faults.counts(kind) for kind in IdentifierType if faults.has(kind)}
        faults.end()
        return cls(
            run=fields.number("run", 1),
            rows=fields.number("rows", 1),
            rows_with_errors=fields.number("rows_with_errors"),
            refused=fields.tally("refused", DropRule),
            faults=found,
            pseudonyms=fields.tally("pseudonyms", IdentifierType),
            parts=fields.number("parts", 1),
            size=fields.number("bytes", 1),
            result=ContentHash(fields.text("result", SHA256)),
        )


@dataclass(frozen=True, slots=True)
class FileRefused:
    """The file is not what was announced, or may not be taken; nothing was made. `row`, counted from 1, is where."""

    TYPE: ClassVar[str] = "extract.refused"
    code: str
    row: int | None = None

    def data(self) -> JsonObject:
        return {"code": self.code, "row": self.row}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(fields.text("code", CODE), fields.maybe_number("row", 1))


@dataclass(frozen=True, slots=True)
class Failed:
    """It could not be done by fault of ours, or a key was not to be had in time; nothing is handed out."""

    TYPE: ClassVar[str] = "extract.failed"
    code: str

    def data(self) -> JsonObject:
        return {"code": self.code}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(fields.text("code", CODE))


@dataclass(frozen=True, slots=True)
class Expired:
    """Nobody uploaded in time, or the result was kept for its time."""

    TYPE: ClassVar[str] = "extract.expired"

    def data(self) -> JsonObject:
        return {}

    @classmethod
    def read(cls, _fields: Fields) -> Self:
        return cls()


@dataclass(frozen=True, slots=True)
class Collected:
    """The provider was given the addresses of the result, before they had them."""

    TYPE: ClassVar[str] = "extract.collected"

    def data(self) -> JsonObject:
        return {}

    @classmethod
    def read(cls, _fields: Fields) -> Self:
        return cls()


@dataclass(frozen=True, slots=True)
class Discarded:
    """The provider needs it no longer."""

    TYPE: ClassVar[str] = "extract.discarded"

    def data(self) -> JsonObject:
        return {}

    @classmethod
    def read(cls, _fields: Fields) -> Self:
        return cls()


class Kept(StrEnum):
    """What is kept of an extract outside the ledger."""

    UPLOAD = "upload"
    """Identifies patients."""
    RESULT = "result"


@dataclass(frozen=True, slots=True)
class Erased:
    """This is not kept any more."""

    TYPE: ClassVar[str] = "extract.erased"
    what: tuple[Kept, ...]

    def data(self) -> JsonObject:
        return {"what": [one.value for one in self.what]}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(fields.choices("what", Kept))


ExtractEvent = (
    Announced | Queued | Started | Held | Made | FileRefused | Failed | Expired | Collected | Discarded | Erased
)
EVENTS: Mapping[str, type[ExtractEvent]] = {
    kind.TYPE: kind
    for kind in (
        Announced,
        Queued,
        Started,
        Held,
        Made,
        FileRefused,
        Failed,
        Expired,
        Collected,
        Discarded,
        Erased,
    )
}


def to_new_event(event: ExtractEvent, domain: DomainId) -> NewEvent:
    """Every event names the domain, so that auditors find it by that."""
    return NewEvent(event.TYPE, {"domain": domain, **event.data()})


def from_event(event: Event) -> ExtractEvent:
    """Raises `UnknownEventError` for a type this version doesn't know, `FieldError` for data it can't read."""
    kind = EVENTS.get(event.type)
    if kind is None:
        raise UnknownEventError(event.type)
    fields = Fields(event.data)
    found = kind.read(fields)
    fields.text("domain", DOMAIN)
    fields.end()
    return found
