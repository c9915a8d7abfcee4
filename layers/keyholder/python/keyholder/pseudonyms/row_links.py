"""Which identifiers stood together in one row, kept without saying whose.

A requester chooses which tokens go into one record. They could put a consenting person's NHS number token beside
another person's postcode token: the checks would look at the first person, and the second would be re-identified in
spite of their opt-out. So pseudonymisation keeps a keyed digest of (domain, NHS number, type, value) for every other
identifier of the row, and a release hands out such an identifier only where its digest is among them.

One binary object a job, all big-endian: 4 bytes `KHRL`, version (4 bytes), count (8 bytes), then that many 8-byte
digests, ascending, each once. A digest is the first half of AES-CMAC (NIST SP 800-38B) under a key derived for this
purpose alone; 8 bytes make a chance hit one in 10^19 for each digest held.
"""

from __future__ import annotations

import struct
import sys
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keyholder.batch_cmac import BatchCmac
from keyholder.pseudonyms.key_ring import SecretKey
from keyholder.pseudonyms.sealing import IdentifierRow
from keyholder.vocabulary import DomainId, IdentifierType

LABEL = b"keyholder/row-link/v1"
DIGEST_LENGTH = 8

_HEADER = struct.Struct(">4sIQ")
_MAGIC = b"KHRL"
_VERSION = 1


LinkedCell = tuple[str, IdentifierType, str]
"""An NHS number, and an identifier that may have stood in one row with it. Both canonical."""


class LinkKey(SecretKey):
    """The key of the row links: 32 bytes, derived from the digest key with HKDF-SHA-256 under a label of its own."""

    __slots__ = ()

    @classmethod
    def derive(cls, digest_key: SecretKey) -> Self:
        """Does not wipe `digest_key`."""
        return cls(HKDF(algorithm=SHA256(), length=32, salt=None, info=LABEL).derive(digest_key.material))


def link_digests(key: LinkKey, domain: DomainId, rows: Iterable[IdentifierRow], *, lone_numbers: bool = False) -> bytes:
    """One job's object, from rows of canonical identifiers. A row without an NHS number links nothing.

    With `lone_numbers` each NHS number is linked to itself as well: that is how people whom an extract of the domain
    held are told from others, and where pseudonyms are not authenticated (FF1) from what any ten digits open to.
    """
    given = list(rows)
    columns = {kind: [row.get(kind) for row in given] for kind in IdentifierType}
    return column_links(key, domain, columns, lone_numbers=lone_numbers)


def column_links(
    key: LinkKey,
    domain: DomainId,
    columns: Mapping[IdentifierType, Sequence[str | None]],
    *,
    lone_numbers: bool = False,
) -> bytes:
    """What `link_digests` gives for the same rows as columns of one length; a cell without an identifier is None."""
    numbers = columns.get(IdentifierType.NHS_NUMBER, ())
    messages: list[bytes] = []
    for kind, values in columns.items():
        if lone_numbers or kind is not IdentifierType.NHS_NUMBER:
            messages += _messages(domain, kind, numbers, values)
    return object_of(b"".join(sorted(set(BatchCmac(key.material).tags(messages, DIGEST_LENGTH)))))


@dataclass(frozen=True, slots=True)
class RowLinks:
    """The links of any number of jobs. Each object is read where it lies: nothing is copied, whatever its size."""

    _jobs: tuple[memoryview, ...] = field(repr=False)

    @classmethod
    def parse(cls, objects: Iterable[bytes]) -> Self:
        """Raises `ValueError` for an object that `link_digests` never writes (cut off, foreign, another version)."""
        return cls(tuple(digests_of(stored) for stored in objects))

    def holds(
        self, key: LinkKey, domain: DomainId, nhs_number: str, identifier_type: IdentifierType, value: str
    ) -> bool:
        """Whether `value` stood in one row with `nhs_number` when it was pseudonymised. Both canonical."""
        digest = _digest(key, domain, nhs_number, identifier_type, value)
        return any(_contains(job, digest) for job in self._jobs)

    def holds_each(self, key: LinkKey, domain: DomainId, cells: Sequence[LinkedCell]) -> list[bool]:
        """`holds` of each of many (NHS number, type, value), in order."""
        messages = [one for number, kind, value in cells for one in _messages(domain, kind, [number], [value])]
        tags = BatchCmac(key.material).tags(messages, DIGEST_LENGTH)
        wanted = [int.from_bytes(tag, sys.byteorder) for tag in tags]
        asked, found = set(wanted), set[int]()
        for job in self._jobs:
            found |= asked.intersection(job.cast("Q"))
        return [digest in found for digest in wanted]


def _digest(key: LinkKey, domain: DomainId, nhs_number: str, identifier_type: IdentifierType, value: str) -> bytes:
    mac = CMAC(AES(key.material))
    mac.update(*_messages(domain, identifier_type, [nhs_number], [value]))
    return mac.finalize()[:DIGEST_LENGTH]


def _messages(
    domain: DomainId, kind: IdentifierType, numbers: Sequence[str | None], values: Sequence[str | None]
) -> list[bytes]:
    """For each row that has both: domain, NHS number, type and value, each after its length in two bytes.

    None of them is longer than 127 characters, and all are ASCII.
    """
    first, middle = _with_length(domain), _with_length(kind)
    return [
        f"{first}\0{chr(len(number))}{number}{middle}\0{chr(len(value))}{value}".encode("ascii")
        for number, value in zip(numbers, values, strict=False)
        if number is not None and value is not None
    ]


def _with_length(text: str) -> str:
    return f"\0{chr(len(text))}{text}"


def object_of(digests: bytes) -> bytes:
    """The object of digests that ascend and come once each."""
    return _HEADER.pack(_MAGIC, _VERSION, len(digests) // DIGEST_LENGTH) + digests


def digests_of(stored: bytes) -> memoryview:
    """What is in an object, where it lies. Raises `ValueError` for an object that `object_of` never gives."""
    if len(stored) < _HEADER.size:
        raise ValueError("not an object of row links")
    magic, version, count = _HEADER.unpack_from(stored)
    if magic != _MAGIC or version != _VERSION:
        raise ValueError("not an object of row links of version 1")
    if len(stored) != _HEADER.size + count * DIGEST_LENGTH:
        raise ValueError("an object of row links is cut off or too long")
    return memoryview(stored)[_HEADER.size :]


def _contains(digests: memoryview, digest: bytes) -> bool:
    def at(place: int) -> bytes:
        return bytes(digests[place * DIGEST_LENGTH : (place + 1) * DIGEST_LENGTH])

    count = len(digests) // DIGEST_LENGTH
    place = bisect_left(range(count), digest, key=at)
    return place < count and at(place) == digest
