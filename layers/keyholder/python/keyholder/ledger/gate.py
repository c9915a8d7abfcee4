"""The gate: nothing takes effect before its event is proven to be in the ledger.

The proof is made in this process, from bytes read back from the write-once store, with the pinned public key. Whatever
the step table says about a step is only where to look. This is the one place that makes a `Receipt`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TypeVar

from keyholder.ledger.journal import Batch, JournalError, checkpoint_key, journal_key
from keyholder.ledger.log import LedgerBrokenError, Receipt
from keyholder.ledger.merkle import Span, leaf_hash, verify_inclusion
from keyholder.ledger.note import Checkpoint, NoteError, Verifier, open_checkpoint
from keyholder.ledger.patience import Patience
from keyholder.ledger.ports import Step, WormStore

V = TypeVar("V")

_REMEMBERED = 4


class ProvenBatch:
    """A batch whose root a verified checkpoint names. Immutable, so it may be kept."""

    __slots__ = ("_note", "_span", "batch", "checkpoint")

    def __init__(self, batch: Batch, checkpoint: Checkpoint, note: bytes) -> None:
        if (checkpoint.size, checkpoint.root) != (batch.end, batch.root):
            raise LedgerBrokenError("a checkpoint names another tree than the journal holds")
        self.batch = batch
        self.checkpoint = checkpoint
        self._note = note
        self._span: Span = batch.span()

    def receipt(self, line: bytes, index: int) -> Receipt:
        """The receipt of the leaf `line` at `index`. Raises `LedgerBrokenError` unless its path leads to the root."""
        checkpoint = self.checkpoint
        if not self.batch.start <= index < self.batch.end:
            raise LedgerBrokenError("a step is said to stand where its batch is not")
        path = self._span.inclusion_path(index)
        if not verify_inclusion(leaf_hash(line), index, checkpoint.size, path, checkpoint.root):
            raise LedgerBrokenError("a step is not where the step table says it is")
        return Receipt(index, checkpoint.size, path, self._note)


class Gate:
    """Reads batches and checkpoints back, verifies them, and makes receipts.

    `verifiers` are the pinned public keys; at least one of them must have signed, and none may have signed wrongly.
    """

    def __init__(self, worm: WormStore, origin: str, verifiers: Sequence[Verifier]) -> None:
        self._worm = worm
        self._origin = origin
        self._verifiers = tuple(verifiers)
        self._batches: OrderedDict[int, Batch] = OrderedDict()
        self._proven: OrderedDict[int, ProvenBatch] = OrderedDict()

    def batch(self, number: int, patience: Patience) -> Batch | None:
        """Batch `number` as stored, None where there is none. Raises `LedgerBrokenError` for a malformed one."""
        kept = self._batches.get(number)
        if kept is not None:
            return kept
        body = patience.until_answered(lambda: self._worm.get(journal_key(number)))
        if body is None:
            return None
        try:
            batch = Batch.parse(body)
        except JournalError as cause:
            raise LedgerBrokenError(f"batch {number} is malformed") from cause
        if batch.number != number:
            raise LedgerBrokenError(f"batch {number} says it is another one")
        return _keep(self._batches, number, batch)

    def checkpoint(self, size: int, patience: Patience) -> tuple[Checkpoint, bytes] | None:
        """The verified checkpoint of the tree of `size` leaves and its note, None where there is none.

        Raises `LedgerBrokenError` for one that no pinned key has signed or that is of another size.
        """
        note = patience.until_answered(lambda: self._worm.get(checkpoint_key(size)))
        if note is None:
            return None
        try:
            checkpoint = open_checkpoint(note, self._origin, self._verifiers)
        except NoteError as cause:
            raise LedgerBrokenError(f"the checkpoint of size {size} does not verify") from cause
        if checkpoint.size != size:
            raise LedgerBrokenError(f"the checkpoint of size {size} is of another size")
        return checkpoint, note

    def proven(self, number: int, patience: Patience) -> ProvenBatch | None:
        """Batch `number` under its verified checkpoint; None as long as either is missing."""
        kept = self._proven.get(number)
        if kept is not None:
            return kept
        batch = self.batch(number, patience)
        signed = None if batch is None else self.checkpoint(batch.end, patience)
        if batch is None or signed is None:
            return None
        return _keep(self._proven, number, ProvenBatch(batch, *signed))

    def receipts(self, step: Step, patience: Patience) -> tuple[Receipt, ...]:
        """A receipt for each event of a committed step.

        Raises `LedgerBrokenError` if the step is not in the journal under a verified checkpoint, `ValueError` for a
        step that is not marked as committed.
        """
        if step.batch is None or step.index is None:
            raise ValueError("only a committed step can be proven")
        proven = self.proven(step.batch, patience)
        if proven is None:
            raise LedgerBrokenError("a committed step has no batch or no checkpoint")
        return tuple(proven.receipt(line, index) for index, line in enumerate(step.lines, step.index))


def _keep(kept: OrderedDict[int, V], number: int, value: V) -> V:
    kept[number] = value
    while len(kept) > _REMEMBERED:
        kept.popitem(last=False)
    return value
