"""Are the tiles of a ledger made from the journal that is being verified? For downloads that hold tiles too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from keyholder.ledger.event import Event
from keyholder.ledger.journal import Batch
from keyholder.ledger.merkle import leaf_hash
from keyholder.ledger.note import Checkpoint
from keyholder.ledger.tiles import WIDTH, Tile, TileError, encode_bundle, encode_hashes, perfect_root, tiles_of
from keyholder.ledger.verification import BrokenLedgerError, Fault


class TileCheck:
    """An `Inspector` that compares every tile and entry bundle with what the journal makes of it.

    `paths` are the files there are, `checkpoint` the one published beside them, where there is one: then none of its
    tiles may be missing. Raises `BrokenLedgerError` for a file that is no tile.
    """

    def __init__(
        self, paths: Sequence[str], read: Callable[[str], bytes], checkpoint: Checkpoint | None = None
    ) -> None:
        self._read = read
        self._widths: dict[tuple[int | None, int], set[int]] = defaultdict(set)
        self._checkpoint = checkpoint
        self._levels: list[list[bytes]] = []
        self._counts: list[int] = []
        self._entries: list[bytes] = []
        for path in paths:
            tile = _tile(path)
            self._widths[tile.level, tile.index].add(tile.width)
        if checkpoint is not None:
            self._complete(checkpoint.size)

    def saw(self, _key: str, batch: Batch, _events: Sequence[Event]) -> None:
        """The next batch."""
        for index, line in enumerate(batch.lines, batch.start):
            self._entries.append(line)
            number = index // WIDTH
            if len(self._entries) in self._widths.get((None, number), ()):
                self._compare(Tile(None, number, len(self._entries)), encode_bundle(self._entries))
            if len(self._entries) == WIDTH:
                self._entries = []
            self._add(0, leaf_hash(line))

    def end(self, _size: int) -> None:
        """Nothing comes after this."""
        for (level, index), widths in self._widths.items():
            if widths:
                tile = Tile(level, index, min(widths))
                raise BrokenLedgerError(tile.path(), "holds more than the journal does", Fault.TILE)

    def _complete(self, size: int) -> None:
        for tile in tiles_of(size):
            if not self._widths.get((tile.level, tile.index), set()) & {tile.width, WIDTH}:
                raise BrokenLedgerError(tile.path(), "missing, though the checkpoint beside it needs it", Fault.TILE)

    def _add(self, level: int, value: bytes) -> None:
        if level == len(self._levels):
            self._levels.append([])
            self._counts.append(0)
        hashes = self._levels[level]
        hashes.append(value)
        number = self._counts[level]
        if len(hashes) in self._widths.get((level, number), ()):
            self._compare(Tile(level, number, len(hashes)), encode_hashes(hashes))
        if len(hashes) == WIDTH:
            self._levels[level] = []
            self._counts[level] += 1
            self._add(level + 1, perfect_root(hashes))

    def _compare(self, tile: Tile, expected: bytes) -> None:
        self._widths[tile.level, tile.index].discard(tile.width)
        if self._read(tile.path()) != expected:
            raise BrokenLedgerError(tile.path(), "is not made from the journal", Fault.TILE)


def _tile(path: str) -> Tile:
    try:
        return Tile.parse(path)
    except TileError as cause:
        raise BrokenLedgerError(path, str(cause), Fault.TILE) from cause
