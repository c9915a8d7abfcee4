"""Batch AES-SIV with numpy, which takes a tenth of a second to import: only for batches worth that.

Buffers for one block of rows are made once and stay in the processor's cache. Rows are read and written in pieces of
8, 4, 2 and 1 bytes, because a row's width is a multiple of none of them but the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from keyholder.pseudonyms.batch.siv_constants import AES_BLOCK, COUNTER_MASK, TAG, OpenedBlock, SivConstants

ROWS = 8192

Words: TypeAlias = NDArray[np.uint64]
"""AES blocks, two words each."""

Columns: TypeAlias = list[NDArray[np.unsignedinteger]]
"""The pieces of one AES block's worth of bytes in each row."""


class ArrayLane:
    """`siv_constants.Lane` with numpy. Not for use by several threads at once."""

    def __init__(self, constants: SivConstants) -> None:
        self._of = constants
        self._constants = [np.frombuffer(constant, np.uint64) for constant in constants.constants]
        self._mask = np.frombuffer(COUNTER_MASK, np.uint64)
        self._keep = np.frombuffer(constants.keep, np.uint64)
        self._tags = np.empty((ROWS, 2), np.uint64)
        self._input = np.empty((ROWS, 2), np.uint64)
        # AES-ECB writes into a buffer only when it has a spare block at its end.
        self._output = np.empty((ROWS + 1, 2), np.uint64)
        self._plain = [np.zeros((ROWS, 2), np.uint64) for _ in range(constants.blocks)]
        self._plain_pieces = [
            _pieces(_raw(block), AES_BLOCK, 0, min(AES_BLOCK, constants.length - AES_BLOCK * place))
            for place, block in enumerate(self._plain)
        ]
        self._tag_pieces = _pieces(_raw(self._tags), AES_BLOCK, 0, TAG)

    def seal(self, plaintexts: bytes) -> bytes:
        rows, width = len(plaintexts) // self._of.length, TAG + self._of.length
        if not rows:
            return b""
        sealed = bytearray(rows * width)
        source = self._body(memoryview(plaintexts), self._of.length, 0)
        tag, target = _pieces(memoryview(sealed), width, 0, TAG), self._body(memoryview(sealed), width, TAG)
        for start, size in _blocks(rows):
            for mine, given in zip(self._plain_pieces, source, strict=True):
                _copy(mine, 0, given, start, size)
            self._tags[:size] = self._authenticate(size)
            _copy(tag, start, self._tag_pieces, 0, size)
            for place, keystream in self._keystream(size):
                np.bitwise_xor(self._plain[place][:size], keystream, out=self._plain[place][:size])
                _copy(target[place], start, self._plain_pieces[place], 0, size)
            self._wipe_padding()
        return bytes(sealed)

    def open(self, sealed: bytes) -> OpenedBlock:
        width = TAG + self._of.length
        rows = len(sealed) // width
        if not rows:
            return OpenedBlock(b"", [])
        plaintexts = bytearray(rows * self._of.length)
        tag, source = _pieces(memoryview(sealed), width, 0, TAG), self._body(memoryview(sealed), width, TAG)
        target = self._body(memoryview(plaintexts), self._of.length, 0)
        failed: list[int] = []
        for start, size in _blocks(rows):
            _copy(self._tag_pieces, 0, tag, start, size)
            for mine, given in zip(self._plain_pieces, source, strict=True):
                _copy(mine, 0, given, start, size)
            for place, keystream in self._keystream(size):
                np.bitwise_xor(self._plain[place][:size], keystream, out=self._plain[place][:size])
            self._wipe_padding()
            bad = self._differing(self._authenticate(size), size)
            for place, block in enumerate(self._plain):
                block[bad] = 0
                _copy(target[place], start, self._plain_pieces[place], 0, size)
            failed += (bad + start).tolist()
        return OpenedBlock(bytes(plaintexts), failed)

    def _body(self, buffer: memoryview, width: int, offset: int) -> list[Columns]:
        """Each AES block's worth of a row's text."""
        length = self._of.length
        return [
            _pieces(buffer, width, offset + start, min(AES_BLOCK, length - start))
            for start in range(0, length, AES_BLOCK)
        ]

    def _authenticate(self, size: int) -> Words:
        """The synthetic IVs of the plaintext blocks; valid until the next call of AES."""
        state = self._plain[0][:size]
        for place, constant in enumerate(self._constants):
            np.bitwise_xor(self._plain[place][:size], constant, out=self._input[:size])
            if place:
                np.bitwise_xor(self._input[:size], state, out=self._input[:size])
            self._of.mac.update_into(_raw(self._input[:size]), _raw(self._output[: size + 1]))
            state = self._output[:size]
        return state

    def _keystream(self, size: int) -> Iterator[tuple[int, Words]]:
        """The keystream of each AES block; one is valid until the next is asked for."""
        np.bitwise_and(self._tags[:size], self._mask, out=self._input[:size])
        for place in range(self._of.blocks):
            if place:
                np.bitwise_and(self._tags[:size], self._mask, out=self._input[:size])
                self._input[:size].view(">u4")[:, 3] += place
            self._of.counter.update_into(_raw(self._input[:size]), _raw(self._output[: size + 1]))
            yield place, self._output[:size]

    def _wipe_padding(self) -> None:
        if self._of.length % AES_BLOCK:
            np.bitwise_and(self._plain[-1], self._keep, out=self._plain[-1])

    def _differing(self, tags: Words, size: int) -> NDArray[np.intp]:
        np.bitwise_xor(tags, self._tags[:size], out=tags)
        return np.flatnonzero(tags[:, 0] | tags[:, 1])


def _blocks(rows: int) -> Iterator[tuple[int, int]]:
    for start in range(0, rows, ROWS):
        yield start, min(ROWS, rows - start)


def _pieces(buffer: memoryview, width: int, offset: int, length: int) -> Columns:
    """Views of `length` bytes from `offset` of each row of `width` bytes, as few as cover them."""
    views: Columns = []
    rows = len(buffer) // width
    for size in (8, 4, 2, 1):
        while length >= size:
            views.append(np.ndarray((rows,), f"u{size}", buffer, offset, (width,)))
            offset, length = offset + size, length - size
    return views


def _copy(target: Columns, to: int, source: Columns, start: int, size: int) -> None:
    for one, other in zip(target, source, strict=True):
        one[to : to + size] = other[start : start + size]


def _raw(words: Words) -> memoryview:
    raw: memoryview = words.data.cast("B")
    return raw
