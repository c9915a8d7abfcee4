"""Batch AES-SIV with the standard library alone: columns move by strided slices, XOR is done on big integers.

All arithmetic is on big-endian numbers of 16 bytes a row, whatever the processor's byte order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from keyholder.pseudonyms.batch.siv_constants import AES_BLOCK, COUNTER_MASK, TAG, OpenedBlock, SivConstants

ROWS = 4096
"""Rows of a block: large enough to spread Python's own cost, small enough to stay in a processor's cache."""


class IntegerLane:
    """`siv_constants.Lane` without numpy."""

    __slots__ = ("_constants", "_full", "_unit")

    def __init__(self, constants: SivConstants) -> None:
        self._constants = constants
        self._unit = 4 if constants.length % 4 == 0 else 1
        self._full = _Numbers(constants, ROWS)

    def seal(self, plaintexts: bytes) -> bytes:
        length = self._constants.length
        return b"".join(
            self._seal_block(plaintexts[start : start + length * ROWS])
            for start in range(0, len(plaintexts), length * ROWS)
        )

    def open(self, sealed: bytes) -> OpenedBlock:
        width = TAG + self._constants.length
        plaintexts, failed = [], []
        for start in range(0, len(sealed), width * ROWS):
            opened = self._open_block(sealed[start : start + width * ROWS])
            plaintexts.append(opened.plaintexts)
            failed += [start // width + row for row in opened.failed]
        return OpenedBlock(b"".join(plaintexts), failed)

    def _open_block(self, sealed: bytes) -> OpenedBlock:
        length, width = self._constants.length, TAG + self._constants.length
        numbers = self._numbers(len(sealed) // width)
        tags = _number(self._columns(sealed, width, 0, TAG))
        plain = [
            _number(self._columns(sealed, width, TAG + AES_BLOCK * block, width)) ^ keystream
            for block, keystream in enumerate(self._keystream(tags, numbers))
        ]
        plain[-1] &= numbers.keep
        failed = _rows_that_differ(tags ^ _number(self._tags(plain, numbers)), numbers.size)
        out = bytearray(length * numbers.rows)
        for block, number in enumerate(plain):
            self._put(out, length, AES_BLOCK * block, number.to_bytes(numbers.size, "big"))
        for row in failed:
            out[length * row : length * (row + 1)] = bytes(length)
        return OpenedBlock(bytes(out), failed)

    def _seal_block(self, plaintexts: bytes) -> bytes:
        length, width = self._constants.length, TAG + self._constants.length
        numbers = self._numbers(len(plaintexts) // length)
        plain = [
            _number(self._columns(plaintexts, length, AES_BLOCK * block, length))
            for block in range(self._constants.blocks)
        ]
        tags = self._tags(plain, numbers)
        out = bytearray(width * numbers.rows)
        self._put(out, width, 0, tags)
        for block, keystream in enumerate(self._keystream(_number(tags), numbers)):
            cipher = (plain[block] ^ keystream).to_bytes(numbers.size, "big")
            self._put(out, width, TAG + AES_BLOCK * block, cipher)
        return bytes(out)

    def _numbers(self, rows: int) -> _Numbers:
        return self._full if rows == ROWS else _Numbers(self._constants, rows)

    def _keystream(self, tags: int, numbers: _Numbers) -> list[int]:
        first = tags & numbers.mask
        return [
            _number(self._constants.counter.update((first + block * numbers.ones).to_bytes(numbers.size, "big")))
            for block in range(self._constants.blocks)
        ]

    def _tags(self, plain: Sequence[int], numbers: _Numbers) -> bytes:
        state = 0
        tags = b""
        for block, constant in zip(plain, numbers.constants, strict=True):
            tags = self._constants.mac.update((state ^ block ^ constant).to_bytes(numbers.size, "big"))
            state = _number(tags)
        return tags

    def _columns(self, rows: bytes, width: int, start: int, end: int) -> bytearray:
        """Up to 16 bytes of each row, from `start` and before `end`, padded to 16 with zero bytes."""
        wide, unit = AES_BLOCK // self._unit, self._unit
        padded = bytearray(len(rows) // width * AES_BLOCK)
        source, target = _items(rows, unit), _items(padded, unit)
        for place in range(min(AES_BLOCK, end - start) // unit):
            target[place::wide] = source[start // unit + place :: width // unit]
        return padded

    def _put(self, rows: bytearray, width: int, start: int, block: bytes) -> None:
        """Write a block's 16 bytes of each row at `start`, as many as there is room for."""
        wide, unit = AES_BLOCK // self._unit, self._unit
        source, target = _items(block, unit), _items(rows, unit)
        for place in range(min(AES_BLOCK, width - start) // unit):
            target[start // unit + place :: width // unit] = source[place::wide]


_SET = re.compile(rb"[^\0]")


class _Numbers:
    """The constants of a key, repeated for each of `rows` rows, as numbers."""

    def __init__(self, constants: SivConstants, rows: int) -> None:
        self.rows = rows
        self.size = AES_BLOCK * rows
        self._of = constants

    @cached_property
    def mask(self) -> int:
        return _number(COUNTER_MASK * self.rows)

    @cached_property
    def keep(self) -> int:
        return _number(self._of.keep * self.rows)

    @cached_property
    def ones(self) -> int:
        return _number((1).to_bytes(AES_BLOCK, "big") * self.rows)

    @cached_property
    def constants(self) -> list[int]:
        return [_number(constant * self.rows) for constant in self._of.constants]


def _items(block: bytes | bytearray, unit: int) -> memoryview:
    return memoryview(block).cast("I") if unit == 4 else memoryview(block)


def _number(block: bytes | bytearray) -> int:
    return int.from_bytes(block, "big")


def _rows_that_differ(difference: int, size: int) -> list[int]:
    """The rows of 16 bytes in which a bit is set."""
    if not difference:
        return []
    # The last byte of a row gathers the bits of all its bytes; what is shifted in from the row before stays left of it.
    for bits in (64, 32, 16, 8):
        difference |= difference >> bits
    gathered = difference.to_bytes(size, "big")[AES_BLOCK - 1 :: AES_BLOCK]
    return [row.start() for row in _SET.finditer(gathered)]
