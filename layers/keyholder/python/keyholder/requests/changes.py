"""What changed between two revisions, for those who decide on the later: codes, dates and counts, never a record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from keyholder.canonical import JsonObject, JsonValue
from keyholder.requests.content import DomainSelection, RequestContent
from keyholder.vocabulary import DomainId

Rows = Mapping[DomainId, Counter[int]]
"""Records by domain: each as a hash of its pseudonyms, for a million of them would not fit. Python makes it under a key
of the process, so two different ones of a million share one in none of ten million comparisons."""

_HASHED = "justification_sha256"
"""Differs with every save, for its salt does: whether the text itself changed is seen from the text."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field of the content, by its JSON pointer, as it was and as it is; None where it was or is not there."""

    field: str
    before: JsonValue
    after: JsonValue


@dataclass(frozen=True, slots=True)
class RecordChange:
    """One domain's records, counted. A record is the same if its pseudonyms are, whatever its row id."""

    domain: DomainId
    before: int
    after: int
    added: int
    removed: int


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything that changed; the texts are None where they are erased."""

    fields: tuple[Change, ...]
    records: tuple[RecordChange, ...]
    text_before: str | None = field(repr=False)
    text_after: str | None = field(repr=False)


def changes(
    before: RequestContent,
    after: RequestContent,
    records: tuple[Rows, Rows],
    texts: tuple[str | None, str | None],
) -> Changes:
    """From one content, with what `records_of` has of it, to the other."""
    fields = tuple(_changed(before.described(), after.described()))
    return Changes(fields, tuple(_records(*records)), *texts)


def _changed(before: JsonObject, after: JsonObject) -> Iterator[Change]:
    old, new = dict(_leaves(before, "")), dict(_leaves(after, ""))
    for name in dict.fromkeys((*old, *new)):
        if name != f"/{_HASHED}" and old.get(name) != new.get(name):
            yield Change(name, old.get(name), new.get(name))


def _leaves(value: JsonValue, pointer: str) -> Iterator[tuple[str, JsonValue]]:
    """Every field that holds no other one. A list of things that are asked for is compared thing by thing, by name."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{pointer}/{name}")
    elif isinstance(value, list | tuple) and all(isinstance(one, Mapping) for one in value):
        for one in value:
            if isinstance(one, Mapping):
                name, *_ = one.values()
                yield f"{pointer}/{name}", dict(one)
    else:
        yield pointer, value


def _records(old: Rows, new: Rows) -> Iterator[RecordChange]:
    for domain in dict.fromkeys((*old, *new)):
        was, is_now = old.get(domain, Counter()), new.get(domain, Counter())
        added, removed = (is_now - was).total(), (was - is_now).total()
        yield RecordChange(domain, was.total(), is_now.total(), added, removed)


def records_of(selections: Iterable[DomainSelection]) -> Rows:
    """The records of a content, ready to be compared."""
    found: dict[DomainId, Counter[int]] = {}
    for selection in selections:
        found.setdefault(selection.domain, Counter()).update(
            hash(frozenset((kind.value, str(token)) for kind, token in record.pseudonyms.items()))
            for record in selection.records
        )
    return found
