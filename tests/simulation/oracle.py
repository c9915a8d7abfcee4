"""What must hold of a ledger, worked out the slow and obvious way, with none of the code under test that computes it.

Trees are recomputed from all leaves by the definition in RFC 6962 section 2.1; the journal is read as text.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from keyholder.ledger.log import Recorded
from keyholder.ledger.ports import Step
from tests.fakes.ledger import ORIGIN, Memory


def tree_head(leaves: list[bytes]) -> bytes:
    """MTH(D[n]) of RFC 6962 section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + tree_head(leaves[:split]) + tree_head(leaves[split:])).digest()


@dataclass
class Oracle:
    """Watches one memory ledger. `violations` is what it found wrong, in words."""

    memory: Memory
    patient: bool = False
    """Looks at the whole at the end only, for a ledger so large that looking at every step takes too long."""
    violations: list[str] = field(default_factory=list)
    effects: Counter[str] = field(default_factory=Counter)
    signed: dict[int, bytes] = field(default_factory=dict)

    def leaves(self) -> list[bytes]:
        """Every leaf of the journal in order; notes gaps, second versions and broken chains as violations."""
        leaves: list[bytes] = []
        names = sorted(name for name in self.memory.worm.versions if name.startswith("journal/"))
        for number, name in enumerate(names, 1):
            versions = self.memory.worm.versions[name]
            self._expect(name == f"journal/{number:020d}", f"gap before {name}")
            self._expect(len(versions) == 1, f"{name} has {len(versions)} versions")
            header_line, *lines = versions[-1].split(b"\n")[:-1]
            header = json.loads(header_line)
            self._expect(header["n"] == number, f"{name} says it is batch {header['n']}")
            self._expect(header["start"] == len(leaves), f"{name} starts at {header['start']}, not {len(leaves)}")
            self._expect(bytes.fromhex(header["prev_root"]) == tree_head(leaves), f"{name} does not continue the tree")
            leaves += lines
            self._expect(header["end"] == len(leaves), f"{name} ends at {header['end']}, not {len(leaves)}")
            self._expect(bytes.fromhex(header["root"]) == tree_head(leaves), f"{name} names another root")
        return leaves

    def signing(self, message: bytes) -> None:
        """A checkpoint is about to be signed: its tree must be in the journal, and the only one of its size."""
        if self.patient:
            return
        _, size_text, root_text, _ = message.decode().split("\n")
        size, root = int(size_text), base64.b64decode(root_text)
        leaves = self.leaves()
        self._expect(size <= len(leaves), f"signs size {size}, the journal has {len(leaves)}")
        self._expect(tree_head(leaves[:size]) == root, f"signs a tree of size {size} that is not in the journal")
        self._expect(self.signed.setdefault(size, root) == root, f"two trees of size {size} signed")

    def effect(self, command: str, recorded: Recorded) -> None:
        """An effect happens now: each of its events must be in the journal, under a stored and signed checkpoint."""
        self.effects[command] += 1
        if self.patient:
            return
        leaves = self.leaves()
        self._expect(len(recorded.events) == len(recorded.receipts) > 0, f"{command}: receipts do not fit the events")
        for event, receipt in zip(recorded.events, recorded.receipts, strict=False):
            covered = receipt.index < receipt.size <= len(leaves)
            self._expect(event.data["command"] == command, f"{command}: somebody else's event")
            self._expect(covered, f"{command}: effect before log")
            self._expect(covered and leaves[receipt.index] == event.line(), f"{command}: not at its index")
            stored = self.memory.worm.versions.get(f"checkpoint/{receipt.size:020d}")
            self._expect(stored is not None and receipt.checkpoint in stored, f"{command}: checkpoint not stored")
            self._note(receipt.checkpoint, receipt.size, leaves)

    def final(self) -> None:
        """Everything is quiet, nothing is pending: the whole ledger, against the whole step table."""
        leaves = self.leaves()
        self._expect(len(leaves) == len(set(leaves)), f"{len(leaves) - len(set(leaves))} duplicate events")
        steps = list(self.memory.steps.stored.values())
        stored = [line for step in steps for line in step.lines]
        self._expect(not set(stored) - set(leaves), "lost events")
        self._expect(not set(leaves) - set(stored), "events from nowhere")
        for step in steps:
            self._marked(step, leaves)
        self._streams(leaves)
        self._commands(stored)
        self._checkpoints(leaves)

    def _marked(self, step: Step, leaves: list[bytes]) -> None:
        index = step.index
        right = index is not None and tuple(leaves[index : index + len(step.lines)]) == step.lines
        self._expect(right, f"{step.key} is marked at {index}, where it is not")
        header = self.memory.worm.versions.get(f"journal/{step.batch or 0:020d}", [b"{}"])[-1].split(b"\n")[0]
        batch = json.loads(header)
        self._expect(
            index is not None and batch.get("start", 1) <= index < batch.get("end", 0),
            f"{step.key} is marked in batch {step.batch}, where it is not",
        )

    def _streams(self, leaves: list[bytes]) -> None:
        folded: dict[str, list[int]] = defaultdict(list)
        for leaf in leaves:
            event = json.loads(leaf)
            folded[event["stream"]].append(event["number"])
        for stream, numbers in folded.items():
            self._expect(numbers == list(range(1, len(numbers) + 1)), f"{stream} is out of order: {numbers}")

    def _commands(self, stored: list[bytes]) -> None:
        made: dict[str, set[str]] = defaultdict(set)
        for line in stored:
            event = json.loads(line)
            made[event["data"]["command"]].add(event["data"]["delivery"])
        for command, deliveries in made.items():
            self._expect(len(deliveries) == 1, f"{command} was carried out {len(deliveries)} times")
        for command in self.effects:
            self._expect(command in made, f"{command} took effect without an event")

    def _checkpoints(self, leaves: list[bytes]) -> None:
        ends = set()
        for name, versions in self.memory.worm.versions.items():
            if name.startswith("journal/"):
                ends.add(f"checkpoint/{json.loads(versions[-1].split(bytes([10]))[0])['end']:020d}")
        present = {name for name in self.memory.worm.versions if name.startswith("checkpoint/")}
        self._expect(ends == present, f"checkpoints missing {sorted(ends - present)}, stray {sorted(present - ends)}")
        for name in present:
            versions = self.memory.worm.versions[name]
            self._expect(len(versions) == 1, f"{name} has {len(versions)} versions")
            self._note(versions[-1], int(name.removeprefix("checkpoint/")), leaves)

    def _note(self, note: bytes, size: int, leaves: list[bytes]) -> None:
        text, _, signature_line = note.decode().partition("\n\n")
        root = base64.b64encode(tree_head(leaves[:size])).decode()
        self._expect(text == f"{ORIGIN}\n{size}\n{root}", f"the checkpoint of size {size} names another tree")
        signature = base64.b64decode(signature_line.split(" ")[2])[4:]
        key: Ed25519PublicKey = self.memory.signer.key.public_key()
        try:
            key.verify(signature, f"{text}\n".encode())
        except InvalidSignature:
            self._expect(False, f"the checkpoint of size {size} is not signed")

    def _expect(self, holds: bool, words: str) -> None:
        if not holds:
            self.violations.append(words)
