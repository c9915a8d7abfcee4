"""What a provider says of a file before anybody sees it, and which columns it may have.

The ledger has the announcement's counts and its hash, taken with a salt. The announcement itself is kept beside the
upload and goes with it: the SHA-256 of a file of few rows could be guessed back to what is in it, and the names of
columns are a caller's own text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from keyholder.canonical import JsonObject, canonical_json, content_hash
from keyholder.collection.columns import refused_by_name
from keyholder.collection.rules import COLUMN
from keyholder.pseudonyms.deid_columns import COLUMN_OF
from keyholder.refusals import Refusal, RefusalKind
from keyholder.registry.fields import SHA256, FieldError, Fields
from keyholder.vocabulary import ContentHash, IdentifierType

ROW_ID = "row_id"
FAULTS = "faults"
"""The last column of what is made: which cells of the row could not be pseudonymised, and why."""

MOST_ROWS = 5_000_000
MOST_BYTES = 1 << 30
MOST_COLUMNS = 200

_SALT = re.compile(r"[0-9a-f]{32}")
_RESERVED = frozenset({FAULTS, *COLUMN_OF.values()})

COLUMNS_INCOMPLETE = Refusal(
    "COLUMNS_INCOMPLETE",
    RefusalKind.INVALID,
    "Name every column once, row_id first, with one identifier type of the domain at least.",
    "/columns",
)
COLUMN_NOT_COLLECTED = Refusal(
    "COLUMN_NOT_COLLECTED",
    RefusalKind.INVALID,
    "Leave out the columns of names, addresses, contact details, free text and images: nobody may collect them here.",
    "/columns",
)
COLUMN_RESERVED = Refusal(
    "COLUMN_RESERVED",
    RefusalKind.INVALID,
    "Rename the columns that are called as those that Keyholder adds: faults, and the *_deid columns.",
    "/columns",
)
REFUSALS = (COLUMNS_INCOMPLETE, COLUMN_NOT_COLLECTED, COLUMN_RESERVED)


class AnnouncementLostError(Exception):
    """A job's announcement is gone, or is not what the ledger's hash names: its file can't be judged."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """One file: how many rows and bytes it has, its SHA-256 and its columns in order."""

    rows: int
    size: int
    sha256: ContentHash
    columns: tuple[str, ...]
    salt: str

    @property
    def identifiers(self) -> tuple[IdentifierType, ...]:
        """The identifier types it has a column of, in the standard's order."""
        return tuple(kind for kind in IdentifierType if kind.value in self.columns)

    @property
    def clear(self) -> tuple[str, ...]:
        """The columns that are kept as they are."""
        return tuple(name for name in self.columns if name != ROW_ID and name not in set(IdentifierType))

    @property
    def hash(self) -> ContentHash:
        """What the ledger names it by."""
        return content_hash(self._json())

    def to_bytes(self) -> bytes:
        """The stored form, of which `hash` is the SHA-256."""
        return canonical_json(self._json())

    @classmethod
    def read(cls, stored: bytes | None, expected: ContentHash) -> Self:
        """The announcement the ledger names. Raises `AnnouncementLostError`."""
        try:
            fields = Fields(json.loads(stored or b"null"))
            found = cls(
                rows=fields.number("rows"),
                size=fields.number("size"),
                sha256=ContentHash(fields.text("sha256", SHA256)),
                columns=fields.texts("columns", COLUMN, MOST_COLUMNS),
                salt=fields.text("salt", _SALT),
            )
            fields.end()
        except (FieldError, ValueError) as fault:
            raise AnnouncementLostError from fault
        if found.hash != expected:
            raise AnnouncementLostError
        return found

    def _json(self) -> JsonObject:
        return {
            "rows": self.rows,
            "size": self.size,
            "sha256": self.sha256,
            "columns": list(self.columns),
            "salt": self.salt,
        }


def column_refusal(columns: Sequence[str]) -> Refusal | None:
    """Why a file with these columns is not taken. What they hold is never searched: a column is judged by its name."""
    kinds = [name for name in columns if name in set(IdentifierType)]
    named = [name for name in columns if name != ROW_ID and name not in kinds]
    if not kinds or columns[0] != ROW_ID or len(set(columns)) != len(columns):
        return COLUMNS_INCOMPLETE
    if any(refused_by_name(name) is not None for name in named):
        return COLUMN_NOT_COLLECTED
    return COLUMN_RESERVED if _RESERVED.intersection(named) else None
