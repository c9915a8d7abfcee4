"""A refusal is a value: which rule said no, what would make it allowed, and who can do that.

Domain code returns a `Refusal`; it raises only for faults. The sentences are constants, so that no answer, log line or
ledger event can carry a patient through them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RefusalKind(StrEnum):
    """Which sort of no; the edge turns it into an HTTP status."""

    FORBIDDEN = "forbidden"
    """This person may not (403)."""
    NOT_FOUND = "not_found"
    """Unknown, or not theirs to know of (404)."""
    CONFLICT = "conflict"
    """The thing's state does not allow it now (409)."""
    INVALID = "invalid"
    """What was asked breaks a rule (422)."""
    STALE = "stale"
    """It was decided on an older version or other content (412)."""
    SIGN_IN = "sign_in"
    """They may, once they have signed in again, more strongly or just now (401)."""


@dataclass(frozen=True, slots=True)
class StepUp:
    """How to sign in again (RFC 9470): any of these `acr` values, at most so many seconds ago."""

    acr_values: tuple[str, ...]
    max_age: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """One rule's no.

    `code` is stable and upper case (`SELF_APPROVAL`); `advice` is a constant sentence that says what would make it
    allowed and who can do that; `field` names the part of the command at fault, as a JSON pointer, where there is one;
    `step_up` goes with `SIGN_IN`.
    """

    code: str
    kind: RefusalKind
    advice: str
    field: str | None = None
    step_up: StepUp | None = None
