"""Parameter types and options that several commands share."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import click

from keyholder.canonical import JsonObject
from keyholder.registry.factors import BESIDE_CONTROLLERS
from keyholder.vocabulary import IdentifierType

FILE_IN = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
FILE_OUT = click.Path(dir_okay=False, path_type=Path)
FOLDER_OUT = click.Path(file_okay=False, path_type=Path)

SOURCE = click.option("--source", required=True, help="Where the list comes from, for example MESH or a practice code.")


def json_object(path: Path) -> JsonObject:
    """The JSON object a file holds. Raises `click.UsageError`."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as fault:
        raise click.UsageError(f"{path} is not JSON.") from fault
    if not isinstance(document, dict):
        raise click.UsageError(f"{path} holds no JSON object.")
    return document


def moment(text: str | None) -> str:
    """An RFC 3339 moment with its zone; None is now. Raises `click.UsageError`."""
    if text is None:
        return datetime.now(UTC).isoformat()
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as fault:
        raise click.UsageError("A date and time is needed, for example 2026-11-22T09:30:00Z.") from fault
    if parsed.tzinfo is None:
        raise click.UsageError("The date and time needs its zone, for example a Z at the end.")
    return parsed.isoformat()


FACTORS = click.option(
    "--factor",
    "factors",
    multiple=True,
    metavar="FACTOR=N",
    help="Who must approve beside the controllers, for example caldicott_guardian=1.",
)


def factor_count(text: str) -> tuple[str, int]:
    """A factor beside the controllers and how many people of it, from `FACTOR=N`. Raises `click.UsageError`."""
    factor, equals, count = text.partition("=")
    if factor not in list(BESIDE_CONTROLLERS) or not equals or not count.isdecimal():
        raise click.UsageError(f"--factor takes FACTOR=N, FACTOR one of {', '.join(BESIDE_CONTROLLERS)}.")
    return factor, int(count)


TOKEN_COLUMNS = click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="TYPE=NAME",
    help="A column of pseudonyms and their type. Without any: those called as in the NHS Data Dictionary.",
)


def chosen_columns(columns: Iterable[str]) -> Mapping[IdentifierType, str]:
    """Identifier type to the column that holds its pseudonyms, from `TYPE=NAME`. Raises `click.UsageError`."""
    chosen: dict[IdentifierType, str] = {}
    for column in columns:
        kind, equals, name = column.partition("=")
        if kind not in set(IdentifierType) or not equals or not name:
            raise click.UsageError("Name a column as TYPE=NAME, for example nhs_number=patient_id_deid.")
        if chosen.setdefault(IdentifierType(kind), name) != name:
            raise click.UsageError(f"Name one column of {kind}.")
    return chosen
