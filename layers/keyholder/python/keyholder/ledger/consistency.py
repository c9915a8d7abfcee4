"""Consistency proofs as text: that the ledger of one checkpoint is the beginning of that of a later one.

The text is what C2SP tlog-witness has a log send to a witness, so any such witness takes it as it is. Who remembers the
older checkpoint verifies it with the pinned public key alone, without the ledger.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from keyholder.ledger.merkle import HASH_BYTES, verify_consistency
from keyholder.ledger.note import MAX_NOTE_BYTES, Checkpoint, Note, NoteError, decode_base64, encode_base64

SUFFIX = ".tlog-consistency"
MAX_PATH = 63
"""C2SP tlog-witness."""
MAX_BYTES = 2 * MAX_NOTE_BYTES
_OLD = re.compile(r"old ([1-9][0-9]{0,18})")


class ConsistencyError(ValueError):
    """A proof that is malformed, or that does not prove what it says."""


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """A proof's text taken apart: nothing about it is verified."""

    old_size: int
    path: tuple[bytes, ...]
    """RFC 6962 section 2.1.2."""
    checkpoint: bytes
    """The later one: a signed note, verbatim."""

    def encode(self) -> str:
        """The text: the older size, the hashes in base64, an empty line, the later checkpoint."""
        lines = [f"old {self.old_size}", *map(encode_base64, self.path)]
        return "\n".join((*lines, "", self.checkpoint.decode()))

    @classmethod
    def parse(cls, text: bytes) -> ConsistencyProof:
        """Raises `ConsistencyError` unless `text` is exactly what `encode` would write, a checkpoint at its end."""
        if len(text) > MAX_BYTES:
            raise ConsistencyError("a consistency proof is too long")
        head, divider, checkpoint = text.partition(b"\n\n")
        try:
            Checkpoint.parse(Note.parse(checkpoint).text)
            first, *lines = head.decode().split("\n")
            path = tuple(map(decode_base64, lines))
        except (NoteError, UnicodeDecodeError) as cause:
            raise ConsistencyError("a consistency proof has a line that is malformed") from cause
        old = _OLD.fullmatch(first)
        if not divider or old is None:
            raise ConsistencyError("a consistency proof begins with the older size")
        if len(path) > MAX_PATH or any(len(node) != HASH_BYTES for node in path):
            raise ConsistencyError("a consistency proof is up to 63 hashes")
        return cls(int(old[1]), path, checkpoint)

    def verify(self, remembered: Checkpoint, signed: Callable[[bytes], Checkpoint]) -> Checkpoint:
        """The later checkpoint, once it is proven to continue the `remembered` one.

        `signed` opens a note with the pinned keys and raises `NoteError`. Raises `ConsistencyError`.
        """
        try:
            later = signed(self.checkpoint)
        except NoteError as cause:
            raise ConsistencyError(str(cause)) from cause
        if self.old_size != remembered.size:
            raise ConsistencyError("the proof is about an older tree of another size than the one remembered")
        if not verify_consistency(remembered.size, later.size, remembered.root, later.root, self.path):
            raise ConsistencyError("the later ledger does not continue the one remembered")
        return later
