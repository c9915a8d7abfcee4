"""`keyholder admin policy`: an operator proposes the policy's settings, the controllers' side confirms them."""

from __future__ import annotations

from pathlib import Path

import click

from keyholder.canonical import JsonObject
from keyholder.cli.options import FILE_IN, json_object
from keyholder.cli.session import Session
from keyholder.policy.changes import ChangeReason


@click.group(name="policy")
def policy_settings() -> None:
    """The policy's settings: show, propose, confirm, withdraw."""


@policy_settings.command()
@click.option("--change", "change_id", help="A change instead of what is in force.")
@click.option("--settings", "only_settings", is_flag=True, help="The settings alone, to edit and propose.")
@click.pass_obj
def show(session: Session, *, change_id: str | None, only_settings: bool) -> None:
    """Show the settings in force and the change that waits, or one change and what differs in it."""
    keyholder = session.keyholder()
    shown = keyholder.policy() if change_id is None else keyholder.policy_change(change_id)
    session.show(_settings_of(shown) if only_settings else shown)


@policy_settings.command()
@click.argument("file", type=FILE_IN, required=False)
@click.option("--back-to", "earlier", metavar="CHANGE_ID", help="Propose the settings of an earlier change again.")
@click.option("--reason", type=click.Choice([each.value for each in ChangeReason]), help="Why.")
@click.pass_obj
def propose(session: Session, *, file: Path | None, earlier: str | None, reason: str | None) -> None:
    """Propose the settings in FILE (JSON), or those of an earlier change. Nothing changes until they are confirmed."""
    keyholder = session.keyholder()
    if file is not None and earlier is None:
        settings = json_object(file)
    elif earlier is not None and file is None:
        settings, reason = _settings_of(keyholder.policy_change(earlier)), reason or ChangeReason.ROLLBACK.value
    else:
        raise click.UsageError("Give FILE or --back-to, one of the two.")
    if reason is None:
        raise click.UsageError("Say why with --reason.")
    session.show(keyholder.propose_policy_change(settings, reason))


@policy_settings.command()
@click.argument("change_id")
@click.pass_obj
def confirm(session: Session, change_id: str) -> None:
    """Put into force what an operator proposed. Read it first: `show --change CHANGE_ID`."""
    session.show(session.keyholder().confirm_policy_change(change_id))


@policy_settings.command()
@click.argument("change_id")
@click.pass_obj
def withdraw(session: Session, change_id: str) -> None:
    """Take back a proposal, as an operator."""
    session.show(session.keyholder().withdraw_policy_change(change_id))


@policy_settings.command()
@click.argument("change_id")
@click.pass_obj
def stop(session: Session, change_id: str) -> None:
    """Stop a proposal, as a controller, Caldicott Guardian or data protection officer."""
    session.show(session.keyholder().stop_policy_change(change_id))


def _settings_of(shown: JsonObject) -> JsonObject:
    settings = shown["settings"]
    if not isinstance(settings, dict):
        raise TypeError("the answer holds no settings")
    return settings
