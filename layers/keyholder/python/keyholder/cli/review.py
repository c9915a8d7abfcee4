"""`keyholder review`: what a controller does."""

from __future__ import annotations

from pathlib import Path

import click

from keyholder.cli.receipts import RECEIPTS, keep
from keyholder.cli.session import Session
from keyholder.client import RequestView
from keyholder.registry.factors import Factor
from keyholder.requests.codes import RejectReason

CONTENT_HASH = click.option(
    "--content-hash", required=True, help="The hash of the content you read ('request show' prints it)."
)
DOMAIN = click.option("--domain", required=True, help="The domain you decide for.")


@click.group()
def review() -> None:
    """Decide on requests for the domains of your organisation."""


@review.command(name="list")
@click.pass_obj
def list_(session: Session) -> None:
    """The requests that wait for your decision."""
    waiting = [view for view in session.keyholder().requests() if {"approve", "reject"} & set(view.allowed)]
    session.table(
        ["id", "state", "revision", "content_hash"],
        [
            {"id": view.id, "state": view.state, "revision": view.revision, "content_hash": view.content_hash}
            for view in waiting
        ],
    )


@review.command()
@click.argument("request_id")
@DOMAIN
@CONTENT_HASH
@click.option(
    "--no-conflict-of-interest",
    is_flag=True,
    required=True,
    help="You declare that you have no interest in the project and took no part in the request.",
)
@click.option(
    "--factor",
    type=click.Choice([factor.value for factor in Factor]),
    help="Which place you fill, if you could fill several.",
)
@click.option("--organisation", help="Whom you decide for (ODS code), if for several.")
@RECEIPTS
@click.pass_obj
def approve(
    session: Session,
    *,
    request_id: str,
    domain: str,
    content_hash: str,
    no_conflict_of_interest: bool,
    factor: str | None,
    organisation: str | None,
    receipts_to: Path | None,
) -> None:
    """Approve exactly the content of this hash, for one domain."""
    if not no_conflict_of_interest:
        raise click.UsageError("An approval needs --no-conflict-of-interest.")
    keyholder = session.keyholder()
    etag = keyholder.request(request_id).etag
    view = keyholder.approve(request_id, domain, content_hash, etag, factor=factor, organisation=organisation)
    _show(session, view, receipts_to)


@review.command()
@click.argument("request_id")
@DOMAIN
@CONTENT_HASH
@click.option(
    "--reason",
    required=True,
    type=click.Choice([reason.value for reason in RejectReason]),
    help="The requester sees it.",
)
@click.option("--comment", default="", help="Words for the requester; they stay out of the ledger.")
@RECEIPTS
@click.pass_obj
def reject(
    session: Session,
    *,
    request_id: str,
    domain: str,
    content_hash: str,
    reason: str,
    comment: str,
    receipts_to: Path | None,
) -> None:
    """Reject for one domain. One rejection ends the request."""
    keyholder = session.keyholder()
    etag = keyholder.request(request_id).etag
    view = keyholder.reject(request_id, domain, content_hash, etag, reason=reason, comment=comment)
    _show(session, view, receipts_to)


def _show(session: Session, view: RequestView, receipts_to: Path | None) -> None:
    keep(session, view.receipts, receipts_to)
    session.say(f"{view.id} is {view.state}.")
    session.show(view.document)
