"""`keyholder audit`: what an auditor does."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

import click

from keyholder.cli.audit_tiles import tiles
from keyholder.cli.audit_verify import verify
from keyholder.cli.audit_vkey import verifier_key
from keyholder.cli.options import FOLDER_OUT
from keyholder.cli.session import Session
from keyholder.client.ledger_download import download as save_ledger


@click.group()
def audit() -> None:
    """Read what happened, ask who re-identified a person, prove that the ledger is whole."""


audit.add_command(verify, "verify")
audit.add_command(tiles, "tiles")
audit.add_command(verifier_key, "vkey")


@audit.command()
@click.argument("request_id")
@click.pass_obj
def events(session: Session, request_id: str) -> None:
    """The events of a request, in order."""
    session.table(["index", "at", "type", "actor", "stream"], list(session.keyholder().events(request_id)))


@audit.command()
@click.option(
    "--nhs-number-file", required=True, type=click.File("r"), help="A file that holds the NHS number; - reads stdin."
)
@click.option("--reason", required=True, help="A code, for example subject_access_request. It is logged.")
@click.pass_obj
def subject(session: Session, nhs_number_file: TextIO, reason: str) -> None:
    """Who re-identified this person? The number never stands on a command line and is not kept."""
    answer = session.keyholder().subject_search(nhs_number_file.read().strip(), reason)
    session.say(f"{len(answer.found)} releases found; {answer.size} events searched, root {answer.root}.")
    session.table(["index", "at", "request", "actor", "outcome"], [hit.document for hit in answer.found])


@audit.command()
@click.argument("folder", metavar="DIR", type=FOLDER_OUT)
@click.pass_obj
def download(session: Session, folder: Path) -> None:
    """Download the ledger into DIR, new or empty, ready for 'audit verify'."""
    written: list[str] = []
    ledger = save_ledger(session.keyholder(), folder, written.append)
    session.say(f"{ledger.size} events in {len(written)} objects. Compare {folder / 'key.vkey'} with the key you hold.")
    session.show({"size": ledger.size, "root": ledger.root, "objects": len(written), "vkey": ledger.vkey})
