"""What the volume limits ask for, and what a controller may say to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from keyholder.limits.counting import Exceeded
from keyholder.limits.vocabulary import Action
from keyholder.requests.commands.names import CommandName
from keyholder.vocabulary import ContentHash


@dataclass(frozen=True, slots=True)
class RecordVolume:
    """A running release goes above limits (`events.VolumeExceeded`)."""

    NAME: ClassVar[CommandName] = CommandName.RECORD_VOLUME
    release: str
    limits_hash: str
    action: Action
    stopped: bool
    exceeded: tuple[Exceeded, ...]


@dataclass(frozen=True, slots=True)
class LetThrough:
    """Let a held request go above the limits that held it, once. `content_hash` is what the controller saw."""

    NAME: ClassVar[CommandName] = CommandName.LET_THROUGH
    content_hash: ContentHash
