"""A witness of the ledger: somebody else's account, somebody else's key, and a memory.

A ledger that was cut off, rewritten or forked by whoever holds its key proves itself whole. It does not fit what
somebody else remembers: so a witness reads each new batch, verifies that it continues the tree it saw last, keeps a
copy, writes down what it saw, and only then cosigns (C2SP tlog-cosignature). In this order, whatever crashes when: it
never cosigns two trees of one size, nor one that does not continue the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from keyholder.ledger.cosignature import Cosigner, cosign, cosigned_message
from keyholder.ledger.event import Event
from keyholder.ledger.journal import JOURNAL, Batch, JournalError, checkpoint_key, journal_key
from keyholder.ledger.note import Checkpoint, NoteError, Verifier, open_checkpoint
from keyholder.ledger.ports import CheckpointSigner, Clock, Put, WormStore
from keyholder.ledger.verification import EARLIEST, LATEST
from keyholder.ledger.watch import PAGE, Page, Stored, VersionedObjects
from keyholder.witness.seen import SEEN, Seen, SeenError, cosigned_key, nothing, seen_key

ROUND = timedelta(minutes=15)
"""How often a witness is called; each time it looks at another page of old objects."""


class WitnessDisagreesError(Exception):
    """The ledger is not what it was, or not what it must be. `where` names the object, `what` the rule it breaks.

    Nothing was cosigned over it, and nothing will be while it lasts.
    """

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where = where
        self.what = what


class WitnessKeyError(Exception):
    """The witness's own key did not sign as it should."""


@dataclass(frozen=True, slots=True)
class Witnessed:
    """What a run came to: the tree it knows now, how many batches are new, whether it has more to read at once.

    `unsigned` is how long the newest batch has been waiting for its checkpoint.
    """

    size: int
    batches: int
    more: bool
    unsigned: timedelta


