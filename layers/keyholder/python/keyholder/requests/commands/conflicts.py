"""Who may decide with a clear conscience: the declaration that there is no conflict of interest, and stepping aside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from keyholder.requests.codes import RecuseReason
from keyholder.requests.commands.names import CommandName


@dataclass(frozen=True, slots=True)
class DeclareNoConflict:
    """No conflict of interest in what this revision asks for: opens its confidential parts to the person."""

    NAME: ClassVar[CommandName] = CommandName.DECLARE_NO_CONFLICT


@dataclass(frozen=True, slots=True)
class Recuse:
    """The person steps aside from this request, for good."""

    NAME: ClassVar[CommandName] = CommandName.RECUSE
    reason: RecuseReason
