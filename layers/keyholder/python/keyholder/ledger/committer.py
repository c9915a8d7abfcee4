"""Group commit: one conditional write to the write-once store is the commit point, for everybody's pending steps.

A round finds the newest batch, repairs it, and only then reads what is pending. That order is what prevents
duplicates: when batch n+1 is written, every step of batches 1 to n is already marked, so no step is taken twice; and if
somebody else has written n+1 meanwhile, the conditional write of n+1 fails.

One writer leads for a moment and the others wait for it, so that a thousand writers do not each read and write what
one of them will. The lead is a lease that may be lost, shared or forgotten: nothing but work depends on it.

Repairing a batch means: make sure that its checkpoint exists, then mark its steps. A mark therefore implies a batch and
a checkpoint in the write-once store. Signing comes after the commit, never before, and only over bytes read back: so
only one tree of each size can ever be signed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import zip_longest

from keyholder.ledger.gate import Gate, ProvenBatch
from keyholder.ledger.journal import JOURNAL, Batch, JournalError, checkpoint_key, journal_key, key_number
from keyholder.ledger.log import LedgerBrokenError, LedgerUnavailableError
from keyholder.ledger.merkle import EMPTY, Frontier
from keyholder.ledger.note import Checkpoint, NoteError, Verifier, sign_note
from keyholder.ledger.patience import Patience
from keyholder.ledger.ports import (
    CheckpointSigner,
    Clock,
    Lead,
    Mark,
    Put,
    Step,
    StepKey,
    StepStore,
    StorageBusyError,
    StorageRefusedError,
    StorageUncertainError,
    WormStore,
)
from keyholder.vocabulary import StreamId

_PAGE = 1000
_PAGE_OF_STEPS = 100


@dataclass(frozen=True, slots=True)
class Limits:
    """How much goes into one batch, and how long one operation tries (audit-log facts, 3.1 step 8)."""

    steps: int = 2000
    events: int = 5000
    bytes: int = 4_000_000
    patience: timedelta = timedelta(seconds=5)
    lead: timedelta = timedelta(seconds=2)
    """How long a writer leads that does not say it is done: longer than a batch takes, shorter than the patience."""


@dataclass(frozen=True, slots=True)
class Log:
    """What identifies a ledger: its origin, the key that signs its checkpoints, and other keys that may verify them.

    Raises `ValueError` unless the key bears the log's name (C2SP tlog-checkpoint): by it the offline verifier knows the
    log.
    """

    origin: str
    key: Verifier
    others: tuple[Verifier, ...] = ()

    def __post_init__(self) -> None:
        if self.key.name != self.origin:
            raise ValueError("the checkpoint key's name is the log's origin")

    @property
    def verifiers(self) -> tuple[Verifier, ...]:
        """All pinned keys."""
        return (self.key, *self.others)


@dataclass(frozen=True, slots=True)
class Tip:
    """The newest batch, repaired, and the tree it ends with. Number 0 is the empty ledger."""

    number: int
    tree: Frontier


class Committer:
    """Drives pending steps into the journal. Safe with any number of others at the same time.

    `nonce` gives a new random hexadecimal text on every call.
    """

    def __init__(
        self,
        *,
        log: Log,
        steps: StepStore,
        worm: WormStore,
        signer: CheckpointSigner,
        clock: Clock,
        gate: Gate,
        nonce: Callable[[], str],
        limits: Limits,
    ) -> None:
        self._log = log
        self._steps = steps
        self._worm = worm
        self._signer = signer
        self._clock = clock
        self._gate = gate
        self._nonce = nonce
        self._limits = limits
        self._tip = Tip(0, EMPTY)
        self._own: set[str] = set()

    def round(self, own: Sequence[StepKey], patience: Patience) -> int | None:
        """Repair the newest batch, then commit `own` and what is pending as the next one.

        Returns how many steps this call committed, 0 where nothing was pending or somebody else's batch came first;
        None where another writer leads or it is not time to ask again. Raises `LedgerUnavailableError`.
        """
        if not patience.turn:
            return None
        writer, now = self._nonce(), self._clock.now()
        lead = patience.until_answered(lambda: self._steps.lead(writer, now, now + self._limits.lead))
        if lead is None:
            return None
        try:
            committed = self._led(lead, own, patience)
        except Exception:
            self._rest(writer, lead)
            raise
        self._rest(writer, lead)
        return committed

    def _rest(self, writer: str, lead: Lead) -> None:
        """Let the next writer lead. Tried once: a lead that is not given back ends by itself."""
        with suppress(StorageBusyError, StorageUncertainError, StorageRefusedError):
            self._steps.rest(writer, max(lead.newest, self._tip.number))

    def _led(self, lead: Lead, own: Sequence[StepKey], patience: Patience) -> int:
        tip = self._caught_up(lead, patience)
        steps = self._uncommitted(own, patience)
        if not steps:
            return 0
        batch = Batch(
            tip.number + 1,
            tip.tree,
            tuple(line for step in steps for line in step.lines),
            self._nonce(),
            self._clock.now(),
        )
        if not self._stored(batch, patience):
            return 0
        self._own.add(batch.nonce)
        self._repaired(batch.number, patience)
        return len(steps)

    def newest(self, patience: Patience) -> int:
        """The number of the newest batch that is signed, without leading; 0 where there is none.

        A newer one may be in the journal already, on its way to its checkpoint: nothing of it has taken effect.
        """
        newest = self._newest(Lead(patience.until_answered(self._steps.newest_batch)), patience)
        return newest if not newest or self._gate.proven(newest, patience) else newest - 1

    def _newest(self, lead: Lead, patience: Patience) -> int:
        """Number of the newest batch, 0 for an empty journal. The listing is consistent; the hint only shortens it."""
        hint = max(lead.newest, self._tip.number)
        newest, after = 0, journal_key(hint - 1) if hint else JOURNAL
        while True:
            start = after
            keys = patience.until_answered(lambda: self._worm.keys_after(JOURNAL, start, _PAGE))  # noqa: B023
            if keys:
                after = keys[-1]
                newest = _number(after)
            if len(keys) < _PAGE:
                break
        if newest < hint:
            raise LedgerBrokenError("the newest batch of the journal is gone")
        return newest

    def _caught_up(self, lead: Lead, patience: Patience) -> Tip:
        """Every batch since the one that the step table says it knows, repaired.

        That is one batch, or none; more where the table was put back to an earlier moment. What it lost then is found
        here, before anything is built on it: nothing is committed until it is rebuilt.
        """
        newest = self._newest(lead, patience)
        if lead.newest < self._tip.number:
            self._tip = Tip(0, EMPTY)
        for number in range(lead.newest + 1, newest):
            self._repaired(number, patience)
            patience.check()
        return self._repaired(newest, patience)

    def _repaired(self, number: int, patience: Patience) -> Tip:
        """Batch `number`, its checkpoint made sure of and its steps marked."""
        if number == self._tip.number:
            return self._tip
        proven = self._gate.proven(number, patience) or self._signed(number, patience)
        self._mark(proven.batch, patience)
        self._tip = Tip(number, proven.batch.after)
        return self._tip

    def _signed(self, number: int, patience: Patience) -> ProvenBatch:
        """Sign batch `number`, as read back, once it is known to continue the tree that was signed before it."""
        batch = self._gate.batch(number, patience)
        if batch is None:
            raise LedgerUnavailableError(f"batch {number} cannot be read back")
        self._continues(batch, patience)
        checkpoint = Checkpoint(self._log.origin, batch.end, batch.root)
        text = checkpoint.text()
        signature = patience.until_answered(lambda: self._signer.sign(text.encode()))
        try:
            note = sign_note(text, self._log.key, signature)
        except NoteError as cause:
            raise LedgerUnavailableError("the checkpoint key is not the pinned one") from cause
        patience.until_answered(lambda: self._worm.put(checkpoint_key(batch.end), note))
        proven = self._gate.proven(number, patience)
        if proven is None:
            raise LedgerUnavailableError(f"the checkpoint of batch {number} cannot be read back")
        return proven

    def _continues(self, batch: Batch, patience: Patience) -> None:
        """Raises `LedgerBrokenError` unless the tree before `batch` is the empty one or one that was signed."""
        if batch.start == 0:
            if batch.number != 1:
                raise LedgerBrokenError("the journal begins twice")
            return
        before = self._gate.checkpoint(batch.start, patience)
        if before is None:
            raise LedgerBrokenError(f"the tree before batch {batch.number} was never signed")
        if before[0].root != batch.before.root():
            raise LedgerBrokenError(f"batch {batch.number} does not continue the tree that was signed before it")

    def _mark(self, batch: Batch, patience: Patience) -> None:
        marks = list(_marks(batch))
        if batch.nonce not in self._own:
            found = patience.until_answered(lambda: self._steps.steps([mark.key for mark in marks]))
            marks = _unmarked(batch, marks, found)
        if marks:
            patience.until_answered(lambda: self._steps.mark_committed(marks))
        self._own.discard(batch.nonce)

    def _uncommitted(self, own: Sequence[StepKey], patience: Patience) -> list[Step]:
        """What goes into the next batch, in its order: own steps first of all, then the oldest pending ones.

        The index of pending steps may be stale, so each is read again and taken only if it is still uncommitted. Of one
        stream only one is taken; there cannot be two, for a step is added only once its predecessor is committed
        (`Ledger.record`).
        """
        limits = self._limits
        pending = patience.until_answered(lambda: self._steps.pending(limits.steps))
        keys = tuple(dict.fromkeys((*own, *pending)))
        chosen: dict[StreamId, Step] = {}
        events = size = 0
        for step in self._stored_steps(keys, patience):
            if step.index is not None or step.key.stream in chosen:
                continue
            events += len(step.lines)
            size += sum(map(len, step.lines))
            if chosen and (len(chosen) >= limits.steps or events > limits.events or size > limits.bytes):
                break
            chosen[step.key.stream] = step
        return sorted(chosen.values(), key=lambda step: (step.at, step.key.stream, step.key.first))

    def _stored_steps(self, keys: Sequence[StepKey], patience: Patience) -> Iterator[Step]:
        """The steps of `keys` in this order, read a page at a time: a full batch needs no more of them."""
        for start in range(0, len(keys), _PAGE_OF_STEPS):
            page = keys[start : start + _PAGE_OF_STEPS]
            found = {step.key: step for step in patience.until_answered(lambda: self._steps.steps(page))}  # noqa: B023
            yield from (found[key] for key in page if key in found)

    def _stored(self, batch: Batch, patience: Patience) -> bool:
        """Whether `batch` is now in the journal. False: look again; its place may be taken, or not."""
        try:
            answer = self._worm.put(journal_key(batch.number), batch.encode())
        except StorageBusyError:
            patience.wait()
            return False
        except StorageUncertainError:
            answer = Put.EXISTS
        except StorageRefusedError as cause:
            raise LedgerUnavailableError("the store refused") from cause
        if answer is Put.STORED:
            return True
        stored = self._gate.batch(batch.number, patience)
        if stored is None:
            patience.wait()
            return False
        return stored.nonce == batch.nonce


def _marks(batch: Batch) -> Iterator[Mark]:
    """One mark for each step: the events of a step stand together, and a batch holds one step of a stream at most."""
    marked: StreamId | None = None
    for index, line in enumerate(batch.lines, batch.start):
        try:
            event = json.loads(line)
            key = StepKey(StreamId(event["stream"]), event["number"])
        except (ValueError, KeyError, TypeError) as cause:
            raise LedgerBrokenError(f"batch {batch.number} holds something that is no event") from cause
        if key.stream != marked:
            marked = key.stream
            yield Mark(key, batch.number, index)


def _unmarked(batch: Batch, marks: Sequence[Mark], found: Sequence[Step]) -> list[Mark]:
    """The marks that are still to be set. Raises `LedgerBrokenError` unless the step table holds the batch's steps."""
    stored = {step.key: step for step in found}
    unmarked = []
    for mark, following in zip_longest(marks, marks[1:]):
        step, end = stored.get(mark.key), following.index if following else batch.end
        if step is None or step.lines != batch.lines[mark.index - batch.start : end - batch.start]:
            raise LedgerBrokenError(f"the step table lacks a step of batch {batch.number}: rebuild it")
        if step.index is None:
            unmarked.append(mark)
        elif (step.batch, step.index) != (mark.batch, mark.index):
            raise LedgerBrokenError(f"batch {batch.number} holds a step that is committed elsewhere")
    return unmarked


def _number(key: str) -> int:
    try:
        return key_number(key, JOURNAL)
    except JournalError as cause:
        raise LedgerBrokenError("the journal holds a foreign object") from cause
