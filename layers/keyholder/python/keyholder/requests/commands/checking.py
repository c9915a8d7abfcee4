"""What the checks of a submitted request report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from keyholder.requests.commands.names import CommandName
from keyholder.vocabulary import ContentHash, DomainId


@dataclass(frozen=True, slots=True)
class Found:
    """How many records a check let through, can't say yet, keeps back."""

    eligible: int
    held: int
    withheld: int


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
    by_domain: Mapping[DomainId, Found] = field(default_factory=dict)


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
