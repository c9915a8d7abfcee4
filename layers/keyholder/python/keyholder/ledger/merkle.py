"""The Merkle tree of RFC 6962: roots, inclusion and consistency, over SHA-256.

A *frontier* (compact range) is all that is needed of a tree to append to it: the hashes of its perfect subtrees, the
largest first, one for each bit set in its size. A *span* is a frontier and the leaves after it; it knows the root, and
the path of every leaf it holds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

HASH_BYTES = 32

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without leaves (RFC 6962 section 2.1)."""


def leaf_hash(leaf: bytes) -> bytes:
    """RFC 6962 section 2.1: SHA-256(0x00 || leaf)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962 section 2.1: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """What an appender keeps of a tree of `size` leaves. Raises `ValueError` unless the hashes fit the size."""

    size: int
    hashes: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.hashes) != self.size.bit_count():
            raise ValueError("a frontier has one hash for each bit set in its size")
        if any(len(value) != HASH_BYTES for value in self.hashes):
            raise ValueError("a frontier's hashes are 32 bytes each")

    def root(self) -> bytes:
        """The root of the tree: the perfect subtrees joined from the right."""
        if not self.hashes:
            return EMPTY_ROOT
        root = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            root = node_hash(left, root)
        return root

    def extend(self, leaves: Iterable[bytes]) -> Frontier:
        """The frontier after `leaves` (leaf bytes, not hashes) were appended."""
        sha256 = hashlib.sha256
        nodes = list(self.hashes)
        size = self.size
        for leaf in leaves:
            node = sha256(b"\x00" + leaf).digest()
            carry = size
            while carry & 1:
                node = sha256(b"\x01" + nodes.pop() + node).digest()
                carry >>= 1
            nodes.append(node)
            size += 1
        return Frontier(size, tuple(nodes))


EMPTY = Frontier(0, ())


class Span:
    """A frontier and the leaves after it: the newest part of a tree of `start + len(leaves)` leaves."""

    __slots__ = ("_nodes", "end", "start")

    def __init__(self, frontier: Frontier, leaves: Sequence[bytes]) -> None:
        self.start = frontier.size
        self.end = frontier.size + len(leaves)
        self._nodes: dict[tuple[int, int], bytes] = {}
        low = 0
        for bit, value in zip(_bits_from_the_top(frontier.size), frontier.hashes, strict=True):
            self._nodes[low, low + bit] = value
            low += bit
        for index, leaf in enumerate(leaves, self.start):
            self._nodes[index, index + 1] = leaf_hash(leaf)

    def leaf(self, index: int) -> bytes:
        """The leaf hash at `index` of the whole tree."""
        return self._nodes[index, index + 1]

    def root(self) -> bytes:
        """The root of the whole tree."""
        return self._node(0, self.end) if self.end else EMPTY_ROOT

    def inclusion_path(self, index: int) -> tuple[bytes, ...]:
        """RFC 6962 section 2.1.1, from the leaf up. Raises `IndexError` for a leaf outside the span."""
        if not self.start <= index < self.end:
            raise IndexError("this leaf is not in the span")
        return tuple(self._node(low, high) for low, high in inclusion_ranges(index, self.end))

    def consistency_proof(self, size: int) -> tuple[bytes, ...]:
        """RFC 6962 section 2.1.2: that the tree of `size` leaves is the beginning of this one.

        Raises `IndexError` unless `0 < start <= size <= end` (or the span starts at 0).
        """
        if not max(self.start, 1) <= size <= self.end:
            raise IndexError("the span cannot prove consistency with this size")
        return tuple(self._node(low, high) for low, high in consistency_ranges(size, self.end))

    def _node(self, low: int, high: int) -> bytes:
        known = self._nodes.get((low, high))
        if known is None:
            middle = low + split(high - low)
            known = node_hash(self._node(low, middle), self._node(middle, high))
            self._nodes[low, high] = known
        return known


def inclusion_ranges(index: int, size: int) -> Sequence[tuple[int, int]]:
    """Which subtrees `[low, high)` make the path of leaf `index` in the tree of `size`, from the leaf up.

    RFC 6962 section 2.1.1. Raises `IndexError` unless `0 <= index < size`.
    """
    if not 0 <= index < size:
        raise IndexError("this leaf is not in the tree")
    ranges = []
    low, high = 0, size
    while high - low > 1:
        middle = low + split(high - low)
        if index < middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    return ranges[::-1]


def consistency_ranges(old_size: int, size: int) -> Sequence[tuple[int, int]]:
    """Which subtrees prove that the tree of `old_size` is the beginning of that of `size`.

    RFC 6962 section 2.1.2. Raises `IndexError` unless `0 < old_size <= size`.
    """
    if not 0 < old_size <= size:
        raise IndexError("no tree of this size is the beginning of the other")
    ranges = []
    low, high, whole = 0, size, True
    while high != old_size:
        middle = low + split(high - low)
        if old_size <= middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low, whole = middle, False
    if not whole:
        ranges.append((low, high))
    return ranges[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether `path` proves the leaf hash `leaf` at `index` of the tree of `size` with `root` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or len(leaf) != HASH_BYTES:
        return False
    position, last, node = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            node = node_hash(sibling, node)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            node = node_hash(node, sibling)
        position >>= 1
        last >>= 1
    return last == 0 and node == root


def verify_consistency(
    old_size: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes], *, start: int = 0
) -> bool:
    """Whether `proof` shows the tree of `old_size` and `old_root` to be the beginning of that of `size` and `root`.

    RFC 9162 section 2.1.4.2, in the general form of draft-ietf-plants-merkle-tree-certs section 4.4.3: the older tree
    may be the subtree `[start, old_size)`. Nothing is consistent with an empty tree: that would prove nothing.
    """
    if not 0 <= start < old_size <= size or start % _ceiling(old_size - start):
        return False
    low, inner, last = start, old_size - 1, size - 1
    while low != inner and (inner == last or inner & 1):
        low, inner, last = low >> 1, inner >> 1, last >> 1
    rest = list(proof)
    if low == inner:
        old = new = old_root
    elif rest:
        old = new = rest.pop(0)
    else:
        return False
    for sibling in rest:
        if last == 0:
            return False
        if inner & 1 or inner == last:
            if low < inner:
                old = node_hash(sibling, old)
            new = node_hash(sibling, new)
            while not inner & 1 and inner:
                low, inner, last = low >> 1, inner >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        low, inner, last = low >> 1, inner >> 1, last >> 1
    return last == 0 and old == old_root and new == root


def split(width: int) -> int:
    """The largest power of two smaller than `width` (at least 2): where RFC 6962 divides a tree."""
    return 1 << ((width - 1).bit_length() - 1)


def _ceiling(width: int) -> int:
    """The smallest power of two not smaller than `width`."""
    return 1 << (width - 1).bit_length()


def _bits_from_the_top(size: int) -> list[int]:
    return [1 << bit for bit in range(size.bit_length() - 1, -1, -1) if size >> bit & 1]
