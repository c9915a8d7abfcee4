"""FF1 for many decimal texts of one length under one key and tweak: one call of AES-ECB for each round.

Here is the form without numpy, which keeps the halves in lists. `ff1_array_lane` has them in arrays.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Sequence
from typing import Protocol

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

from keyholder.pseudonyms.ff1 import ROUNDS, Prf
from keyholder.pseudonyms.schemes import SMALLEST_DOMAIN

RADIX = 10
LONGEST = 18
"""Digits: up to here a round's number is 8 bytes, and the changing part of its input fits the last 8 of one block."""


class Ff1Lane(Protocol):
    """A way to do FF1 for many rows."""

    def encrypt(self, texts: bytes) -> bytes:
        """Rows of ASCII digits, joined, to as many. What is not a digit gives a wrong answer: check before."""
        ...

    def decrypt(self, texts: bytes) -> bytes:
        """What `encrypt` was given."""
        ...


class Ff1Constants:
    """What one key, tweak and number of digits leave constant: each round's input but for the half it takes.

    Raises `ValueError` for a domain under one million values and for more than 18 digits.
    """

    __slots__ = ("aes", "digits", "first", "moduli", "second")

    def __init__(self, key: bytes, tweak: bytes, digits: int) -> None:
        if RADIX**digits < SMALLEST_DOMAIN or digits > LONGEST:
            raise ValueError("a batch of FF1 has 6 to 18 digits")
        self.aes: CipherContext = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - see ff1.Ff1
        self.digits = digits
        prf = Prf(self.aes.update, RADIX, digits, tweak)
        self.moduli = prf.moduli
        inputs = [
            int.from_bytes(prf.state, "big") ^ int.from_bytes(prf.rest + bytes((round_,)) + bytes(prf.width), "big")
            for round_ in range(ROUNDS)
        ]
        self.first = inputs[0] >> 64
        """The first 8 bytes of every round's input."""
        self.second = [number & (1 << 64) - 1 for number in inputs]
        """The last 8 bytes of each round's input, to which the half is added without carry."""


class Ff1ListLane:
    """`Ff1Lane` without numpy."""

    __slots__ = ("_of",)

    def __init__(self, constants: Ff1Constants) -> None:
        self._of = constants

    def encrypt(self, texts: bytes) -> bytes:
        a, b = self._halves(texts)
        blocks = self._blocks(len(a))
        for round_ in range(ROUNDS):
            modulus = self._of.moduli[round_ % 2]
            numbers = self._numbers(blocks, round_, b)
            a, b = b, [(half + number) % modulus for half, number in zip(a, numbers, strict=True)]
        return self._texts(a, b)

    def decrypt(self, texts: bytes) -> bytes:
        a, b = self._halves(texts)
        blocks = self._blocks(len(a))
        for round_ in reversed(range(ROUNDS)):
            modulus = self._of.moduli[round_ % 2]
            numbers = self._numbers(blocks, round_, a)
            a, b = [(half - number) % modulus for half, number in zip(b, numbers, strict=True)], a
        return self._texts(a, b)

    def _halves(self, texts: bytes) -> tuple[list[int], list[int]]:
        digits, middle = self._of.digits, self._of.digits // 2
        starts = range(0, len(texts), digits)
        return (
            [int(texts[start : start + middle]) for start in starts],
            [int(texts[start + middle : start + digits]) for start in starts],
        )

    def _texts(self, a: Sequence[int], b: Sequence[int]) -> bytes:
        digits, middle = self._of.digits, self._of.digits // 2
        row = f"%0{middle}d%0{digits - middle}d"
        return "".join([row % halves for halves in zip(a, b, strict=True)]).encode("ascii")

    def _blocks(self, rows: int) -> bytearray:
        return bytearray((self._of.first.to_bytes(8, "big") + bytes(8)) * rows)

    def _numbers(self, blocks: bytearray, round_: int, halves: Iterable[int]) -> list[int]:
        constant = self._of.second[round_]
        memoryview(blocks).cast("Q")[1::2] = _big_endian(array("Q", [constant ^ half for half in halves]))
        numbers = array("Q", bytes(len(blocks) // 2))
        memoryview(numbers)[:] = memoryview(self._of.aes.update(blocks)).cast("Q")[::2]
        return _big_endian(numbers).tolist()


def _big_endian(words: array[int]) -> array[int]:
    """Between the processor's byte order and the one on the wire."""
    if sys.byteorder == "little":
        words.byteswap()
    return words
