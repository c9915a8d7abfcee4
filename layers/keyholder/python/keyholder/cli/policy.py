"""`keyholder policy`: try the policy on examples."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from keyholder.policy.cases import CaseFileError, differences, read_cases


@click.group()
def policy() -> None:
    """The rules of release, on examples."""


@policy.command()
@click.argument("file", type=click.Path(path_type=Path))
def check(file: Path) -> None:
    """Evaluate the cases in FILE and print each difference from what they expect.

    Ends with 0 if there is none, 1 if there is any, 2 if the file can't be used.
    """
    try:
        cases = read_cases(file.read_bytes())
    except OSError as fault:
        click.echo(f"{file}: {fault.strerror}", err=True)
        sys.exit(2)
    except CaseFileError as fault:
        click.echo(f"{file}: {fault}", err=True)
        sys.exit(2)
    found = list(differences(cases))
    for difference in found:
        click.echo(str(difference))
    if found:
        click.echo(f"{len(found)} differences in {len({item.case_id for item in found})} cases", err=True)
        sys.exit(1)
    batch = "" if cases.batch_case is None else " and the batch case"
    click.echo(f"{len(cases.cases)} cases{batch} agree")
