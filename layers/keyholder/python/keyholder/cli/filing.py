"""`keyholder request file`, and what `new` and `save` do with a file of records: hand it over, say what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from keyholder.cli.options import FILE_IN
from keyholder.cli.session import Session
from keyholder.cli.trouble import Exit, Stop
from keyholder.client.answers import Reader
from keyholder.client.request_file import REFUSED, RequestFile, hand_over

BY_FILE = click.option(
    "--file", "by_file", type=FILE_IN, help="A pseudonymised CSV to upload: up to 1,000,000 pseudonyms."
)
SHOWN_LINES = 10


def some(lines: Sequence[int]) -> str:
    """The first of many numbers."""
    more = f" and {len(lines) - SHOWN_LINES} more" if len(lines) > SHOWN_LINES else ""
    return ", ".join(map(str, lines[:SHOWN_LINES])) + more


@click.command(name="file")
@click.argument("request_id")
@BY_FILE
@click.pass_obj
def file_(session: Session, request_id: str, by_file: Path | None) -> None:
    """How the file of a draft stands: awaited, being read, read, or refused and why.

    With --file, hand the declared file over: what 'request new --file' does, where that was cut short.
    """
    if by_file is not None:
        hand_over_file(session, request_id, by_file)
    else:
        _tell(session, request_id, RequestFile.of(session.keyholder().request_file(request_id)))


def hand_over_file(session: Session, request_id: str, by_file: Path) -> None:
    """Uploads it, waits until it was read, and says what it holds. A file that is refused fails the command."""
    found = hand_over(session.keyholder(), session.storage(), request_id, by_file)
    _tell(session, request_id, found)
    if found.stage == REFUSED:
        raise Stop(Exit.FAILED)


def _tell(session: Session, request_id: str, found: RequestFile) -> None:
    session.say(f"The file of {request_id} is {found.stage}.")
    if found.refused is not None:
        where = "" if found.refused.get("row") is None else f", row {found.refused['row']}"
        session.say(f"{found.refused['code']} ({found.refused['field']}{where}): {found.refused['advice']}")
    for part in Reader(found.document).objects("given"):
        counts = f"{part.number('records')} rows, {part.number('distinct')} different pseudonyms"
        again = f", {part.number('repeated')} repeated, counted once" if part.number("repeated") else ""
        session.say(f"{part.text('domain')}: {counts}{again}.")
    for bad in Reader(found.document).objects("bad"):
        rows = bad.raw["rows"]
        named = [row for row in rows if isinstance(row, int)] if isinstance(rows, list) else []
        session.say(f"{bad.text('code')}: {bad.number('count')}, the first in row {some(named)}.")
    session.show({"id": request_id, **found.document})
