"""`keyholder delegation`: somebody decides in the place of somebody who is away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import click

from keyholder.canonical import JsonObject
from keyholder.cli.receipts import RECEIPTS, kept
from keyholder.cli.session import Session
from keyholder.registry.delegations import DelegationReason
from keyholder.registry.people import APPROVING

DAY = click.DateTime(["%Y-%m-%d"])
F = TypeVar("F", bound=Callable[..., object])


def in_place(command: F) -> F:
    """The option of every decision that can be made in somebody's place."""
    option = click.option("--delegation", help="You decide in somebody's place, under this delegation (DLG-…).")
    return option(command)


@click.group()
def delegation() -> None:
    """Have somebody decide in your place while you are away; confirm or end that."""


@delegation.command()
@click.argument("person")
@click.option(
    "--role", required=True, type=click.Choice(sorted(role.value for role in APPROVING)), help="Which of your roles."
)
@click.option("--organisation", required=True, help="For which organisation you hold it (ODS code).")
@click.option("--from", "first", required=True, type=DAY, help="The first day.")
@click.option("--until", "last", required=True, type=DAY, help="The last day; at most 30 days together.")
@click.option("--reason", required=True, type=click.Choice([reason.value for reason in DelegationReason]))
@RECEIPTS
@click.pass_obj
def name(
    session: Session,
    *,
    person: str,
    role: str,
    organisation: str,
    first: datetime,
    last: datetime,
    reason: str,
    receipts_to: Path | None,
) -> None:
    """Have PERSON decide in your place. It counts once a second person has confirmed it."""
    body: JsonObject = {
        "delegate": person,
        "role": role,
        "organisation": organisation,
        "from": f"{first:%Y-%m-%d}",
        "until": f"{last:%Y-%m-%d}",
        "reason": reason,
    }
    session.show(kept(session, session.keyholder().name_delegate(body), receipts_to))


@delegation.command(name="list")
@click.option("--organisation", help="Those of an organisation's roles, for operators and who decides for it.")
@click.pass_obj
def list_(session: Session, organisation: str | None) -> None:
    """Your own, on either side, or an organisation's."""
    columns = ["delegation_id", "state", "in_force", "delegator", "delegate", "role", "organisation", "from", "until"]
    found = session.keyholder().delegations(organisation)
    session.table(columns, [{column: one[column] for column in columns} for one in found])


@delegation.command()
@click.argument("delegation_id")
@click.pass_obj
def show(session: Session, delegation_id: str) -> None:
    """One of them, and whether it is in force."""
    session.show(session.keyholder().delegation(delegation_id))


@delegation.command()
@click.argument("delegation_id")
@RECEIPTS
@click.pass_obj
def confirm(session: Session, delegation_id: str, receipts_to: Path | None) -> None:
    """Agree to it as the second person: an operator, or somebody else who decides for that organisation."""
    session.show(kept(session, session.keyholder().confirm_delegation(delegation_id), receipts_to))


@delegation.command()
@click.argument("delegation_id")
@RECEIPTS
@click.pass_obj
def withdraw(session: Session, delegation_id: str, receipts_to: Path | None) -> None:
    """End it. What was decided under it stays decided."""
    session.show(kept(session, session.keyholder().withdraw_delegation(delegation_id), receipts_to))
