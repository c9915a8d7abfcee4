"""Whom to believe: a checkpoint counts if the log's own key and enough witnesses have signed it.

A log's key alone can sign two histories. With a quorum of witnesses, each of whom signs only what continues what it saw
before, one history is left (C2SP tlog-policy, of which this is the flat case: one log, one group, `k` of `n`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from keyholder.ledger.cosignature import TYPE, Cosignature, Cosigner, cosignatures, parse_cosigner
from keyholder.ledger.note import Checkpoint, NoteError, Verifier, divide_vkey, open_checkpoint, parse_vkey


@dataclass(frozen=True, slots=True)
class Policy:
    """The log's pinned keys, the first of which bears its origin; its witnesses; and how many of these have to agree.

    Raises `ValueError` for a quorum that can't be met, a policy without a key of the log, or a witness named twice.
    """

    log: tuple[Verifier, ...]
    witnesses: tuple[Cosigner, ...] = ()
    quorum: int = 0

    def __post_init__(self) -> None:
        if not self.log:
            raise ValueError("a policy names a key of the log")
        if len({(witness.name, witness.key_id) for witness in self.witnesses}) != len(self.witnesses):
            raise ValueError("a policy names a witness once")
        if not 0 <= self.quorum <= len(self.witnesses):
            raise ValueError("a quorum is between none and all of the witnesses")


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A checkpoint that meets a policy, and the cosignatures of its witnesses, one of each at most, the newest."""

    checkpoint: Checkpoint
    cosignatures: tuple[Cosignature, ...]


def policy_of(vkeys: Iterable[str], quorum: int | None = None) -> Policy:
    """The policy of a key file: verifier keys of the log and of witnesses (type 0x04), one a line, in any order.

    `quorum` None asks for all witnesses of the file. Raises `NoteError` for a malformed key, `ValueError` as `Policy`.
    """
    log: list[Verifier] = []
    witnesses: list[Cosigner] = []
    for line in (line.strip() for line in vkeys):
        if line and divide_vkey(line)[2][0] == TYPE:
            witnesses.append(parse_cosigner(line))
        elif line:
            log.append(parse_vkey(line))
    return Policy(tuple(log), tuple(witnesses), len(witnesses) if quorum is None else quorum)


def open_cosigned(note: bytes, policy: Policy) -> Cosigned:
    """The checkpoint of a note that the log has signed and enough of its witnesses have cosigned.

    Lines of other keys are ignored; one of a pinned key that does not verify rejects the note. Raises `NoteError`.
    """
    checkpoint = open_checkpoint(note, policy.log[0].name, policy.log)
    newest: dict[tuple[str, bytes], Cosignature] = {}
    for found in cosignatures(note, policy.witnesses):
        by = (found.by.name, found.by.key_id)
        if by not in newest or newest[by].at < found.at:
            newest[by] = found
    if len(newest) < policy.quorum:
        raise NoteError(f"cosigned by {len(newest)} witnesses, and the policy asks for {policy.quorum}")
    return Cosigned(checkpoint, tuple(newest.values()))
