"""Events as files that query engines read: one object a batch, in a folder a day, one event a line (NDJSON).

The entry bundles of tlog-tiles are binary, and Athena can't read them. `events/day=<YYYY-MM-DD>/<20-digit n>.ndjson`
holds each event of batch n as a flat object; its data stay one text of canonical JSON, because they differ from type to
type. The day is that of the batch (UTC), so an event recorded just before midnight may stand in the next day.
"""

from __future__ import annotations

import json
from datetime import UTC

from keyholder.canonical import JsonObject, canonical_json
from keyholder.ledger.journal import Batch
from keyholder.ledger.views import ViewStore

EVENTS = "events/"

COLUMNS = {
    "leaf_index": "bigint",
    "stream": "string",
    "event_number": "bigint",
    "event_type": "string",
    "happened_at": "string",
    "actor": "string",
    "trace": "string",
    "data": "string",
}
"""Name and type (Hive's) of each field of a line, in order. None of the names is a reserved word of SQL."""


class EventView:
    """Implements `ledger.views.View`."""

    name = "events"

    def __init__(self, store: ViewStore) -> None:
        self._store = store

    def publish(self, batch: Batch) -> None:
        """One object, always the same bytes for a batch; it needs nothing of those before."""
        lines = (_row(line, index) for index, line in enumerate(batch.lines, batch.start))
        self._store.put(events_key(batch), b"".join(line + b"\n" for line in lines))


def events_key(batch: Batch) -> str:
    """Where a batch's events are."""
    return f"{EVENTS}day={batch.at.astimezone(UTC).date().isoformat()}/{batch.number:020d}.ndjson"


def _row(line: bytes, index: int) -> bytes:
    event = json.loads(line)
    row: JsonObject = {
        "leaf_index": index,
        "stream": event["stream"],
        "event_number": event["number"],
        "event_type": event["type"],
        "happened_at": event["at"],
        "actor": event["actor"],
        "trace": event["trace"],
        "data": canonical_json(event["data"]).decode(),
    }
    return canonical_json(row)
