"""Cursors of listings: where the next page begins, sealed, so that nobody reads, makes or passes one on.

A cursor is a KMS ciphertext under a context that names the caller, the list and the filter: no key and no state of
ours, and nothing that a cursor holds is in a URL in clear. One that does not open for this caller, list and filter is
none.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Protocol

from keyholder.canonical import JsonObject, canonical_json, content_hash
from keyholder.edge.call import Call
from keyholder.edge.outcomes import person_of
from keyholder.edge.problems import FieldError, Problem, ProblemError, ProblemType

LONGEST = 2_000
"""Characters. KMS adds some 150 bytes to what is sealed."""
_ADVICE = "Send the cursor of the page before, with the filter of that page; or none, to begin anew."


class Seal(Protocol):
    """Authenticated encryption bound to a context."""

    def seal(self, plain: bytes, context: Mapping[str, str]) -> bytes: ...

    def open(self, sealed: bytes, context: Mapping[str, str]) -> bytes | None:
        """What was sealed under this very context; None for anything else."""
        ...


def sealed(seal: Seal, call: Call, scope: JsonObject, position: JsonObject) -> str:
    """The cursor of a position. `scope` names the list and everything that has to be the same for its next page."""
    made = seal.seal(canonical_json(position), _context(call, scope))
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def position(seal: Seal, call: Call, scope: JsonObject, cursor: str) -> Mapping[str, object]:
    """Where a cursor points. Raises `ProblemError` (422) for one that was made by or for somebody or something else.

    A caller's text is at most `LONGEST` characters by then.
    """
    try:
        made = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _unknown() from None
    plain = seal.open(made, _context(call, scope)) if made else None
    try:
        found = json.loads(plain or b"")
    except ValueError:
        raise _unknown() from None
    if not isinstance(found, dict):
        raise _unknown()
    return found


def number(found: Mapping[str, object], name: str) -> int:
    """A number of a position. Raises `ProblemError` (422)."""
    value = found.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _unknown()
    return value


def text(found: Mapping[str, object], name: str) -> str:
    """A text of a position. Raises `ProblemError` (422)."""
    value = found.get(name)
    if not isinstance(value, str):
        raise _unknown()
    return value


def _context(call: Call, scope: JsonObject) -> dict[str, str]:
    """KMS writes contexts into CloudTrail, so the filter is in it by its hash."""
    bound = content_hash({"caller": person_of(call), "scope": scope})
    return {"keyholder:use": "cursor", "keyholder:bound-to": bound}


def _unknown() -> ProblemError:
    return ProblemError(Problem(ProblemType.INVALID, errors=[FieldError("/cursor", _ADVICE)]))
