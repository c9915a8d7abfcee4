"""A summary as events and answers write it, and the fields several events share."""

from __future__ import annotations

from keyholder.canonical import JsonObject
from keyholder.registry.fields import ORGANISATION, SHA256, Fields
from keyholder.registry.people import Capacity
from keyholder.registry.projects import DOMAIN, PROJECT
from keyholder.requests.content import Delivery, Summary
from keyholder.requests.record_file import FileNote
from keyholder.vocabulary import (
    ContentHash,
    DomainId,
    IdentifierType,
    OrganisationCode,
    ProjectId,
)


def summary_json(summary: Summary) -> JsonObject:
    """The form a summary has in events and answers."""
    return {
        "project": summary.project,
        "purpose": summary.purpose,
        "legal_basis": summary.legal_basis,
        "capacity": summary.capacity.value,
        "identifier_types": [kind.value for kind in summary.identifier_types],
        "records": dict(summary.records.items()),
        "recipient": summary.recipient,
        "delivery": summary.delivery.value,
        "window_days": summary.window_days,
        "destroy_by": summary.destroy_by.isoformat(),
        "content_hash": summary.content_hash,
        "justification_sha256": summary.justification_sha256,
        **({"file": summary.file.json()} if summary.file else {}),
    }


def read_summary(fields: Fields) -> Summary:
    return Summary(
        project=ProjectId(fields.text("project", PROJECT)),
        purpose=fields.text("purpose"),
        legal_basis=fields.text("legal_basis"),
        capacity=fields.choice("capacity", Capacity),
        identifier_types=fields.choices("identifier_types", IdentifierType),
        records={DomainId(name): count for name, count in fields.counts("records", DOMAIN).items()},
        recipient=OrganisationCode(fields.text("recipient", ORGANISATION)),
        delivery=fields.choice("delivery", Delivery),
        window_days=fields.number("window_days", 1),
        destroy_by=fields.day("destroy_by"),
        content_hash=read_hash(fields),
        justification_sha256=fields.text("justification_sha256", SHA256),
        file=FileNote.of(fields.inner("file")) if fields.has("file") else None,
    )


def read_hash(fields: Fields) -> ContentHash:
    return ContentHash(fields.text("content_hash", SHA256))


def read_domain(fields: Fields) -> DomainId:
    return DomainId(fields.text("domain", DOMAIN))
