"""FF1 (NIST SP 800-38G): an NHS number's pseudonym in a column that takes ten digits and nothing else.

Deterministic and length-preserving, and **not authenticated**: any ten digits decrypt to some ten digits, with any key.
The mode itself is here, for any radix and length, one message at a time; `batch.ff1_column` has it for whole columns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keyholder.pseudonyms.key_ring import DataKey
from keyholder.pseudonyms.schemes import SMALLEST_DOMAIN
from keyholder.vocabulary import DomainId, IdentifierType

FF1_VERSION = b"keyholder/ff1-aes-256/1"
"""The key's HKDF label and the tweak's first item; changes with anything that changes what a pseudonym means."""

ROUNDS = 10
_AES_BLOCK = 16


class Ff1:
    """FF1 under one AES key, for numerals 0 to `radix` - 1. Raises `ValueError` for a key or radix it cannot have."""

    __slots__ = ("_aes", "radix")

    def __init__(self, key: bytes, radix: int) -> None:
        if not 2 <= radix <= 1 << 16:
            raise ValueError("FF1's radix is 2 to 65536")
        cipher = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305 - the building block of FF1, not a mode in use
        self._aes: Callable[[bytes], bytes] = cipher.encryptor().update
        self.radix = radix

    def encrypt(self, numerals: Sequence[int], tweak: bytes) -> list[int]:
        """As many numerals. Raises `ValueError` for a domain under one million values or a numeral out of range."""
        a, b = self._halves(numerals)
        prf = Prf(self._aes, self.radix, len(numerals), tweak)
        for round_ in range(ROUNDS):
            a, b = b, (a + prf.number(round_, b)) % prf.moduli[round_ % 2]
        return self._numerals(a, b, len(numerals))

    def decrypt(self, numerals: Sequence[int], tweak: bytes) -> list[int]:
        """What `encrypt` was given, if this is its key and tweak; otherwise other numerals. Raises as `encrypt`."""
        a, b = self._halves(numerals)
        prf = Prf(self._aes, self.radix, len(numerals), tweak)
        for round_ in reversed(range(ROUNDS)):
            a, b = (b - prf.number(round_, a)) % prf.moduli[round_ % 2], a
        return self._numerals(a, b, len(numerals))

    def _halves(self, numerals: Sequence[int]) -> tuple[int, int]:
        if self.radix ** len(numerals) < SMALLEST_DOMAIN:
            raise ValueError("FF1 needs a domain of at least one million values")
        if not all(0 <= numeral < self.radix for numeral in numerals):
            raise ValueError("a numeral is not below the radix")
        middle = len(numerals) // 2
        return self._number(numerals[:middle]), self._number(numerals[middle:])

    def _number(self, numerals: Sequence[int]) -> int:
        number = 0
        for numeral in numerals:
            number = number * self.radix + numeral
        return number

    def _numerals(self, a: int, b: int, length: int) -> list[int]:
        numerals = []
        for number, size in ((b, length - length // 2), (a, length // 2)):
            rest = number
            for _ in range(size):
                rest, numeral = divmod(rest, self.radix)
                numerals.append(numeral)
        return numerals[::-1]


class Prf:
    """FF1's round function for one length and tweak: what is the same in every round is worked out once.

    `state` is the CBC-MAC over the blocks that no round changes. `rest` begins the others, and is followed by the
    round's number in one byte and by a half as a number in `width` bytes. `size` bytes of the result count. `moduli`
    are those of even and of odd rounds.
    """

    __slots__ = ("_aes", "moduli", "rest", "size", "state", "width")

    def __init__(self, aes: Callable[[bytes], bytes], radix: int, length: int, tweak: bytes) -> None:
        self._aes = aes
        short, long = length // 2, length - length // 2
        self.moduli = (radix**short, radix**long)
        self.width = -(-(self.moduli[1] - 1).bit_length() // 8)
        self.size = 4 * -(-self.width // 4) + 4
        fixed = b"".join(
            (
                bytes((1, 2, 1)) + radix.to_bytes(3, "big") + bytes((ROUNDS, short % 256)),
                length.to_bytes(4, "big") + len(tweak).to_bytes(4, "big"),
                tweak + bytes((-len(tweak) - self.width - 1) % _AES_BLOCK),
            )
        )
        whole = len(fixed) // _AES_BLOCK * _AES_BLOCK
        self.state = self._cbc_mac(bytes(_AES_BLOCK), fixed[:whole])
        self.rest = fixed[whole:]

    def number(self, round_: int, half: int) -> int:
        """The round's pseudo-random number."""
        result = self._cbc_mac(self.state, self.rest + bytes((round_,)) + half.to_bytes(self.width, "big"))
        stream = result
        for block in range(1, -(-self.size // _AES_BLOCK)):
            stream += self._aes(_xor(result, block.to_bytes(_AES_BLOCK, "big")))
        return int.from_bytes(stream[: self.size], "big")

    def _cbc_mac(self, state: bytes, blocks: bytes) -> bytes:
        for start in range(0, len(blocks), _AES_BLOCK):
            state = self._aes(_xor(state, blocks[start : start + _AES_BLOCK]))
        return state


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(_AES_BLOCK, "big")


def ff1_key(key: DataKey) -> bytes:
    """The AES-256 key: HKDF-SHA-256 of the data key, no salt, labelled, so that no key serves two ciphers."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=FF1_VERSION).derive(key.material)


def ff1_tweak(domain: DomainId, identifier_type: IdentifierType, key_version: int) -> bytes:
    """32 bytes that stand for scheme version, domain, identifier type and key version (two bytes, big-endian).

    SHA-256 over the four, each preceded by its length in two bytes.
    """
    items = (FF1_VERSION, domain.encode(), identifier_type.value.encode(), key_version.to_bytes(2, "big"))
    return hashlib.sha256(b"".join(len(item).to_bytes(2, "big") + item for item in items)).digest()
