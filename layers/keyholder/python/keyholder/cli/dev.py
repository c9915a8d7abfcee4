"""`keyholder dev`: the whole service on this machine, from a checkout of the project."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path

import click

from keyholder.cli.trouble import Exit, Stop

SERVE = "infra.embedded.serve"


@click.group()
def dev() -> None:
    """The whole service on this machine."""


@dev.command()
def serve() -> None:
    """Start the embedded stack and stay up; prints the address and how to get each persona's token."""
    checkout = _checkout()
    if checkout is None:
        click.echo(
            "keyholder: 'dev serve' works from a checkout of the project: clone it and run 'make install'.", err=True
        )
        raise Stop(Exit.FAILED)
    os.chdir(checkout)
    sys.path.insert(0, str(checkout))
    if importlib.util.find_spec(SERVE) is None:
        click.echo("keyholder: this checkout has no embedded stack (infra/embedded/serve.py).", err=True)
        raise Stop(Exit.FAILED)
    importlib.import_module(SERVE).main()


def _checkout() -> Path | None:
    """The project folder: the working directory or one above it, else where this package was installed from."""
    here = Path.cwd()
    for folder in (here, *here.parents, *Path(__file__).resolve().parents):
        if (folder / "cdk.json").is_file() and (folder / "infra" / "embedded").is_dir():
            return folder
    return None
