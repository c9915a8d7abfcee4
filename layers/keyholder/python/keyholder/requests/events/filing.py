"""What happens to a file of records: handed in, read, refused. Counts, codes and hashes, nothing of a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Self

from keyholder.canonical import JsonObject
from keyholder.registry.fields import CODE, SHA256, Fields
from keyholder.requests.content import Summary
from keyholder.requests.events.summaries import read_domain, read_hash, read_summary, summary_json
from keyholder.requests.given import Given
from keyholder.vocabulary import ContentHash


@dataclass(frozen=True, slots=True)
class FileHandedIn:
    """Its author says that the declared file is uploaded, and it is; it waits to be read."""

    TYPE: ClassVar[str] = "request.file_handed_in"
    content_hash: ContentHash

    def data(self) -> JsonObject:
        return {"content_hash": self.content_hash}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(read_hash(fields))


@dataclass(frozen=True, slots=True)
class FileRead:
    """The file is the one declared, and whole. `summary` is the draft's from now on: it counts the records, and its
    content hash is over the file's SHA-256 and every record. `bad` counts pseudonyms that can't be opened, by code."""

    TYPE: ClassVar[str] = "request.file_read"
    declared: ContentHash
    summary: Summary
    given: tuple[Given, ...]
    bad: Mapping[str, int] = field(default_factory=dict)

    def data(self) -> JsonObject:
        return {
            **summary_json(self.summary),
            "declared": self.declared,
            "given": [_given_json(part) for part in self.given],
            "bad": dict(self.bad.items()),
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            ContentHash(fields.text("declared", SHA256)),
            read_summary(fields),
            tuple(map(_read_given, fields.inners("given"))),
            fields.counts("bad"),
        )


@dataclass(frozen=True, slots=True)
class FileRefused:
    """The file is another than declared, or can't be asked for: `code` says why, `row`, counted from 1, where.

    The draft is kept as it is, and nothing of the file.
    """

    TYPE: ClassVar[str] = "request.file_refused"
    content_hash: ContentHash
    code: str
    row: int | None = None

    def data(self) -> JsonObject:
        return {"content_hash": self.content_hash, "code": self.code, "row": self.row}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(read_hash(fields), fields.text("code", CODE), fields.maybe_number("row", 1))


def _given_json(part: Given) -> JsonObject:
    return {
        "domain": part.domain,
        "records": part.records,
        "pseudonyms": part.pseudonyms,
        "distinct": part.distinct,
    }


def _read_given(fields: Fields) -> Given:
    part = Given(
        read_domain(fields),
        fields.number("records", 1),
        fields.number("pseudonyms", 1),
        fields.number("distinct", 1),
    )
    fields.end()
    return part
