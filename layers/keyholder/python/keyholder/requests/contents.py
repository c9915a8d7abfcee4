"""The erasable store of a request's content and texts, and what is read from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol

from keyholder.canonical import JsonObject
from keyholder.requests.content import DomainSelection, FreeText, Record, RequestContent, read_content
from keyholder.requests.record_file import PartLostError, PartRecords
from keyholder.requests.records import KeptRecords, Narrowed
from keyholder.requests.state import RequestState
from keyholder.vocabulary import DomainId, RequestId


class ContentLostError(Exception):
    """A request's stored content is missing or is not what its hash names: nothing may be decided on it."""


class ContentStore(Protocol):
    """Erasable pieces of a request, stored encrypted under their names, which are hashes."""

    def keep(self, request: RequestId, pieces: Mapping[str, bytes] | Iterable[tuple[str, bytes]]) -> None:
        """Each piece under its name. Of many, one is in memory at a time."""
        ...

    def read(self, request: RequestId, *names: str) -> tuple[bytes | None, ...]:
        """Each piece, None where it is erased or was never there."""
        ...

    def each(self, request: RequestId, names: Iterable[str]) -> Iterator[bytes | None]:
        """The same one after the other, read when asked for: what does not fit into memory as a whole."""
        ...


@dataclass(frozen=True, slots=True)
class Narrative:
    """What those who decide read: the content without its records, and the texts, None where erased.

    `opened`: the texts are open to whoever asked for them; where they are not, there is none here.
    """

    content: JsonObject
    opened: bool
    justification: str | None
    comments: Mapping[str, str | None]
    """By their SHA-256, as the ledger names them."""


def stored_content(contents: ContentStore, state: RequestState) -> RequestContent:
    """The content a state names, verified against its hash. Raises `ContentLostError`."""
    (stored,) = contents.read(state.id, state.content_hash) if state.content_hash else (None,)
    if stored is None or hashlib.sha256(stored).hexdigest() != state.content_hash:
        raise ContentLostError
    return read_content(json.loads(stored))


def stored_records(
    contents: ContentStore,
    request: RequestId,
    content: RequestContent,
    domains: AbstractSet[DomainId] | None = None,
    after: int = 0,
) -> Iterator[DomainSelection]:
    """The records asked for, of `domains` where they are named, without the first `after` of them.

    Those that came as a file are read part by part, each verified against the hash the content has of it; then a domain
    comes in several selections, one after the other. Raises `ContentLostError`.
    """
    if content.file is None:
        for selection in content.domains:
            if domains is None or selection.domain in domains:
                yield DomainSelection(selection.domain, selection.records[after:] if after else selection.records)
                after = max(0, after - len(selection.records))
        return
    parts = [part for part in content.file.parts if domains is None or part.domain in domains]
    while parts and parts[0].count <= after:
        after -= parts.pop(0).count
    for part, stored in zip(parts, contents.each(request, [part.sha256 for part in parts]), strict=True):
        try:
            found = PartRecords.read(stored, part)
        except PartLostError:
            raise ContentLostError from None
        records = tuple(Record(row_id, pseudonyms) for row_id, pseudonyms in found.rows())
        yield DomainSelection(part.domain, records[after:])
        after = 0


def _comments(state: RequestState) -> Iterator[str]:
    """The hashes of what those said who rejected or asked back, and of what was reported in the end."""
    standing = [decision.ballots for decision in state.domains.values()]
    for back in (revision.returned for revision in state.revisions):
        if back is not None:
            yield from (question.sha256 for question in back.questions)
            standing += back.ballots.values()
    if state.report is not None and state.report.text_sha256:
        yield state.report.text_sha256
    yield from (ballot.comment_sha256 for ballots in standing for ballot in ballots if ballot.comment_sha256)


def kept_records(contents: ContentStore, state: RequestState, domain: DomainId) -> tuple[tuple[str, ...], ...]:
    """The row ids of each approval of a domain that narrows its records, verified. Raises `ContentLostError`."""
    narrowed = state.domains[domain].narrowed()
    stored = contents.read(state.id, *(choice.sha256 for choice in narrowed)) if narrowed else ()
    return tuple(_kept(body, choice, state, domain) for body, choice in zip(stored, narrowed, strict=True))


def _kept(stored: bytes | None, choice: Narrowed, state: RequestState, domain: DomainId) -> tuple[str, ...]:
    if stored is None or hashlib.sha256(stored).hexdigest() != choice.sha256:
        raise ContentLostError
    kept = KeptRecords.read(stored)
    if (kept.domain, kept.content_hash, len(kept.row_ids)) != (domain, state.content_hash, choice.count):
        raise ContentLostError
    return kept.row_ids


def stored_texts(contents: ContentStore, state: RequestState, *names: str) -> tuple[str | None, ...]:
    """Free texts by their hashes, None where erased."""
    return tuple(FreeText.read(text).text if text else None for text in contents.read(state.id, *names))


def stored_narrative(contents: ContentStore, state: RequestState, *, texts: bool) -> Narrative:
    """What is asked for, and with `texts` the free texts about it. Raises `ContentLostError` where it is gone."""
    content = stored_content(contents, state)
    if not texts:
        return Narrative(content.described(), opened=False, justification=None, comments={})
    comments = list(dict.fromkeys(_comments(state)))
    read = stored_texts(contents, state, content.justification_sha256, *comments)
    return Narrative(content.described(), True, read[0], dict(zip(comments, read[1:], strict=True)))
