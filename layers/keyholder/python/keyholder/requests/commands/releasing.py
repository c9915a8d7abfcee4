"""What a release asks for, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from keyholder.requests.commands.names import CommandName
from keyholder.requests.content import Delivery
from keyholder.requests.events.releasing import ItemsReleased
from keyholder.vocabulary import ContentHash


@dataclass(frozen=True, slots=True)
class AuthoriseRelease:
    """Release what is approved, now. `release` is a fresh id of ours."""

    NAME: ClassVar[CommandName] = CommandName.RELEASE
    release: str
    content_hash: ContentHash
    delivery: Delivery


@dataclass(frozen=True, slots=True)
class RecordChunk:
    """A chunk is about to be handed out, and in the same step those that follow it (`release_events.ItemsReleased`)."""

    NAME: ClassVar[CommandName] = CommandName.RECORD_CHUNK
    release: str
    chunk: int
    chunks: int
    count: int
    epoch: str
    subjects: Mapping[str, tuple[str, ...]]
    unresolved: Mapping[str, int]
    following: tuple[ItemsReleased, ...] = ()

    @classmethod
    def of(cls, first: ItemsReleased, *following: ItemsReleased) -> RecordChunk:
        return cls(
            first.release,
            first.chunk,
            first.chunks,
            first.count,
            first.epoch,
            first.subjects,
            first.unresolved,
            following,
        )


@dataclass(frozen=True, slots=True)
class FinishRelease:
    NAME: ClassVar[CommandName] = CommandName.FINISH_RELEASE
    release: str
    counts: Mapping[str, int]
    result_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class FailRelease:
    NAME: ClassVar[CommandName] = CommandName.FAIL_RELEASE
    release: str
    code: str


@dataclass(frozen=True, slots=True)
class Collect:
    NAME: ClassVar[CommandName] = CommandName.COLLECT
    release: str
