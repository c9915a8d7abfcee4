"""What callers are answered about pseudonyms made and extracts taken in; as in `answers`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from keyholder.collection.vocabulary import DropRule
from keyholder.edge.answers.form import Answer, Count, ExtractReference, Hash, Kinds, Success, Text
from keyholder.extracts.events import Kept
from keyholder.extracts.state import ExtractStatus
from keyholder.pseudonyms.rekeying import RekeyStatus
from keyholder.vocabulary import IdentifierType


class PseudonymisedRow(Answer):
    """One row's pseudonyms; `errors` has the code of what was wrong with the other cells."""

    row_id: str
    status: Literal["pseudonymised"]
    pseudonyms: dict[IdentifierType, Text]
    errors: dict[IdentifierType, str] = Field(default_factory=dict)


class RefusedRow(Answer):
    """One row of which nothing may leave."""

    row_id: str
    status: Literal["refused"]
    pseudonyms: Annotated[dict[IdentifierType, Text], Field(max_length=0)]
    reason: Literal[DropRule.TYPE_1_OPT_OUT, DropRule.DIED_BEFORE_START, DropRule.DATE_OF_DEATH_UNREADABLE]


class Pseudonymised(Answer):
    """The rows in the order they were sent."""

    domain: str
    rows: list[PseudonymisedRow | RefusedRow]


class RekeyedRow(Answer):
    """What became of each of a row's pseudonyms, and the new ones: of those that are `rekeyed` or `current`."""

    row_id: str
    statuses: Annotated[dict[IdentifierType, RekeyStatus], Field(min_length=1)]
    pseudonyms: dict[IdentifierType, Text]


class Rekeyed(Answer):
    """The rows in the order they were sent."""

    domain: str
    rows: list[RekeyedRow]


class UploadView(Answer):
    """Where to upload the file, once: a PUT with exactly these headers. Whoever has the address can use it."""

    method: Literal["PUT"]
    url: Text
    headers: dict[str, str]
    good_until: AwareDatetime
    """When the upload has to have begun."""


class ExtractCounts(Answer):
    """What became of the rows and cells."""

    pseudonymised: Count
    with_errors: Count
    refused: dict[DropRule, Count]
    """Rows that are not in the result, by the rule that kept them out."""
    faults: dict[IdentifierType, dict[str, Count]]
    """Cells that are empty in the result and named in its last column, by code."""
    pseudonyms: dict[IdentifierType, Count]


class ExtractView(Answer):
    """A file on its way to its pseudonyms."""

    extract_id: ExtractReference
    domain: str
    status: ExtractStatus
    identifier_types: Kinds
    rows: Annotated[int, Field(ge=1)]
    rows_done: Count
    announced_at: AwareDatetime
    kept_until: AwareDatetime | None
    """Until when the result can be collected."""
    kept: list[Kept]
    """What there may still be of it outside the ledger; `upload` identifies patients."""
    held: str | None
    """What it waits for."""
    code: str | None
    """Why it was refused, or failed."""
    row: Annotated[int, Field(ge=1)] | None
    """The row that is not as it has to be, the header not counted."""
    counts: ExtractCounts | None
    upload: UploadView | None


class PartView(Answer):
    """One part of the result; put together in order they are one CSV."""

    url: Text
    rows: Count
    bytes: Count
    sha256: Hash


class CollectedExtract(ExtractView):
    """Where the result can be downloaded, for some minutes."""

    parts: Annotated[list[PartView], Field(min_length=1)]
    good_until: AwareDatetime


SUCCESSES: Mapping[str, Success] = {
    "POST /v1/domains/{domain_id}/pseudonyms": Success(Pseudonymised),
    "POST /v1/domains/{domain_id}/rekeyings": Success(Rekeyed),
    "POST /v1/domains/{domain_id}/extracts": Success(ExtractView),
    "GET /v1/extracts/{extract_id}": Success(ExtractView),
    "POST /v1/extracts/{extract_id}/start": Success(ExtractView),
    "POST /v1/extracts/{extract_id}/collect": Success(CollectedExtract),
    "POST /v1/extracts/{extract_id}/discard": Success(ExtractView),
}
"""By route."""
