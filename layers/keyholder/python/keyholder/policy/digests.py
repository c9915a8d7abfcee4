"""A person in the registers: the keyed digest of an NHS number, never the number.

AES-CMAC (NIST SP 800-38B) with a 256-bit key, first 8 bytes. The key is derived from the digest key with HKDF-SHA-256
(RFC 5869) under a label of its own. Two of 60 million people share a digest with a chance of one in ten thousand; the
registers then read the two in the way that withholds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NewType

from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keyholder.batch_cmac import BatchCmac

PersonDigest = NewType("PersonDigest", bytes)
"""Eight bytes."""

LABEL = b"keyholder/person-digest/v1"
DIGEST_LENGTH = 8
SECRET_LENGTH = 32


class Digester:
    """Turns NHS numbers into digests. Hides its key; holds it inside the ciphers' own contexts alone."""

    __slots__ = ("_many", "_started")

    def __init__(self, secret: bytes | bytearray) -> None:
        """`secret` is the digest key, 32 bytes; anything else raises `ValueError`."""
        if len(secret) != SECRET_LENGTH:
            raise ValueError("the digest key has 32 bytes")
        derived = HKDF(algorithm=SHA256(), length=SECRET_LENGTH, salt=None, info=LABEL).derive(bytes(secret))
        self._started = CMAC(AES(derived))
        self._many = BatchCmac(derived)

    def digest(self, nhs_number: str) -> PersonDigest:
        """The digest of a canonical NHS number (ten digits)."""
        mac = self._started.copy()
        mac.update(nhs_number.encode("ascii"))
        return PersonDigest(mac.finalize()[:DIGEST_LENGTH])

    def digests(self, nhs_numbers: Sequence[str]) -> list[PersonDigest]:
        """The digest of each of many canonical NHS numbers, in order."""
        return [
            PersonDigest(tag) for tag in self._many.tags([one.encode("ascii") for one in nhs_numbers], DIGEST_LENGTH)
        ]

    def __repr__(self) -> str:
        return "Digester(hidden)"
