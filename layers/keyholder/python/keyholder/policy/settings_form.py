"""Settings read from a file, a request or an event, strictly: every field named, every cap held."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from keyholder.canonical import JsonObject, JsonValue, canonical_json
from keyholder.policy import references
from keyholder.policy.settings import CAPS, CapError, CollectionType1, ExemptFlow, Freshness, PolicyFacts
from keyholder.policy.sources import SOURCES
from keyholder.policy.vocabulary import LegalBasis, Purpose
from keyholder.refusals import Refusal, RefusalKind
from keyholder.registry.fields import FieldError, FieldFault, Fields
from keyholder.registry.projects import DOMAIN, PROJECT

MOST_ROWS = 80
"""Rows of each list: all of them have to fit into one entry of the ledger."""

SOURCE = re.compile("|".join([*SOURCES, f"(?:{references.CAG.pattern})", "sha256:[0-9a-f]{64}"]))
"""What a row rests on: a published text by its code, a CAG reference, or a paper on file by its SHA-256."""

T = TypeVar("T")


def read_settings(fields: Fields) -> PolicyFacts:
    """Raises `FieldError`, and `CapError` with the place."""
    freshness = fields.inner("freshness")
    facts = PolicyFacts(
        freshness=_within(freshness.pointer, lambda: _freshness(freshness)),
        exempt_flows=_rows(fields, "exempt_flows", _exempt_flow),
        type1_by_collection=_rows(fields, "type1_by_collection", _collection),
        type1_after_extraction_withholds=fields.flag("type1_after_extraction_withholds"),
        untraced_is_restricted=fields.flag("untraced_is_restricted"),
    )
    fields.end()
    return facts


def parse_settings(raw: JsonValue, pointer: str = "") -> PolicyFacts | Refusal:
    """Settings from a request body or a file."""
    try:
        return read_settings(Fields(raw, pointer))
    except FieldError as error:
        return error.refusal()
    except CapError as error:
        return Refusal(error.cap.value, RefusalKind.INVALID, CAPS[error.cap], error.pointer)


def differences(before: JsonObject, after: JsonObject) -> list[JsonObject]:
    """What changes from one form of settings to another: a field with both values, a row that goes or comes."""
    return [
        {"field": name, "before": old, "after": new}
        for section in after
        for name, old, new in _changed(section, before.get(section), after[section])
    ]


def _changed(name: str, before: JsonValue, after: JsonValue) -> Iterator[tuple[str, JsonValue, JsonValue]]:
    if isinstance(after, list | tuple):
        old = {canonical_json(row): row for row in before} if isinstance(before, list | tuple) else {}
        new = {canonical_json(row): row for row in after}
        yield from ((name, row, None) for key, row in old.items() if key not in new)
        yield from ((name, None, row) for key, row in new.items() if key not in old)
    elif isinstance(after, dict) and isinstance(before, dict):
        for inner, value in after.items():
            yield from _changed(f"{name}.{inner}", before.get(inner), value)
    elif before != after:
        yield name, before, after


def _rows(fields: Fields, name: str, read: Callable[[Fields], T]) -> tuple[T, ...]:
    rows = tuple(_within(row.pointer, lambda row=row: read(row)) for row in fields.inners(name, MOST_ROWS))  # type: ignore[misc]
    if len(set(rows)) != len(rows):
        raise FieldError(fields.at(name), FieldFault.REPEATED)
    return rows


def _freshness(fields: Fields) -> Freshness:
    found = Freshness(fields.number("direct_days"), fields.number("cache_days"), fields.number("cache_refresh_days"))
    fields.end()
    return found


def _exempt_flow(fields: Fields) -> ExemptFlow:
    flow = ExemptFlow(
        purpose=fields.choice("purpose", Purpose),
        own_opt_out=fields.flag("own_opt_out"),
        source=fields.text("source", SOURCE),
        in_force_from=fields.day("from"),
        in_force_to=fields.maybe_day("to"),
        project_id=fields.maybe_text("project", PROJECT),
    )
    fields.end()
    return flow


def _collection(fields: Fields) -> CollectionType1:
    rule = CollectionType1(
        collection=fields.text("collection", DOMAIN),
        legal_basis=fields.choice("legal_basis", LegalBasis),
        upheld=fields.flag("upheld"),
        source=fields.text("source", SOURCE),
        in_force_from=fields.day("from"),
        in_force_to=fields.maybe_day("to"),
    )
    fields.end()
    return rule


def _within(pointer: str, make: Callable[[], T]) -> T:
    """Says where the cap was broken."""
    try:
        return make()
    except CapError as error:
        raise CapError(error.cap, pointer) from None
