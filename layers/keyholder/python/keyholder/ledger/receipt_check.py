"""Does a ledger that is being verified hold what somebody's receipts say it does?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from keyholder.ledger.event import Event
from keyholder.ledger.journal import Batch
from keyholder.ledger.note import Checkpoint, NoteError
from keyholder.ledger.receipts import Proof, ReceiptError
from keyholder.ledger.verification import BrokenLedgerError, Fault, Keys, UnusableDownloadError


class ReceiptCheck:
    """An `Inspector` of the leaves that receipts are for. Each receipt is a name to call it by, and its bytes.

    Raises `UnusableDownloadError` for one that is malformed or that no pinned key has signed: it proves nothing either
    way. `remembered` are the checkpoints in them, which the ledger must continue.
    """

    def __init__(self, receipts: Iterable[tuple[str, bytes]], keys: Keys) -> None:
        self._keys = keys
        self._wanted: dict[int, list[tuple[str, Proof]]] = {}
        self.remembered: list[Checkpoint] = []
        for name, text in receipts:
            try:
                proof = Proof.parse(text)
                self.remembered.append(keys.open(proof.checkpoint))
            except (ReceiptError, NoteError) as cause:
                raise UnusableDownloadError(f"{name}: {cause}") from cause
            self._wanted.setdefault(proof.index, []).append((name, proof))

    def saw(self, key: str, batch: Batch, _events: Sequence[Event]) -> None:
        """The next batch."""
        for index in [index for index in self._wanted if batch.start <= index < batch.end]:
            for name, proof in self._wanted.pop(index):
                try:
                    proof.verify(batch.lines[index - batch.start], self._keys.origin, self._keys.verifiers)
                except ReceiptError as cause:
                    raise BrokenLedgerError(key, f"leaf {index} is not what {name} proves", Fault.RECEIPT) from cause

    def end(self, size: int) -> None:
        """Nothing comes after this."""
        for index, kept in self._wanted.items():
            raise BrokenLedgerError("journal/", f"{size} events, but {kept[0][0]} is for leaf {index}", Fault.RECEIPT)
