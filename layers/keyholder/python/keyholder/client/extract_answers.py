"""What Keyholder answers about a large extract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from keyholder.client.answers import Reader
from keyholder.client.transport import Reply


@dataclass(frozen=True, slots=True)
class Measured:
    """A file as it is announced: how many rows and bytes, the SHA-256 of all of it, its columns in order."""

    rows: int
    size: int
    sha256: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UploadAddress:
    """Where to upload the file: a PUT with exactly these headers. Whoever has it can use it, so it hides itself."""

    url: str = field(repr=False)
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PartAddress:
    """Where one part of the result can be downloaded, and what it has to be."""

    url: str = field(repr=False)
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ExtractView:
    """A large extract as it stands. `refused` and `faults` are counts, once there is a result."""

    id: str
    status: str
    rows: int
    rows_done: int
    held: str | None
    code: str | None
    row: int | None
    """The row that is not as it has to be, the header not counted."""
    refused: Mapping[str, int]
    faults: Mapping[str, Mapping[str, int]]
    upload: UploadAddress | None
    parts: tuple[PartAddress, ...] = field(repr=False)

    @classmethod
    def parse(cls, reply: Reply) -> ExtractView:
        body = Reader.of(reply)
        counts = Reader(body.object("counts")) if body.raw.get("counts") is not None else Reader({})
        faults = Reader(counts.object("faults"))
        upload = Reader(body.object("upload")) if body.raw.get("upload") is not None else None
        return cls(
            id=body.text("extract_id"),
            status=body.text("status"),
            rows=body.number("rows"),
            rows_done=body.number("rows_done"),
            held=body.text_or_none("held"),
            code=body.text_or_none("code"),
            row=None if body.raw.get("row") is None else body.number("row"),
            refused=counts.numbers("refused"),
            faults={kind: faults.numbers(kind) for kind in faults.raw},
            upload=None if upload is None else UploadAddress(upload.text("url"), upload.texts("headers")),
            parts=tuple(
                PartAddress(part.text("url"), part.number("rows"), part.number("bytes"), part.text("sha256"))
                for part in body.objects("parts")
            ),
        )
