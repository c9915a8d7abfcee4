"""`keyholder admin contact`: where people are told."""

from __future__ import annotations

from typing import TextIO

import click

from keyholder.cli.session import Session


@click.group()
def contact() -> None:
    """Where people are told: an address that is kept sealed, never shown, and can be erased."""


@contact.command(name="set")
@click.argument("person")
@click.option(
    "--email-from",
    type=click.File("r", encoding="utf-8"),
    required=True,
    help="A file with the address, or - for standard input: command lines are seen by others.",
)
@click.pass_obj
def set_contact(session: Session, person: str, email_from: TextIO) -> None:
    """Say where PERSON is told. They are told that it changed, at the address before too."""
    session.show(session.keyholder().set_contact(person, email_from.read().strip()))


@contact.command(name="remove")
@click.argument("person")
@click.pass_obj
def remove_contact(session: Session, person: str) -> None:
    """Erase where PERSON is told: they are told of nothing any more."""
    session.show(session.keyholder().remove_contact(person))


@contact.command(name="show")
@click.argument("person")
@click.pass_obj
def show_contact(session: Session, person: str) -> None:
    """Whether PERSON can be told, since when, and who set it. Never the address."""
    session.show(session.keyholder().contact(person))
