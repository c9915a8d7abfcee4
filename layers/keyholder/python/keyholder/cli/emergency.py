"""`keyholder emergency`: a few records opened at once for somebody's care, and the review of that."""

from __future__ import annotations

import base64
from pathlib import Path

import click

from keyholder.cli.options import FILE_IN, FILE_OUT, json_object
from keyholder.cli.receipts import RECEIPTS, kept
from keyholder.cli.session import Session
from keyholder.client.answers import Reader
from keyholder.client.spreadsheets import private_bytes_path
from keyholder.emergency.access import ReviewFinding


@click.group()
def emergency() -> None:
    """Open a few records at once for somebody's care; review what others opened."""


@emergency.command(name="open")
@click.argument("file", type=FILE_IN)
@click.option("--out", type=FILE_OUT, required=True, help="Where the age file goes, readable by you alone.")
@RECEIPTS
@click.pass_obj
def open_(session: Session, file: Path, out: Path, receipts_to: Path | None) -> None:
    """Open the records that FILE (JSON, as the API describes it, with a public_key) names. Every controller is told."""
    body = json_object(file)
    if not body.get("public_key"):
        raise click.UsageError("FILE needs a public_key: what is opened is written to a file, encrypted to it.")
    given = session.keyholder().open_emergency_access(body)
    with private_bytes_path(out) as partial:
        partial.write_bytes(base64.b64decode(Reader(given).text("sealed")))
    kept(session, given, receipts_to)
    session.show({name: given[name] for name in ("access_id", "stage", "records", "review_by", "sha256")})


@emergency.command(name="list")
@click.option("--domain", help="Those to this domain, for who decides there; without it your own.")
@click.pass_obj
def list_(session: Session, domain: str | None) -> None:
    """Emergency accesses; what waits for its review goes first."""
    found = Reader(session.keyholder().emergency_accesses(domain)).objects("items")
    columns = ["access_id", "stage", "domain", "reason", "records", "opened_at", "review_by"]
    session.table(columns, [{name: one.raw[name] for name in columns} for one in found])


@emergency.command()
@click.argument("access_id")
@click.pass_obj
def show(session: Session, access_id: str) -> None:
    """One emergency access, who opened it and how far its review is. Never whose records they were."""
    session.show(session.keyholder().emergency_access(access_id))


@emergency.command()
@click.argument("access_id")
@click.argument("finding", type=click.Choice([each.value for each in ReviewFinding]))
@RECEIPTS
@click.pass_obj
def review(session: Session, access_id: str, finding: str, receipts_to: Path | None) -> None:
    """Say whether it was justified. Two who decide for its domain have to."""
    session.show(kept(session, session.keyholder().review_emergency_access(access_id, finding), receipts_to))
