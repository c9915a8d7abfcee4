"""What those who decide ask for short of deciding: ask the author back, take a vote back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from keyholder.registry.factors import Factor
from keyholder.requests.commands.names import CommandName
from keyholder.requests.questions import ReviewQuestion
from keyholder.vocabulary import ContentHash, DomainId, OrganisationCode


@dataclass(frozen=True, slots=True)
class Return:
    """Back to its author with questions; the texts are in the erasable store."""

    NAME: ClassVar[CommandName] = CommandName.RETURN
    domain: DomainId
    content_hash: ContentHash
    questions: tuple[ReviewQuestion, ...]
    organisation: OrganisationCode | None = None
    factor: Factor | None = None


@dataclass(frozen=True, slots=True)
class WithdrawVote:
    """An approval is taken back while the domain has not decided."""

    NAME: ClassVar[CommandName] = CommandName.WITHDRAW_VOTE
    domain: DomainId
    content_hash: ContentHash
