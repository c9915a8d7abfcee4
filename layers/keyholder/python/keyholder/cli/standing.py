"""`keyholder standing`: what a project asks the controllers for once, for many requests."""

from __future__ import annotations

from pathlib import Path

import click

from keyholder.canonical import JsonObject
from keyholder.cli.options import FILE_IN, json_object
from keyholder.cli.receipts import RECEIPTS, kept
from keyholder.cli.session import Session
from keyholder.client import Keyholder
from keyholder.client.answers import Reader
from keyholder.registry.factors import Factor
from keyholder.standing.approval import StandingEndReason


@click.group()
def standing() -> None:
    """Standing approvals: many requests of one project, approved once within bounds."""


@standing.command()
@click.argument("file", type=FILE_IN)
@RECEIPTS
@click.pass_obj
def ask(session: Session, file: Path, receipts_to: Path | None) -> None:
    """Put the bounds that FILE (JSON, as the API describes them) holds before the controllers of every domain."""
    _show(session, session.keyholder().ask_standing_approval(json_object(file)), receipts_to)


@standing.command(name="list")
@click.option("--domain", help="Those that this domain's controllers were asked for.")
@click.option("--project", help="Those that this project asked for.")
@click.pass_obj
def list_(session: Session, domain: str | None, project: str | None) -> None:
    """The standing approvals of a domain or of a project, with the hash of their terms."""
    if (domain is None) == (project is None):
        raise click.UsageError("Say which: --domain or --project.")
    found = session.keyholder().standing_approvals(domain=domain, project=project)
    names = ("standing_approval_id", "state", "records_left_this_week", "terms_hash")
    session.table(
        ["standing_approval_id", "state", "project", "until", "records_left_this_week", "terms_hash"],
        [
            {
                **{name: one[name] for name in names},
                **{name: Reader(one).object("terms").get(name) for name in ("project", "until")},
            }
            for one in found
        ],
    )


@standing.command()
@click.argument("standing_id")
@click.pass_obj
def show(session: Session, standing_id: str) -> None:
    """One of them: its bounds, who approved, what is left of this week."""
    _show(session, session.keyholder().standing_approval(standing_id))


@standing.command()
@click.argument("standing_id")
@click.option("--domain", required=True, help="The domain you approve for.")
@click.option("--terms-hash", required=True, help="The hash of the terms you read ('standing show' prints it).")
@click.option(
    "--no-conflict-of-interest", is_flag=True, required=True, help="You declare that you have no interest in it."
)
@click.option(
    "--factor", type=click.Choice([factor.value for factor in Factor]), help="Which place you fill, if several."
)
@click.option("--organisation", help="Whom you decide for (ODS code), if for several.")
@RECEIPTS
@click.pass_obj
def approve(
    session: Session,
    *,
    standing_id: str,
    domain: str,
    terms_hash: str,
    no_conflict_of_interest: bool,
    factor: str | None,
    organisation: str | None,
    receipts_to: Path | None,
) -> None:
    """Approve exactly the bounds of this hash, for one domain."""
    if not no_conflict_of_interest:
        raise click.UsageError("An approval needs --no-conflict-of-interest.")
    keyholder = session.keyholder()
    etag = _etag(keyholder, standing_id)
    _show(
        session,
        keyholder.approve_standing_approval(
            standing_id, domain, terms_hash, etag, factor=factor, organisation=organisation
        ),
        receipts_to,
    )


@standing.command()
@click.argument("standing_id")
@click.option("--reason", required=True, type=click.Choice([one.value for one in StandingEndReason]), help="Why.")
@RECEIPTS
@click.pass_obj
def end(session: Session, standing_id: str, reason: str, receipts_to: Path | None) -> None:
    """Refuse or revoke it: one controller of any of its domains suffices."""
    keyholder = session.keyholder()
    _show(session, keyholder.end_standing_approval(standing_id, reason, _etag(keyholder, standing_id)), receipts_to)


def _etag(keyholder: Keyholder, standing_id: str) -> str:
    return f'W/"{Reader(keyholder.standing_approval(standing_id)).number("version")}"'


def _show(session: Session, document: JsonObject, receipts_to: Path | None = None) -> None:
    session.show(kept(session, document, receipts_to))
