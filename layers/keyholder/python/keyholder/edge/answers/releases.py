"""What callers are answered by a release: what is given and what is withheld; as in `answers`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, RootModel, StringConstraints

from keyholder.edge.answers.form import Answer, Hash, ReleaseReference, Success
from keyholder.edge.answers.receipts import Receipt
from keyholder.release.items import ItemStatus
from keyholder.vocabulary import IdentifierType


class GivenItem(Answer):
    """One record that was released. Partial: a type that was asked for and granted has no value."""

    row_id: str
    domain: str
    status: Literal[ItemStatus.RELEASED, ItemStatus.RELEASED_PARTIAL]
    identifiers: Annotated[dict[IdentifierType, str], Field(min_length=1)]


class WithheldItem(Answer):
    """One record without a value. Every reason that lies in one person or one code is `not_available`, and so is a
    record that an approver left out; `not_approved` is one whose whole domain was refused."""

    row_id: str
    domain: str
    status: Literal[
        ItemStatus.NOT_AVAILABLE,
        ItemStatus.PENDING,
        ItemStatus.NOT_APPROVED,
        ItemStatus.MALFORMED,
        ItemStatus.KEY_RETIRED,
        ItemStatus.KEY_DESTROYED,
    ]


class FileView(Answer):
    """The file that waits to be collected: the size and SHA-256 of its encrypted bytes."""

    bytes: Annotated[int, Field(ge=1)]
    sha256: Hash


ShownCounts = dict[ItemStatus, Annotated[str, StringConstraints(pattern=r"^(<10|suppressed|[1-9][0-9]+)$")]]
"""Items by status. A count below 10 is `<10`; `suppressed` stands where it would follow from the others."""


class ReleasedItems(Answer):
    """A release in the answer itself."""

    release_id: ReleaseReference
    counts: ShownCounts
    receipts: list[Receipt]
    items: list[GivenItem | WithheldItem]


class ReleasedFile(Answer):
    """A release as a file. A repeated call has no counts."""

    release_id: ReleaseReference
    counts: ShownCounts
    receipts: list[Receipt]
    file: FileView


class BegunRelease(Answer):
    """A release of what came as a file: made off a queue, and finished once the request says so."""

    release_id: ReleaseReference
    running: bool
    receipts: list[Receipt]


class Released(RootModel[ReleasedItems | ReleasedFile | BegunRelease]):
    """What was released, as the approved delivery says."""


class CollectedAddress(Answer):
    """Where the age file of a release can be read, if its records came as a file; to be begun before `good_until`."""

    release_id: ReleaseReference
    url: str
    bytes: Annotated[int, Field(ge=1)]
    sha256: Hash
    good_until: AwareDatetime


SUCCESSES: Mapping[str, Success] = {
    "POST /v1/requests/{request_id}/release": Success(Released),
    "POST /v1/requests/{request_id}/collect": Success(CollectedAddress, or_age=True),
}
"""By route."""
