"""What those who decide ask for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from keyholder.registry.factors import Factor
from keyholder.requests.codes import RejectReason, RevokeReason
from keyholder.requests.commands.names import CommandName
from keyholder.requests.conditions import Condition
from keyholder.requests.records import Narrowed
from keyholder.vocabulary import ContentHash, DomainId, IdentifierType, OrganisationCode


@dataclass(frozen=True, slots=True)
class Approve:
    """Yes for one domain to exactly this content, all of it or less.

    `organisation` is needed only of who stands for several, `factor` of who could fill several; `until`,
    `identifier_types` and `records` narrow. `records_left` is how many records every approval of the domain covers with
    this one, None where no approval narrows the records.
    """

    NAME: ClassVar[CommandName] = CommandName.APPROVE
    domain: DomainId
    content_hash: ContentHash
    organisation: OrganisationCode | None = None
    until: datetime | None = None
    identifier_types: tuple[IdentifierType, ...] | None = None
    factor: Factor | None = None
    records: Narrowed | None = None
    records_left: int | None = None
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Reject:
    """No for one domain."""

    NAME: ClassVar[CommandName] = CommandName.REJECT
    domain: DomainId
    content_hash: ContentHash
    reason: RejectReason
    comment_sha256: str | None = None
    organisation: OrganisationCode | None = None
    factor: Factor | None = None


@dataclass(frozen=True, slots=True)
class Revoke:
    NAME: ClassVar[CommandName] = CommandName.REVOKE
    reason: RevokeReason
