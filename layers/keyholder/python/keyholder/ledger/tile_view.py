"""The ledger as a tlog-tiles log, so that tools we did not write can read and check it.

Every batch leaves the partial tiles that the tree it ends with consists of; they go once the full tile is there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from keyholder.ledger.journal import Batch
from keyholder.ledger.merkle import Frontier, leaf_hash
from keyholder.ledger.note import Checkpoint, Note, NoteError
from keyholder.ledger.tiles import (
    CHECKPOINT,
    HEIGHT,
    WIDTH,
    Tile,
    TileError,
    encode_bundle,
    encode_hashes,
    parse_bundle,
    parse_hashes,
    perfect_root,
)
from keyholder.ledger.views import ViewGapError, ViewStore


@dataclass(slots=True)
class _Edge:
    """The right edge of the tree of `size`: the last, partial tile of each level, and the entries of the lowest."""

    size: int
    entries: list[bytes]
    levels: list[list[bytes]]


class TileView:
    """Implements `views.View`: `tile/…` and `checkpoint`.

    `checkpoint` gives the signed note of a size, None where there is none.
    """

    name = "tiles"

    def __init__(self, store: ViewStore, checkpoint: Callable[[int], bytes | None]) -> None:
        self._store = store
        self._checkpoint = checkpoint
        self._edge = _Edge(0, [], [])

    def publish(self, batch: Batch) -> None:
        """Full tiles first, then the partial ones, then the checkpoint; at last what the full tiles have replaced.

        What was there of the tree before is compared with the batch's frontier. Raises `ViewGapError` if it differs.
        """
        edge = self._edge if self._edge.size == batch.start else self._stored(batch.before)
        _compare(edge, batch.before)
        # Emptied first: after a fault, the next batch begins from what is stored.
        self._edge = _Edge(0, [], [])
        filled = [tile for line in batch.lines for tile in self._append(edge, line)]
        self._put_partial(edge, batch.start)
        self._put_checkpoint(batch)
        for tile in filled:
            for path in self._store.list(f"{tile.path()}.p/"):
                self._store.delete(path)
        self._edge = edge

    def _append(self, edge: _Edge, line: bytes) -> list[Tile]:
        """Put one leaf at the edge; the tiles it fills are stored, and returned."""
        filled: list[Tile] = []
        edge.entries.append(line)
        node, level = leaf_hash(line), 0
        while True:
            if level == len(edge.levels):
                edge.levels.append([])
            hashes = edge.levels[level]
            hashes.append(node)
            if len(hashes) < WIDTH:
                break
            number = edge.size >> (HEIGHT * (level + 1))
            if level == 0:
                filled.append(self._put(Tile(None, number), encode_bundle(edge.entries)))
                edge.entries.clear()
            filled.append(self._put(Tile(level, number), encode_hashes(hashes)))
            node, level = perfect_root(hashes), level + 1
            hashes.clear()
        edge.size += 1
        return filled

    def _put_partial(self, edge: _Edge, before: int) -> None:
        for level, hashes in enumerate(edge.levels):
            count = edge.size >> (HEIGHT * level)
            if not hashes or count == before >> (HEIGHT * level):
                continue
            if level == 0:
                self._put(Tile(None, count // WIDTH, len(hashes)), encode_bundle(edge.entries))
            self._put(Tile(level, count // WIDTH, len(hashes)), encode_hashes(hashes))

    def _put(self, tile: Tile, body: bytes) -> Tile:
        self._store.put(tile.path(), body)
        return tile

    def _put_checkpoint(self, batch: Batch) -> None:
        """Show the batch's checkpoint, unless a newer one of this ledger is shown already."""
        shown = self._store.get(CHECKPOINT)
        if shown is not None and (newer := _size(shown)) > batch.end and self._checkpoint(newer) == shown:
            return
        note = self._checkpoint(batch.end)
        if note is None:
            raise ViewGapError("a proven batch has no checkpoint")
        self._store.put(CHECKPOINT, note)

    def _stored(self, tree: Frontier) -> _Edge:
        """The edge of `tree` as it was stored. Raises `ViewGapError`."""
        levels, entries = [], []
        try:
            for level in range(-(-tree.size.bit_length() // HEIGHT)):
                number, width = divmod(tree.size >> (HEIGHT * level), WIDTH)
                levels.append(list(parse_hashes(self._read(Tile(level, number, width)))[:width]) if width else [])
            number, width = divmod(tree.size, WIDTH)
            if width:
                entries = list(parse_bundle(self._read(Tile(None, number, width)))[:width])
        except TileError as cause:
            raise ViewGapError("the tiles before this batch can't be read") from cause
        return _Edge(tree.size, entries, levels)

    def _read(self, tile: Tile) -> bytes:
        """A partial tile, or the full one that has taken its place."""
        body = self._store.get(tile.path()) or self._store.get(tile.whole.path())
        if body is None:
            raise TileError("a tile is missing")
        return body


def _compare(edge: _Edge, tree: Frontier) -> None:
    """Raises `ViewGapError` unless the edge is that of `tree`: each level's hashes join to its part of the frontier."""
    joined = [root for hashes in reversed(edge.levels) for root in _perfect_roots(hashes)]
    leaves = edge.levels[0] if edge.levels else []
    if tuple(joined) != tree.hashes or [leaf_hash(entry) for entry in edge.entries] != leaves:
        raise ViewGapError("the tiles before this batch are not those of the ledger")


def _perfect_roots(hashes: Sequence[bytes]) -> list[bytes]:
    """The perfect subtrees that so many hashes make, the largest first."""
    roots, low = [], 0
    for bit in range(HEIGHT - 1, -1, -1):
        if len(hashes) >> bit & 1:
            roots.append(perfect_root(hashes[low : low + (1 << bit)]))
            low += 1 << bit
    return roots


def _size(note: bytes) -> int:
    """The size a shown checkpoint speaks of; -1 for what is none."""
    try:
        return Checkpoint.parse(Note.parse(note).text).size
    except NoteError:
        return -1
