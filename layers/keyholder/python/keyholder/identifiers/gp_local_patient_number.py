"""The GP system's own patient number: free form, at most 20 printable ASCII characters."""

from __future__ import annotations

from keyholder.identifiers.not_an_identifier import NotAnIdentifierError, WhyNot

LENGTH = 24
"""Bytes of the encoded form: the characters, then zero bytes. No character is zero, so the padding is unambiguous."""

LONGEST = 20

VALUES = sum(95**length for length in range(1, LONGEST + 1))
"""How many there can be at most: 95 characters are printable."""


def parse(text: str) -> str:
    """The characters between the white space around them, case and inner spaces kept. Raises `NotAnIdentifierError`."""
    canonical = text.strip()
    if not canonical:
        raise NotAnIdentifierError(WhyNot.EMPTY)
    if len(canonical) > LONGEST:
        raise NotAnIdentifierError(WhyNot.TOO_LONG)
    if not (canonical.isascii() and canonical.isprintable()):
        raise NotAnIdentifierError(WhyNot.NOT_PRINTABLE_ASCII)
    return canonical


def encode(canonical: str) -> bytes:
    """24 bytes. Raises `NotAnIdentifierError` for anything `parse` would not return."""
    if parse(canonical) != canonical:
        raise NotAnIdentifierError(WhyNot.NOT_CANONICAL)
    return canonical.encode("ascii").ljust(LENGTH, b"\0")


def decode(encoded: bytes) -> str:
    """The characters of 24 bytes. Raises `NotAnIdentifierError` for bytes `encode` never writes."""
    characters = encoded.rstrip(b"\0")
    if len(encoded) != LENGTH or not characters.isascii():
        raise NotAnIdentifierError(WhyNot.NOT_ENCODED)
    text = characters.decode("ascii")
    if parse(text) != text:
        raise NotAnIdentifierError(WhyNot.NOT_ENCODED)
    return text
