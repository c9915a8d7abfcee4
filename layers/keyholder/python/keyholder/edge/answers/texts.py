"""What callers are answered about the texts of a request: everything but their words; as in `answers`."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import AwareDatetime

from keyholder.edge.answers.form import Answer, Hash, PersonReference, Success
from keyholder.requests.erasing.erasures import ErasureReason, ErasureState
from keyholder.requests.erasing.naming import TextKind


class ErasureView(Answer):
    """The newest proposal to erase a text, and what became of it."""

    state: ErasureState
    reason: ErasureReason
    proposed_by: PersonReference
    proposed_at: AwareDatetime
    expires_at: AwareDatetime
    """From this moment on nobody can confirm it."""
    ordered_by: PersonReference | None
    ordered_at: AwareDatetime | None
    erased_at: AwareDatetime | None


class TextView(Answer):
    """A text by its hash: what it was written for, by whom and when."""

    text_sha256: Hash
    kind: TextKind
    author: PersonReference
    written_at: AwareDatetime
    needs_two: bool
    """A decision rests on it: its erasure waits for a second person."""
    erasure: ErasureView | None


class Texts(Answer):
    """Every text of a request, the oldest first."""

    items: list[TextView]


_TEXTS = "/v1/requests/{request_id}/texts"
SUCCESSES: Mapping[str, Success] = {
    route: Success(Texts, versioned=True)
    for route in (
        f"GET {_TEXTS}",
        f"POST {_TEXTS}/erase",
        f"POST {_TEXTS}/confirm-erasure",
        f"POST {_TEXTS}/withdraw-erasure",
    )
}
"""By route."""
