"""What happens when a release goes above a volume limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from keyholder.canonical import JsonObject
from keyholder.limits.counting import Exceeded
from keyholder.limits.vocabulary import Action
from keyholder.registry.delegations import Delegated, delegated_json, read_delegated
from keyholder.registry.fields import PERSON, SHA256, Fields
from keyholder.requests.events.releasing import RELEASE
from keyholder.vocabulary import ContentHash, PersonId


@dataclass(frozen=True, slots=True)
class VolumeExceeded:
    """A release goes above limits of the file named by `limits_hash`.

    `action` is the strictest that follows. `stopped`: nothing leaves; otherwise it was only a warning, or a controller
    had let the request through.
    """

    TYPE: ClassVar[str] = "release.volume_exceeded"
    release: str
    limits_hash: str
    action: Action
    stopped: bool
    exceeded: tuple[Exceeded, ...]

    def data(self) -> JsonObject:
        return {
            "release_id": self.release,
            "limits_hash": self.limits_hash,
            "action": self.action.value,
            "stopped": self.stopped,
            "exceeded": [exceeded_json(one) for one in self.exceeded],
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            release=fields.text("release_id", RELEASE),
            limits_hash=fields.text("limits_hash", SHA256),
            action=fields.choice("action", Action),
            stopped=fields.flag("stopped"),
            exceeded=tuple(_read_exceeded(inner) for inner in fields.inners("exceeded", 100)),
        )


@dataclass(frozen=True, slots=True)
class VolumeLetThrough:
    """A controller lets a held request go above the thresholds that held it, for its next release."""

    TYPE: ClassVar[str] = "request.volume_let_through"
    controller: PersonId
    content_hash: ContentHash
    thresholds: tuple[str, ...]
    delegated: Delegated | None = None

    def data(self) -> JsonObject:
        return {
            "controller": self.controller,
            "content_hash": self.content_hash,
            "thresholds": list(self.thresholds),
            **delegated_json(self.delegated),
        }

    @classmethod
    def read(cls, fields: Fields) -> Self:
        return cls(
            controller=PersonId(fields.text("controller", PERSON)),
            content_hash=ContentHash(fields.text("content_hash", SHA256)),
            thresholds=fields.texts("thresholds"),
            delegated=read_delegated(fields),
        )


def exceeded_json(one: Exceeded) -> JsonObject:
    """The form of events and answers."""
    return {"threshold": one.threshold, "action": one.action.value, "count": one.count, "above": one.above}


def _read_exceeded(fields: Fields) -> Exceeded:
    one = Exceeded(
        fields.text("threshold"), fields.choice("action", Action), fields.number("count"), fields.number("above")
    )
    fields.end()
    return one
