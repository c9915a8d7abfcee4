"""Exports: the whole ledger as it is stored, or chosen events as NDJSON, CSV or FHIR bundles, object by object."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from keyholder.audit.facets import EVERYTHING, EventFilter, Histories
from keyholder.audit.fhir import LedgerName, audit_events, bundle
from keyholder.audit.listing import EventPage, Indexed
from keyholder.audit.tables import events_csv, events_ndjson
from keyholder.audit.vocabulary import ExportFormat
from keyholder.canonical import JsonObject

OBJECT_BYTES = 3_000_000
"""An object ends before this, unless one event alone takes more: a release of a thousand people takes 4 MB as FHIR.
Lambda answers at most 6 MB."""
OBJECT_EVENTS = 200


SUFFIXES = {ExportFormat.NDJSON: "ndjson", ExportFormat.CSV: "csv", ExportFormat.FHIR: "json"}


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """What is to be exported. The whole ledger takes no filter."""

    format: ExportFormat = ExportFormat.LEDGER
    wanted: EventFilter = EVERYTHING

    def json(self) -> JsonObject:
        """What the ledger has of it: the filter by its hash."""
        if self.format is ExportFormat.LEDGER:
            return {}
        return {"format": self.format.value, "filter": self.wanted.sha256()}


@dataclass(frozen=True, slots=True)
class ExportObject:
    """One object of an export of events. `begin` is the leaf the next one begins with, None at the end."""

    key: str
    body: str
    events: int
    begin: int | None


def export_object(order: ExportOrder, page: EventPage, first: int, histories: Histories, origin: str) -> ExportObject:
    """As many of the page's events as one object takes; the first object of a CSV has the heading."""
    ledger = LedgerName(origin, page.size)
    weigh = _weights(order.format, histories, ledger)
    chosen: list[Indexed] = []
    size = 0
    for one in page.items:
        size += weigh(one)
        if chosen and size > OBJECT_BYTES:
            break
        chosen.append(one)
    begin = page.items[len(chosen)].place.index if len(chosen) < len(page.items) else page.begin
    body = _rendered(order.format, chosen, first, histories, ledger)
    return ExportObject(f"events/{first:020d}.{SUFFIXES[order.format]}", body, len(chosen), begin)


def _rendered(form: ExportFormat, events: list[Indexed], first: int, histories: Histories, ledger: LedgerName) -> str:
    match form:
        case ExportFormat.NDJSON:
            return events_ndjson(events)
        case ExportFormat.CSV:
            return events_csv(events, heading=first == 0)
        case ExportFormat.FHIR:
            return _compact(bundle(list(_resources(events, histories, ledger)), ledger))
        case ExportFormat.LEDGER:
            raise ValueError("the ledger is exported as it is stored")


def _weights(form: ExportFormat, histories: Histories, ledger: LedgerName) -> Callable[[Indexed], int]:
    """About how many bytes an event takes."""
    if form is ExportFormat.FHIR:
        return lambda one: sum(len(_compact(resource)) for resource in _resources([one], histories, ledger))
    return lambda one: len(one.leaf)


def _resources(events: list[Indexed], histories: Histories, ledger: LedgerName) -> Iterator[JsonObject]:
    for one in events:
        yield from audit_events(one, histories.state(one.event), ledger, histories.access(one.event))


def _compact(document: JsonObject) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
