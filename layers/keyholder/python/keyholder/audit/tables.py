"""Tables for people: CSV (RFC 4180) that a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from keyholder.audit.listing import Indexed
from keyholder.canonical import canonical_json
from keyholder.formulas import guarded
from keyholder.ledger.event import rfc3339
from keyholder.ledger.merkle import leaf_hash

EVENT_COLUMNS = ("index", "at", "type", "actor", "stream", "number", "trace", "data", "leaf_hash")


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[object]], *, heading: bool = True) -> str:
    """Every cell quoted where it must be and guarded; None is an empty cell. Lines end as RFC 4180 says."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    if heading:
        writer.writerow(columns)
    for row in rows:
        writer.writerow([guarded(_text(cell)) for cell in row])
    return text.getvalue()


def _text(cell: object) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return "" if cell is None else str(cell)


def events_csv(events: Iterable[Indexed], *, heading: bool) -> str:
    """Events, a line each; their data as JSON in one cell."""
    return as_csv(EVENT_COLUMNS, map(_event_row, events), heading=heading)


def events_ndjson(events: Iterable[Indexed]) -> str:
    """Events as they stand in the ledger, byte for byte, a line each: each line hashes to its leaf."""
    return "".join(f"{one.leaf.decode()}\n" for one in events)


def _event_row(one: Indexed) -> tuple[object, ...]:
    event = one.event
    return (
        one.place.index,
        rfc3339(event.at),
        event.type,
        event.actor,
        event.stream,
        event.number,
        event.trace,
        canonical_json(event.data).decode(),
        leaf_hash(one.leaf).hex(),
    )
