"""What is kept of an extract outside the ledger: the announcement, the upload, the parts made of it, how far it is.

The upload identifies patients. All of it is encrypted under a KMS key of its own purpose, and gone within a day or two
whatever happens; the upload goes as soon as there is a result.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, Self

from keyholder.canonical import JsonObject, canonical_json, content_hash
from keyholder.collection.vocabulary import DropRule
from keyholder.extracts.announcement import Announcement
from keyholder.extracts.events import Kept
from keyholder.extracts.making import Counts
from keyholder.ledger.event import rfc3339
from keyholder.registry.fields import SHA256, FieldError, Fields
from keyholder.uploads.form import UploadForm
from keyholder.vocabulary import ContentHash, ExtractId, IdentifierType


class ProgressDamagedError(Exception):
    """What is stored of a job's progress can't be read: a fault, and nothing is handed out."""


@dataclass(frozen=True, slots=True)
class PartNote:
    """One part of a result: its name in the store, rows, bytes and SHA-256."""

    name: str
    rows: int
    size: int
    sha256: ContentHash

    def json(self) -> JsonObject:
        return {"name": self.name, "rows": self.rows, "bytes": self.size, "sha256": self.sha256}

    @classmethod
    def read(cls, fields: Fields) -> Self:
        note = cls(
            fields.text("name"),
            fields.number("rows"),
            fields.number("bytes"),
            ContentHash(fields.text("sha256", SHA256)),
        )
        fields.end()
        return note


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come: `offset` bytes and `rows` rows of the upload, and the parts made of them.

    `at` is when it was last heard of; `handed_over` says that it stopped of its own and another may go on.
    """

    offset: int
    rows: int
    parts: tuple[PartNote, ...]
    counts: Counts
    at: datetime
    handed_over: bool = False

    @property
    def result(self) -> ContentHash:
        """What the ledger names the result by: the hash of its list of parts."""
        return content_hash([part.json() for part in self.parts])

    def taken_on(self, at: datetime) -> Progress:
        """The same, as the beginning of another run."""
        return replace(self, at=at, handed_over=False)

    def to_bytes(self) -> bytes:
        """The stored form."""
        counts = self.counts
        return canonical_json(
            {
                "offset": self.offset,
                "rows": self.rows,
                "parts": [part.json() for part in self.parts],
                "made": counts.rows,
                "with_errors": counts.rows_with_errors,
                "refused": {rule.value: count for rule, count in counts.refused.items()},
                "faults": {kind.value: dict(codes) for kind, codes in counts.faults.items()},
                "pseudonyms": {kind.value: count for kind, count in counts.pseudonyms.items()},
                "at": rfc3339(self.at),
                "handed_over": self.handed_over,
            }
        )

    @classmethod
    def read(cls, stored: bytes) -> Self:
        """What `to_bytes` wrote. Raises `ProgressDamagedError`."""
        try:
            fields = Fields(json.loads(stored))
            faults = fields.inner("faults")
            counts = Counts(
                fields.number("made"),
                fields.number("with_errors"),
                Counter(fields.tally("refused", DropRule)),
                {kind: Counter(faults.counts(kind)) for kind in IdentifierType if faults.has(kind)},
                Counter(fields.tally("pseudonyms", IdentifierType)),
            )
            progress = cls(
                fields.number("offset"),
                fields.number("rows"),
                tuple(map(PartNote.read, fields.inners("parts"))),
                counts,
                fields.moment("at"),
                fields.flag("handed_over"),
            )
            fields.end()
        except (FieldError, ValueError) as fault:
            raise ProgressDamagedError from fault
        return progress


class ExtractFiles(Protocol):
    """Where it is kept. Every method may raise `uploads.form.FilesUnavailableError`."""

    def keep_announcement(self, extract: ExtractId, stored: bytes) -> None: ...

    def announcement(self, extract: ExtractId) -> bytes | None: ...

    def upload_form(self, extract: ExtractId, told: Announcement, now: datetime) -> UploadForm:
        """For exactly this file: its length and its SHA-256 are checked by the store, and a second upload refused."""
        ...

    def uploaded(self, extract: ExtractId) -> bool:
        """Whether there is an upload that was not erased."""
        ...

    def read(self, extract: ExtractId, start: int = 0) -> Iterator[bytes]:
        """The upload in pieces, from byte `start` on."""
        ...

    def keep_part(self, extract: ExtractId, name: str, text: bytes) -> None: ...

    def part_address(self, extract: ExtractId, name: str) -> str:
        """Whoever has it can read that part, for `uploads.form.ADDRESS_FOR`."""
        ...

    def keep_progress(self, extract: ExtractId, run: int, stored: bytes) -> None: ...

    def progress(self, extract: ExtractId, run: int) -> bytes | None: ...

    def erase(self, extract: ExtractId, what: AbstractSet[Kept]) -> None:
        """Nothing of it is kept afterwards, and an address for uploading it is good for nothing. Repeatable."""
        ...


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest progress there is of a job, and the run that left it."""

    run: int
    progress: Progress


def newest_progress(files: ExtractFiles, extract: ExtractId, run: int) -> Newest | None:
    """How far the run of this number, or one before it, has come; None where nothing was made."""
    for number in range(run, 0, -1):
        stored = files.progress(extract, number)
        if stored is not None:
            return Newest(number, Progress.read(stored))
    return None


def parts_of(newest: Newest | None, result: ContentHash) -> Sequence[PartNote] | None:
    """The parts of the result that the ledger names; None where they are not those."""
    return newest.progress.parts if newest is not None and newest.progress.result == result else None
