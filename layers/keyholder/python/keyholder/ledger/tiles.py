"""A log as tiles (C2SP tlog-tiles): static files, out of which anybody makes any proof.

`tile/<L>/<N>` holds 256 hashes: at level 0 those of leaves, above them the roots of full tiles of the level below.
`tile/entries/<N>` holds the 256 leaves themselves. The last of each may be partial: `.p/<W>` says how many it holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from keyholder.ledger.event import MAX_LEAF_BYTES
from keyholder.ledger.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    consistency_ranges,
    inclusion_ranges,
    leaf_hash,
    node_hash,
    split,
)

WIDTH: Final = 256
HEIGHT: Final = 8
"""A tile stands for a subtree of this height: 256 = 2 ** 8."""

MAX_LEVEL = 63
TILES = "tile/"
CHECKPOINT = "checkpoint"
_LENGTH_BYTES = 2
_PATH = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


class TileError(ValueError):
    """A path, tile or bundle that is malformed, or that is missing."""


@dataclass(frozen=True, slots=True)
class Tile:
    """The name of a tile of `width` hashes, or of a bundle of as many entries, where `level` is None."""

    level: int | None
    index: int
    width: int = WIDTH

    def path(self) -> str:
        """Where it is found: the index in elements of three digits, all but the last with an `x`."""
        digits = f"{self.index:03d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        elements = [digits[place : place + 3] for place in range(0, len(digits), 3)]
        number = "/".join((*(f"x{element}" for element in elements[:-1]), elements[-1]))
        level = "entries" if self.level is None else self.level
        return f"{TILES}{level}/{number}" + (f".p/{self.width}" if self.width < WIDTH else "")

    @classmethod
    def parse(cls, path: str) -> Tile:
        """The tile of a path. Raises `TileError` unless `path` is exactly what `path()` would write."""
        found = _PATH.fullmatch(path)
        if found is None:
            raise TileError("not the path of a tile")
        level, number, width = found.groups()
        tile = cls(
            None if level == "entries" else int(level),
            int(number.replace("/", "").replace("x", "")),
            int(width) if width else WIDTH,
        )
        if (tile.level or 0) > MAX_LEVEL or tile.path() != path:
            raise TileError("the path of a tile is not in its one form")
        return tile

    @property
    def whole(self) -> Tile:
        """The full tile this one is the beginning of."""
        return Tile(self.level, self.index)


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile and bundle that a log of `size` leaves consists of."""
    for width in _last_first(size):
        yield Tile(None, *width)
    level = 0
    while size >> (HEIGHT * level):
        for width in _last_first(size >> (HEIGHT * level)):
            yield Tile(level, *width)
        level += 1


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """An entry bundle: each entry after its length, a big-endian uint16. Raises `TileError` for a longer entry."""
    if any(len(entry) > MAX_LEAF_BYTES for entry in entries):
        raise TileError("an entry is longer than a bundle can say")
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES, "big") + entry for entry in entries)


def parse_bundle(body: bytes) -> tuple[bytes, ...]:
    """The entries of a bundle. Raises `TileError` unless it holds 1 to 256 whole entries and nothing else."""
    entries = []
    place = 0
    while place < len(body):
        start = place + _LENGTH_BYTES
        place = start + int.from_bytes(body[place:start], "big")
        if start > len(body) or place > len(body):
            raise TileError("an entry bundle ends within an entry")
        entries.append(body[start:place])
    if not 0 < len(entries) <= WIDTH:
        raise TileError("an entry bundle holds 1 to 256 entries")
    return tuple(entries)


def encode_hashes(hashes: Sequence[bytes]) -> bytes:
    """A tile's bytes."""
    return b"".join(hashes)


def parse_hashes(body: bytes) -> tuple[bytes, ...]:
    """The hashes of a tile. Raises `TileError` unless it holds 1 to 256 of 32 bytes."""
    count, rest = divmod(len(body), HASH_BYTES)
    if rest or not 0 < count <= WIDTH:
        raise TileError("a tile holds 1 to 256 hashes")
    return tuple(body[low:high] for low, high in pairwise(range(0, len(body) + 1, HASH_BYTES)))


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """The root of a perfect tree over `hashes`, of which there are a power of two."""
    level = list(hashes)
    while len(level) > 1:
        level = [node_hash(level[place], level[place + 1]) for place in range(0, len(level), 2)]
    return level[0]


class TiledTree:
    """The tree of `size` leaves, read tile by tile: as many as the tree has levels, not leaves.

    `read` gives the bytes under a path, or None. Every method raises `TileError` for a tile that is missing or
    malformed. Nothing is verified here: what is made of the tiles is compared with a signed root, or proves nothing.
    """

    def __init__(self, size: int, read: Callable[[str], bytes | None]) -> None:
        self.size = size
        self._read = read
        self._tiles: dict[Tile, tuple[bytes, ...]] = {}

    def root(self) -> bytes:
        """The root, out of the tiles at the right edge."""
        return self._node(0, self.size) if self.size else EMPTY_ROOT

    def inclusion_path(self, index: int) -> tuple[bytes, ...]:
        """The path of leaf `index`, from the leaf up. Raises `IndexError` for a leaf that is not in the tree."""
        return tuple(self._node(low, high) for low, high in inclusion_ranges(index, self.size))

    def consistency_proof(self, old_size: int) -> tuple[bytes, ...]:
        """That the tree of `old_size` leaves is the beginning of this one. Raises `IndexError`."""
        return tuple(self._node(low, high) for low, high in consistency_ranges(old_size, self.size))

    def entry(self, index: int) -> bytes:
        """Leaf `index` itself, which hashes to its place in the tree. Raises `IndexError`, `TileError`."""
        if not 0 <= index < self.size:
            raise IndexError("this leaf is not in the tree")
        number, place = divmod(index, WIDTH)
        tile = Tile(None, number, min(WIDTH, self.size - number * WIDTH))
        entries = parse_bundle(self._bytes(tile))
        if len(entries) <= place or leaf_hash(entries[place]) != self._node(index, index + 1):
            raise TileError("an entry bundle holds another entry than the tree")
        return entries[place]

    def _node(self, low: int, high: int) -> bytes:
        """The root of the leaves `[low, high)`: a perfect subtree, or one at the right edge."""
        width = high - low
        if width & (width - 1):
            middle = low + split(width)
            return node_hash(self._node(low, middle), self._node(middle, high))
        level, bit = divmod(width.bit_length() - 1, HEIGHT)
        number, place = divmod(low >> (HEIGHT * level), WIDTH)
        return perfect_root(self._hashes(level, number)[place : place + (1 << bit)])

    def _hashes(self, level: int, number: int) -> tuple[bytes, ...]:
        tile = Tile(level, number, min(WIDTH, (self.size >> (HEIGHT * level)) - number * WIDTH))
        if tile not in self._tiles:
            hashes = parse_hashes(self._bytes(tile))
            if len(hashes) < tile.width:
                raise TileError("a tile holds fewer hashes than its name says")
            self._tiles[tile] = hashes
        return self._tiles[tile]

    def _bytes(self, tile: Tile) -> bytes:
        """A partial tile may be gone once the full one is there."""
        body = self._read(tile.path())
        if body is None and tile.width < WIDTH:
            body = self._read(tile.whole.path())
        if body is None:
            raise TileError("a tile is missing")
        return body


def _last_first(count: int) -> Iterator[tuple[int, int]]:
    """Index and width of the tiles that hold `count` things."""
    full, rest = divmod(count, WIDTH)
    if rest:
        yield full, rest
    for index in range(full - 1, -1, -1):
        yield index, WIDTH
