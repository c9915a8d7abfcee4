"""`keyholder audit subject`: who re-identified a person, for an auditor or for the person themselves."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

import click

from keyholder.cli.options import FILE_OUT
from keyholder.cli.session import Session
from keyholder.client.spreadsheets import private_file
from keyholder.client.subject_letter import subject_letter

COLUMNS = ("index", "at", "request", "actor", "project", "recipient", "purpose", "disclosed")


@click.command()
@click.option(
    "--nhs-number-file", required=True, type=click.File("r"), help="A file that holds the NHS number; - reads stdin."
)
@click.option("--reason", required=True, help="A code, for example subject_access_request. It is logged.")
@click.option("--proof", is_flag=True, help="Verify and search the whole ledger, instead of asking its index.")
@click.option("--for-person", "letter", type=FILE_OUT, help="Write what the person may be given to this file.")
@click.option("--tags", type=FILE_OUT, help="Write the person's tags to this file, for 'audit verify --subject'.")
@click.pass_obj
def subject(
    session: Session, nhs_number_file: TextIO, reason: str, *, proof: bool, letter: Path | None, tags: Path | None
) -> None:
    """Who re-identified this person? The number never stands on a command line and is not kept.

    The file of --for-person names organisations, purposes and legal bases, and no member of staff. The file of --tags
    is about this person: whoever has it and a download of the ledger finds them in it. Delete it afterwards.
    """
    answer = session.keyholder().subject_search(nhs_number_file.read().strip(), reason, proof=proof)
    said = "verified and searched" if answer.proven else "looked up in the index, which is quick and no proof"
    count = len(answer.found)
    session.say(f"{count} release{'' if count == 1 else 's'} found; {answer.size} events {said}, root {answer.root}.")
    if letter is not None:
        with private_file(letter) as file:
            file.write(subject_letter(answer))
    if tags is not None:
        with private_file(tags) as file:
            file.writelines(f"{tag}\n" for tag in answer.tags)
    session.table(COLUMNS, [hit.document for hit in answer.found])
