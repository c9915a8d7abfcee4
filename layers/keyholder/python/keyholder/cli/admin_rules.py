"""`keyholder admin domain propose|confirm|withdraw`: an operator proposes rules, the domain's own people confirm."""

from __future__ import annotations

import click

from keyholder.canonical import JsonValue
from keyholder.cli.options import FACTORS, factor_count
from keyholder.cli.session import Session
from keyholder.registry.factors import BESIDE_CONTROLLERS, MOST_QUORUM
from keyholder.registry.rule_changes import RuleChangeReason
from keyholder.registry.rules import CareOrigin, SourceDataset
from keyholder.vocabulary import IdentifierType


@click.command()
@click.argument("domain_id")
@click.option("--controller", "controllers", multiple=True, help="ODS codes: all organisations that shall control it.")
@click.option("--quorum", type=click.IntRange(2, MOST_QUORUM), help="Controllers to approve.")
@FACTORS
@click.option(
    "--type",
    "types",
    multiple=True,
    type=click.Choice([kind.value for kind in IdentifierType]),
    help="All identifier types it shall have.",
)
@click.option("--dataset", type=click.Choice([each.value for each in SourceDataset]))
@click.option("--care-origin", type=click.Choice([each.value for each in CareOrigin]))
@click.option("--collection-began-on", help="The collection's first day (ISO date); 'none' takes it away.")
@click.option("--emergency-access/--no-emergency-access", default=None, help="Whether clinicians may ask for it.")
@click.option("--reason", required=True, type=click.Choice([each.value for each in RuleChangeReason]), help="Why.")
@click.pass_obj
def propose(
    session: Session,
    *,
    domain_id: str,
    controllers: tuple[str, ...],
    quorum: int | None,
    factors: tuple[str, ...],
    types: tuple[str, ...],
    dataset: str | None,
    care_origin: str | None,
    collection_began_on: str | None,
    emergency_access: bool | None,
    reason: str,
) -> None:
    """Propose other rules for a domain. What is not named stays as it is.

    With --factor, name every factor that shall be asked for; '--factor caldicott_guardian=0' asks for none.
    """
    named: dict[str, JsonValue] = {
        "controllers": list(controllers) or None,
        "quorum": quorum,
        "factors": {**dict.fromkeys(BESIDE_CONTROLLERS, 0), **dict(map(factor_count, factors))} if factors else None,
        "identifier_types": list(types) or None,
        "source_dataset": dataset,
        "care_origin": care_origin,
        "emergency_access": emergency_access,
    }
    wanted: dict[str, JsonValue] = {name: value for name, value in named.items() if value is not None}
    if collection_began_on is not None:
        wanted["collection_began_on"] = None if collection_began_on == "none" else collection_began_on
    if not wanted:
        raise click.UsageError("Name at least one rule to change.")
    session.show(session.keyholder().propose_rule_change(domain_id, reason, wanted))


@click.command()
@click.argument("domain_id")
@click.argument("change_id")
@click.pass_obj
def confirm(session: Session, domain_id: str, change_id: str) -> None:
    """Agree to other rules, for a domain you decide for. 'domain show' lists what waits."""
    session.show(session.keyholder().confirm_rule_change(domain_id, change_id))


@click.command()
@click.argument("domain_id")
@click.argument("change_id")
@click.pass_obj
def withdraw(session: Session, domain_id: str, change_id: str) -> None:
    """Take a proposal back, or refuse it."""
    session.show(session.keyholder().withdraw_rule_change(domain_id, change_id))


@click.command()
@click.argument("domain_id")
@click.pass_obj
def show(session: Session, domain_id: str) -> None:
    """A domain, its rules, and the changes that wait to be confirmed."""
    session.show(session.keyholder().domain(domain_id))
