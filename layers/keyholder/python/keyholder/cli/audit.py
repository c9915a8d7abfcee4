"""`keyholder audit`: what an auditor does."""

from __future__ import annotations

from pathlib import Path

import click

from keyholder.cli.audit_consistency import check_consistency, consistency
from keyholder.cli.audit_read import event, events, export, report, volumes
from keyholder.cli.audit_subject import subject
from keyholder.cli.audit_tiles import tiles
from keyholder.cli.audit_verify import verify
from keyholder.cli.audit_vkey import verifier_key
from keyholder.cli.options import FOLDER_OUT
from keyholder.cli.session import Session
from keyholder.client.ledger_download import download as save_ledger


@click.group()
def audit() -> None:
    """Read what happened, ask who re-identified a person, prove that the ledger is whole."""


audit.add_command(events, "events")
audit.add_command(event, "event")
audit.add_command(subject, "subject")
audit.add_command(export, "export")
audit.add_command(report, "report")
audit.add_command(volumes, "volumes")
audit.add_command(verify, "verify")
audit.add_command(consistency, "consistency")
audit.add_command(check_consistency, "check-consistency")
audit.add_command(tiles, "tiles")
audit.add_command(verifier_key, "vkey")


@audit.command()
@click.argument("folder", metavar="DIR", type=FOLDER_OUT)
@click.pass_obj
def download(session: Session, folder: Path) -> None:
    """Download the ledger into DIR, new or empty, ready for 'audit verify'."""
    written: list[str] = []
    ledger = save_ledger(session.keyholder(), folder, written.append)
    session.say(f"{ledger.size} events in {len(written)} objects. Compare {folder / 'key.vkey'} with the key you hold.")
    session.show({"size": ledger.size, "root": ledger.root, "objects": len(written), "vkey": ledger.vkey})
