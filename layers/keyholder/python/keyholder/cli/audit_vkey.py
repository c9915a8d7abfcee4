"""`keyholder audit vkey`: a public key as KMS gives it, to the line that is pinned and kept."""

from __future__ import annotations

from typing import BinaryIO

import click

from keyholder.ledger.cosignature import cosigner_vkey
from keyholder.ledger.note import NoteError, vkey


@click.command("vkey")
@click.argument("public_key", metavar="FILE", type=click.File("rb"))
@click.option("--origin", required=True, help="The log's name, for example keyholder.example.nhs.uk/ledger.")
@click.option("--witness", is_flag=True, help="The key of a witness of that name, which cosigns.")
def verifier_key(public_key: BinaryIO, origin: str, *, witness: bool) -> None:
    """Print the verifier key (C2SP signed note) of the checkpoint key in FILE: DER, as KMS GetPublicKey gives it."""
    try:
        click.echo((cosigner_vkey if witness else vkey)(origin, public_key.read()))
    except NoteError as fault:
        raise click.BadParameter(str(fault), param_hint="FILE or --origin") from fault