class Witness:
    """Witnesses one ledger. `log` are the ledger's pinned keys, the first of which bears its origin.

    `ledger` is the ledger's bucket, `own` the witness's. Runs may overlap; they do each other's work twice. Every
    method may raise the storage errors of `ledger.ports`; the next run goes on from where this one was.
    """

    def __init__(
        self,
        *,
        log: Sequence[Verifier],
        ledger: VersionedObjects,
        own: WormStore,
        cosigner: Cosigner,
        signer: CheckpointSigner,
        clock: Clock,
    ) -> None:
        self._log = tuple(log)
        self._ledger = ledger
        self._own = own
        self._cosigner = cosigner
        self._signer = signer
        self._clock = clock

    def run(self, until: datetime) -> Witnessed:
        """Verify what is new, copy it, remember it, cosign it; stop reading at `until`.

        Raises `WitnessDisagreesError`, `WitnessKeyError`.
        """
        last = self._remembered()
        self._cosign(last)
        names = self._names_after(last)
        self._look_back(last)
        seen, read, unsigned = last, 0, None
        for stored in names:
            if self._clock.now() >= until:
                break
            batch = self._batch(stored, seen)
            note = self._ledger.get(checkpoint_key(batch.end))
            if note is None:
                unsigned = max(self._clock.now() - stored.versions[0].last_modified, timedelta(0))
                break
            self._checkpoint(note, batch.end, batch.root)
            self._keep(stored.key, batch.encode())
            self._keep(checkpoint_key(batch.end), note)
            seen = Seen(batch.number, batch.after, self._clock.now())
            read += 1
        if read:
            self._remember(seen)
            self._cosign(seen)
        more = unsigned is None and (read < len(names) or len(names) == PAGE)
        return Witnessed(seen.size, read, more, unsigned or timedelta(0))

    def _remembered(self) -> Seen:
        """The newest tree that was written down."""
        newest = SEEN
        while keys := self._own.keys_after(SEEN, newest, 1000):
            newest = keys[-1]
        if newest == SEEN:
            return nothing(self._clock.now())
        return self._record(newest)

    def _record(self, key: str) -> Seen:
        body = self._own.get(key)
        try:
            seen = Seen.parse(body or b"")
        except SeenError as cause:
            raise WitnessDisagreesError(key, "the witness's own memory is damaged") from cause
        if seen_key(seen.size) != key:
            raise WitnessDisagreesError(key, "the witness's own memory is damaged")
        return seen

    def _names_after(self, last: Seen) -> Sequence[Stored]:
        """The batches after the last one seen, which still has to be there as it was, and its checkpoint."""
        if last.batch:
            for key in (journal_key(last.batch), checkpoint_key(last.size)):
                if self._ledger.get(key) != self._own.get(key):
                    raise WitnessDisagreesError(key, "is gone, or is not what the witness saw")
        names = self._ledger.versions_after(JOURNAL, journal_key(last.batch), PAGE)
        for number, stored in enumerate(names, last.batch + 1):
            if stored.key != journal_key(number):
                raise WitnessDisagreesError(journal_key(number), "missing, or a foreign object in its place")
            if len(stored.versions) != 1 or stored.versions[0].is_delete_marker:
                raise WitnessDisagreesError(stored.key, "a second version or a delete marker")
        return names

    def _look_back(self, last: Seen) -> None:
        """One page of what was seen before, another one each time: every key once, and nothing else."""
        pages = last.batch // PAGE
        if pages == 0:
            return
        page = int(self._clock.now().timestamp() // ROUND.total_seconds()) % pages
        for key in Page(self._ledger, page).unexpected(settled=True):
            raise WitnessDisagreesError(key, "missing, or a second version, a delete marker or a foreign object")

    def _batch(self, stored: Stored, seen: Seen) -> Batch:
        """The batch, which continues what was seen."""
        try:
            batch = Batch.parse(self._ledger.get(stored.key) or b"")
            for line in batch.lines:
                Event.parse(line)
        except JournalError as cause:
            raise WitnessDisagreesError(stored.key, str(cause)) from cause
        except ValueError as cause:
            raise WitnessDisagreesError(stored.key, "holds a leaf that is not an event in its one form") from cause
        if batch.number != seen.batch + 1:
            raise WitnessDisagreesError(stored.key, "says it is another batch")
        if batch.before != seen.tree:
            raise WitnessDisagreesError(stored.key, "does not continue the tree that the witness saw")
        if not EARLIEST <= stored.versions[0].last_modified - batch.at <= LATEST:
            raise WitnessDisagreesError(stored.key, "the writer's time and the bucket's time do not fit")
        return batch

    def _checkpoint(self, note: bytes, size: int, root: bytes) -> Checkpoint:
        key = checkpoint_key(size)
        try:
            checkpoint = open_checkpoint(note, self._log[0].name, self._log)
        except NoteError as cause:
            raise WitnessDisagreesError(key, str(cause)) from cause
        if (checkpoint.size, checkpoint.root) != (size, root):
            raise WitnessDisagreesError(key, "signs another tree than the witness saw")
        return checkpoint

    def _keep(self, key: str, body: bytes) -> None:
        """Copy an object. What an earlier run copied must be the same."""
        if self._own.put(key, body) is Put.EXISTS and self._own.get(key) != body:
            raise WitnessDisagreesError(key, "was another object when the witness copied it")

    def _remember(self, seen: Seen) -> None:
        """Write the tree down. Another run may have been first, but with the same tree."""
        key = seen_key(seen.size)
        if self._own.put(key, seen.encode()) is Put.EXISTS and not self._record(key).same_tree(seen):
            raise WitnessDisagreesError(key, "another tree of this size was seen before")

    def _cosign(self, seen: Seen) -> None:
        """Cosign what is remembered, once, and only while it is the newest: an older tree is no news."""
        key = cosigned_key(seen.size)
        if seen.batch == 0 or self._own.get(key) is not None or self._remembered().size != seen.size:
            return
        copied = self._own.get(checkpoint_key(seen.size)) or b""
        checkpoint = self._checkpoint(copied, seen.size, seen.tree.root())
        at = self._clock.now()
        signature = self._signer.sign(cosigned_message(checkpoint, at))
        try:
            note = cosign(copied, self._cosigner, at, signature)
        except NoteError as cause:
            raise WitnessKeyError("the witness's key did not make this signature") from cause
        self._own.put(key, note)
