"""One item of a release: a status always, values only where the status says so."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from keyholder.vocabulary import DomainId, IdentifierType

COLUMN_ORDER = tuple(IdentifierType)
ROW_NOT_LINKED = "ROW_NOT_LINKED"
"""A reason: the record joins an NHS number with an identifier that no extract held in one row with it."""


RECORD_NOT_APPROVED = "RECORD_NOT_APPROVED"
"""A reason: the domain is approved without this record. Outwardly like a reason that lies in the person, because an
approver may know of one; its pseudonyms are not opened."""


class ItemStatus(StrEnum):
    """What the requester sees. Every reason that lies in one person or one code is `not_available`."""

    RELEASED = "released"
    RELEASED_PARTIAL = "released_partial"
    NOT_AVAILABLE = "not_available"
    PENDING = "pending"
    """A check has to be made again; ask later."""
    NOT_APPROVED = "not_approved"
    """The record's whole domain is not approved: a controller said no."""
    MALFORMED = "malformed"
    """Not a pseudonym, or mistyped: anybody can tell without a key."""
    KEY_RETIRED = "key_retired"
    """The whole key version is out of use."""
    KEY_DESTROYED = "key_destroyed"
    """The whole key version is gone for ever."""


@dataclass(frozen=True, slots=True)
class Item:
    """The outward answer for one record. Items without values differ from each other in nothing but `row_id`."""

    row_id: str
    domain: DomainId
    status: ItemStatus
    values: Mapping[IdentifierType, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the ledger and the auditors get to know of one record: the deciding reason and the person's tag."""

    item: Item = field(repr=False)
    reason: str
    tag: str | None = None
    patient: bytes = field(default=b"", repr=False)
    """Whose record it is, for the volume limits (`limits.counting`)."""


def item_json(item: Item) -> dict[str, object]:
    """The answer's form."""
    body: dict[str, object] = {"row_id": item.row_id, "domain": item.domain, "status": item.status.value}
    if item.values:
        body["identifiers"] = {kind.value: item.values[kind] for kind in COLUMN_ORDER if kind in item.values}
    return body


def status_counts(items: Iterable[Item]) -> dict[str, int]:
    """How many items have each status."""
    return dict(sorted(Counter(item.status.value for item in items).items()))


SMALL = 10
SHOWN_AS = "<10"
NOT_SHOWN = "suppressed"


def shown_counts(counts: Mapping[str, int]) -> dict[str, str]:
    """Counts by status as the requester sees them: none below 10, nor one from which it would follow.

    Who asked knows how many items there are. So where exactly one count is hidden, the next smallest is hidden too
    (secondary suppression; NHS England, disclosure control).
    """
    small = [status for status, count in counts.items() if count < SMALL]
    others = sorted((count, status) for status, count in counts.items() if count >= SMALL)
    hidden = others[0][1] if len(small) == 1 and others else None
    return {
        status: SHOWN_AS if count < SMALL else NOT_SHOWN if status == hidden else str(count)
        for status, count in counts.items()
    }


def result_csv(items: Sequence[Item], wanted: Sequence[IdentifierType]) -> bytes:
    """The result file before encryption: row id, domain, status, one column for each type asked for (RFC 4180)."""
    return result_header(wanted) + result_rows(items, wanted)


def result_header(wanted: Sequence[IdentifierType]) -> bytes:
    """Its first line."""
    columns = [kind.value for kind in COLUMN_ORDER if kind in wanted]
    return (",".join(["row_id", "domain", "status", *columns]) + "\n").encode()


def result_rows(items: Sequence[Item], wanted: Sequence[IdentifierType]) -> bytes:
    """Its further lines, for some of the records."""
    columns = [kind for kind in COLUMN_ORDER if kind in wanted]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for item in items:
        cells = [item.row_id, item.domain, item.status.value, *(item.values.get(kind, "") for kind in columns)]
        writer.writerow([guarded(cell) for cell in cells])
    return text.getvalue().encode()


def guarded(cell: str) -> str:
    """Text a spreadsheet would run as a formula gets an apostrophe in front (CSV injection)."""
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell
