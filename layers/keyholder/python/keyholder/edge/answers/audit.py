"""What auditors are answered; as in `answers`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from keyholder.audit.vocabulary import ExportFormat
from keyholder.edge.answers.form import (
    Answer,
    Count,
    EmergencyReference,
    Hash,
    Kinds,
    PersonReference,
    ReleaseReference,
    RequestReference,
    Success,
    Text,
    Ulid,
)


class LedgerEvent(Answer):
    """One event, with its place in the verified ledger. Codes, counts, hashes and keyed tags only."""

    index: Count
    stream: str
    number: Annotated[int, Field(ge=1)]
    type: str
    at: AwareDatetime
    actor: str
    trace: str
    data: dict[str, object]


class ShownEvent(LedgerEvent):
    """One event, its exact bytes, and what proves that they are in the ledger."""

    leaf: Text
    """SHA-256 over a zero byte and these bytes is `leaf_hash` (RFC 6962)."""
    leaf_hash: Hash
    proof: Text
    """`c2sp.org/tlog-proof@v1`: index, path, signed checkpoint."""
    size: Annotated[int, Field(ge=1)]
    """The tree that the checkpoint signs."""


class Consistency(Answer):
    """That the tree of `first` events is the beginning of that of `second`."""

    first: Annotated[int, Field(ge=1)]
    second: Annotated[int, Field(ge=1)]
    root: Hash
    """Of the later tree."""
    path: list[Hash]
    """The proof's hashes (RFC 6962, 2.1.2)."""
    proof: Text
    """The whole as text: older size, path, the later signed checkpoint (C2SP tlog-witness)."""


class EventPage(Answer):
    """A page of events, in order. It may be shorter than asked for, even empty, and still not be the last."""

    items: list[LedgerEvent]
    size: Annotated[int, Field(ge=1)]
    """All pages together are complete up to the tree of this size, which the first page fixed."""
    next: str | None
    """`cursor` of the next page; null on the last."""


class Reidentified(Answer):
    """One time a person was in a release."""

    index: Count
    request: RequestReference | EmergencyReference
    """An emergency access has no request: its own id stands for it."""
    release_id: ReleaseReference | EmergencyReference
    at: AwareDatetime
    actor: PersonReference | None
    outcome: str
    """The deciding reason."""
    disclosed: bool
    """Whether identifiers left; false where the record was withheld."""
    domain: str
    project: str
    organisation: str | None
    """The project's (ODS code)."""
    recipient: str | None
    """Who received the result (ODS code)."""
    capacity: str
    purpose: str
    legal_basis: str
    identifier_types: Kinds
    """What was approved: at most these left."""


class Searched(Answer):
    """How much of the ledger was searched: a signed checkpoint's size and root (hexadecimal)."""

    size: Annotated[int, Field(ge=1)]
    root: Hash


class SubjectSearch(Answer):
    """Every release the person was in. Each is proven; that there is no other only where `proven` is true.

    `tags` stand for the person in releases, one for each domain and year (`audit verify --subject`).
    """

    found: list[Reidentified]
    searched: Searched
    proven: bool
    tags: list[Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]]


class Export(Answer):
    """An export ready to be read object by object, and the verifier key of the ledger's checkpoints."""

    export_id: Ulid
    format: ExportFormat
    size: Annotated[int, Field(ge=1)]
    vkey: Text
    first: str | None
    """`cursor` of the first object of an export of events; the ledger's objects are begun without one."""


class ObjectVersion(Answer):
    """One version of a ledger object as storage lists it: a second one is an alarm."""

    version_id: str
    is_delete_marker: bool
    last_modified: AwareDatetime
    size: Count


class LedgerObject(Answer):
    """One object: of the ledger, `journal/…` or `checkpoint/…`, exactly as stored, or of events, `events/…`."""

    key: str
    body: str
    versions: list[ObjectVersion]
    """None for events: these are made when they are asked for."""


class ExportPage(Answer):
    """A page of an export."""

    items: list[LedgerObject]
    next: str | None
    """`cursor` of the next page; null on the last."""


class SubmittedCounts(Answer):
    """Requests submitted in the quarter."""

    total: Count
    by_purpose: dict[str, Count]
    by_legal_basis: dict[str, Count]


class DecidedCounts(SubmittedCounts):
    """Requests whose outcome fell into the quarter."""

    by_outcome: dict[str, Count]


class TimeToDecide(Answer):
    """From submission to the last controller's decision, of what controllers approved or rejected."""

    decisions: Count
    median_minutes: Count | None
    p90_minutes: Count | None


class SuppressedCounts(Answer):
    """Records by reason. A count below 10 is `<10`, and then the total is `suppressed`."""

    by_reason: dict[str, Annotated[str, StringConstraints(pattern=r"^(<10|[1-9][0-9]+)$")]]
    total: Annotated[str, StringConstraints(pattern=r"^(suppressed|0|[1-9][0-9]+)$")]


class QuarterReport(Answer):
    """A calendar quarter, by days in London."""

    quarter: Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-Q[1-4]$")]
    complete: bool
    """The quarter is over."""
    size: Annotated[int, Field(ge=1)]
    """The tree it was counted from."""
    submitted: SubmittedCounts
    decided: DecidedCounts
    time_to_decide: TimeToDecide
    records_released: SuppressedCounts
    records_withheld: SuppressedCounts


SUCCESSES: Mapping[str, Success] = {
    "GET /v1/audit/events": Success(EventPage),
    "GET /v1/audit/events/{index}": Success(ShownEvent),
    "GET /v1/audit/consistency": Success(Consistency),
    "POST /v1/audit/subject-searches": Success(SubjectSearch),
    "POST /v1/audit/exports": Success(Export),
    "GET /v1/audit/exports/{export_id}/objects": Success(ExportPage),
    "GET /v1/audit/reports/{quarter}": Success(QuarterReport),
}
"""By route."""
