"""The erasable store of a request's content and texts, and what is read from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from keyholder.canonical import JsonObject
from keyholder.requests.content import FreeText, RequestContent, read_content
from keyholder.requests.state import RequestState
from keyholder.vocabulary import RequestId


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


def stored_narrative(contents: ContentStore, state: RequestState, *, texts: bool) -> Narrative:
    """What is asked for, and with `texts` the free texts about it. Raises `ContentLostError` where it is gone."""
    content = stored_content(contents, state)
    if not texts:
        return Narrative(content.described(), opened=False, justification=None, comments={})
    decisions = state.domains.values()
    comments = [ballot.comment_sha256 for decision in decisions for ballot in decision.ballots if ballot.comment_sha256]
    found = contents.read(state.id, content.justification_sha256, *comments)
    read = [FreeText.read(text).text if text else None for text in found]
    return Narrative(content.described(), True, read[0], dict(zip(comments, read[1:], strict=True)))
