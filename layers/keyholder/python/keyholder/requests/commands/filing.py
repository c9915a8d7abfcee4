"""What is asked for of a file of records: by its author that it be read, by Keyholder what came of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from keyholder.requests.commands.names import CommandName
from keyholder.requests.content import Summary
from keyholder.requests.given import Given
from keyholder.vocabulary import ContentHash


@dataclass(frozen=True, slots=True)
class HandInFile:
    """The declared file is uploaded: have it read."""

    NAME: ClassVar[CommandName] = CommandName.HAND_IN_FILE
    content_hash: ContentHash


@dataclass(frozen=True, slots=True)
class RecordFileRead:
    """The file is whole (`events.FileRead`). `content_hash` is the draft's as it was declared."""

    NAME: ClassVar[CommandName] = CommandName.RECORD_FILE_READ
    content_hash: ContentHash
    summary: Summary
    given: tuple[Given, ...]
    bad: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RefuseFile:
    """The file can't be asked for; `code` is one of `file_faults`."""

    NAME: ClassVar[CommandName] = CommandName.REFUSE_FILE
    content_hash: ContentHash
    code: str
    row: int | None = None
