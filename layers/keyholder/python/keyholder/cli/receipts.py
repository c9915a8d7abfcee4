"""Receipts in a folder: `leaf-<index>.tlog-proof`, and beside it the event it proves, `leaf-<index>.json`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path

import click

from keyholder.canonical import JsonObject
from keyholder.cli.options import FOLDER_OUT
from keyholder.cli.session import Session
from keyholder.client import Receipt
from keyholder.client.answers import Reader, without_receipts
from keyholder.client.spreadsheets import private_bytes_path
from keyholder.ledger.note import NoteError, Verifier, open_checkpoint, parse_vkey
from keyholder.ledger.receipts import SUFFIX, Proof, ReceiptError

LEAF = ".json"

RECEIPTS = click.option(
    "--receipts", "receipts_to", type=FOLDER_OUT, help="Keep the receipts of what this command writes in this folder."
)


def keep(session: Session, receipts: Iterable[Receipt], folder: Path | None) -> int:
    """Write receipts, and the leaves that came with them, mode 0600; the answer is how many. None keeps nothing."""
    if folder is None:
        return 0
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for count, receipt in enumerate(receipts, 1):  # noqa: B007 - the count is what is wanted
        _write(folder / f"leaf-{receipt.index}{SUFFIX}", receipt.text)
        if receipt.leaf is not None:
            _write(folder / f"leaf-{receipt.index}{LEAF}", receipt.leaf)
    session.say(f"Kept {count} receipt{'' if count == 1 else 's'} in {folder}.")
    return count


def kept(session: Session, document: JsonObject, folder: Path | None) -> JsonObject:
    """What is shown of an answer: all but its receipts, which are kept in `folder`."""
    keep(session, Receipt.all_of(Reader(document)), folder)
    return without_receipts(document)


class Checked(StrEnum):
    """What a kept receipt turned out to be."""

    PROVEN = "proven"
    """The event beside it is in the ledger."""
    WITHOUT_EVENT = "without event"
    """Its checkpoint is signed; what it proves is not here."""
    WRONG = "wrong"


def check(file: Path, verifiers: Sequence[Verifier]) -> Checked:
    """Whether the receipt in `file` proves the event beside it. Raises `OSError` where it can't be read."""
    leaf = file.with_suffix(LEAF)
    try:
        proof = Proof.parse(file.read_bytes())
        if not leaf.exists():
            open_checkpoint(proof.checkpoint, verifiers[0].name, verifiers)
            return Checked.WITHOUT_EVENT
        proof.verify(leaf.read_bytes(), verifiers[0].name, verifiers)
    except (ReceiptError, NoteError):
        return Checked.WRONG
    return Checked.PROVEN


def pinned(key_file: Path) -> tuple[Verifier, ...]:
    """The verifier keys of a file, one a line. Raises `click.UsageError`."""
    try:
        keys = tuple(parse_vkey(line) for line in key_file.read_text("utf-8").splitlines() if line.strip())
    except (NoteError, UnicodeDecodeError) as fault:
        raise click.UsageError(f"{key_file} holds no verifier key: {fault}") from fault
    if not keys:
        raise click.UsageError(f"{key_file} holds no verifier key.")
    return keys


def _write(path: Path, text: str) -> None:
    with private_bytes_path(path) as partial:
        partial.write_bytes(text.encode())
