"""`keyholder audit verify`: is a downloaded ledger whole? Offline, with a pinned public key."""

from __future__ import annotations

from pathlib import Path

import click

from keyholder.ledger.note import Checkpoint, NoteError, Verifier, open_checkpoint, parse_vkey
from keyholder.ledger.verification import BrokenLedgerError, Folder, UnusableDownloadError
from keyholder.ledger.verification import verify as verify_ledger

BROKEN = 6
UNUSABLE = 2


@click.command("verify")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--key",
    "key_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The ledger's public key (a verifier key, name+id+base64), kept by you; several keys, one a line.",
)
@click.option(
    "--since",
    "since_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A checkpoint you kept from before: shows whether the ledger was cut off or rewritten since.",
)
def verify(folder: Path, key_file: Path, since_file: Path | None) -> None:
    """Check that the ledger in DIR is whole: every event, every root, every signature.

    DIR holds journal/, checkpoint/ and versions.json, as the audit download has them. Needs no network.

    Exit status: 0 whole, 6 broken, 2 the input cannot be verified.
    """
    try:
        verifiers = _keys(key_file)
        since = _remembered(since_file, verifiers) if since_file else None
        whole = verify_ledger(Folder(folder), verifiers, since)
    except BrokenLedgerError as broken:
        click.echo(f"broken: {broken.where}: {broken.what}", err=True)
        raise SystemExit(BROKEN) from broken
    except (UnusableDownloadError, NoteError, OSError, UnicodeDecodeError) as unusable:
        click.echo(f"cannot verify: {unusable}", err=True)
        raise SystemExit(UNUSABLE) from unusable
    click.echo(
        f"whole: {whole.events} events in {whole.batches} batches, root {whole.checkpoint.root.hex()}, "
        f"signed by {verifiers[0].name}"
    )


def _keys(path: Path) -> tuple[Verifier, ...]:
    keys = tuple(parse_vkey(line) for line in path.read_text("utf-8").splitlines() if line.strip())
    if not keys:
        raise NoteError("the key file holds no verifier key")
    return keys


def _remembered(path: Path, verifiers: tuple[Verifier, ...]) -> Checkpoint:
    return open_checkpoint(path.read_bytes(), verifiers[0].name, verifiers)
