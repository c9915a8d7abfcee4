"""The records of a request that come as a file: what its author declares of it, and what is kept once it was read.

The file itself is uploaded beside the request and erased when it was read. What is kept are its records in parts, each
of one domain, encrypted in the erasable store under the SHA-256 of the part. A part's hash stands in the request's
content, whose own hash approvals name: so nobody can release other records than were approved.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from keyholder.canonical import JsonObject, canonical_json, content_hash
from keyholder.registry.fields import SHA256, FieldError, FieldFault, Fields
from keyholder.registry.projects import DOMAIN
from keyholder.vocabulary import DomainId, IdentifierType, Pseudonym

MOST_PSEUDONYMS = 1_000_000
"""Different pseudonyms in one file, and rows: a pseudonym that stands in several rows is one."""
MOST_BYTES = 1 << 29
MOST_DOMAINS = 20
PART_ROWS = 20_000
"""About 1 MB for each identifier type."""

_SALT = re.compile(r"[0-9a-f]{32}")


class FileFormat(StrEnum):
    """How a file holds its records."""

    CSV = "csv"
    """UTF-8, RFC 4180: the `*_deid` columns of the NHS Data Dictionary; optionally `row_id`; `domain` where there are
    several. Other columns are passed over."""


@dataclass(frozen=True, slots=True)
class FilePart:
    """Records of one domain, `count` of them, stored under their SHA-256."""

    domain: DomainId
    sha256: str
    count: int

    def json(self) -> JsonObject:
        return {"domain": self.domain, "sha256": self.sha256, "count": self.count}

    @classmethod
    def read(cls, fields: Fields) -> FilePart:
        part = cls(
            DomainId(fields.text("domain", DOMAIN)),
            fields.text("sha256", SHA256),
            fields.number("count", 1, PART_ROWS),
        )
        fields.end()
        return part


@dataclass(frozen=True, slots=True)
class RecordFile:
    """A file as it is declared: `size` in bytes, SHA-256 in hex; and its `parts`, none until it was read."""

    format: FileFormat
    size: int
    sha256: str
    domains: tuple[DomainId, ...]
    parts: tuple[FilePart, ...] = ()
    bad_rows: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """The first rows of pseudonyms that can't be opened, by code."""

    @property
    def was_read(self) -> bool:
        return bool(self.parts)

    def record_counts(self) -> Mapping[DomainId, int]:
        """Records of each declared domain; zero each until the file was read."""
        counts = dict.fromkeys(self.domains, 0)
        for part in self.parts:
            counts[part.domain] += part.count
        return counts

    def declared(self) -> JsonObject:
        """What its author says of it, which those who decide see too."""
        return {
            "format": self.format.value,
            "bytes": self.size,
            "sha256": self.sha256,
            "domains": list(self.domains),
        }

    def stored(self) -> JsonObject:
        """What is hashed and stored. `items_sha256` is the hash of the list of parts: of all records in order."""
        parts = [part.json() for part in self.parts]
        return {
            **self.declared(),
            "parts": parts,
            "items_sha256": content_hash(parts) if parts else None,
            "bad_rows": {code: list(rows) for code, rows in self.bad_rows.items()},
        }

    @classmethod
    def parse(cls, fields: Fields) -> RecordFile:
        """What an author declares. Raises `FieldError`."""
        file = cls._declared(fields)
        fields.end()
        return file

    @classmethod
    def read(cls, fields: Fields) -> RecordFile:
        """What `stored` wrote. Raises `FieldError` where it is damaged."""
        declared = cls._declared(fields)
        parts = tuple(map(FilePart.read, fields.inners("parts")))
        items = fields.maybe_text("items_sha256", SHA256)
        bad = fields.inner("bad_rows")
        rows = {code: bad.numbers(code, 1) for code in bad.codes()}
        fields.end()
        file = cls(declared.format, declared.size, declared.sha256, declared.domains, parts, rows)
        if items != (content_hash([part.json() for part in parts]) if parts else None):
            raise FieldError(fields.at("items_sha256"), FieldFault.FORMAT)
        if not {part.domain for part in parts} <= set(file.domains):
            raise FieldError(fields.at("parts"), FieldFault.UNKNOWN)
        return file

    @classmethod
    def _declared(cls, fields: Fields) -> RecordFile:
        return cls(
            fields.choice("format", FileFormat),
            fields.number("bytes", 1, MOST_BYTES),
            fields.text("sha256", SHA256),
            tuple(DomainId(name) for name in fields.texts("domains", DOMAIN, MOST_DOMAINS)),
        )


@dataclass(frozen=True, slots=True)
class FileNote:
    """What the ledger has of a file: its length, and whether it was read."""

    size: int
    read: bool

    def json(self) -> JsonObject:
        return {"bytes": self.size, "read": self.read}

    @classmethod
    def of(cls, fields: Fields) -> FileNote:
        note = cls(fields.number("bytes", 1, MOST_BYTES), fields.flag("read"))
        fields.end()
        return note


@dataclass(frozen=True, slots=True)
class PartRecords:
    """The records of a part, column by column: a row's pseudonym of a type it has none of is empty."""

    salt: str = field(repr=False)
    domain: DomainId
    row_ids: tuple[str, ...] = field(repr=False)
    pseudonyms: Mapping[IdentifierType, Sequence[str]] = field(repr=False)

    def stored(self) -> bytes:
        """What is stored encrypted, and hashed with a salt so that its hash tells nothing."""
        columns = {kind.value: list(column) for kind, column in self.pseudonyms.items()}
        return canonical_json(
            {"salt": self.salt, "domain": self.domain, "row_ids": list(self.row_ids), "pseudonyms": columns}
        )

    def rows(self) -> Iterator[tuple[str, Mapping[IdentifierType, Pseudonym]]]:
        """Each row id with the pseudonyms of its row."""
        kinds = tuple(self.pseudonyms)
        for row_id, cells in zip(self.row_ids, zip(*self.pseudonyms.values(), strict=True), strict=True):
            yield row_id, {kind: Pseudonym(cell) for kind, cell in zip(kinds, cells, strict=True) if cell}

    @classmethod
    def read(cls, stored: bytes | None, part: FilePart) -> PartRecords:
        """The records a part names. Raises `PartLostError` where they are gone, or are others."""
        if stored is None or hashlib.sha256(stored).hexdigest() != part.sha256:
            raise PartLostError
        raw = json.loads(stored)
        columns = {IdentifierType(kind): tuple(cells) for kind, cells in raw["pseudonyms"].items()}
        found = cls(raw["salt"], DomainId(raw["domain"]), tuple(raw["row_ids"]), columns)
        if (found.domain, len(found.row_ids)) != (part.domain, part.count):
            raise PartLostError
        return found


class PartLostError(Exception):
    """A part of a request's records is missing, or is not what its hash names."""
