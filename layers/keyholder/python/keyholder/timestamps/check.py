"""Does a ledger that is being verified hold the checkpoints that somebody has time-stamped?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from keyholder.ledger.event import Event
from keyholder.ledger.journal import JOURNAL, Batch, checkpoint_key
from keyholder.ledger.verification import EARLIEST, BrokenLedgerError, Fault, UnusableDownloadError
from keyholder.timestamps.stamps import Stamp, StampError, Trust, open_stamp


@dataclass(frozen=True, slots=True)
class Stamped:
    """The first `size` events were there at the moment of the stamp."""

    size: int
    stamp: Stamp


class StampCheck:
    """An `Inspector` that looks for the checkpoint of each stamp. Each is a name to call it by, and its bytes.

    `read` gives a file of the download. Raises `UnusableDownloadError` for a stamp that no trusted authority made.
    """

    def __init__(self, stamps: Iterable[tuple[str, bytes]], trust: Trust, read: Callable[[str], bytes]) -> None:
        self._read = read
        self._wanted: dict[str, Stamp] = {}
        self.found: list[Stamped] = []
        for name, answer in stamps:
            try:
                self._wanted[name] = open_stamp(answer, trust)
            except StampError as cause:
                raise UnusableDownloadError(f"{name}: {cause}") from cause

    def saw(self, _key: str, batch: Batch, _events: Sequence[Event]) -> None:
        """The next batch. Raises `BrokenLedgerError` for one that says it is younger than its stamp."""
        if not self._wanted:
            return
        key = checkpoint_key(batch.end)
        note = self._read(key)
        for name in [name for name, stamp in self._wanted.items() if stamp.covers(note)]:
            stamp = self._wanted.pop(name)
            if stamp.at - batch.at < EARLIEST:
                raise BrokenLedgerError(key, f"{name} is older than what it stamps", Fault.TIME)
            self.found.append(Stamped(batch.end, stamp))

    def end(self, _size: int) -> None:
        """Nothing comes after this. Raises `BrokenLedgerError` for a stamp whose checkpoint is not here."""
        for name in self._wanted:
            raise BrokenLedgerError(JOURNAL, f"no checkpoint is the one that {name} stamps", Fault.STAMP)
