"""Revisions, their changes and the conditions of an approval, ready for JSON. Never a pseudonym or a row id."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from keyholder.canonical import JsonObject
from keyholder.ledger.event import rfc3339
from keyholder.requests.changes import Changes
from keyholder.requests.conditions import Condition
from keyholder.requests.state import Conditions, RequestState, Returned, Revision
from keyholder.vocabulary import DomainId


def conditions_view(conditions: Conditions | None) -> JsonObject | None:
    """What the requester undertakes, in codes and in words; None where nothing is asked of them."""
    if conditions is None:
        return None
    return {
        "hash": conditions.hash,
        "items": [condition_view(condition) for condition in conditions.items],
        "offered_at": rfc3339(conditions.offered_at),
        "accepted_at": rfc3339(conditions.accepted_at) if conditions.accepted_at else None,
    }


def condition_view(condition: Condition) -> JsonObject:
    """One condition with its sentence."""
    return {
        "code": condition.code.value,
        "by": condition.by.isoformat() if condition.by else None,
        "days": condition.days,
        "times": condition.times,
        "sentence": condition.sentence(),
    }


def returned_view(state: RequestState) -> JsonObject | None:
    """The questions that its author has to answer, or answered last; None where nobody asked any."""
    back = next((one.returned for one in reversed(state.revisions) if one.returned), None)
    return _returned(back) if back else None


def revisions_view(state: RequestState, domains: AbstractSet[DomainId]) -> list[JsonObject]:
    """Everything that was submitted, in order; records are counted for `domains` only."""
    return [_revision(revision, domains) for revision in state.revisions]


def changes_view(before: Revision, after: Revision, found: Changes) -> JsonObject:
    """From one revision to another."""
    return {
        "from": {"revision": before.number, "content_hash": before.summary.content_hash},
        "to": {"revision": after.number, "content_hash": after.summary.content_hash},
        "fields": [{"field": one.field, "before": one.before, "after": one.after} for one in found.fields],
        "records": [
            {
                "domain": one.domain,
                "before": one.before,
                "after": one.after,
                "added": one.added,
                "removed": one.removed,
            }
            for one in found.records
        ],
        "justification": {
            "changed": found.text_before != found.text_after,
            "before": found.text_before,
            "after": found.text_after,
        },
    }


def _revision(revision: Revision, domains: AbstractSet[DomainId]) -> JsonObject:
    return {
        "revision": revision.number,
        "content_hash": revision.summary.content_hash,
        "submitted_at": rfc3339(revision.submitted_at),
        "identifier_types": [kind.value for kind in revision.summary.identifier_types],
        "records": {domain: count for domain, count in revision.summary.records.items() if domain in domains},
        "returned": _returned(revision.returned) if revision.returned else None,
    }


def _returned(back: Returned) -> JsonObject:
    return {
        "by": back.by,
        "domain": back.domain,
        "at": rfc3339(back.at),
        "questions": [question.json() for question in back.questions],
        "void_votes": sum(map(len, back.ballots.values())),
    }
