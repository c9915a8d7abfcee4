"""AES-SIV (RFC 5297) for many plaintexts of one length under one key and one list of associated data.

S2V of the associated data is then the same for all of them, so that a plaintext of up to 16 bytes costs two AES blocks
and one of 17 to 32 bytes four. The lanes (`integer_lane`, `array_lane`) do each step for a whole block of rows with one
call of AES-ECB; here is what they share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

TAG = 16
"""Bytes of a synthetic initialisation vector."""

AES_BLOCK = 16

COUNTER_MASK = bytes.fromhex("ffffffffffffffff7fffffff7fffffff")
"""Clears two bits of the synthetic IV (RFC 5297 section 2.5), so that counting up never carries over 32 bits."""


@dataclass(frozen=True, slots=True)
class OpenedBlock:
    """Plaintexts, joined, and the numbers of the rows that failed authentication: those plaintexts are zero bytes."""

    plaintexts: bytes = field(repr=False)
    failed: Sequence[int]


class Lane(Protocol):
    """A way to seal and open many rows."""

    def seal(self, plaintexts: bytes) -> bytes:
        """For each plaintext, joined without gaps: 16 bytes of tag and the ciphertext."""
        ...

    def open(self, sealed: bytes) -> OpenedBlock:
        """What `seal` gave, opened row by row."""
        ...


class SivConstants:
    """The two AES keys, and what S2V adds to every row.

    `length` is that of each plaintext, 1 byte or more. `constants` has one 16-byte item for each AES block of a
    plaintext: CBC-MAC over the plaintext blocks, each with its constant added, is the synthetic IV. The key schedules
    hold copies of the key until they are freed. Raises `ValueError` for an empty plaintext or a key of another length.
    """

    __slots__ = ("blocks", "constants", "counter", "length", "mac")

    def __init__(self, material: bytes | bytearray, associated_data: Sequence[bytes], length: int) -> None:
        if length < 1:
            raise ValueError("a plaintext has at least one byte")
        half = len(material) // 2
        with memoryview(material) as whole:
            self.mac = _aes_ecb(whole[:half])
            self.counter = _aes_ecb(whole[half:])
        self.length = length
        self.blocks = -(-length // AES_BLOCK)
        self.constants = _s2v_constants(self.mac.update, associated_data, length)

    @property
    def keep(self) -> bytes:
        """A mask over the last block of a plaintext: ones where it has bytes."""
        used = self.length - AES_BLOCK * (self.blocks - 1)
        return b"\xff" * used + bytes(AES_BLOCK - used)


def _aes_ecb(key: memoryview) -> CipherContext:
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - the building block of SIV, not a mode in use


def _s2v_constants(aes: Callable[[bytes], bytes], associated_data: Sequence[bytes], length: int) -> tuple[bytes, ...]:
    """RFC 5297 section 2.4 up to the plaintext, and the CMAC subkey of the last block (NIST SP 800-38B)."""
    full_subkey = _double(aes(bytes(AES_BLOCK)))
    padded_subkey = _double(full_subkey)
    digest = _cmac(aes, bytes(AES_BLOCK), full_subkey, padded_subkey)
    for item in associated_data:
        digest = _xor(_double(digest), _cmac(aes, item, full_subkey, padded_subkey))
    blocks = -(-length // AES_BLOCK)
    padding = (b"\x80" + bytes(AES_BLOCK))[: AES_BLOCK * blocks - length]
    if length < AES_BLOCK:
        return (_xor(_xor(_double(digest), bytes(length) + padding), full_subkey),)
    whole = bytes(length - AES_BLOCK) + digest + padding
    constants = [whole[start : start + AES_BLOCK] for start in range(0, len(whole), AES_BLOCK)]
    constants[-1] = _xor(constants[-1], padded_subkey if padding else full_subkey)
    return tuple(constants)


def _cmac(aes: Callable[[bytes], bytes], message: bytes, full_subkey: bytes, padded_subkey: bytes) -> bytes:
    blocks = max(1, -(-len(message) // AES_BLOCK))
    last = message[AES_BLOCK * (blocks - 1) :]
    if len(last) == AES_BLOCK:
        last = _xor(last, full_subkey)
    else:
        last = _xor((last + b"\x80").ljust(AES_BLOCK, b"\0"), padded_subkey)
    state = bytes(AES_BLOCK)
    for block in range(blocks - 1):
        state = aes(_xor(state, message[AES_BLOCK * block : AES_BLOCK * (block + 1)]))
    return aes(_xor(state, last))


def _double(block: bytes) -> bytes:
    """Times x in GF(2^128), in constant time."""
    number = int.from_bytes(block, "big") << 1
    carry = number >> 128
    return ((number ^ (carry << 128)) ^ carry * 0x87).to_bytes(AES_BLOCK, "big")


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
