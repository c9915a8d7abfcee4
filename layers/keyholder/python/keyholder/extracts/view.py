"""An extract as its provider is told of it."""

from __future__ import annotations

from datetime import datetime

from keyholder.canonical import JsonObject
from keyholder.extracts.events import Kept, Made
from keyholder.extracts.files import PartNote
from keyholder.extracts.service import Shown
from keyholder.extracts.state import KEPT_FOR, Extract, ExtractStatus
from keyholder.ledger.event import rfc3339
from keyholder.uploads.form import ADDRESS_FOR, UploadForm


def extract_json(shown: Shown) -> JsonObject:
    """The extract; where to upload it while it is awaited."""
    extract = shown.extract
    return {
        "extract_id": extract.id,
        "domain": extract.domain,
        "status": extract.status.value,
        "identifier_types": [kind.value for kind in extract.identifier_types],
        "rows": extract.rows,
        "rows_done": shown.rows_done,
        "announced_at": rfc3339(extract.announced_at),
        "kept_until": _kept_until(extract),
        "kept": [kept.value for kept in Kept if kept in extract.kept],
        "held": extract.held,
        "code": extract.code,
        "row": extract.row,
        "counts": None if extract.made is None else _counts(extract.made),
        "upload": None if shown.upload is None else _upload(shown.upload),
    }


def collected_json(shown: Shown, now: datetime) -> JsonObject:
    """The extract and the addresses of its parts, which put together in order are one CSV."""
    parts = [_part(*one) for one in shown.parts]
    return {**extract_json(shown), "parts": parts, "good_until": rfc3339(now + ADDRESS_FOR)}


def _part(part: PartNote, url: str) -> JsonObject:
    return {"url": url, "rows": part.rows, "bytes": part.size, "sha256": part.sha256}


def _kept_until(extract: Extract) -> str | None:
    return rfc3339(extract.moved_at + KEPT_FOR) if extract.status is ExtractStatus.MADE else None


def _counts(made: Made) -> JsonObject:
    return {
        "pseudonymised": made.rows,
        "with_errors": made.rows_with_errors,
        "refused": {rule.value: count for rule, count in made.refused.items()},
        "faults": {kind.value: dict(codes) for kind, codes in made.faults.items()},
        "pseudonyms": {kind.value: count for kind, count in made.pseudonyms.items()},
    }


def _upload(form: UploadForm) -> JsonObject:
    return {
        "method": "PUT",
        "url": form.url,
        "headers": dict(form.headers),
        "good_until": rfc3339(form.expires_at),
    }
