"""A small signed log: batches and checkpoints of any sizes, without the ledger around them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from keyholder.ledger.journal import Batch
from keyholder.ledger.merkle import EMPTY, Frontier
from keyholder.ledger.note import Checkpoint, Verifier, parse_vkey, sign_note
from tests.fakes.ledger import ORIGIN, MemorySigner

AT = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


@dataclass
class SignedLog:
    """Batches of leaves `leaf 0`, `leaf 1`, … and the note of each batch's end."""

    signer: MemorySigner = field(default_factory=MemorySigner)
    batches: list[Batch] = field(default_factory=list)
    notes: dict[int, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, sizes: Iterable[int]) -> SignedLog:
        """A log whose batches have so many leaves."""
        log = cls()
        for size in sizes:
            log.add([b"leaf %d" % index for index in range(log.size, log.size + size)])
        return log

    @property
    def size(self) -> int:
        return self.tree.size

    @property
    def tree(self) -> Frontier:
        return self.batches[-1].after if self.batches else EMPTY

    @property
    def key(self) -> Verifier:
        return parse_vkey(self.signer.vkey())

    @property
    def leaves(self) -> list[bytes]:
        return [line for batch in self.batches for line in batch.lines]

    def add(self, lines: list[bytes]) -> Batch:
        batch = Batch(len(self.batches) + 1, self.tree, tuple(lines), "", AT)
        text = Checkpoint(ORIGIN, batch.end, batch.root).text()
        self.notes[batch.end] = sign_note(text, self.key, self.signer.sign(text.encode()))
        self.batches.append(batch)
        return batch
