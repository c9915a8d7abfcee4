"""What can be asked to happen to a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from keyholder.requests.codes import RejectReason, RevokeReason
from keyholder.requests.content import Delivery, Summary
from keyholder.vocabulary import ContentHash, DomainId, IdentifierType, OrganisationCode


class CommandName(StrEnum):
    """The commands by name, as routes, answers and the ledger call them."""

    CREATE = "create"
    SAVE = "save"
    DISCARD = "discard"
    SUBMIT = "submit"
    RECORD_CHECKS = "record_checks"
    HOLD_CHECKS = "hold_checks"
    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    REVOKE = "revoke"
    RELEASE = "release"
    RECORD_CHUNK = "record_chunk"
    FINISH_RELEASE = "finish_release"
    FAIL_RELEASE = "fail_release"
    COLLECT = "collect"
    EXPIRE = "expire"


@dataclass(frozen=True, slots=True)
class Create:
    NAME: ClassVar[CommandName] = CommandName.CREATE
    summary: Summary


@dataclass(frozen=True, slots=True)
class Save:
    NAME: ClassVar[CommandName] = CommandName.SAVE
    summary: Summary


@dataclass(frozen=True, slots=True)
class Discard:
    NAME: ClassVar[CommandName] = CommandName.DISCARD


@dataclass(frozen=True, slots=True)
class Submit:
    """Freeze the draft as it stands. `content_hash`, where sent, is the draft its author means."""

    NAME: ClassVar[CommandName] = CommandName.SUBMIT
    content_hash: ContentHash | None = None


@dataclass(frozen=True, slots=True)
class Checks:
    """What the checks of the persons found, in exact counts, which leave only as `codes.safe_count`.

    `reasons` are those for refusing the whole request; with one, the counts don't matter.
    """

    policy_hash: str
    eligible: int
    held: int
    withheld: int
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordChecks:
    NAME: ClassVar[CommandName] = CommandName.RECORD_CHECKS
    content_hash: ContentHash
    checks: Checks


@dataclass(frozen=True, slots=True)
class HoldChecks:
    """The checks can't be made for now; `code` is a constant that says what is missing."""

    NAME: ClassVar[CommandName] = CommandName.HOLD_CHECKS
    content_hash: ContentHash
    code: str


@dataclass(frozen=True, slots=True)
class Approve:
    """Yes for one domain to exactly this content, all of it or less.

    `organisation` is needed only of who controls the domain for several; `until` and `identifier_types` narrow.
    """

    NAME: ClassVar[CommandName] = CommandName.APPROVE
    domain: DomainId
    content_hash: ContentHash
    organisation: OrganisationCode | None = None
    until: datetime | None = None
    identifier_types: tuple[IdentifierType, ...] | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    """No for one domain."""

    NAME: ClassVar[CommandName] = CommandName.REJECT
    domain: DomainId
    content_hash: ContentHash
    reason: RejectReason
    comment_sha256: str | None = None
    organisation: OrganisationCode | None = None


@dataclass(frozen=True, slots=True)
class Withdraw:
    NAME: ClassVar[CommandName] = CommandName.WITHDRAW


@dataclass(frozen=True, slots=True)
class Revoke:
    NAME: ClassVar[CommandName] = CommandName.REVOKE
    reason: RevokeReason


@dataclass(frozen=True, slots=True)
class AuthoriseRelease:
    """Release what is approved, now. `release` is a fresh id of ours."""

    NAME: ClassVar[CommandName] = CommandName.RELEASE
    release: str
    content_hash: ContentHash
    delivery: Delivery


@dataclass(frozen=True, slots=True)
class RecordChunk:
    """One chunk is about to be handed out (`release_events.ItemsReleased`)."""

    NAME: ClassVar[CommandName] = CommandName.RECORD_CHUNK
    release: str
    chunk: int
    chunks: int
    count: int
    epoch: str
    subjects: Mapping[str, tuple[str, ...]]
    unresolved: Mapping[str, int]


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


@dataclass(frozen=True, slots=True)
class Expire:
    NAME: ClassVar[CommandName] = CommandName.EXPIRE


Command = (
    Create
    | Save
    | Discard
    | Submit
    | RecordChecks
    | HoldChecks
    | Approve
    | Reject
    | Withdraw
    | Revoke
    | AuthoriseRelease
    | RecordChunk
    | FinishRelease
    | FailRelease
    | Collect
    | Expire
)
"""Each class carries its `NAME`."""
