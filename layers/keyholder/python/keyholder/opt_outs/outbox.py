"""Where the NHS numbers of people to ask about wait, sealed, until the list is sent: minutes, and never a day."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

KEPT_FOR = timedelta(hours=20)
"""A list that was not sent by then is dropped, and made anew when MESH takes lists again. The bucket's life cycle
deletes it after a day."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A list that nobody has asked about yet, and since when it has been there."""

    list_id: str
    since: datetime


class OutboxUnavailableError(Exception):
    """The store or the key service did not answer, or refused."""


class Outbox(Protocol):
    """Every method may raise `OutboxUnavailableError`.

    Who puts cannot read, and who reads cannot put: two functions, one KMS key between them.
    """

    def put(self, list_id: str, numbers: Set[str]) -> None:
        """Seal a list and store it under its id. The same id again takes the place of the first."""
        ...

    def waiting(self) -> Sequence[Waiting]:
        """The lists that are there, in order of their ids."""
        ...

    def read(self, list_id: str) -> frozenset[str] | None:
        """The numbers; None for a list that is not there any more. Raises `OutboxDamagedError`."""
        ...

    def remove(self, list_id: str) -> None:
        """Take a list away; one that is not there is no error."""
        ...


class OutboxDamagedError(Exception):
    """What is stored is not what was put under this id. Nobody is asked about."""
