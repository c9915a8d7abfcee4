"""Terms of use: which text is in force, who has accepted which, and the rule for accepting.

The texts come with the deployment (`terms_texts`). One is named by what it is for, its version, and the SHA-256 of its
bytes: whoever changes a text without a new version has everybody accept it anew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from keyholder.canonical import JsonObject
from keyholder.ledger.event import rfc3339
from keyholder.refusals import Refusal, RefusalKind
from keyholder.registry.fields import SHA256, FieldError, Fields

HIGHEST_VERSION = 9_999


class Document(StrEnum):
    """What a text is for."""

    REQUESTER = "requester"
    """Accepted before a request is submitted."""
    APPROVER = "approver"
    """Accepted before a request is approved."""


@dataclass(frozen=True, slots=True)
class Terms:
    """One text, by its version and the SHA-256 of its UTF-8 bytes."""

    document: Document
    version: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """What somebody accepted last of one document, and when."""

    terms: Terms
    at: datetime


InForce = Mapping[Document, Terms]
"""The newest text of each document that the deployment has. A document without one asks nothing of anybody."""

TERMS_NOT_ACCEPTED = Refusal(
    "TERMS_NOT_ACCEPTED",
    RefusalKind.FORBIDDEN,
    "Read the newest terms of use at /v1/terms and accept them; nobody can do that for you. Then repeat it.",
)
TERMS_UNKNOWN = Refusal(
    "TERMS_UNKNOWN",
    RefusalKind.INVALID,
    "Accept a document that /v1/terms lists; there is none of this kind.",
    "/document",
)
TERMS_OUTDATED = Refusal(
    "TERMS_OUTDATED",
    RefusalKind.CONFLICT,
    "Read /v1/terms again: accept the version and hash it shows now, once you agree with that text.",
    "/sha256",
)
REFUSALS = (TERMS_NOT_ACCEPTED, TERMS_UNKNOWN, TERMS_OUTDATED)


def current(accepted: Mapping[Document, Accepted], document: Document, in_force: InForce) -> bool:
    """Whether somebody has accepted the text in force, or there is none."""
    wanted, last = in_force.get(document), accepted.get(document)
    return wanted is None or (last is not None and last.terms == wanted)


def terms_json(terms: Terms) -> JsonObject:
    """The form of events and answers."""
    return {"document": terms.document.value, "version": terms.version, "sha256": terms.sha256}


def accepted_json(accepted: Mapping[Document, Accepted]) -> list[JsonObject]:
    """The form of answers."""
    return [{**terms_json(last.terms), "at": rfc3339(last.at)} for _, last in sorted(accepted.items())]


def read_terms(fields: Fields) -> Terms:
    """Raises `FieldError`."""
    terms = Terms(
        fields.choice("document", Document),
        fields.number("version", 1, HIGHEST_VERSION),
        fields.text("sha256", SHA256),
    )
    fields.end()
    return terms


def accepted_terms_json(terms: Terms | None) -> JsonObject:
    """What an event says of the text that somebody had accepted when they did it; nothing where there was none."""
    return {} if terms is None else {"accepted_terms": terms_json(terms)}


def read_accepted_terms(fields: Fields) -> Terms | None:
    """What `accepted_terms_json` wrote. Raises `FieldError`."""
    return read_terms(fields.inner("accepted_terms")) if fields.has("accepted_terms") else None


def parse_terms(raw: JsonObject) -> Terms | Refusal:
    """The text somebody says they accept, from a request body."""
    try:
        return read_terms(Fields(raw))
    except FieldError as error:
        return error.refusal()


TEXT_NAME = re.compile(r"(requester|approver)-([1-9][0-9]{0,3})\.md")
"""How a text's file is named: `requester-1.md`."""
