"""`keyholder request report`: what came of a release, and that it is destroyed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TextIO

import click

from keyholder.canonical import JsonObject
from keyholder.cli.conversing import done, said, worded
from keyholder.cli.receipts import RECEIPTS
from keyholder.cli.session import Session
from keyholder.requests.codes import Destruction, Finding


@click.command()
@click.argument("request_id")
@click.option("--used", required=True, type=click.IntRange(0), help="Of how many records identifiers were used.")
@click.option("--finding", required=True, type=click.Choice([finding.value for finding in Finding]))
@click.option(
    "--destruction",
    required=True,
    type=click.Choice([statement.value for statement in Destruction]),
    help="What became of the identifiers: every copy, backups included.",
)
@click.option("--destroyed-on", type=click.DateTime(["%Y-%m-%d"]), help="Since which day every copy is destroyed.")
@worded
@RECEIPTS
@click.pass_obj
def report(
    session: Session,
    *,
    request_id: str,
    used: int,
    finding: str,
    destruction: str,
    destroyed_on: datetime | None,
    text: str | None,
    text_file: TextIO | None,
    receipts_to: Path | None,
) -> None:
    """Report what came of a release, and that it is destroyed. It closes the request.

    By its requester, or another researcher on the project.
    """
    keyholder, words = session.keyholder(), said(text, text_file)
    body: JsonObject = {
        "used": used,
        "finding": finding,
        "destruction": destruction,
        **({"destroyed_on": destroyed_on.date().isoformat()} if destroyed_on else {}),
        **({"text": words} if words else {}),
    }
    done(session, keyholder.report_outcome(request_id, body, keyholder.request(request_id).etag), receipts_to)
