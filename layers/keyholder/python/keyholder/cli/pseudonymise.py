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

from keyholder.canonical import JsonObject
from keyholder.cli.options import FILE_IN, FILE_OUT
from keyholder.cli.session import Session
from keyholder.client import PseudonymisedRow
from keyholder.client.collection_file import collection_rules
from keyholder.client.extract import BATCH_ROWS, Tally, columns_of, kept_rows, output_columns, pseudonymised
from keyholder.client.extract_answers import Measured
from keyholder.client.extract_file import ExtractFile, Service, Watching
from keyholder.client.spreadsheets import Sheet, private_file, write_rows
from keyholder.client.type_1 import Type1File
from keyholder.collection.columns import ColumnPlan
from keyholder.collection.report import CollectionReport
from keyholder.collection.rules import GP_DATA_COLLECTION, CollectionRules
from keyholder.collection.screen import Screen
from keyholder.collection.vocabulary import COLUMN_WORDS, DROP_WORDS, DropRule
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
@click.option(
    "--collection",
    type=FILE_IN,
    help="The domain's collection rules, a JSON file. Without it: those of the GP data collection, without codes.",
)
@click.option("--out", type=FILE_OUT, help="Written with mode 0600, whole or not at all. Needed unless --dry-run.")
@click.option(
    "--batch",
    type=click.IntRange(1, BATCH_ROWS),
    help="Send all rows in calls of so many. Without it, more than 5,000 rows go as one file.",
)
@click.option("--dry-run", is_flag=True, help="Only count what would be dropped: nothing is sent or written.")
@click.pass_obj
def pseudonymise(
    session: Session,
    *,
    file: Path,
    domain: str,
    type_1: Path,
    collection: Path | None,
    out: Path | None,
    batch: int | None,
    dry_run: bool,
) -> None:
    """Replace the identifiers of FILE by pseudonyms.

    FILE is a CSV with nhs_number, date_of_death and any of gp_local_patient_number, postcode and date_of_birth. Of its
    other columns only those that the collection rules name are kept. Before anything is sent, rows are dropped of
    people with an active Type 1 opt-out or of whom nobody can tell, of people who died before the collection started,
    and of coded events that may not be shared by law or are too old. What was dropped is counted rule by rule.

    Many rows go past the API as one file, to an address that Keyholder gives for this file alone. It is encrypted
    there, erased as soon as the pseudonyms are made, and holds identifiers only: no other column leaves this machine.
    """
    rules = GP_DATA_COLLECTION if collection is None else collection_rules(collection)
    if rules.domain not in {None, domain}:
        raise click.UsageError(f"The collection rules are for another domain: {rules.domain}.")
    if out is None and not dry_run:
        raise click.UsageError("Say where the pseudonyms go with --out, or only count with --dry-run.")
    today = london_day(datetime.now(UTC))
    if rules.began_on > today:
        raise click.UsageError(f"The collection starts on {rules.began_on}: until then nothing may be collected.")
    screen = Screen(rules, today, partial(Type1File.parse(type_1.read_bytes()).state, today=today))
    tally = Tally()
    if out is None or dry_run:
        columns = _count(file, screen, tally)
    else:
        columns = _header(file, screen)
        extract = ExtractFile(partial(_people, file), columns, screen)
        told = extract.measured(tally)
        if batch is None and told.rows > BATCH_ROWS:
            _send_file(session, extract, told, tally, domain=domain, out=out)
        else:
            tally = Tally()
            _send_rows(session, file, extract, tally, domain=domain, out=out, batch=batch or BATCH_ROWS)
    _tell(session, tally, columns, rules, dry_run=dry_run)


def _count(file: Path, screen: Screen, tally: Tally) -> ColumnPlan:
    with file.open(encoding="utf-8-sig", newline="") as clear:
        sheet = Sheet.read(clear)
        columns = columns_of(sheet.header, screen.rules, only_counting=True)
        for _ in kept_rows(sheet.rows, screen, tally):
            pass
    return columns


def _header(file: Path, screen: Screen) -> ColumnPlan:
    with file.open(encoding="utf-8-sig", newline="") as clear:
        return columns_of(Sheet.read(clear).header, screen.rules)


def _people(file: Path) -> Iterator[Mapping[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as clear:
        yield from Sheet.read(clear).rows


def _send_rows(
    session: Session, file: Path, extract: ExtractFile, tally: Tally, *, domain: str, out: Path, batch: int
) -> None:
    """In calls of the API."""
    keyholder = session.keyholder()
    with private_file(out) as target, _progress(_lines(file)) as advance:

        def send(rows: Sequence[tuple[str, Mapping[str, str]]], report: CollectionReport) -> Sequence[PseudonymisedRow]:
            answers = keyholder.pseudonymise(domain, rows, report)
            advance(len(rows))
            return answers

        people = extract.people()
        rows = pseudonymised(people, extract.columns, extract.screen, send, tally, batch_rows=batch)
        write_rows(target, output_columns(extract.columns), rows)


def _send_file(session: Session, extract: ExtractFile, told: Measured, tally: Tally, *, domain: str, out: Path) -> None:
    """As one file, past the API."""
    with private_file(out) as target, _progress(told.rows) as advance:

        def held() -> None:
            session.say("The controller's own key is switched off: Keyholder goes on as soon as it is there again.")

        to = Service(session.keyholder(), session.storage(), domain, Watching(advance, held))
        rows = extract.pseudonymised(to, told, tally)
        write_rows(target, output_columns(extract.columns), rows)


def _tell(session: Session, tally: Tally, columns: ColumnPlan, rules: CollectionRules, *, dry_run: bool) -> None:
    dropped = sum(tally.dropped.values())
    session.say(f"{tally.read:>9} rows read")
    for rule in DropRule:
        session.say(f"{tally.dropped[rule]:>9} dropped: {DROP_WORDS[rule]} ({rule.value})")
    if dry_run:
        session.say(f"{tally.read - dropped:>9} would be sent. Nothing was.")
    else:
        session.say(f"{tally.refused:>9} refused by Keyholder and left out")
        session.say(f"{tally.written:>9} pseudonymised")
    if tally.synthetic:
        session.say(
            f"{tally.synthetic:>9} of these have a synthetic NHS number (900 to 999), which nobody was ever given"
        )
    for fault, count in sorted(tally.faults.items()):
        session.say(f"  {count}: {fault}")
    for name, reason in columns.refused.items():
        session.say(f"Column {name} was left out: {COLUMN_WORDS[reason]} ({reason.value}).")
    session.show(_counts(tally, columns, rules, dry_run=dry_run))


def _counts(tally: Tally, columns: ColumnPlan, rules: CollectionRules, *, dry_run: bool) -> JsonObject:
    return {
        "read": tally.read,
        "dropped": {rule.value: tally.dropped[rule] for rule in DropRule},
        "dropped_type1": tally.dropped_type_1,
        "dropped_unknown": tally.dropped_unknown,
        "sent": tally.sent,
        "pseudonymised": tally.written,
        "refused": tally.refused,
        "synthetic": tally.synthetic,
        "faults": dict(sorted(tally.faults.items())),
        "columns_left_out": {name: reason.value for name, reason in columns.refused.items()},
        "rules": rules.rules_hash,
        "dry_run": dry_run,
    }


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
