"""That the ledger of a checkpoint which somebody remembers is the beginning of the ledger as it is now."""

from __future__ import annotations

from dataclasses import dataclass

from keyholder.audit.auditor import CONSISTENCY_READ
from keyholder.audit.listing import Reading
from keyholder.audit.reading import Auditing, SignedLog
from keyholder.ledger.consistency import ConsistencyError, ConsistencyProof
from keyholder.ledger.log import LedgerBrokenError
from keyholder.ledger.note import Checkpoint, NoteError, open_checkpoint
from keyholder.ledger.tiles import CHECKPOINT, TiledTree, TileError
from keyholder.refusals import Refusal, RefusalKind

UNKNOWN_TREE = Refusal(
    "UNKNOWN_TREE",
    RefusalKind.INVALID,
    "Name sizes of signed checkpoints, the older one first. If you hold a checkpoint of this ledger's key for a size "
    "that is not known here, the ledger was rewritten or cut off: keep it, and tell whoever answers for the service.",
    "/first",
)
REFUSALS = (UNKNOWN_TREE,)


@dataclass(frozen=True, slots=True)
class Consistent:
    """A proof that was verified here, and the later tree."""

    proof: ConsistencyProof
    later: Checkpoint


def consistency(auditing: Auditing, first: int, second: int | None = None) -> Consistent | Refusal:
    """That the tree of `first` leaves is the beginning of that of `second`, by default the newest that is published.

    Both are sizes of signed checkpoints. Raises `LedgerUnavailableError`, `LedgerBrokenError` where they don't fit, and
    `StoppedError` where too much is newer than the tiles.
    """
    auditor, log, reading = auditing.auditor, auditing.log, auditing.reading
    refusal = auditor.refusal()
    if refusal:
        return refusal
    size = second if second is not None else _newest(log, reading, first)
    old, new = log.note(first), log.note(size)
    if old is None or new is None or first > size:
        return UNKNOWN_TREE
    remembered = log.checkpoint(first)
    try:
        found = _verified(log, remembered, _from_tiles(log, remembered, size, new))
    except (TileError, ConsistencyError):
        found = _from_journal(log, reading, remembered, size, new)
    noted = auditor.note(CONSISTENCY_READ, {"first": first, "second": size})
    return noted if isinstance(noted, Refusal) else found


def _newest(log: SignedLog, reading: Reading, first: int) -> int:
    """The tree that the tiles reach; the newest there is where they don't reach the older one yet."""
    try:
        note = log.tiles.get(CHECKPOINT) or b""
        published = open_checkpoint(note, log.origin, log.verifiers).size
    except NoteError:
        published = 0
    return published if published >= first else reading.size()


def _from_tiles(log: SignedLog, remembered: Checkpoint, size: int, note: bytes) -> ConsistencyProof:
    path = TiledTree(size, log.tiles.get).consistency_proof(remembered.size)
    return ConsistencyProof(remembered.size, path, note)


def _from_journal(log: SignedLog, reading: Reading, remembered: Checkpoint, size: int, note: bytes) -> Consistent:
    """Out of the batches between the two: tiles may lag behind, be damaged or be gone."""
    path = reading.span(remembered.size, size).consistency_proof(remembered.size)
    try:
        return _verified(log, remembered, ConsistencyProof(remembered.size, path, note))
    except ConsistencyError as cause:
        raise LedgerBrokenError("two signed checkpoints are not of one ledger") from cause


def _verified(log: SignedLog, remembered: Checkpoint, proof: ConsistencyProof) -> Consistent:
    """Nothing is handed out that proves nothing."""
    later = proof.verify(remembered, lambda note: open_checkpoint(note, log.origin, log.verifiers))
    return Consistent(proof, later)
