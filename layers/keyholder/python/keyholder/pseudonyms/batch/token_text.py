"""Many tokens' texts at once: exactly what `Token.parse` and `str(token)` do one by one, for a tenth of their time.

Tokens of one length are joined, and what `Token` does with one symbol is done with big integers for a whole block of
rows: two symbols in 16 bits, four in 32, eight in 64, all big-endian. What can be wrong with a well-typed token is in
its first four symbols and its length, so `Token.parse` is asked once for each of those, and for every text that is no
token's length.
"""

from __future__ import annotations

import re
import struct
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from keyholder.pseudonyms.token import (
    ALPHABET,
    CHECK_WEIGHTS,
    Malformed,
    MalformedReason,
    Scheme,
    Token,
    ciphertext_length,
)
from keyholder.vocabulary import IdentifierType, Pseudonym

FEW = 8
"""Below this many texts of one length, one by one is faster (measured)."""

ROWS = 4096
"""Rows of a block."""

_HEADER, _CHECK = 4, 2
_PRIME = 1021
_ROOT = CHECK_WEIGHTS[0]
_PAIR_WEIGHTS = CHECK_WEIGHTS[::2]
_CHECK_PAIRS = [(check // 32) << 8 | check % 32 for check in range(_PRIME)]

_NO_SYMBOL = 0xFF
_READABLE = ALPHABET + ALPHABET.lower() + "OoIiLl"
_READ_AS = bytes([*range(32), *range(32), 0, 0, 1, 1, 1, 1])
_VALUES = bytes(_READ_AS[_READABLE.index(chr(code))] if chr(code) in _READABLE else _NO_SYMBOL for code in range(256))
_WITHOUT_STRANGERS = bytes([*range(_NO_SYMBOL), 0])
_STRANGER = re.compile(b"\xff")
_SYMBOLS = ALPHABET.encode("ascii").ljust(256, b"\0")

_WIDTHS = {
    _HEADER + ciphertext_length(kind) * 8 // 5 + _CHECK: ciphertext_length(kind) * 8 // 5 for kind in IdentifierType
}
"""Symbols of a token, and of the ciphertext in it."""


@dataclass(frozen=True, slots=True)
class TokenColumn:
    """Well-formed tokens of one identifier type and key version: their places in the input, ciphertexts joined."""

    identifier_type: IdentifierType
    key_version: int
    places: list[int]
    ciphertexts: bytes = field(repr=False)

    def only(self, rows: Sequence[int]) -> TokenColumn:
        """The column with these of its rows."""
        if len(rows) == len(self.places):
            return self
        length = ciphertext_length(self.identifier_type)
        joined = b"".join([self.ciphertexts[length * row : length * (row + 1)] for row in rows])
        return TokenColumn(self.identifier_type, self.key_version, [self.places[row] for row in rows], joined)


@dataclass(frozen=True, slots=True)
class ParsedTokens:
    """Every text is either in one column or malformed, by its place in the input."""

    columns: Sequence[TokenColumn]
    malformed: Mapping[int, MalformedReason]


def parse_tokens(texts: Sequence[str]) -> ParsedTokens:
    """What `Token.parse` makes of each text. Nothing is raised, whatever the texts."""
    by_length: defaultdict[int, list[int]] = defaultdict(list)
    for place, text in enumerate(texts):
        by_length[len(text)].append(place)
    found = _Found()
    for length, places in by_length.items():
        if length not in _WIDTHS or len(places) < FEW:
            for place in places:
                found.add_one(place, Token.parse(texts[place]))
            continue
        for start in range(0, len(places), ROWS):
            _parse_block(texts, places[start : start + ROWS], length, found)
    return found.all()


def write_tokens(identifier_type: IdentifierType, key_version: int, ciphertexts: bytes) -> list[Pseudonym]:
    """The pseudonym of each ciphertext, as `Token(...).pseudonym`. Raises `ValueError` as `Token` does."""
    length = ciphertext_length(identifier_type)
    if not ciphertexts:
        return []
    header = Token(Scheme.AES_256_SIV_1, identifier_type, key_version, ciphertexts[:length]).pseudonym[:_HEADER]
    written: list[Pseudonym] = []
    for start in range(0, len(ciphertexts), length * ROWS):
        written += _write_block(header, ciphertexts[start : start + length * ROWS], length)
    return written


class _Found:
    """What has been parsed so far."""

    __slots__ = ("_columns", "malformed")

    def __init__(self) -> None:
        self.malformed: dict[int, MalformedReason] = {}
        self._columns: defaultdict[tuple[IdentifierType, int], tuple[list[int], list[bytes]]] = defaultdict(
            lambda: ([], [])
        )

    def add_one(self, place: int, token: Token | Malformed) -> None:
        if isinstance(token, Malformed):
            self.malformed[place] = token.reason
        else:
            self.add(token, [place], token.ciphertext)

    def add(self, like: Token, places: list[int], ciphertexts: bytes) -> None:
        known_places, known_ciphertexts = self._columns[like.identifier_type, like.key_version]
        known_places += places
        known_ciphertexts.append(ciphertexts)

    def add_bad(self, reason: MalformedReason, places: list[int]) -> None:
        self.malformed.update(dict.fromkeys(places, reason))

    def all(self) -> ParsedTokens:
        columns = [
            TokenColumn(identifier_type, version, places, b"".join(ciphertexts))
            for (identifier_type, version), (places, ciphertexts) in self._columns.items()
        ]
        return ParsedTokens(columns, self.malformed)


def _parse_block(texts: Sequence[str], places: Sequence[int], width: int, found: _Found) -> None:
    # What is not ASCII becomes "?", one byte for one character, which is no symbol either.
    symbols = "".join([texts[place] for place in places]).encode("ascii", "replace").translate(_VALUES)
    strangers = {stranger.start() // width for stranger in _STRANGER.finditer(symbols)}
    symbols = symbols.translate(_WITHOUT_STRANGERS)
    right, given = _checks(symbols, width), _check_pairs(symbols, width)
    mistyped: set[int] = set()
    if right != given:
        mistyped = {row for row, check in enumerate(right) if check != given[row]} - strangers
    found.add_bad(MalformedReason.NOT_A_TOKEN, [places[row] for row in strangers])
    found.add_bad(MalformedReason.MISTYPED, [places[row] for row in mistyped])
    bad = strangers | mistyped
    ciphertexts, length = _ciphertexts(symbols, width), _WIDTHS[width] * 5 // 8
    for rows in _by_header(symbols, width, bad):
        like = Token.parse(texts[places[rows[0]]])
        if isinstance(like, Malformed):
            found.add_bad(like.reason, [places[row] for row in rows])
        elif len(rows) == len(places):
            found.add(like, list(places), ciphertexts)
        else:
            joined = b"".join([ciphertexts[length * row : length * (row + 1)] for row in rows])
            found.add(like, [places[row] for row in rows], joined)


def _by_header(symbols: bytes, width: int, bad: set[int]) -> list[list[int]]:
    """The rows that begin alike, without the bad ones."""
    headers = bytearray(len(symbols) // width * _HEADER)
    for place in range(_HEADER):
        headers[place::_HEADER] = symbols[place::width]
    if not bad and headers == headers[:_HEADER] * (len(headers) // _HEADER):
        return [list(range(len(headers) // _HEADER))]
    rows: defaultdict[int, list[int]] = defaultdict(list)
    for row, header in enumerate(memoryview(headers).cast("I")):
        if row not in bad:
            rows[header].append(row)
    return list(rows.values())


def _ciphertexts(symbols: bytes, width: int) -> bytes:
    """Eight symbols to five bytes, for every row."""
    of_row = _WIDTHS[width]
    body = bytearray(len(symbols) // width * of_row)
    source, target = memoryview(symbols).cast("H"), memoryview(body).cast("H")
    for place in range(of_row // 2):
        target[place :: of_row // 2] = source[_HEADER // 2 + place :: width // 2]
    number, groups = int.from_bytes(body, "big"), len(body) // 8
    for high, low, closer in _CLOSER:
        number = (number & _repeated(high, groups)) >> closer | number & _repeated(low, groups)
    packed, out = number.to_bytes(len(body), "big"), bytearray(groups * 5)
    for place in range(5):
        out[place::5] = packed[place + 3 :: 8]
    return bytes(out)


def _write_block(header: str, ciphertexts: bytes, length: int) -> list[Pseudonym]:
    of_row = length * 8 // 5
    width, rows, groups = _HEADER + of_row + _CHECK, len(ciphertexts) // length, len(ciphertexts) // 5
    packed = bytearray(groups * 8)
    for place in range(5):
        packed[place + 3 :: 8] = ciphertexts[place::5]
    number = int.from_bytes(packed, "big")
    for high, low, closer in reversed(_CLOSER):
        number = (number & _repeated(high >> closer, groups)) << closer | number & _repeated(low, groups)
    symbols = bytearray((header.encode("ascii").translate(_VALUES) + bytes(of_row + _CHECK)) * rows)
    source, target = memoryview(number.to_bytes(groups * 8, "big")).cast("H"), memoryview(symbols).cast("H")
    for place in range(of_row // 2):
        target[_HEADER // 2 + place :: width // 2] = source[place :: of_row // 2]
    checks = struct.pack(f">{rows}H", *_checks(symbols, width))
    target[width // 2 - 1 :: width // 2] = memoryview(checks).cast("H")
    text = symbols.translate(_SYMBOLS).decode("ascii")
    return [Pseudonym(text[start : start + width]) for start in range(0, len(text), width)]


def _checks(symbols: bytes | bytearray, width: int) -> list[int]:
    """The two check symbols that each row ought to end with, as a number of two bytes."""
    rows, pairs = len(symbols) // width, len(symbols) // 2
    number = int.from_bytes(symbols, "big")
    # The second symbol of a pair weighs `_ROOT` times the first, so one weight serves both: at most 961 times 1020.
    weighed = number >> 8 & _repeated(0x1F, pairs, 2)
    weighed += (number & _repeated(0x1F, pairs, 2)) * _ROOT
    source = memoryview(weighed.to_bytes(len(symbols), "big")).cast("H")
    total = 0
    for place, weight in zip(range((width - _CHECK) // 2), _PAIR_WEIGHTS, strict=False):
        column = bytearray(rows * 4)
        memoryview(column).cast("H")[1::2] = source[place :: width // 2]
        total += int.from_bytes(column, "big") * weight
    return [_CHECK_PAIRS[check % _PRIME] for check in struct.unpack(f">{rows}I", total.to_bytes(rows * 4, "big"))]


def _check_pairs(symbols: bytes, width: int) -> list[int]:
    """The two symbols that each row does end with, as a number of two bytes."""
    pairs = bytearray(len(symbols) // width * _CHECK)
    for place in range(_CHECK):
        pairs[place::_CHECK] = symbols[width - _CHECK + place :: width]
    return list(struct.unpack(f">{len(pairs) // _CHECK}H", pairs))


_CLOSER = (
    (0x1F001F001F001F00, 0x001F001F001F001F, 3),
    (0x03FF000003FF0000, 0x000003FF000003FF, 6),
    (0x000FFFFF00000000, 0x00000000000FFFFF, 12),
)
"""Eight values of 5 bits, one in each byte, move closer together: to 10, 20 and 40 bits."""


@lru_cache(maxsize=32)
def _repeated(pattern: int, times: int, size: int = 8) -> int:
    return int.from_bytes(pattern.to_bytes(size, "big") * times, "big")
