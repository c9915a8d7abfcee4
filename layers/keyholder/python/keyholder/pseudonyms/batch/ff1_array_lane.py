"""Batch FF1 with numpy: halves in arrays, blocks of rows that stay in the processor's cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from keyholder.pseudonyms.batch.ff1_lanes import RADIX, Ff1Constants
from keyholder.pseudonyms.ff1 import ROUNDS

ROWS = 8192

Numbers: TypeAlias = NDArray[np.uint64]
Halves: TypeAlias = tuple[Numbers, Numbers]


class Ff1ArrayLane:
    """`ff1_lanes.Ff1Lane` with numpy. Not for use by several threads at once."""

    def __init__(self, constants: Ff1Constants) -> None:
        self._of = constants
        # numpy knows these words are big-endian and swaps them where the processor is not.
        self._input = np.empty((ROWS, 2), ">u8")
        self._input[:, 0] = constants.first
        # AES-ECB writes into a buffer only when it has a spare block at its end.
        self._output = np.empty((ROWS + 1, 2), ">u8")

    def encrypt(self, texts: bytes) -> bytes:
        return self._run(texts, self._encrypt)

    def decrypt(self, texts: bytes) -> bytes:
        return self._run(texts, self._decrypt)

    def _run(self, texts: bytes, change: Callable[[Numbers, Numbers], Halves]) -> bytes:
        given = np.frombuffer(texts, np.uint8).reshape(-1, self._of.digits)
        out = np.empty_like(given)
        middle = self._of.digits // 2
        for start in range(0, len(given), ROWS):
            block = given[start : start + ROWS]
            a, b = change(_read(block[:, :middle]), _read(block[:, middle:]))
            _write(a, out[start : start + ROWS, :middle])
            _write(b, out[start : start + ROWS, middle:])
        changed: bytes = out.tobytes()
        return changed

    def _encrypt(self, a: Numbers, b: Numbers) -> Halves:
        for round_ in range(ROUNDS):
            modulus = np.uint64(self._of.moduli[round_ % 2])
            total = a + self._number(round_, b, modulus)
            np.subtract(total, modulus, out=total, where=total >= modulus)
            a, b = b, total
        return a, b

    def _decrypt(self, a: Numbers, b: Numbers) -> Halves:
        for round_ in reversed(range(ROUNDS)):
            modulus = np.uint64(self._of.moduli[round_ % 2])
            total = b + (modulus - self._number(round_, a, modulus))
            np.subtract(total, modulus, out=total, where=total >= modulus)
            a, b = total, a
        return a, b

    def _number(self, round_: int, half: Numbers, modulus: np.uint64) -> Numbers:
        size = len(half)
        self._input[:size, 1] = half ^ np.uint64(self._of.second[round_])
        self._of.aes.update_into(self._input[:size].data.cast("B"), self._output[: size + 1].data.cast("B"))
        number: Numbers = self._output[:size, 0].astype(np.uint64)
        # Several times faster than np.remainder.
        number -= number // modulus * modulus
        return number


def _read(digits: NDArray[np.uint8]) -> Numbers:
    number = digits[:, 0].astype(np.uint64) - np.uint64(ord("0"))
    for place in range(1, digits.shape[1]):
        number *= np.uint64(RADIX)
        number += digits[:, place] - np.uint8(ord("0"))
    return number


def _write(number: Numbers, digits: NDArray[np.uint8]) -> None:
    for place in reversed(range(digits.shape[1])):
        rest = number // np.uint64(RADIX)
        digits[:, place] = number - rest * np.uint64(RADIX) + np.uint64(ord("0"))
        number = rest
