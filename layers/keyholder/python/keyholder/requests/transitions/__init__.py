"""The one table: from which state, who, what, under which rules, and what it makes of the request.

`decide` carries it out, `allowed_commands` explains it to people, and `page` prints it for `docs/permissions.md`.
What is not in it can't happen. Each module has the rows of one topic.
"""

from __future__ import annotations

from keyholder.requests.transitions import (
    checking,
    conditions,
    conflicts,
    consents,
    conversing,
    deciding,
    drafting,
    ending,
    filing,
    handling,
    releasing,
    reporting,
    reviewing,
    standing,
    volume,
    waiting,
)
from keyholder.requests.transitions.row import Transition, Who

__all__ = ["TRANSITIONS", "WHO", "Transition", "Who"]

TRANSITIONS: tuple[Transition, ...] = (
    *drafting.ROWS,
    *filing.ROWS,
    *checking.ROWS,
    *conflicts.ROWS,
    *handling.ROWS,
    *conversing.ROWS,
    *deciding.ROWS,
    *reviewing.ROWS,
    *conditions.ROWS,
    *standing.ROWS,
    *releasing.ROWS,
    *volume.ROWS,
    *reporting.ROWS,
    *consents.ROWS,
    *waiting.ROWS,
    *ending.ROWS,
)

WHO = {row.command: row.who for row in TRANSITIONS}
"""A command is the same person's business in every state."""
