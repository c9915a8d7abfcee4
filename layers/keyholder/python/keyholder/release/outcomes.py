"""What comes of checks and releases, and where encrypted results wait."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol

from keyholder.ledger.log import Recorded
from keyholder.release.items import Item
from keyholder.requests.service import Done
from keyholder.requests.state import RequestState


class Checked(Enum):
    """What became of the checks that were asked for."""

    DONE = "done"
    NOT_ASKED = "not asked"
    """The request does not wait for them, or not any more."""
    HELD = "held"
    """They wait for a controller's own key; the sweeper asks again."""


class NotProvenError(Exception):
    """Something was about to leave without the ledger's proof for it. Never expected; nothing leaves."""


class ResultStore(Protocol):
    """Where encrypted files wait to be collected."""

    def keep(self, release_id: str, sealed: bytes) -> None: ...

    def read(self, release_id: str) -> bytes | None: ...

    def size(self, release_id: str) -> int | None:
        """In bytes; None once it is gone."""
        ...

    def address(self, release_id: str) -> str:
        """Whoever has it can read that file, for `uploads.form.ADDRESS_FOR`."""
        ...

    def remove(self, release_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Released:
    """What the requester gets: items where the delivery is inline, the file's size and hash where it is a file.

    `recorded` are the steps of the release, from permission to end, each proven. `state` is the request after them.
    """

    release_id: str
    counts: dict[str, int]
    state: RequestState
    recorded: tuple[Recorded, ...] = field(repr=False)
    items: tuple[Item, ...] | None = field(default=None, repr=False)
    file_bytes: int | None = None
    file_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A release that is permitted and handed out off a queue: `running` until its file can be collected."""

    release_id: str
    state: RequestState
    recorded: Recorded = field(repr=False)
    running: bool


class Finished(Enum):
    """What became of a release that was to be handed out."""

    DONE = "done"
    NOT_ASKED = "not asked"
    """It is over, or another call is at it."""
    STOPPED = "stopped"
    """A limit, another policy or somebody's decision stopped it; the request says which."""


@dataclass(frozen=True, slots=True)
class ResultAddress:
    """Where an encrypted file can be read until `good_until`: its size in bytes and its SHA-256."""

    url: str = field(repr=False)
    size: int
    sha256: str
    good_until: datetime


@dataclass(frozen=True, slots=True)
class Collected:
    """The request right after its file was handed over, and the encrypted file or where it is."""

    done: Done
    sealed: bytes | None = field(default=None, repr=False)
    address: ResultAddress | None = None
