"""`keyholder audit events|event|export|report`: what happened, by any condition, with its proof, and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import click

from keyholder.audit.quarters import REPORT_COLUMNS, report_rows
from keyholder.audit.tables import as_csv
from keyholder.audit.vocabulary import Decision, ExportFormat
from keyholder.audit.volumes import VOLUME_COLUMNS, volume_rows
from keyholder.canonical import JsonObject
from keyholder.cli.options import FILE_OUT, moment
from keyholder.cli.session import Session
from keyholder.client.answers import Export
from keyholder.client.keyholder import Keyholder
from keyholder.client.spreadsheets import private_bytes_path

F = TypeVar("F", bound=Callable[..., Any])

COLUMNS = ("index", "at", "type", "actor", "stream", "about")
"""`about`: what was attempted or read, which has a stream of its own, and how it was refused."""
OCCASIONS = ("index", "at", "request", "requester", "project", "action", "stopped", "exceeded")

_CONDITIONS = (
    click.option("--request", "request", help="Events of this request."),
    click.option("--project", help="Events of this project and of its requests."),
    click.option("--actor", help="What this person did: person/…, or system/… for Keyholder itself."),
    click.option("--domain", help="Events about this domain."),
    click.option("--type", "type", help="Events of this type, for example request.approved."),
    click.option("--decision", type=click.Choice([one.value for one in Decision]), help="What the event decides."),
    click.option("--since", help="From this moment on, for example 2026-10-01T00:00:00Z."),
    click.option("--until", help="Up to just before this moment."),
)


def with_conditions(command: F) -> F:
    """The options of a command that looks for events."""
    for option in reversed(_CONDITIONS):
        command = option(command)
    return command


def conditions(given: dict[str, str | None]) -> dict[str, str]:
    """The conditions that were given; moments need their zone. Raises `click.UsageError`."""
    times = {"since", "until"}
    return {name: moment(value) if name in times else value for name, value in given.items() if value is not None}


@click.command()
@click.argument("request_id", required=False)
@with_conditions
@click.option("--limit", type=click.IntRange(min=1), help="At most so many.")
@click.pass_obj
def events(session: Session, /, request_id: str | None, limit: int | None, **given: str | None) -> None:
    """Events in order, of a request or by any combination of conditions.

    Complete up to the moment of the call. Each event was proven while it was read; that none is missing is proven by
    'audit download' and 'audit verify'.
    """
    if request_id is not None:
        given["request"] = request_id
    found = session.keyholder().events(**conditions(given))
    shown = list(found if limit is None else islice(found, limit))
    if not shown:
        session.say("No event matches.")
    session.table(COLUMNS, shown if session.as_json else [{**one, "about": _about(one)} for one in shown])


@click.command()
@click.argument("index", type=click.IntRange(min=0))
@click.option("--proof", "proof_file", type=FILE_OUT, help="Write the proof (c2sp.org/tlog-proof@v1) to this file.")
@click.option("--leaf", "leaf_file", type=FILE_OUT, help="Write the exact bytes of the event to this file.")
@click.pass_obj
def event(session: Session, index: int, proof_file: Path | None, leaf_file: Path | None) -> None:
    """One event of the ledger by its index, with its proof."""
    shown = session.keyholder().event(str(index))
    for path, name in ((proof_file, "proof"), (leaf_file, "leaf")):
        if path is not None:
            with private_bytes_path(path) as partial:
                partial.write_bytes(str(shown[name]).encode())
    session.show(shown)


@click.command()
@click.option(
    "--format",
    "form",
    type=click.Choice([one.value for one in ExportFormat if one is not ExportFormat.LEDGER]),
    required=True,
    help="ndjson: the exact leaves; csv: for spreadsheets; fhir: R4 AuditEvents in bundles.",
)
@click.option("--out", required=True, type=FILE_OUT, help="Where to write; further FHIR bundles get -2, -3, ….")
@with_conditions
@click.pass_obj
def export(session: Session, /, form: str, out: Path, **given: str | None) -> None:
    """Events by any combination of conditions, into a file for other tools.

    The ledger itself is taken away with 'audit download'.
    """
    keyholder = session.keyholder()
    begun = keyholder.export(form, **conditions(given))
    written = list(_written(keyholder, begun, ExportFormat(form), out))
    session.say(f"Complete up to a ledger of {begun.size} events.")
    session.show({"size": begun.size, "files": [str(path) for path in written]})


@click.command()
@click.argument("quarter")
@click.option("--csv", "as_table", is_flag=True, help="As CSV on stdout.")
@click.pass_obj
def report(session: Session, quarter: str, as_table: bool) -> None:
    """A quarter, for example 2026-Q4: requests by purpose, basis and outcome, time to decide, records withheld.

    Counts of records below 10 are not shown, nor a total they follow from.
    """
    document = session.keyholder().report(quarter)
    if as_table:
        click.echo(as_csv(REPORT_COLUMNS, report_rows(document)), nl=False)
        return
    session.report(document, REPORT_COLUMNS, report_rows(document))


@click.command()
@click.argument("month")
@click.option("--csv", "as_table", is_flag=True, help="The thresholds as CSV on stdout.")
@click.pass_obj
def volumes(session: Session, month: str, as_table: bool) -> None:
    """A month, for example 2026-11: how often releases went above each volume limit, and what followed."""
    document = session.keyholder().volume_report(month)
    if as_table:
        click.echo(as_csv(VOLUME_COLUMNS, volume_rows(document)), nl=False)
        return
    session.report(document, VOLUME_COLUMNS, volume_rows(document))
    occasions = document.get("occasions")
    if session.watched and isinstance(occasions, list | tuple):
        session.table(OCCASIONS, [one for one in occasions if isinstance(one, Mapping)])


def _about(event: JsonObject) -> str:
    data = event.get("data")
    told = [data.get(name) for name in ("command", "subject", "code")] if isinstance(data, Mapping) else []
    return " ".join(one for one in told if isinstance(one, str))


def _written(keyholder: Keyholder, begun: Export, form: ExportFormat, out: Path) -> Iterator[Path]:
    """Lines go into one file; a FHIR bundle is a document of its own."""
    if form is ExportFormat.FHIR:
        for number, item in enumerate(keyholder.export_objects(begun.export_id, begun.first), 1):
            path = out if number == 1 else out.with_stem(f"{out.stem}-{number}")
            with private_bytes_path(path) as partial:
                partial.write_bytes(item.body)
            yield path
        return
    with private_bytes_path(out) as partial, partial.open("wb") as file:
        for item in keyholder.export_objects(begun.export_id, begun.first):
            file.write(item.body)
    yield out
