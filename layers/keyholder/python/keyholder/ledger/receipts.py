"""Receipts as text (`c2sp.org/tlog-proof@v1`): what somebody keeps to prove, without us, that an act is in the ledger.

A receipt does not hold the leaf. Who has both verifies them with the pinned public key alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from keyholder.canonical import JsonObject
from keyholder.ledger.cosignature import Cosignature, Cosigner, cosignatures
from keyholder.ledger.event import Event
from keyholder.ledger.log import Receipt, Recorded
from keyholder.ledger.merkle import HASH_BYTES, leaf_hash, verify_inclusion
from keyholder.ledger.note import (
    MAX_NOTE_BYTES,
    Checkpoint,
    Note,
    NoteError,
    Verifier,
    decode_base64,
    encode_base64,
    open_checkpoint,
)
from keyholder.ledger.tiles import TiledTree

HEADER = "c2sp.org/tlog-proof@v1"
SUFFIX = ".tlog-proof"
MAX_PATH = 64
MAX_BYTES = 2 * MAX_NOTE_BYTES
_EXTRA = "extra "
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


class ReceiptError(ValueError):
    """A receipt that is malformed, or that does not prove its leaf."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A receipt's text taken apart: nothing about it is verified. Only the gate makes a `log.Receipt`."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    """The signed note, verbatim."""
    extra: bytes | None = None
    """What an application adds; Keyholder adds nothing, and believes nothing."""

    @classmethod
    def of(cls, receipt: Receipt) -> Proof:
        """What the gate has proven, to be handed out."""
        return cls(receipt.index, receipt.path, receipt.checkpoint)

    @classmethod
    def from_tiles(cls, tree: TiledTree, index: int, checkpoint: bytes) -> Proof:
        """Of leaf `index` against the newer tree that `checkpoint` signs. Raises `IndexError`, `tiles.TileError`."""
        return cls(index, tree.inclusion_path(index), checkpoint)

    def encode(self) -> str:
        """The text, as a `.tlog-proof` file holds it."""
        lines = [HEADER]
        if self.extra is not None:
            lines.append(_EXTRA + encode_base64(self.extra))
        lines.append(f"index {self.index}")
        lines.extend(map(encode_base64, self.path))
        return "\n".join((*lines, "", self.checkpoint.decode()))

    @classmethod
    def parse(cls, text: bytes) -> Proof:
        """Raises `ReceiptError` unless `text` is exactly what `encode` would write, with a checkpoint at its end."""
        if len(text) > MAX_BYTES:
            raise ReceiptError("a receipt is too long")
        head, divider, checkpoint = text.partition(b"\n\n")
        try:
            Checkpoint.parse(Note.parse(checkpoint).text)
            header, *lines = head.decode().split("\n")
            extra = decode_base64(lines.pop(0).removeprefix(_EXTRA)) if lines and lines[0].startswith(_EXTRA) else None
            index = _INDEX.fullmatch(lines.pop(0)) if lines else None
            path = tuple(map(decode_base64, lines))
        except (NoteError, UnicodeDecodeError) as cause:
            raise ReceiptError("a receipt has a line that is malformed") from cause
        if header != HEADER or not divider or index is None:
            raise ReceiptError("a receipt begins with its format and an index")
        if len(path) > MAX_PATH or any(len(node) != HASH_BYTES for node in path):
            raise ReceiptError("a receipt's path is up to 64 hashes")
        return cls(int(index[1]), path, checkpoint, extra)

    def verify(
        self, leaf: bytes, origin: str, verifiers: Sequence[Verifier], cosigners: Sequence[Cosigner] = ()
    ) -> Proven:
        """That `leaf` is in the log `origin`, under a checkpoint that one of `verifiers` has signed.

        Which witnesses must have cosigned it is for the caller to say. Raises `ReceiptError`.
        """
        try:
            checkpoint = open_checkpoint(self.checkpoint, origin, verifiers)
            seen = cosignatures(self.checkpoint, cosigners)
        except NoteError as cause:
            raise ReceiptError(str(cause)) from cause
        if not verify_inclusion(leaf_hash(leaf), self.index, checkpoint.size, self.path, checkpoint.root):
            raise ReceiptError("the path does not lead from this leaf to the signed root")
        return Proven(self.index, checkpoint, seen)


@dataclass(frozen=True, slots=True)
class Proven:
    """A leaf was at `index` of the log when `checkpoint` was signed; `seen` are the known witnesses who cosigned it."""

    index: int
    checkpoint: Checkpoint
    seen: tuple[Cosignature, ...]


def receipts_json(recorded: Recorded, told: Callable[[Event], bool]) -> list[JsonObject]:
    """The receipts of a step as answers have them: place, leaf hash, text, and the leaf itself where `told` says so.

    Without the leaf, a receipt still proves that something with this hash is in the ledger, at this place.
    """
    return [
        {
            "index": receipt.index,
            "number": event.number,
            "type": event.type,
            "leaf_hash": leaf_hash(event.line()).hex(),
            "leaf": event.line().decode() if told(event) else None,
            "receipt": Proof.of(receipt).encode(),
        }
        for event, receipt in zip(recorded.events, recorded.receipts, strict=True)
    ]
