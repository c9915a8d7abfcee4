"""`keyholder pseudonymise`: a provider's clear extract in, the de-identified shape out."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol

import click

from keyholder.cli.options import FILE_IN, FILE_OUT
from keyholder.cli.session import Session
from keyholder.client import PseudonymisedRow
from keyholder.client.extract import BATCH_ROWS, Tally, output_columns, pseudonymised
from keyholder.client.spreadsheets import Sheet, private_file, write_rows
from keyholder.client.type_1 import Type1File
from keyholder.policy.days import london_day


class Advance(Protocol):
    """Tells how many rows more are done."""

    def __call__(self, rows: int) -> None: ...


@click.command()
@click.argument("file", type=FILE_IN)
@click.option("--domain", required=True, help="The pseudonym space, for example gp-2026.")
@click.option(
    "--type-1",
    "type_1",
    required=True,
    type=FILE_IN,
    help="Type 1 events of everybody in FILE: a CSV with nhs_number, system, code, recorded_on.",
)
@click.option("--out", required=True, type=FILE_OUT, help="Written with mode 0600, whole or not at all.")
@click.option("--batch", default=BATCH_ROWS, show_default=True, type=click.IntRange(1, BATCH_ROWS), help="Rows a call.")
@click.pass_obj
def pseudonymise(session: Session, *, file: Path, domain: str, type_1: Path, out: Path, batch: int) -> None:
    """Replace the identifiers of FILE by pseudonyms.

    FILE is a CSV with nhs_number and any of gp_local_patient_number, postcode, date_of_birth and date_of_death; its
    other columns stay as they are. People with an active Type 1 opt-out are dropped before anything is sent, and so are
    people of whom nobody can tell: no readable NHS number, or not in the Type 1 file.
    """
    keyholder = session.keyholder()
    opt_outs = Type1File.parse(type_1.read_bytes())
    today = london_day(datetime.now(UTC))
    tally = Tally()
    with (
        file.open(encoding="utf-8-sig", newline="") as clear,
        private_file(out) as target,
        _progress(_lines(file)) as advance,
    ):
        sheet = Sheet.read(clear, ["nhs_number"])

        def send(rows: Sequence[tuple[str, Mapping[str, str]]]) -> Sequence[PseudonymisedRow]:
            answers = keyholder.pseudonymise(domain, rows)
            advance(len(rows))
            return answers

        state = partial(opt_outs.state, today=today)
        write_rows(target, output_columns(sheet.header), pseudonymised(sheet.rows, state, send, tally, batch))
    _tell(session, tally)


def _tell(session: Session, tally: Tally) -> None:
    session.say(
        f"{tally.read} rows read, {tally.dropped_type_1} dropped for an active Type 1 opt-out, "
        f"{tally.dropped_unknown} because theirs is unknown, {tally.written} pseudonymised."
    )
    if tally.refused:
        session.say(f"{tally.refused} rows were refused and left out.")
    for fault, count in sorted(tally.faults.items()):
        session.say(f"  {count}: {fault}")
    session.show(
        {
            "read": tally.read,
            "dropped_type1": tally.dropped_type_1,
            "dropped_unknown": tally.dropped_unknown,
            "sent": tally.sent,
            "pseudonymised": tally.written,
            "refused": tally.refused,
            "faults": dict(sorted(tally.faults.items())),
        }
    )


def _lines(file: Path) -> int:
    with file.open("rb") as lines:
        return max(sum(1 for _ in lines) - 1, 0)


@contextmanager
def _progress(total: int) -> Iterator[Advance]:
    """A bar on stderr where somebody watches it."""
    if not sys.stderr.isatty():
        yield lambda rows: None  # noqa: ARG005 - nobody watches
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Pseudonymising", total=total)
        yield lambda rows: bar.update(task, advance=rows)
