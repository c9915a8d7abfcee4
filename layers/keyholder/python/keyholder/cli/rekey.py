"""`keyholder rekey`: a pseudonymised CSV in, the same CSV with pseudonyms of the newest key version out."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import click

from keyholder.cli.options import FILE_IN, FILE_OUT, TOKEN_COLUMNS, chosen_columns
from keyholder.cli.session import Session
from keyholder.cli.trouble import Exit, Stop
from keyholder.client.spreadsheets import Sheet, private_file, write_rows
from keyholder.client.token_columns import Replaced, Replacing, token_columns
from keyholder.pseudonyms.rekeying import GIVEN


@click.command()
@click.argument("file", type=FILE_IN)
@click.option("--domain", required=True, help="The pseudonym space, for example gp-2026.")
@click.option("--out", required=True, type=FILE_OUT, help="Written with mode 0600, whole or not at all.")
@TOKEN_COLUMNS
@click.option("--status", "with_status", is_flag=True, help="Add a column <name>_status beside each of pseudonyms.")
@click.pass_obj
def rekey(session: Session, *, file: Path, domain: str, out: Path, columns: tuple[str, ...], with_status: bool) -> None:
    """Replace the pseudonyms of FILE by those of the newest key version, before an older one is retired.

    Rows, their order and other columns stay as they are. A pseudonym that can't be replaced stays too, is reported, and
    makes the command end with 1. Columns of ten digits have one key version and are refused: name the others.
    """
    keyholder = session.keyholder()
    done = Replaced()
    with file.open(encoding="utf-8-sig", newline="") as text, private_file(out) as target:
        sheet = Sheet.read(text)
        found = token_columns(sheet.header, chosen_columns(columns))
        replacing = Replacing(
            found, lambda rows: keyholder.rekey(domain, rows), kept=lambda _: True, with_status=with_status
        )
        write_rows(target, replacing.header(sheet.header), replacing.rows(sheet.rows, done))
    session.say(f"Wrote {out} (mode 0600).")
    tell(session, done, good=GIVEN)


def tell(session: Session, done: Replaced, good: Collection[str]) -> None:
    """How many cells became what, and where those are that are not as they should be. Ends with 1 if there are any."""
    for (column, status), lines in done.lines.items():
        if status not in good:
            more = done.cells[column, status] - len(lines)
            tail = f" and {more} more" if more else ""
            session.say(f"{column}: {status} on line {', '.join(map(str, lines))}{tail}")
    session.show(
        {
            "rows": done.rows,
            "cells": {
                column: {status: count for (name, status), count in sorted(done.cells.items()) if name == column}
                for column in dict.fromkeys(name for name, _ in done.cells)
            },
        }
    )
    if any(status not in good for _, status in done.cells):
        raise Stop(Exit.FAILED)
