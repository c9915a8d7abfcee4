"""What a command knows of the world: the environment, where its words and its data go, and a client when it asks."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from keyholder.canonical import JsonObject, JsonValue
from keyholder.client import Keyholder
from keyholder.client.storage import HttpsStorage, Storage
from keyholder.client.transport import Transport


class NotConfigured(Exception):  # noqa: N818 - reads as what happened
    """A setting is missing; the text says which and what to do."""


class NoToken(NotConfigured):
    """There is no token to call with."""


@dataclass(slots=True)
class Session:
    """One run of the command."""

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    transport: Transport | None = None
    """In place of HTTPS, for tests."""
    as_json: bool = False
    files: Storage | None = None
    """In place of HTTPS to the store of large files, for tests."""

    def keyholder(self) -> Keyholder:
        """A client as the environment says. Raises `NotConfigured`."""
        url = self.environment.get("KEYHOLDER_URL", "").rstrip("/").removesuffix("/v1")
        if not url:
            raise NotConfigured("Set KEYHOLDER_URL to Keyholder's address, for example https://keyholder.example.")
        if not url.startswith("https://"):
            raise NotConfigured("KEYHOLDER_URL has to start with https://.")
        token = self._token()
        token()
        bundle = self.environment.get("KEYHOLDER_CA_BUNDLE") or None
        if bundle is not None and not Path(bundle).is_file():
            raise NotConfigured("KEYHOLDER_CA_BUNDLE names no file.")
        return Keyholder(url, token, bundle, transport=self.transport)

    def storage(self) -> Storage:
        """Where large files go, past the API. Needs no token."""
        return self.files or HttpsStorage(self.environment.get("KEYHOLDER_CA_BUNDLE") or None)

    def _token(self) -> Callable[[], str]:
        """Reads a token file anew each time, so that a renewed token is used at once."""
        given, file = self.environment.get("KEYHOLDER_TOKEN"), self.environment.get("KEYHOLDER_TOKEN_FILE")
        if given:
            return lambda: given
        if not file:
            raise NoToken("Sign in: set KEYHOLDER_TOKEN_FILE (or KEYHOLDER_TOKEN) to an access token.")
        path = Path(file)

        def read() -> str:
            try:
                return path.read_text(encoding="ascii").strip()
            except (OSError, ValueError) as fault:
                raise NoToken("Sign in: the file KEYHOLDER_TOKEN_FILE names can't be read.") from fault

        return read

    def say(self, words: str) -> None:
        """Words for the person, on stderr."""
        click.echo(words, err=True)

    def show(self, document: JsonObject) -> None:
        """One thing, on stdout: JSON if asked for or if nobody watches, else a line a field."""
        if self.as_json or not sys.stdout.isatty():
            click.echo(json.dumps(document, ensure_ascii=False, indent=None if self.as_json else 2))
            return
        for name, value in document.items():
            click.echo(f"{name:<18} {_cell(value)}")

    def report(self, document: JsonObject, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """A document that has a form as a table: that table where somebody watches, else as `show`."""
        if self.watched:
            self.table(columns, [dict(zip(columns, map(_value, row), strict=True)) for row in rows])
        else:
            self.show(document)

    @property
    def watched(self) -> bool:
        """Whether somebody reads what is printed, and did not ask for JSON."""
        return not self.as_json and sys.stdout.isatty()

    def table(self, columns: Sequence[str], rows: Sequence[Mapping[str, JsonValue]]) -> None:
        """Many things, on stdout: JSON, a table where somebody watches, else tab separated."""
        if self.as_json:
            click.echo(json.dumps(list(rows), ensure_ascii=False))
        elif sys.stdout.isatty():
            from rich.console import Console
            from rich.table import Table

            table = Table(*columns, box=None)
            for row in rows:
                table.add_row(*(_cell(row.get(column)) for column in columns))
            Console().print(table)
        else:
            for row in rows:
                click.echo("\t".join(_cell(row.get(column)) for column in columns))


def _value(value: object) -> JsonValue:
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def _cell(value: JsonValue) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
