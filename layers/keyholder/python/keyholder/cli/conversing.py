"""What is said about a request: `review comment|ask|advise`, `request reply|nudge`, and `conversation` to read it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TextIO, TypeVar

import click

from keyholder.cli.receipts import RECEIPTS, keep
from keyholder.cli.session import Session
from keyholder.client import RequestView
from keyholder.requests.codes import Advice, Audience

F = TypeVar("F", bound=Callable[..., object])

ABOUT = click.option("--about", help="The hash of the text you answer ('conversation' prints it).")


def worded(function: F) -> F:
    """The words, on the command line or from a file, where nobody else on the machine reads them."""
    typed = click.option("--text", help="The words. They stay out of the ledger, and can be erased.")
    filed = click.option(
        "--text-file", type=click.File("r", encoding="utf-8"), help="A file with the words; - is stdin."
    )
    return filed(typed(function))


def said(text: str | None, file: TextIO | None) -> str | None:
    if text is not None and file is not None:
        raise click.UsageError("Give --text or --text-file, not both.")
    return file.read() if file is not None else text


def _needed(text: str | None, file: TextIO | None) -> str:
    words = said(text, file)
    if words is None:
        raise click.UsageError("Give --text or --text-file.")
    return words


def done(session: Session, view: RequestView, receipts_to: Path | None) -> None:
    keep(session, view.receipts, receipts_to)
    session.say(f"{view.id} is {view.state}.")
    session.show(view.document)


@click.command()
@click.argument("request_id")
@click.pass_obj
def conversation(session: Session, request_id: str) -> None:
    """What was said about a request, as far as you may know of it."""
    items = [dict(item) for item in session.keyholder().conversation(request_id)]
    session.table(["at", "kind", "audience", "author", "advice", "text", "text_sha256", "about", "adviser"], items)


@click.command()
@click.argument("request_id")
@worded
@ABOUT
@RECEIPTS
@click.pass_obj
def reply(
    session: Session,
    *,
    request_id: str,
    text: str | None,
    text_file: TextIO | None,
    about: str | None,
    receipts_to: Path | None,
) -> None:
    """Say something to those who decide on your request."""
    keyholder, words = session.keyholder(), _needed(text, text_file)
    done(session, keyholder.reply(request_id, words, keyholder.request(request_id).etag, about), receipts_to)


@click.command()
@click.argument("request_id")
@RECEIPTS
@click.pass_obj
def nudge(session: Session, request_id: str, receipts_to: Path | None) -> None:
    """Remind those who decide that you wait; once in three days."""
    keyholder = session.keyholder()
    done(session, keyholder.nudge(request_id, keyholder.request(request_id).etag), receipts_to)


@click.command()
@click.argument("request_id")
@click.option(
    "--to",
    required=True,
    type=click.Choice([audience.value for audience in Audience]),
    help="Who reads it: the others who decide, or the requester too.",
)
@worded
@ABOUT
@RECEIPTS
@click.pass_obj
def comment(
    session: Session,
    *,
    request_id: str,
    to: str,
    text: str | None,
    text_file: TextIO | None,
    about: str | None,
    receipts_to: Path | None,
) -> None:
    """Say something about a request, to the others who decide or to its requester."""
    keyholder, words = session.keyholder(), _needed(text, text_file)
    etag = keyholder.request(request_id).etag
    to_requester = to == Audience.REQUESTER
    done(session, keyholder.comment(request_id, words, etag, to_requester=to_requester, about=about), receipts_to)


@click.command()
@click.argument("request_id")
@click.option(
    "--person", required=True, help="Whose advice you ask, person/…; for example the data protection officer."
)
@worded
@RECEIPTS
@click.pass_obj
def ask(
    session: Session,
    *,
    request_id: str,
    person: str,
    text: str | None,
    text_file: TextIO | None,
    receipts_to: Path | None,
) -> None:
    """Ask a named person for advice. They see the request and its texts as long as it is in review."""
    keyholder, words = session.keyholder(), _needed(text, text_file)
    done(session, keyholder.ask(request_id, person, words, keyholder.request(request_id).etag), receipts_to)


@click.command()
@click.argument("request_id")
@click.option("--question", required=True, help="The hash of the question's text ('conversation' prints it).")
@click.option("--advice", required=True, type=click.Choice([advice.value for advice in Advice]))
@worded
@RECEIPTS
@click.pass_obj
def advise(
    session: Session,
    *,
    request_id: str,
    question: str,
    advice: str,
    text: str | None,
    text_file: TextIO | None,
    receipts_to: Path | None,
) -> None:
    """Answer a question you were asked. It is never a vote."""
    keyholder, words = session.keyholder(), said(text, text_file)
    etag = keyholder.request(request_id).etag
    done(session, keyholder.advise(request_id, question, advice, etag, text=words), receipts_to)
