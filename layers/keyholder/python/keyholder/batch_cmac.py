"""AES-CMAC (NIST SP 800-38B) of many messages under one key, with the standard library's big integers for the XORs.

One message at a time costs a microsecond, and its parts as much again; here a block of messages takes one call of
AES-ECB for each 16 bytes of the longest of them. What comes out is CMAC and nothing else: the tests hold it against the
library's own and the examples of RFC 4493.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 16
ROWS = 4096
"""Messages of a block: large enough to spread Python's own cost, small enough to stay in a processor's cache."""


class BatchCmac:
    """CMAC under one AES key. Hides the key; the cipher's own copy lives until it is freed."""

    __slots__ = ("_aes", "_padded_subkey", "_whole_subkey")

    def __init__(self, key: bytes | bytearray) -> None:
        """Raises `ValueError` for a key that is none of AES."""
        self._aes: Callable[[bytes], bytes] = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update  # noqa: S305 - CMAC's building block
        self._whole_subkey = _doubled(self._aes(bytes(BLOCK)))
        self._padded_subkey = _doubled(self._whole_subkey)

    def tags(self, messages: Sequence[bytes], length: int = BLOCK) -> list[bytes]:
        """The first `length` bytes of each message's CMAC, in order."""
        by_size: defaultdict[int, list[int]] = defaultdict(list)
        for place, size in enumerate(map(len, messages)):
            by_size[size].append(place)
        tags = [b""] * len(messages)
        for size, places in by_size.items():
            for start in range(0, len(places), ROWS):
                these = places[start : start + ROWS]
                found = self._block([messages[place] for place in these], size)
                for place, end in zip(these, range(length, len(found) + length, BLOCK), strict=True):
                    tags[place] = found[end - length : end]
        return tags

    def padded(self, blocks: bytes) -> bytes:
        """The CMACs, joined, of messages shorter than 16 bytes that were padded to that (a one bit, then zeros)."""
        subkeys = int.from_bytes(self._padded_subkey * (len(blocks) // BLOCK), "big")
        return self._aes((subkeys ^ int.from_bytes(blocks, "big")).to_bytes(len(blocks), "big"))

    def _block(self, messages: Sequence[bytes], size: int) -> bytes:
        """The CMACs, joined, of messages of one size."""
        blocks = max(1, -(-size // BLOCK))
        padding = (b"\x80" + bytes(BLOCK))[: BLOCK * blocks - size]
        subkey = self._padded_subkey if padding else self._whole_subkey
        joined = padding.join(messages) + padding
        source, wide = memoryview(joined).cast("Q"), 2 * blocks
        column = bytearray(BLOCK * len(messages))
        target = memoryview(column).cast("Q")
        tags, state = b"", int.from_bytes(subkey * len(messages), "big") if blocks == 1 else 0
        for block in range(blocks):
            target[0::2] = source[2 * block :: wide]
            target[1::2] = source[2 * block + 1 :: wide]
            tags = self._aes((state ^ int.from_bytes(column, "big")).to_bytes(len(column), "big"))
            state = int.from_bytes(tags, "big")
            if block == blocks - 2:
                state ^= int.from_bytes(subkey * len(messages), "big")
        return tags

    def __repr__(self) -> str:
        return "BatchCmac(hidden)"


def _doubled(block: bytes) -> bytes:
    """Times x in GF(2^128), in constant time."""
    number = int.from_bytes(block, "big") << 1
    carry = number >> 128
    return ((number ^ (carry << 128)) ^ carry * 0x87).to_bytes(BLOCK, "big")
