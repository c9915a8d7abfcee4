"""`keyholder audit consistency|check-consistency`: the ledger still continues what somebody remembers of it."""

from __future__ import annotations

from pathlib import Path

import click

from keyholder.audit.consistency import UNKNOWN_TREE
from keyholder.cli.audit_verify import BROKEN, KEY, UNUSABLE, read_keys
from keyholder.cli.options import FILE_OUT
from keyholder.cli.session import Session
from keyholder.client import Invalid
from keyholder.client.spreadsheets import private_bytes_path
from keyholder.ledger.consistency import ConsistencyError, ConsistencyProof
from keyholder.ledger.note import Checkpoint, NoteError
from keyholder.ledger.receipts import HEADER, Proof, ReceiptError
from keyholder.ledger.verification import Keys

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_SINCE = click.option(
    "--since",
    "since_file",
    required=True,
    type=_FILE,
    help="What you kept from before: a checkpoint, cosigned or not, or a receipt (.tlog-proof).",
)


@click.command()
@_SINCE
@KEY
@click.option("--out", type=FILE_OUT, help="Write the proof to this file: it is checked again without us.")
@click.option(
    "--checkpoint", "checkpoint_file", type=FILE_OUT, help="Write the newer checkpoint to this file, to be kept."
)
@click.pass_obj
def consistency(
    session: Session, since_file: Path, key_file: Path, out: Path | None, checkpoint_file: Path | None
) -> None:
    """Prove that the ledger continues a checkpoint you kept, without downloading it.

    Exit status: 0 it does, 6 it does not, 2 the input cannot be verified.
    """
    keys, remembered = _given(key_file, since_file)
    try:
        shown = session.keyholder().consistency(remembered.size)
    except Invalid as unknown:
        if unknown.problem.code != UNKNOWN_TREE.code:
            raise
        raise _broken("the ledger has no tree of the size that was signed: it was rewritten or cut off") from unknown
    text = str(shown["proof"]).encode()
    later = _proven(text, remembered, keys)
    for path, body in ((out, text), (checkpoint_file, ConsistencyProof.parse(text).checkpoint)):
        if path is not None:
            with private_bytes_path(path) as partial:
                partial.write_bytes(body)
    _say(remembered, later)


@click.command("check-consistency")
@click.argument("proof_file", metavar="PROOF", type=_FILE)
@_SINCE
@KEY
def check_consistency(proof_file: Path, since_file: Path, key_file: Path) -> None:
    """Check a proof that 'audit consistency --out' wrote, or that somebody gave you. Needs no network.

    Exit status: 0 it proves that the later ledger continues the one remembered, 6 it does not, 2 the input cannot be
    verified.
    """
    keys, remembered = _given(key_file, since_file)
    _say(remembered, _proven(proof_file.read_bytes(), remembered, keys))


def _given(key_file: Path, since_file: Path) -> tuple[Keys, Checkpoint]:
    """The pinned keys, and what is remembered, which they must have signed."""
    try:
        keys, kept = read_keys(key_file), since_file.read_bytes()
        note = Proof.parse(kept).checkpoint if kept.startswith(HEADER.encode()) else kept
        return keys, keys.open(note)
    except (NoteError, ReceiptError, OSError, UnicodeDecodeError) as unusable:
        click.echo(f"cannot verify: {unusable}", err=True)
        raise SystemExit(UNUSABLE) from unusable


def _proven(text: bytes, remembered: Checkpoint, keys: Keys) -> Checkpoint:
    try:
        return ConsistencyProof.parse(text).verify(remembered, keys.open)
    except ConsistencyError as cause:
        raise _broken(str(cause)) from cause


def _broken(what: str) -> SystemExit:
    click.echo(f"broken: {what}", err=True)
    return SystemExit(BROKEN)


def _say(remembered: Checkpoint, later: Checkpoint) -> None:
    click.echo(
        f"consistent: the ledger of {later.size} events, root {later.root.hex()}, continues that of {remembered.size}"
    )
