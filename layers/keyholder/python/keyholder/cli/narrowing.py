"""What makes an approval less than what was asked for, on the command line."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from keyholder.canonical import JsonObject
from keyholder.cli.options import FILE_IN
from keyholder.ledger.event import rfc3339
from keyholder.requests.conditions import KINDS, ConditionCode, Parameter
from keyholder.vocabulary import IdentifierType

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def narrowing_options(command: Decorated) -> Decorated:
    """The options that `narrowing` reads."""
    for option in (
        click.option(
            "--condition",
            "conditions",
            multiple=True,
            help=f"CODE or CODE=PARAMETER; the requester has to accept it. Codes: {', '.join(ConditionCode)}.",
        ),
        click.option("--leave-out", type=FILE_IN, help="A CSV with a column row_id: all records but these."),
        click.option("--keep", "keep_rows", type=FILE_IN, help="A CSV with a column row_id: only these records."),
        click.option(
            "--identifier-type",
            "identifier_types",
            multiple=True,
            type=click.Choice([kind.value for kind in IdentifierType]),
            help="Only these types.",
        ),
        click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The release ends when this day begins."),
    ):
        command = option(command)
    return command


def narrowing(
    until: datetime | None,
    identifier_types: tuple[str, ...],
    keep_rows: Path | None,
    leave_out: Path | None,
    conditions: tuple[str, ...],
) -> JsonObject:
    """The fields of an approval that make it less; none where it is whole."""
    if keep_rows is not None and leave_out is not None:
        raise click.UsageError("--keep and --leave-out exclude each other.")
    file = keep_rows or leave_out
    name = "keep" if keep_rows else "leave_out"
    return {
        **({"until": rfc3339(until.replace(tzinfo=UTC))} if until else {}),
        **({"identifier_types": list(identifier_types)} if identifier_types else {}),
        **({"records": {name: _row_ids(file)}} if file else {}),
        **({"conditions": [condition(text) for text in conditions]} if conditions else {}),
    }


def condition(text: str) -> JsonObject:
    """`destroy_earlier=2027-01-31` as the API takes it. Raises `click.UsageError`, which names codes only."""
    name, _, value = text.partition("=")
    if name not in set(ConditionCode):
        raise click.UsageError(f"No such condition; there are {', '.join(ConditionCode)}.")
    code = ConditionCode(name)
    parameter = KINDS[code].parameter
    if (parameter is None) == bool(value):
        raise click.UsageError(f"{code} takes {'no parameter' if parameter is None else parameter.value}.")
    if parameter is None:
        return {"code": code.value}
    try:
        told = date.fromisoformat(value).isoformat() if parameter is Parameter.BY else int(value)
    except ValueError:
        raise click.UsageError(f"{code} takes {parameter.value}.") from None
    return {"code": code.value, parameter.value: told}


def _row_ids(file: Path) -> list[str]:
    with file.open(encoding="utf-8-sig", newline="") as text:
        rows = csv.DictReader(text)
        if "row_id" not in (rows.fieldnames or ()):
            raise click.UsageError("The file of records has no column row_id.")
        return [row["row_id"] for row in rows]
