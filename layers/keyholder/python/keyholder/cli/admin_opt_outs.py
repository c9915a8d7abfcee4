"""`keyholder admin opt-outs`: checks of national data opt-outs, where MESH is connected and where it is not."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import click

from keyholder.canonical import JsonValue
from keyholder.cli.options import FILE_IN, FILE_OUT, SOURCE, moment
from keyholder.cli.session import Session
from keyholder.identifiers import nhs_number
from keyholder.identifiers.not_an_identifier import NotAnIdentifierError
from keyholder.policy.opt_outs import Reply, ReplyState, read_reply, read_request_list, request_list

COLUMNS = ("at", "source", "state", "people", "performed_on", "usable_until", "overdue", "removed", "why", "id")

REQUESTED = click.option(
    "--requested", required=True, type=FILE_IN, help="The list that was sent to the check service."
)
REPLY = click.option("--reply", required=True, type=FILE_IN, help="What came back over MESH.")


@click.group(name="opt-outs")
def opt_outs() -> None:
    """National data opt-outs."""


@opt_outs.command(name="list")
@click.pass_obj
def list_checks(session: Session) -> None:
    """Show the checks of the last three weeks: how far each is, and the last day its answer can be used."""
    session.table(COLUMNS, session.keyholder().opt_out_checks())


@opt_outs.command()
@click.argument("file", type=FILE_IN)
@click.option("--column", default="nhs_number", show_default=True, help="The column of NHS numbers.")
@click.option("--out", required=True, type=FILE_OUT, help="A new file, for its owner alone.")
@click.pass_obj
def request(session: Session, file: Path, column: str, out: Path) -> None:
    """Make the list to send to the check service from the NHS numbers in FILE (CSV). Nothing is sent."""
    numbers = _numbers(file, column)
    try:
        opened = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise click.UsageError(f"{out} exists; name a new file.") from None
    with os.fdopen(opened, "wb") as written:
        written.write(request_list(numbers))
    session.show({"people": len(numbers), "file": str(out)})


@opt_outs.command()
@REQUESTED
@REPLY
@click.option("--local-id", help="The LocalId that was sent, where the reply is a job-created message.")
@click.pass_obj
@click.pass_context
def read(context: click.Context, session: Session, *, requested: Path, reply: Path, local_id: str | None) -> None:
    """Say what a reply is, before it is loaded. Exits with 1 unless it is a cleaned list of these people."""
    asked = read_request_list(requested.read_bytes())
    if isinstance(asked, int):
        raise click.ClickException(f"{requested}, line {asked}: not an NHS number and a comma. Nothing was read.")
    judged = read_reply(reply.read_bytes(), asked, local_id=local_id)
    session.show(_told(judged, len(asked)))
    if judged.state is not ReplyState.CLEANED:
        context.exit(1)


@opt_outs.command(name="add")
@REQUESTED
@REPLY
@click.option("--performed-at", help="When the check was made (RFC 3339); now if left out.")
@click.option("--cache-refreshed-at", help="For a cache of clear people: when it was refreshed.")
@SOURCE
@click.pass_obj
def add_opt_outs(
    session: Session,
    *,
    requested: Path,
    reply: Path,
    performed_at: str | None,
    cache_refreshed_at: str | None,
    source: str,
) -> None:
    """Load a reply of the Check for National Data Opt-outs service."""
    body: dict[str, JsonValue] = {
        "requested": requested.read_text(encoding="ascii"),
        "reply": reply.read_text(encoding="ascii"),
        "performed_at": moment(performed_at),
        "mode": "direct" if cache_refreshed_at is None else "cache",
        "source": source,
    }
    if cache_refreshed_at is not None:
        body["cache_refreshed_at"] = moment(cache_refreshed_at)
    session.show(session.keyholder().load_opt_outs(body))


def _numbers(file: Path, column: str) -> list[str]:
    """Each once, in the file's order. Raises `click.ClickException` naming the line, never what is on it."""
    with file.open(encoding="utf-8-sig", newline="") as text:
        rows = csv.DictReader(text)
        if column not in (rows.fieldnames or ()):
            raise click.UsageError(f"{file} has no column of that name.")
        found: dict[str, None] = {}
        for row in rows:
            try:
                found[nhs_number.parse(row[column] or "")] = None
            except NotAnIdentifierError:
                raise click.ClickException(
                    f"{file}, line {rows.line_num}: not an NHS number. No list was made: none of it would be cleaned."
                ) from None
    if not found:
        raise click.ClickException(f"{file} names nobody; no list was made.")
    return list(found)


def _told(judged: Reply, asked: int) -> dict[str, JsonValue]:
    return {
        "state": judged.state.value,
        "fault": None if judged.fault is None else judged.fault.value,
        "line": judged.line,
        "asked": asked,
        "clear": len(judged.clear),
        "opted_out": len(judged.opted_out),
    }
