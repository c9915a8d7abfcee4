"""`keyholder review`: what a controller does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TextIO

import click

from keyholder.canonical import JsonObject
from keyholder.cli.conversing import advise, ask, comment, conversation
from keyholder.cli.delegating import in_place
from keyholder.cli.narrowing import narrowing, narrowing_options
from keyholder.cli.options import FILE_OUT
from keyholder.cli.receipts import RECEIPTS, keep
from keyholder.cli.session import Session
from keyholder.client import RequestView
from keyholder.client.answers import Reader
from keyholder.client.spreadsheets import private_file, write_rows
from keyholder.policy.person_view import ViewReason
from keyholder.pseudonyms.deid_columns import COLUMN_OF
from keyholder.registry.factors import Factor
from keyholder.requests.codes import QuestionTopic, RecuseReason, RejectReason, RevokeReason, State
from keyholder.vocabulary import IdentifierType

CONTENT_HASH = click.option(
    "--content-hash", required=True, help="The hash of the content you read ('request show' prints it)."
)
DOMAIN = click.option("--domain", required=True, help="The domain it is about.")


@click.group()
def review() -> None:
    """Decide on requests for the domains of your organisation."""


for said in (comment, ask, advise, conversation):
    review.add_command(said)


@review.command(name="list")
@click.option("--advice", is_flag=True, help="Those that your advice was asked on.")
@click.pass_obj
def list_(session: Session, *, advice: bool) -> None:
    """The requests that wait for your decision, the oldest first: who looks after each, and by when it is due."""
    keyholder, mine = session.keyholder(), {"advise"} if advice else {"approve", "reject", "declare_no_conflict"}
    # A list does not say what one may do, so each that is in review is asked.
    listed = (view.id for view in keyholder.requests(advice=advice) if view.state == State.IN_REVIEW)
    waiting = [view for view in map(keyholder.request, listed) if mine & set(view.allowed)]
    session.table(
        ["id", "state", "revision", "due_at", "handlers", "allowed", "content_hash"],
        [
            {
                "id": view.id,
                "state": view.state,
                "revision": view.revision,
                "due_at": view.document.get("due_at"),
                "handlers": handlers(view),
                "allowed": list(view.allowed),
                "content_hash": view.content_hash,
            }
            for view in waiting
        ],
    )


def handlers(view: RequestView) -> JsonObject:
    """Who looks after a request, by domain."""
    decisions = view.document.get("decisions")
    listed = decisions if isinstance(decisions, list) else []
    return {str(one["domain"]): one.get("handler") for one in listed if isinstance(one, Mapping) and one.get("handler")}


@review.command()
@click.argument("request_id")
@click.pass_obj
def show(session: Session, request_id: str) -> None:
    """A request with its texts, once you have declared that you have no conflict of interest."""
    keyholder = session.keyholder()
    view, content = keyholder.request(request_id), keyholder.content(request_id)
    if not content.get("opened"):
        session.say("Its texts are not open to you: see 'keyholder review declare'.")
    session.show({**view.document, "read": content})


@review.command()
@click.argument("request_id")
@click.option("--no-conflict-of-interest", "without", is_flag=True, help="You have none: its texts open to you.")
@click.option("--conflict-of-interest", "conflict", is_flag=True, help="You have one: you step aside, for good.")
@RECEIPTS
@click.pass_obj
def declare(session: Session, *, request_id: str, without: bool, conflict: bool, receipts_to: Path | None) -> None:
    """Say whether you have a conflict of interest in the revision as it stands; needed before you can decide."""
    if without == conflict:
        raise click.UsageError("Say which: --no-conflict-of-interest or --conflict-of-interest.")
    keyholder = session.keyholder()
    view = keyholder.declare(request_id, keyholder.request(request_id).etag, conflict=conflict)
    _show(session, view, receipts_to)


@review.command()
@click.argument("request_id")
@click.option("--reason", required=True, type=click.Choice([reason.value for reason in RecuseReason]))
@RECEIPTS
@click.pass_obj
def recuse(session: Session, request_id: str, reason: str, receipts_to: Path | None) -> None:
    """Step aside from a request, for good."""
    keyholder = session.keyholder()
    _show(session, keyholder.recuse(request_id, reason, keyholder.request(request_id).etag), receipts_to)


@review.command()
@click.argument("request_id")
@DOMAIN
@RECEIPTS
@click.pass_obj
def claim(session: Session, request_id: str, domain: str, receipts_to: Path | None) -> None:
    """Tell the other controllers that you look after a request. They may still decide."""
    keyholder = session.keyholder()
    _show(session, keyholder.claim(request_id, domain, keyholder.request(request_id).etag), receipts_to)


@review.command()
@click.argument("request_id")
@DOMAIN
@RECEIPTS
@click.pass_obj
def hand_back(session: Session, request_id: str, domain: str, receipts_to: Path | None) -> None:
    """Tell them that you no longer do."""
    keyholder = session.keyholder()
    _show(session, keyholder.hand_back(request_id, domain, keyholder.request(request_id).etag), receipts_to)


@review.command()
@click.argument("request_id")
@DOMAIN
@CONTENT_HASH
@click.option(
    "--no-conflict-of-interest",
    is_flag=True,
    required=True,
    help="You say again that you have no interest in the project and took no part in the request.",
)
@click.option(
    "--factor",
    type=click.Choice([factor.value for factor in Factor]),
    help="Which place you fill, if you could fill several.",
)
@click.option("--organisation", help="Whom you decide for (ODS code), if for several.")
@narrowing_options
@in_place
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
    until: datetime | None,
    identifier_types: tuple[str, ...],
    keep_rows: Path | None,
    leave_out: Path | None,
    conditions: tuple[str, ...],
    delegation: str | None,
    receipts_to: Path | None,
) -> None:
    """Approve exactly the content of this hash, for one domain: all of it, or less, under conditions or none."""
    if not no_conflict_of_interest:
        raise click.UsageError("An approval needs --no-conflict-of-interest.")
    keyholder = session.keyholder()
    etag = keyholder.request(request_id).etag
    view = keyholder.approve(
        request_id,
        domain,
        content_hash,
        etag,
        factor=factor,
        organisation=organisation,
        narrowed=narrowing(until, identifier_types, keep_rows, leave_out, conditions),
        delegation=delegation,
    )
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
@in_place
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
    delegation: str | None,
    receipts_to: Path | None,
) -> None:
    """Reject for one domain. One rejection ends the request."""
    keyholder = session.keyholder()
    etag = keyholder.request(request_id).etag
    view = keyholder.reject(
        request_id, domain, content_hash, etag, reason=reason, comment=comment, delegation=delegation
    )
    _show(session, view, receipts_to)


@review.command(name="return")
@click.argument("request_id")
@DOMAIN
@CONTENT_HASH
@click.option(
    "--question",
    "questions",
    multiple=True,
    required=True,
    help=f"TOPIC=TEXT; the topic is one of {', '.join(topic.value for topic in QuestionTopic)}.",
)
@in_place
@RECEIPTS
@click.pass_obj
def return_(
    session: Session,
    *,
    request_id: str,
    domain: str,
    content_hash: str,
    questions: tuple[str, ...],
    delegation: str | None,
    receipts_to: Path | None,
) -> None:
    """Ask the author back. Every vote on this revision is void."""
    asked = [(about, text) for about, _, text in (question.partition("=") for question in questions)]
    if not all(about in set(QuestionTopic) and text.strip() for about, text in asked):
        raise click.UsageError("Each --question is TOPIC=TEXT.")
    keyholder = session.keyholder()
    etag = keyholder.request(request_id).etag
    view = keyholder.return_request(request_id, domain, content_hash, etag, asked, delegation=delegation)
    _show(session, view, receipts_to)


@review.command()
@click.argument("request_id")
@DOMAIN
@CONTENT_HASH
@RECEIPTS
@click.pass_obj
def withdraw_vote(
    session: Session, *, request_id: str, domain: str, content_hash: str, receipts_to: Path | None
) -> None:
    """Take your approval back, while the domain has not decided."""
    keyholder = session.keyholder()
    etag = keyholder.request(request_id).etag
    _show(session, keyholder.withdraw_vote(request_id, domain, content_hash, etag), receipts_to)


@review.command()
@click.argument("request_id")
@click.option("--reason", required=True, type=click.Choice([reason.value for reason in RevokeReason]))
@in_place
@RECEIPTS
@click.pass_obj
def revoke(session: Session, *, request_id: str, reason: str, delegation: str | None, receipts_to: Path | None) -> None:
    """Stop an approved request. You alone suffice."""
    keyholder = session.keyholder()
    etag = keyholder.request(request_id).etag
    _show(session, keyholder.revoke(request_id, reason, etag, delegation=delegation), receipts_to)


@review.command()
@click.argument("request_id")
@click.option("--before", type=int, help="The earlier revision; without it, the one before.")
@click.option("--after", type=int, help="The later revision; without it, the newest.")
@click.pass_obj
def changes(session: Session, request_id: str, before: int | None, after: int | None) -> None:
    """What changed between two revisions. Records are counted, for your own domains."""
    session.show(session.keyholder().changes(request_id, before, after))


@review.command()
@click.argument("request_id")
@DOMAIN
@click.option("--out", required=True, type=FILE_OUT, help="Where they go (CSV), mode 0600.")
@click.pass_obj
def records(session: Session, request_id: str, domain: str, out: Path) -> None:
    """The records asked for from your domain, to choose from: row ids and pseudonyms."""
    rows = [Reader(item) for item in session.keyholder().records(request_id, domain)]
    read = [(row.text("row_id"), row.texts("pseudonyms")) for row in rows]
    kinds = [kind for kind in IdentifierType if any(kind.value in cells for _, cells in read)]
    columns = {kind.value: COLUMN_OF[kind] for kind in kinds}
    with private_file(out) as file:
        write_rows(
            file,
            ["row_id", *columns.values()],
            ({"row_id": row_id, **{columns[kind]: cells[kind] for kind in cells}} for row_id, cells in read),
        )
    session.say(f"Wrote {out} (mode 0600).")
    session.show({"request_id": request_id, "domain": domain, "records": len(read), "out": str(out)})


@review.command(name="let-through")
@click.argument("request_id")
@CONTENT_HASH
@in_place
@RECEIPTS
@click.pass_obj
def let_through(
    session: Session, *, request_id: str, content_hash: str, delegation: str | None, receipts_to: Path | None
) -> None:
    """Let a held request go above the volume limits that hold it, once."""
    keyholder = session.keyholder()
    etag = keyholder.request(request_id).etag
    _show(session, keyholder.let_through(request_id, content_hash, etag, delegation=delegation), receipts_to)


@review.command()
@DOMAIN
@click.option(
    "--nhs-number-file", required=True, type=click.File("r"), help="A file that holds the NHS number; - reads stdin."
)
@click.option(
    "--reason",
    required=True,
    type=click.Choice([reason.value for reason in ViewReason]),
    help="Why you look. It is logged.",
)
@click.pass_obj
def choices(session: Session, *, domain: str, nhs_number_file: TextIO, reason: str) -> None:
    """What a person chose, for the data protection officer who answers them. Each look is in the ledger."""
    session.show(session.keyholder().choices_of(nhs_number_file.read().strip(), domain, reason))


def _show(session: Session, view: RequestView, receipts_to: Path | None) -> None:
    keep(session, view.receipts, receipts_to)
    session.say(f"{view.id} is {view.state}.")
    session.show(view.document)
