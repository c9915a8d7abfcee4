"""The texts of the terms of use, a file for each document and version: `requester-1.md`, `approver-2.md`.

Whoever deploys Keyholder puts their own in here. A version that people have accepted stays as it is; a change is a new
file with the next number, and everybody is asked to accept it before they go on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from keyholder.registry.terms import TEXT_NAME, Document, InForce, Terms


@dataclass(frozen=True, slots=True)
class Text:
    """One text and what it is called."""

    terms: Terms
    text: str


@cache
def texts() -> Mapping[Document, Text]:
    """The newest text of each document that the deployment has."""
    folder = resources.files(__name__)
    return newest((entry.name, entry.read_bytes()) for entry in folder.iterdir() if entry.name.endswith(".md"))


def in_force() -> InForce:
    """What has to be accepted."""
    return {document: text.terms for document, text in texts().items()}


def newest(files: Iterable[tuple[str, bytes]]) -> Mapping[Document, Text]:
    """The newest text of each document. Raises `ValueError` for a file that is named otherwise, or empty."""
    found: dict[Document, Text] = {}
    for name, body in files:
        named = TEXT_NAME.fullmatch(name)
        text = body.decode()
        if named is None or not text.strip():
            raise ValueError(f"{name} is no text of terms: it is named <document>-<version>.md, and has words in it")
        terms = Terms(Document(named[1]), int(named[2]), hashlib.sha256(body).hexdigest())
        if terms.document not in found or found[terms.document].terms.version < terms.version:
            found[terms.document] = Text(terms, text)
    return dict(sorted(found.items()))
