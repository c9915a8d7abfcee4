"""Many tokens to identifiers: one status each, one key opening for each identifier type and key version."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from keyholder.pseudonyms.key_ring import KeyGone, OpenedKeys
from keyholder.pseudonyms.siv import ColumnCipher
from keyholder.pseudonyms.token import Malformed, MalformedReason, Token
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
    not its column's is not opened and asks for no key. Raises what `KeyRing.open` raises.
    """
    answers = [Opened(OpenStatus.NOT_OPENED)] * len(cells)
    columns: defaultdict[tuple[IdentifierType, int], list[tuple[int, Token]]] = defaultdict(list)
    for place, cell in enumerate(cells):
        token = Token.parse(cell.text)
        if isinstance(token, Malformed):
            answers[place] = Opened(OpenStatus.MALFORMED, malformed=token.reason)
        elif token.identifier_type is cell.identifier_type:
            columns[token.identifier_type, token.key_version].append((place, token))
    for (identifier_type, version), members in columns.items():
        key = keys.open(domain, identifier_type, version)
        if isinstance(key, KeyGone):
            for place, _ in members:
                answers[place] = Opened(_GONE[key])
            continue
        cipher = ColumnCipher(key, domain, identifier_type)
        for place, token in members:
            value = cipher.open(token)
            if value is not None:
                answers[place] = Opened(OpenStatus.OPENED, value)
    return answers
