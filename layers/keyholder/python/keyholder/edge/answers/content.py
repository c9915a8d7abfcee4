"""What callers are answered about the content of requests: revisions, texts, records; as in `answers`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from keyholder.edge.answers.extracts import UploadView
from keyholder.edge.answers.form import Answer, Count, Hash, Kinds, PersonReference, Success, Text
from keyholder.edge.answers.requests import CommandedRequest, ReturnedView
from keyholder.registry.people import Capacity
from keyholder.requests.codes import Advice, Audience, FileStage, MessageKind
from keyholder.requests.content import Delivery, NeedCode, ReferenceKind
from keyholder.requests.record_file import FileFormat
from keyholder.vocabulary import IdentifierType


class GivenView(Answer):
    """What a draft names from one domain. A pseudonym in several rows is one, and counts once."""

    domain: str
    records: Count
    pseudonyms: Count
    distinct: Count
    repeated: Count
    """Sent beyond the first of their kind."""


class WrittenRequest(CommandedRequest):
    """A draft as it was written, and what it names, counted."""

    given: list[GivenView] = Field(default_factory=list)
    """Missing where the records come as a file."""


class Want(Answer):
    """One identifier type asked for, and why it is needed."""

    identifier_type: IdentifierType
    need: NeedCode


class RecipientView(Answer):
    """Who receives the result."""

    organisation: str
    public_key: str | None


class DeclaredFile(Answer):
    """A file of records as its author declared it."""

    format: FileFormat
    bytes: Annotated[int, Field(ge=1)]
    sha256: Hash
    domains: list[str]


class FileFault(Answer):
    """Why a file can't be asked for: the field of the declaration, and the row, counted from 1 without the header."""

    code: str
    field: str
    row: Annotated[int, Field(ge=1)] | None
    advice: str


class BadPseudonyms(Answer):
    """Pseudonyms that can't be opened; their records are answered with a status of their own."""

    code: str
    count: Annotated[int, Field(ge=1)]
    rows: list[int]
    """The first of them."""


class RecordFileView(DeclaredFile):
    """How a draft's file stands."""

    stage: FileStage
    since: AwareDatetime
    refused: FileFault | None
    given: list[GivenView]
    bad: list[BadPseudonyms]
    upload: UploadView | None
    """Where it is uploaded, while it is awaited."""


class ContentView(Answer):
    """What is asked for, without the pseudonyms and row ids."""

    format: Literal[1]
    project: str
    purpose: str
    legal_basis: str
    capacity: Capacity
    references: dict[ReferenceKind, str]
    wanted: list[Want]
    recipient: RecipientView
    delivery: Delivery
    window_days: Annotated[int, Field(ge=1)]
    destroy_by: dt.date
    justification_sha256: Hash
    file: DeclaredFile | None = None
    """Where the records came as a file."""


class Narrative(Answer):
    """What a decision is made on."""

    content: ContentView
    opened: bool
    """The texts are open to you. To a controller they are once they have declared that they have no conflict of
    interest in this revision (`declare`)."""
    justification: str | None
    """Null where it was erased, or is not open to you."""
    comments: dict[Hash, str | None]
    """By their SHA-256, as the ballots name them; null where erased, and none where they are not open to you."""


class SaidView(Answer):
    """One thing that was said about a request."""

    kind: MessageKind
    author: PersonReference
    at: AwareDatetime
    audience: Audience
    text_sha256: Hash | None
    """Names the text; null where a person's advice has no words."""
    text: str | None
    """Null where it was erased, or is not open to you."""
    about: Hash | None
    """The text that is answered."""
    adviser: PersonReference | None
    """Who was asked."""
    advice: Advice | None
    """What they answered."""


class ConversationPage(Answer):
    """What was said, as far as you may know of it, in order. Who asks never learns what is internal."""

    items: list[SaidView]
    opened: bool
    """The words are open to you."""
    next: int | None
    """`cursor` of the next page; null on the last."""


class RevisionView(Answer):
    """What was submitted once."""

    revision: Annotated[int, Field(ge=1)]
    content_hash: Hash
    submitted_at: AwareDatetime
    identifier_types: Kinds
    records: dict[str, Count]
    returned: ReturnedView | None


class Revisions(Answer):
    """Everything that was submitted, in order."""

    items: list[RevisionView]


class RevisionName(Answer):
    """A revision and its content."""

    revision: Annotated[int, Field(ge=1)]
    content_hash: Hash


class FieldChange(Answer):
    """One field of the content (RFC 6901), null where it was or is not there."""

    field: Text
    before: object
    after: object


class RecordChangeView(Answer):
    """One domain's records, counted."""

    domain: str
    before: Count
    after: Count
    added: Count
    removed: Count


class TextChange(Answer):
    """A text before and after; null where erased."""

    changed: bool
    before: str | None
    after: str | None


class ChangesView(Answer):
    """What changed between two revisions."""

    earlier: Annotated[RevisionName, Field(alias="from")]
    later: Annotated[RevisionName, Field(alias="to")]
    fields: list[FieldChange]
    records: list[RecordChangeView]
    justification: TextChange


class RecordView(Answer):
    """One record asked for."""

    row_id: str
    pseudonyms: dict[IdentifierType, str]


class RecordPage(Answer):
    """A page of a domain's records, in the order of the request."""

    items: list[RecordView]
    next: int | None
    """`cursor` of the next page; null on the last."""


_WRITTEN = Success(WrittenRequest, versioned=True)

SUCCESSES: Mapping[str, Success] = {
    "GET /v1/requests/{request_id}/file": Success(RecordFileView),
    "POST /v1/requests/{request_id}/hand-in-file": Success(CommandedRequest, versioned=True),
    "POST /v1/requests": _WRITTEN,
    "GET /v1/requests/{request_id}/content": Success(Narrative),
    "GET /v1/requests/{request_id}/conversation": Success(ConversationPage),
    "GET /v1/requests/{request_id}/revisions": Success(Revisions),
    "GET /v1/requests/{request_id}/changes": Success(ChangesView),
    "GET /v1/requests/{request_id}/records": Success(RecordPage),
    "POST /v1/requests/{request_id}/save": _WRITTEN,
}
"""By route."""
