"""Fewer records than were asked for: which of a domain's records an approver approves.

The choice, as row ids, is kept in the erasable store under its salted hash; the ledger has the hash and the counts.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from keyholder.canonical import JsonObject, canonical_json
from keyholder.refusals import Refusal
from keyholder.registry.fields import SHA256, Fields
from keyholder.registry.projects import DOMAIN
from keyholder.requests import reasons
from keyholder.requests.content import ROW_ID
from keyholder.requests.record_file import MOST_PSEUDONYMS
from keyholder.vocabulary import ContentHash, DomainId

_SALT = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What the ledger has of one approver's choice: its hash in the erasable store, and how many records it keeps."""

    sha256: str
    count: int

    def json(self) -> JsonObject:
        return {"sha256": self.sha256, "count": self.count}

    @classmethod
    def read(cls, fields: Fields) -> Narrowed:
        """What `json` wrote. Raises `FieldError`."""
        narrowed = cls(fields.text("sha256", SHA256), fields.number("count", 1, MOST_PSEUDONYMS))
        fields.end()
        return narrowed


@dataclass(frozen=True, slots=True)
class RecordChoice:
    """Row ids as an approver sends them: those to approve, or those to leave out."""

    row_ids: frozenset[str] = field(repr=False)
    keep: bool

    def of(self, known: Sequence[str]) -> tuple[str, ...] | Refusal:
        """The row ids that are approved, of those that are asked for, in the order of the request."""
        if not self.row_ids <= set(known):
            return reasons.ROW_UNKNOWN
        kept = tuple(row_id for row_id in known if (row_id in self.row_ids) == self.keep)
        return kept or reasons.RECORDS_NOT_LEFT


@dataclass(frozen=True, slots=True)
class KeptRecords:
    """One approver's choice as it is stored. `salt` keeps the hash in the ledger from being guessed."""

    salt: str = field(repr=False)
    domain: DomainId
    content_hash: ContentHash
    row_ids: tuple[str, ...] = field(repr=False)

    def stored(self) -> bytes:
        """What is stored encrypted."""
        return canonical_json(
            {
                "salt": self.salt,
                "domain": self.domain,
                "content_hash": self.content_hash,
                "row_ids": list(self.row_ids),
            }
        )

    def narrowed(self) -> Narrowed:
        """What stands for it in the ledger."""
        return Narrowed(hashlib.sha256(self.stored()).hexdigest(), len(self.row_ids))

    @classmethod
    def read(cls, stored: bytes) -> KeptRecords:
        """What `stored` wrote. Raises `FieldError`, or `ValueError` where it is not even JSON."""
        fields = Fields(json.loads(stored))
        return cls(
            salt=fields.text("salt", _SALT),
            domain=DomainId(fields.text("domain", DOMAIN)),
            content_hash=ContentHash(fields.text("content_hash", SHA256)),
            row_ids=fields.texts("row_ids", ROW_ID, MOST_PSEUDONYMS),
        )


class Ballot(Protocol):
    """An approval, as far as it narrows."""

    @property
    def records(self) -> Narrowed | None: ...


def covered(kept: Iterable[Sequence[str]]) -> frozenset[str]:
    """The row ids that are in every one of these choices, of which there is at least one."""
    first, *others = map(frozenset, kept)
    return first.intersection(*others)


def counts_add_up(asked: int, narrowed: Sequence[int], left: int | None) -> bool:
    """Whether choices of these sizes, out of `asked` records, can have `left` records in common; None: none narrows."""
    if not narrowed:
        return left is None
    fewest = max(1, asked - sum(asked - count for count in narrowed))
    return left is not None and fewest <= left <= min(narrowed) and all(0 < count < asked for count in narrowed)


def approved_records(left: Mapping[DomainId, int | None], asked: Mapping[DomainId, int]) -> Mapping[DomainId, int]:
    """How many records of each domain are approved."""
    return {domain: asked[domain] if some is None else some for domain, some in left.items()}
