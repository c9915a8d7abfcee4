"""A person in the registers: the keyed digest of an NHS number, never the number.

AES-CMAC (NIST SP 800-38B) with a 256-bit key, first 8 bytes. The key is derived from the digest key with HKDF-SHA-256
(RFC 5869) under a label of its own. Two of 60 million people share a digest with a chance of one in ten thousand; the
registers then read the two in the way that withholds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NewType

from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keyholder.batch_cmac import BLOCK, ROWS, BatchCmac
from keyholder.pseudonyms.batch.checked import BatchDisagreesError, sample

PersonDigest = NewType("PersonDigest", bytes)
"""Eight bytes."""

LABEL = b"keyholder/person-digest/v1"
DIGEST_LENGTH = 8
SECRET_LENGTH = 32

_NUMBER_LENGTH = 10
_MARK = b"\x80"
_PADDING = "\x80" + "\0" * (BLOCK - _NUMBER_LENGTH - 1)
"""What SP 800-38B adds to a last block that is not full."""


@dataclass(frozen=True, slots=True)
class PersonDigests:
    """The digests of several people, joined without gaps, in their order."""

    joined: bytes = field(repr=False)

    def __len__(self) -> int:
        return len(self.joined) // DIGEST_LENGTH

    def __getitem__(self, place: int) -> PersonDigest:
        return PersonDigest(self.joined[place * DIGEST_LENGTH : (place + 1) * DIGEST_LENGTH])

    def __iter__(self) -> Iterator[PersonDigest]:
        return map(self.__getitem__, range(len(self)))


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

    def digests(self, nhs_numbers: Sequence[str]) -> PersonDigests:
        """The digests of many canonical NHS numbers, in a tenth of the time of one after the other.

        Ten digits are less than one block, so that the CMAC of each is one block of AES, and a row of them one call. A
        random sample is done again by the library: `BatchDisagreesError` if it differs. Raises `ValueError` for a
        number that has not ten characters.
        """
        starts = range(0, len(nhs_numbers), ROWS)
        found = PersonDigests(b"".join(self._block(nhs_numbers[start : start + ROWS]) for start in starts))
        if any(found[place] != self.digest(nhs_numbers[place]) for place in sample(len(nhs_numbers))):
            raise BatchDisagreesError
        return found

    def _block(self, nhs_numbers: Sequence[str]) -> bytes:
        blocks = (_PADDING.join(nhs_numbers) + _PADDING).encode("latin-1")
        marks = _MARK * len(nhs_numbers)
        if blocks[_NUMBER_LENGTH::BLOCK] != marks or blocks.count(_MARK) != len(marks):
            raise ValueError("a canonical NHS number has ten digits")
        return memoryview(self._many.padded(blocks)).cast("Q")[::2].tobytes()

    def __repr__(self) -> str:
        return "Digester(hidden)"
