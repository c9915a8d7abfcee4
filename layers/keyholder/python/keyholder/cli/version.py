"""`keyholder version`."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

import click

from keyholder.cli.session import Session


@click.command()
@click.pass_obj
def version(session: Session) -> None:
    """The version of this command."""
    try:
        number = installed("keyholder")
    except PackageNotFoundError:
        number = "unknown (not installed)"
    if session.as_json:
        session.show({"version": number})
    else:
        click.echo(number)
