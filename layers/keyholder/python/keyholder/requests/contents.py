"""The erasable store of a request's content and texts, and what is read from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from keyholder.canonical import JsonObject
from keyholder.requests.content import FreeText, RequestContent, read_content
from keyholder.requests.records import KeptRecords, Narrowed
from keyholder.requests.state import RequestState
from keyholder.vocabulary import DomainId, RequestId


class ContentLostError(Exception):
    """A request's stored content is missing or is not what its hash names: nothing may be decided on it."""


class ContentStore(Protocol):
    """Erasable pieces of a request, stored encrypted under their names, which are hashes."""

    def keep(self, request: RequestId, pieces: dict[str, bytes]) -> None: ...

    def read(self, request: RequestId, *names: str) -> tuple[bytes | None, ...]:
        """Each piece, None where it is erased or was never there."""
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
