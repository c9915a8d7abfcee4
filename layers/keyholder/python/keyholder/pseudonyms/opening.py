"""Many tokens to identifiers: one status each, one key opening for each identifier type and key version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from keyholder.pseudonyms.batch.ff1_column import Ff1Column, is_ten_digits
from keyholder.pseudonyms.batch.identifier_columns import decode_column
from keyholder.pseudonyms.batch.siv_column import SivColumn
from keyholder.pseudonyms.batch.token_text import TokenColumn, parse_tokens
from keyholder.pseudonyms.key_ring import KeyGone, OpenedKeys
from keyholder.pseudonyms.token import ALL_SIV, MalformedReason, Scheme
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

NO_VERSIONS: Mapping[IdentifierType, int] = MappingProxyType({})


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


def open_tokens(
    cells: Sequence[TokenCell],
    domain: DomainId,
    keys: OpenedKeys,
    *,
    schemes: Mapping[IdentifierType, Scheme] = ALL_SIV,
    versions: Mapping[IdentifierType, int] = NO_VERSIONS,
) -> list[Opened]:
    """One answer for each cell, in order; a bad one costs the others nothing.

    `schemes` has the columns that are not AES-256-SIV. `versions` has the key version of those with FF1, which their
    pseudonyms do not say; a column without one is KEY_UNKNOWN. FF1 is not authenticated: OPENED then says no more than
    that an NHS number came out.

    Asks `keys` once for each identifier type and key version that well-formed pseudonyms name. A token whose own type
    is not its column's is not opened and asks for no key. Raises what `KeyRing.open` raises, and `BatchDisagreesError`.
    """
    answers = [Opened(OpenStatus.NOT_OPENED)] * len(cells)
    ten_digits = {kind for kind, scheme in schemes.items() if scheme is Scheme.FF1}
    tokens = [place for place, cell in enumerate(cells) if cell.identifier_type not in ten_digits]
    parsed = parse_tokens([cells[place].text for place in tokens])
    for row, reason in parsed.malformed.items():
        answers[tokens[row]] = Opened(OpenStatus.MALFORMED, malformed=reason)
    for column in parsed.columns:
        placed = replace(column, places=[tokens[row] for row in column.places])
        _open_column(placed.only(_in_their_column(placed, cells)), domain, keys, answers)
    for kind in ten_digits:
        places = [place for place, cell in enumerate(cells) if cell.identifier_type is kind]
        opened = _open_ten_digits([cells[place].text for place in places], kind, versions.get(kind), domain, keys)
        for place, answer in zip(places, opened, strict=True):
            answers[place] = answer
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


def _open_ten_digits(
    texts: Sequence[str], identifier_type: IdentifierType, version: int | None, domain: DomainId, keys: OpenedKeys
) -> list[Opened]:
    answers = [Opened(OpenStatus.MALFORMED, malformed=MalformedReason.NOT_A_TOKEN)] * len(texts)
    rows = [row for row, text in enumerate(texts) if is_ten_digits(text)]
    if not rows:
        return answers
    key = KeyGone.UNKNOWN if version is None else keys.open(domain, identifier_type, version)
    if isinstance(key, KeyGone):
        for row in rows:
            answers[row] = Opened(_GONE[key])
        return answers
    values = Ff1Column(key, domain, identifier_type).open([texts[row] for row in rows])
    for row, value in zip(rows, values, strict=True):
        answers[row] = Opened(OpenStatus.NOT_OPENED) if value is None else Opened(OpenStatus.OPENED, value)
    return answers
