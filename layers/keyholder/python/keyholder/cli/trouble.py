"""What went wrong, as words (or the API's problem document) on stderr and as an exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import click

from keyholder.cli.session import NotConfigured, NoToken, Session
from keyholder.client import AnswerError, Changed, KeyholderError, NotSignedIn, NotYet, Refused
from keyholder.client.spreadsheets import SheetError
from keyholder.client.storage import StorageRefusedError


class Exit(IntEnum):
    """Exit codes, the same for every command."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    SIGN_IN = 4
    CHANGED = 5
    NOT_VERIFIED = 6
    NOT_YET = 7


class Stop(Exception):  # noqa: N818 - not a fault: the command has its answer
    """Ends the command with an exit code, after it has said why."""

    def __init__(self, code: Exit) -> None:
        super().__init__(code.name)
        self.code = code


@contextmanager
def reported(session: Session) -> Iterator[None]:
    """Turns the exceptions of the client into words and exits."""
    try:
        yield
    except Stop as stop:
        sys.exit(stop.code)
    except KeyholderError as problem:
        _report(problem, as_json=session.as_json)
        sys.exit(_code(problem))
    except NoToken as missing:
        click.echo(f"keyholder: {missing}", err=True)
        sys.exit(Exit.SIGN_IN)
    except NotConfigured as missing:
        click.echo(f"keyholder: {missing}", err=True)
        sys.exit(Exit.USAGE)
    except (SheetError, StorageRefusedError, AnswerError) as fault:
        click.echo(f"keyholder: {fault}.", err=True)
        sys.exit(Exit.FAILED)
    except OSError as fault:
        click.echo(f"keyholder: {fault.strerror}: {fault.filename}", err=True)
        sys.exit(Exit.FAILED)


def _report(problem: KeyholderError, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(problem.problem.document, ensure_ascii=False), err=True)
    else:
        click.echo(f"keyholder: {problem}", err=True)
    if problem.idempotency_key is not None and problem.problem.status in {0, 429, 502, 503, 504}:
        click.echo(f"Nothing is lost: the call's Idempotency-Key was {problem.idempotency_key}.", err=True)


def _code(problem: KeyholderError) -> Exit:
    for kind, code in (
        (NotSignedIn, Exit.SIGN_IN),
        (Refused, Exit.REFUSED),
        (Changed, Exit.CHANGED),
        (NotYet, Exit.NOT_YET),
    ):
        if isinstance(problem, kind):
            return code
    return Exit.FAILED
