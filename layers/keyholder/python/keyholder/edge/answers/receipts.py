"""What callers are answered about the receipts of their own acts; as in `answers`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, StringConstraints

from keyholder.edge.answers.form import Answer, Count, Hash, Success


class Receipt(Answer):
    """Proof, to be kept, that an event is in the ledger: it is verified offline, with the pinned key and the leaf."""

    index: Count
    number: Annotated[int, Field(ge=1)]
    """The event's number in its stream."""
    type: str
    leaf_hash: Hash
    """SHA-256 of a zero byte and the leaf (RFC 6962)."""
    leaf: str | None
    """The event itself, byte for byte; null where it is not the caller's own act."""
    receipt: Annotated[str, StringConstraints(pattern=r"^c2sp\.org/tlog-proof@v1\n")]
    """A tlog-proof (c2sp.org/tlog-proof@v1)."""


class ReceiptPage(Answer):
    """A page of receipts, in order."""

    items: list[Receipt]
    next: int | None
    """`cursor` of the next page; null on the last."""


SUCCESSES: Mapping[str, Success] = {
    "GET /v1/requests/{request_id}/receipts": Success(ReceiptPage),
}
"""By route."""
