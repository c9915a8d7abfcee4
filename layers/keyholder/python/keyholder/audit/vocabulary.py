"""The closed lists of auditing: what an event decides, and what an export holds."""

from __future__ import annotations

from enum import StrEnum


class Decision(StrEnum):
    """What an event decides. A domain's vote and the outcome of the whole request have the same word."""

    APPROVED = "approved"
    REJECTED = "rejected"
    BLOCKED = "blocked"
    """The checks left nothing to decide on."""
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    REVOKED = "revoked"
    CLOSED = "closed"
    """What came of it was reported, and that it is destroyed."""
    REFUSED = "refused"
    """A command was refused."""


class ExportFormat(StrEnum):
    """What an export holds."""

    LEDGER = "ledger"
    """Journal and checkpoints exactly as stored, to be verified offline."""
    NDJSON = "ndjson"
    """The leaves of the chosen events, byte for byte."""
    CSV = "csv"
    FHIR = "fhir"
    """FHIR R4 AuditEvents in bundles."""
