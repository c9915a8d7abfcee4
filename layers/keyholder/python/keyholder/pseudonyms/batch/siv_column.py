"""AES-256-SIV over a whole column: the fastest lane for its size, a sample of every batch checked by the library."""

from __future__ import annotations

import sys
from collections.abc import Callable

from keyholder.identifiers.forms import FORMS
from keyholder.pseudonyms.batch.checked import BatchDisagreesError, sample
from keyholder.pseudonyms.batch.integer_lane import IntegerLane
from keyholder.pseudonyms.batch.siv_constants import TAG, Lane, OpenedBlock, SivConstants
from keyholder.pseudonyms.key_ring import DataKey
from keyholder.pseudonyms.siv import Siv, associated_data
from keyholder.vocabulary import DomainId, IdentifierType

FEW = 128
"""Below this many rows the library one by one is faster than a batch and its sample (measured)."""

MANY = 1_000_000
"""From this many rows on numpy saves more than its import costs, 0.13 s (measured: 0.09 to 0.15 microseconds a row)."""

MANY_WITH_NUMPY = 1_000
"""The same where numpy is imported already."""

LaneMaker = Callable[[SivConstants], Lane]


class SivColumn:
    """Seals and opens encoded identifiers of one type, joined without gaps, under one key of one domain.

    Both raise `BatchDisagreesError`. `lane` is for tests: the lane for every batch, whatever its size.
    """

    __slots__ = ("_associated_data", "_choose", "_length", "_material", "_siv")

    def __init__(
        self, key: DataKey, domain: DomainId, identifier_type: IdentifierType, lane: LaneMaker | None = None
    ) -> None:
        self._siv = Siv(key.material)
        self._material = key.material
        self._associated_data = associated_data(domain, identifier_type, key.version)
        self._length = FORMS[identifier_type].length
        self._choose = lane

    def seal(self, plaintexts: bytes) -> bytes:
        """Tag and ciphertext of each plaintext, joined."""
        length, width = self._length, self._length + TAG
        rows = len(plaintexts) // length
        lane = self._lane(rows)
        if lane is None:
            return b"".join([self._seal_one(plaintexts, row) for row in range(rows)])
        sealed = lane.seal(plaintexts)
        if len(sealed) != rows * width or any(
            sealed[width * row : width * (row + 1)] != self._seal_one(plaintexts, row) for row in sample(rows)
        ):
            raise BatchDisagreesError
        return sealed

    def open(self, sealed: bytes) -> OpenedBlock:
        """Plaintexts and the rows that this key did not make; those are blank."""
        length = self._length
        rows = len(sealed) // (length + TAG)
        lane = self._lane(rows)
        if lane is None:
            found = [self._open_one(sealed, row) for row in range(rows)]
            failed = [row for row, plaintext in enumerate(found) if plaintext is None]
            return OpenedBlock(b"".join([plaintext or bytes(length) for plaintext in found]), failed)
        opened = lane.open(sealed)
        if len(opened.plaintexts) != rows * length or not self._agrees(sealed, opened, rows):
            raise BatchDisagreesError
        return opened

    def _agrees(self, sealed: bytes, opened: OpenedBlock, rows: int) -> bool:
        failed, length = set(opened.failed), self._length
        for row in sample(rows):
            plaintext = self._open_one(sealed, row)
            if (plaintext is None) != (row in failed):
                return False
            if opened.plaintexts[length * row : length * (row + 1)] != (plaintext or bytes(length)):
                return False
        return True

    def _seal_one(self, plaintexts: bytes, row: int) -> bytes:
        return self._siv.seal(plaintexts[self._length * row : self._length * (row + 1)], self._associated_data)

    def _open_one(self, sealed: bytes, row: int) -> bytes | None:
        width = self._length + TAG
        return self._siv.open(sealed[width * row : width * (row + 1)], self._associated_data)

    def _lane(self, rows: int) -> Lane | None:
        """The lane for so many rows; None: one by one."""
        make = self._choose or _lane_for(rows)
        return make and make(SivConstants(self._material, self._associated_data, self._length))


def _lane_for(rows: int) -> LaneMaker | None:
    if rows < FEW:
        return None
    if rows < (MANY_WITH_NUMPY if "numpy" in sys.modules else MANY):
        return IntegerLane
    try:
        from keyholder.pseudonyms.batch.array_lane import ArrayLane
    except ImportError:
        # numpy is optional, and Lambda's layer is without it.
        return IntegerLane
    return ArrayLane
