"""The pseudonym as text: what is written in an extract's `*_deid` column, and how it is read back.

The format is fixed for ever by the tokens in `tests/unit/pseudonyms`; `docs/pseudonyms.md` describes it byte by byte.
Reading needs no key: a typing error is found here, before anything is asked of a key.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from operator import mul
from types import MappingProxyType

from keyholder.identifiers.forms import FORMS
from keyholder.vocabulary import IdentifierType, Pseudonym

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base32: no I, L, O or U."""

LONGEST = 200
"""The NHS Data Dictionary's width of a `*_deid` field."""

AUTHENTICATION_TAG = 16
"""Bytes of a synthetic initialisation vector (RFC 5297), which go before the encrypted identifier."""

HIGHEST_KEY_VERSION = 1023

_HEADER = 4
_CHECK = 2
_SHORTEST = _HEADER + 1 + _CHECK
_WRITTEN = re.compile(f"[0-9A-TV-Za-tv-z]{{{_SHORTEST},{LONGEST}}}")
_FOLD = str.maketrans("ILO", "110")

_STANDARD_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_PYTHON_BASE32 = "0123456789abcdefghijklmnopqrstuv"
_FROM_STANDARD = str.maketrans(_STANDARD_BASE32, ALPHABET)
_TO_PYTHON = str.maketrans(ALPHABET, _PYTHON_BASE32)
_VALUES = bytes.maketrans(ALPHABET.encode(), bytes(range(32)))

_CHECK_PRIME = 1021
_CHECK_ROOT = 30
CHECK_WEIGHTS = tuple(pow(_CHECK_ROOT, place + 1, _CHECK_PRIME) for place in range(LONGEST - _CHECK))
"""Powers of a primitive root modulo 1021: all different, none zero, and none -1 or -32, which a swap with a check
symbol would need to go unseen."""


class Scheme(StrEnum):
    """How the pseudonyms of a column are made."""

    AES_256_SIV_1 = "aes_256_siv_1"
    FF1 = "ff1"
    """Ten digits instead of a token (`pseudonyms.ff1`)."""


SCHEME_LETTERS: Mapping[Scheme, str] = MappingProxyType({Scheme.AES_256_SIV_1: "S", Scheme.FF1: "F"})
"""A token's first letter. No token begins with FF1's, now or later."""

ALL_SIV: Mapping[IdentifierType, Scheme] = MappingProxyType({})
"""The schemes of a domain that has chosen none: every column is AES-256-SIV."""


TYPE_LETTERS: Mapping[IdentifierType, str] = MappingProxyType(
    {
        IdentifierType.NHS_NUMBER: "N",
        IdentifierType.GP_LOCAL_PATIENT_NUMBER: "G",
        IdentifierType.POSTCODE: "P",
        IdentifierType.DATE_OF_BIRTH: "B",
        IdentifierType.DATE_OF_DEATH: "D",
    }
)
"""A token's second letter."""

_TYPES = {letter: identifier_type for identifier_type, letter in TYPE_LETTERS.items()}


class MalformedReason(StrEnum):
    """What is wrong with a text that is not a token, as far as it can be seen without a key."""

    NOT_A_TOKEN = "not_a_token"  # noqa: S105 - a code, not a credential
    """Too short, too long, or a character that no token has."""
    MISTYPED = "mistyped"
    """The typing check does not hold: a character was changed, lost, doubled or swapped."""
    UNKNOWN_SCHEME = "unknown_scheme"
    UNKNOWN_TYPE = "unknown_type"
    NO_KEY_VERSION = "no_key_version"
    """Key version 0."""
    WRONG_LENGTH = "wrong_length"
    """Not the one length of its identifier type."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """A text that is no token, and why. The text is not kept."""

    reason: MalformedReason


@dataclass(frozen=True, slots=True)
class Token:
    """A well-formed token: which key would open it, and what that key would open.

    `key_version` is 1 to 1023; `ciphertext` is the 16-byte tag and the encrypted identifier of the type's one length.
    `str(token)` is the pseudonym, upper case; `repr(token)` hides the ciphertext. Raises `ValueError` when made with a
    scheme, key version or ciphertext length that the format cannot hold.
    """

    scheme: Scheme
    identifier_type: IdentifierType
    key_version: int
    ciphertext: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if self.scheme is not Scheme.AES_256_SIV_1:
            raise ValueError("a pseudonym of this scheme is not a token")
        if not 1 <= self.key_version <= HIGHEST_KEY_VERSION:
            raise ValueError("a token's key version is 1 to 1023")
        if len(self.ciphertext) != ciphertext_length(self.identifier_type):
            raise ValueError("a token's ciphertext has the one length of its identifier type")

    @classmethod
    def parse(cls, text: str) -> Token | Malformed:
        """The token that `text` writes in upper or lower case, with I and L read as 1 and O as 0.

        Anything else is a `Malformed`: nothing is raised, whatever the text.
        """
        if _WRITTEN.fullmatch(text) is None:
            return Malformed(MalformedReason.NOT_A_TOKEN)
        symbols = as_written(text)
        body, check = symbols[:-_CHECK], symbols[-_CHECK:]
        if _number(check) != _checksum(body):
            return Malformed(MalformedReason.MISTYPED)
        return _read(body)

    def __str__(self) -> str:
        body = "".join(
            (
                SCHEME_LETTERS[self.scheme],
                TYPE_LETTERS[self.identifier_type],
                _two_symbols(self.key_version),
                base64.b32encode(self.ciphertext).decode("ascii").translate(_FROM_STANDARD),
            )
        )
        return body + _two_symbols(_checksum(body))

    @property
    def pseudonym(self) -> Pseudonym:
        """The token as it is written."""
        return Pseudonym(str(self))


def as_written(text: str) -> str:
    """A text as Keyholder would write it: upper case, I and L as 1, O as 0. Says nothing of whether it is a token."""
    return text.upper().translate(_FOLD)


def ciphertext_length(identifier_type: IdentifierType) -> int:
    """Bytes of a type's ciphertext: always a multiple of five, so that base32 has no padding and no spare bits."""
    return AUTHENTICATION_TAG + FORMS[identifier_type].length


def _read(body: str) -> Token | Malformed:
    if body[0] != SCHEME_LETTERS[Scheme.AES_256_SIV_1]:
        return Malformed(MalformedReason.UNKNOWN_SCHEME)
    identifier_type = _TYPES.get(body[1])
    if identifier_type is None:
        return Malformed(MalformedReason.UNKNOWN_TYPE)
    version = _number(body[2:_HEADER])
    if version == 0:
        return Malformed(MalformedReason.NO_KEY_VERSION)
    length = ciphertext_length(identifier_type)
    if (len(body) - _HEADER) * 5 != length * 8:
        return Malformed(MalformedReason.WRONG_LENGTH)
    ciphertext = _number(body[_HEADER:]).to_bytes(length, "big")
    return Token(Scheme.AES_256_SIV_1, identifier_type, version, ciphertext)


def _checksum(body: str) -> int:
    weighted: int = sum(map(mul, CHECK_WEIGHTS, body.encode("ascii").translate(_VALUES)))
    return weighted % _CHECK_PRIME


def _number(symbols: str) -> int:
    return int(symbols.translate(_TO_PYTHON), 32)


def _two_symbols(number: int) -> str:
    high, low = divmod(number, 32)
    return ALPHABET[high] + ALPHABET[low]
