"""`keyholder admin texts`: which texts a request has, and their erasure."""

from __future__ import annotations

import click

from keyholder.canonical import JsonObject
from keyholder.cli.session import Session
from keyholder.requests.erasing.erasures import ErasureReason

_COLUMNS = ["text_sha256", "kind", "written_at", "author", "needs_two", "erasure"]


@click.group()
def texts() -> None:
    """What people wrote about a request: list it without its words, have a text erased."""


@texts.command(name="list")
@click.argument("request_id")
@click.pass_obj
def list_texts(session: Session, request_id: str) -> None:
    """List a request's texts by their hashes, and what becomes of each."""
    _show(session, session.keyholder().texts(request_id))


@texts.command()
@click.argument("request_id")
@click.argument("text_sha256")
@click.option("--reason", required=True, type=click.Choice([reason.value for reason in ErasureReason]))
@click.pass_obj
def erase(session: Session, *, request_id: str, text_sha256: str, reason: str) -> None:
    """Have a text erased. What a decision rests on waits for a second person."""
    _show(session, session.keyholder().erase_text(request_id, text_sha256, reason))


@texts.command()
@click.argument("request_id")
@click.argument("text_sha256")
@click.pass_obj
def confirm(session: Session, *, request_id: str, text_sha256: str) -> None:
    """Confirm what another proposed. Within minutes the words are gone, and nothing brings them back."""
    _show(session, session.keyholder().confirm_erasure(request_id, text_sha256))


@texts.command()
@click.argument("request_id")
@click.argument("text_sha256")
@click.pass_obj
def withdraw(session: Session, *, request_id: str, text_sha256: str) -> None:
    """Stop an erasure that was proposed."""
    _show(session, session.keyholder().withdraw_erasure(request_id, text_sha256))


def _show(session: Session, shown: JsonObject) -> None:
    items = shown["items"]
    rows = [dict(item) for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    session.table(_COLUMNS, [{**row, "erasure": _state(row["erasure"])} for row in rows])


def _state(erasure: object) -> str | None:
    return str(erasure["state"]) if isinstance(erasure, dict) else None
