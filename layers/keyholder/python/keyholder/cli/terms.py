"""`keyholder terms`: read the terms of use in force, and accept them."""

from __future__ import annotations

import click

from keyholder.cli.session import Session
from keyholder.registry.terms import Document

DOCUMENT = click.Choice([document.value for document in Document])


@click.group()
def terms() -> None:
    """Terms of use: show the texts in force, accept one for yourself."""


@terms.command()
@click.argument("document", required=False, type=DOCUMENT)
@click.pass_obj
def show(session: Session, document: str | None) -> None:
    """The texts in force and which of them you have accepted; of one DOCUMENT, its words too."""
    found = [one for one in session.keyholder().terms() if document in (None, one.get("document"))]
    if document is not None:
        for one in found:
            session.say(str(one.get("text", "")))
    session.table(
        ["document", "version", "sha256", "accepted_version", "current"],
        [{name: value for name, value in one.items() if name != "text"} for one in found],
    )


@terms.command()
@click.argument("document", type=DOCUMENT)
@click.option("--sha256", required=True, help="The hash of the text you agree to, as 'terms show' prints it.")
@click.pass_obj
def accept(session: Session, document: str, sha256: str) -> None:
    """Accept the text of DOCUMENT with this hash. Nobody can do that for you."""
    keyholder = session.keyholder()
    version = next((one.get("version") for one in keyholder.terms() if one.get("document") == document), None)
    if not isinstance(version, int):
        raise click.UsageError(f"This Keyholder has no terms of that kind: {document}.")
    session.show(keyholder.accept_terms(document, version, sha256))
