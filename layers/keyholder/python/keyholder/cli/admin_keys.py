"""`keyholder admin keys`: one operator proposes a change of a domain's keys, another confirms it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from keyholder.cli.session import Session
from keyholder.registry.key_changes import Change, ChangeReason
from keyholder.vocabulary import IdentifierType

Command = TypeVar("Command", bound=Callable[..., object])


def _proposal(command: Command) -> Command:
    """The argument and options of every proposal."""
    types = click.option(
        "--type",
        "types",
        required=True,
        multiple=True,
        type=click.Choice([kind.value for kind in IdentifierType]),
        help="Identifier types.",
    )
    reason = click.option(
        "--reason", required=True, type=click.Choice([each.value for each in ChangeReason]), help="Why."
    )
    return click.argument("domain_id")(types(reason(command)))


VERSIONS = click.option(
    "--version", "versions", required=True, multiple=True, type=click.IntRange(1, 1023), help="Key versions."
)


@click.group(name="keys")
def keys() -> None:
    """Keys of a domain: propose a change, confirm or withdraw another operator's."""


@keys.command()
@_proposal
@click.pass_obj
def rotate(session: Session, *, domain_id: str, types: tuple[str, ...], reason: str) -> None:
    """Propose a new version that makes tokens; the versions before it still open theirs."""
    session.show(session.keyholder().propose_key_change(domain_id, Change.ROTATE.value, types, reason))


@keys.command()
@_proposal
@VERSIONS
@click.pass_obj
def retire(session: Session, *, domain_id: str, types: tuple[str, ...], versions: tuple[int, ...], reason: str) -> None:
    """Propose that versions which make no tokens any more open none either."""
    session.show(session.keyholder().propose_key_change(domain_id, Change.RETIRE.value, types, reason, versions))


@keys.command()
@_proposal
@VERSIONS
@click.pass_obj
def destroy(
    session: Session, *, domain_id: str, types: tuple[str, ...], versions: tuple[int, ...], reason: str
) -> None:
    """Propose to destroy retired versions: no pseudonym made with them can ever be turned back."""
    session.show(session.keyholder().propose_key_change(domain_id, Change.DESTROY.value, types, reason, versions))


@keys.command()
@click.argument("domain_id")
@click.argument("change_id")
@click.pass_obj
def confirm(session: Session, domain_id: str, change_id: str) -> None:
    """Carry out what another operator proposed. What is cut short Keyholder finishes itself."""
    session.show(session.keyholder().confirm_key_change(domain_id, change_id))


@keys.command()
@click.argument("domain_id")
@click.argument("change_id")
@click.pass_obj
def withdraw(session: Session, domain_id: str, change_id: str) -> None:
    """Take back a proposal, or refuse another operator's."""
    session.show(session.keyholder().withdraw_key_change(domain_id, change_id))
