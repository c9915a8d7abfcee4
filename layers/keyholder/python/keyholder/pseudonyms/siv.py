"""AES-256-SIV (RFC 5297) over one identifier: deterministic within a domain, and authenticated.

The associated data binds a token to its scheme, domain, identifier type and key version, so that it opens nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from keyholder.identifiers.forms import FORMS
from keyholder.identifiers.not_an_identifier import NotAnIdentifierError
from keyholder.pseudonyms.key_ring import DataKey
from keyholder.pseudonyms.token import Scheme, Token
from keyholder.vocabulary import DomainId, IdentifierType, Pseudonym

SCHEME_VERSION = b"keyholder/aes-256-siv/1"
"""The first item of associated data; changes with anything that changes what a token means."""


class Siv:
    """The mode itself, for one key: tag and ciphertext in one string, associated data as the vector of S2V."""

    __slots__ = ("_cipher",)

    def __init__(self, material: bytes | bytearray) -> None:
        self._cipher = AESSIV(material)

    def seal(self, plaintext: bytes, associated_data: Sequence[bytes]) -> bytes:
        """16 bytes of tag and as many bytes of ciphertext as `plaintext` has."""
        return self._cipher.encrypt(plaintext, list(associated_data))

    def open(self, sealed: bytes, associated_data: Sequence[bytes]) -> bytes | None:
        """The plaintext, or None where `sealed` was not made with this key and associated data."""
        try:
            return self._cipher.decrypt(sealed, list(associated_data))
        except InvalidTag:
            return None


class ColumnCipher:
    """Seals and opens one identifier type's pseudonyms of one domain under one key version."""

    __slots__ = ("_associated_data", "_form", "_siv", "_version")

    def __init__(self, key: DataKey, domain: DomainId, identifier_type: IdentifierType) -> None:
        self._siv = Siv(key.material)
        self._form = FORMS[identifier_type]
        self._version = key.version
        self._associated_data = associated_data(domain, identifier_type, key.version)

    def seal(self, canonical_identifier: str) -> Pseudonym:
        """The pseudonym. Raises `NotAnIdentifierError` for a text that is not in canonical form."""
        ciphertext = self._siv.seal(self._form.encode(canonical_identifier), self._associated_data)
        return Token(Scheme.AES_256_SIV_1, self._form.identifier_type, self._version, ciphertext).pseudonym

    def open(self, token: Token) -> str | None:
        """The canonical identifier, or None for a token that this key did not make for this domain and type."""
        if (token.identifier_type, token.key_version) != (self._form.identifier_type, self._version):
            return None
        plaintext = self._siv.open(token.ciphertext, self._associated_data)
        if plaintext is None:
            return None
        try:
            return self._form.decode(plaintext)
        except NotAnIdentifierError:
            return None


def associated_data(domain: DomainId, identifier_type: IdentifierType, key_version: int) -> tuple[bytes, ...]:
    """Scheme version, domain, identifier type, key version (two bytes, big-endian), each an item of its own."""
    return (SCHEME_VERSION, domain.encode(), identifier_type.value.encode(), key_version.to_bytes(2, "big"))


def seal(key: DataKey, domain: DomainId, identifier_type: IdentifierType, canonical_identifier: str) -> Pseudonym:
    """One pseudonym. Raises `NotAnIdentifierError` for a text that is not in canonical form."""
    return ColumnCipher(key, domain, identifier_type).seal(canonical_identifier)


def open_(key: DataKey, domain: DomainId, identifier_type: IdentifierType, token: Token) -> str | None:
    """One canonical identifier, or None for a token that `key` did not make for this domain and type."""
    return ColumnCipher(key, domain, identifier_type).open(token)
