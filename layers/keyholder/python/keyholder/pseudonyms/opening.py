"""Many tokens to identifiers: one status each, one key opening for each identifier type and key version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from keyholder.pseudonyms.batch.identifier_columns import decode_column
from keyholder.pseudonyms.batch.siv_column import SivColumn
from keyholder.pseudonyms.batch.token_text import TokenColumn, parse_tokens
from keyholder.pseudonyms.key_ring import KeyGone, OpenedKeys
from keyholder.pseudonyms.token import MalformedReason
from keyholder.vocabulary import DomainId, IdentifierType


class OpenStatus(StrEnum):
    """What became of one token."""

    OPENED = "opened"
    MALFORMED = "malformed"
    NOT_OPENED = "not_opened"
    """Of another column, of another domain, or forged. The three cannot be told apart, and need not be."""
    KEY_RETIRED = "key_retired"
    KEY_DESTROYED = "key_destroyed"
    KEY_UNKNOWN = "key_unknown"


_GONE = {
    KeyGone.RETIRED: OpenStatus.KEY_RETIRED,
    KeyGone.DESTROYED: OpenStatus.KEY_DESTROYED,
    KeyGone.UNKNOWN: OpenStatus.KEY_UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class TokenCell:
    """A text from a column that holds pseudonyms of `identifier_type`."""

    identifier_type: IdentifierType
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """What became of one cell. `value` is the canonical identifier where the status is OPENED, else None.

    `malformed` says why where the status is MALFORMED, else None.
    """

    status: OpenStatus
    value: str | None = field(default=None, repr=False)
    malformed: MalformedReason | None = None


def open_tokens(cells: Sequence[TokenCell], domain: DomainId, keys: OpenedKeys) -> list[Opened]:
    """One answer for each cell, in order; a bad one costs the others nothing.

    Asks `keys` once for each identifier type and key version that well-formed tokens name. A token whose own type is
    not its column's is not opened and asks for no key. Raises what `KeyRing.open` raises, and `BatchDisagreesError`.
    """
    answers = [Opened(OpenStatus.NOT_OPENED)] * len(cells)
    parsed = parse_tokens([cell.text for cell in cells])
    for place, reason in parsed.malformed.items():
        answers[place] = Opened(OpenStatus.MALFORMED, malformed=reason)
    for column in parsed.columns:
        _open_column(column.only(_in_their_column(column, cells)), domain, keys, answers)
    return answers


def _in_their_column(column: TokenColumn, cells: Sequence[TokenCell]) -> list[int]:
    """The rows of `column` whose cells stand in a column of their type."""
    return [row for row, place in enumerate(column.places) if cells[place].identifier_type is column.identifier_type]


def _open_column(column: TokenColumn, domain: DomainId, keys: OpenedKeys, answers: list[Opened]) -> None:
    if not column.places:
        return
    key = keys.open(domain, column.identifier_type, column.key_version)
    if isinstance(key, KeyGone):
        for place in column.places:
            answers[place] = Opened(_GONE[key])
        return
    opened = SivColumn(key, domain, column.identifier_type).open(column.ciphertexts)
    values = decode_column(column.identifier_type, opened.plaintexts, opened.failed)
    for place, value in zip(column.places, values, strict=True):
        if value is not None:
            answers[place] = Opened(OpenStatus.OPENED, value)
