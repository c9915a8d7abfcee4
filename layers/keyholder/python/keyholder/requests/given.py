"""What a draft names, counted: a pseudonym that stands in several rows is one, and its author is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from keyholder.canonical import JsonObject
from keyholder.requests.content import DomainSelection, RequestContent
from keyholder.vocabulary import DomainId


@dataclass(frozen=True, slots=True)
class Given:
    """Counts of one domain's part: rows, pseudonyms sent in them, and how many different ones those are."""

    domain: DomainId
    records: int
    pseudonyms: int
    distinct: int


def given(content: RequestContent) -> tuple[Given, ...]:
    """For each domain, in the order of the request."""
    return tuple(_counted(selection) for selection in content.domains)


def _counted(selection: DomainSelection) -> Given:
    # A token is the same whatever the case it is written in (`pseudonyms.token`).
    all_of_them = [
        (kind, token.strip().casefold()) for record in selection.records for kind, token in record.pseudonyms.items()
    ]
    return Given(selection.domain, len(selection.records), len(all_of_them), len(set(all_of_them)))


def given_view(parts: Sequence[Given]) -> list[JsonObject]:
    """Ready for JSON. `repeated` is how many were sent beyond the first of their kind: each is counted once."""
    return [
        {
            "domain": part.domain,
            "records": part.records,
            "pseudonyms": part.pseudonyms,
            "distinct": part.distinct,
            "repeated": part.pseudonyms - part.distinct,
        }
        for part in parts
    ]
