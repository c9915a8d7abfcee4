"""A draft's file as its author is told of it, ready for JSON. Never a pseudonym or a row id; rows by their number."""

from __future__ import annotations

from keyholder.canonical import JsonObject
from keyholder.ledger.event import rfc3339
from keyholder.requests.file_faults import BY_CODE
from keyholder.requests.filing import FileShown
from keyholder.requests.given import given_view
from keyholder.uploads.form import UploadForm


def file_view(shown: FileShown) -> JsonObject:
    """What was declared, how it stands, what it holds or why it was refused; where to upload it while it is awaited."""
    progress = shown.progress
    refusal = BY_CODE.get(progress.code or "")
    return {
        **shown.file.declared(),
        "stage": progress.stage.value,
        "since": rfc3339(progress.at),
        "refused": None
        if refusal is None
        else {"code": refusal.code, "field": refusal.field, "row": progress.row, "advice": refusal.advice},
        "given": given_view(progress.given),
        "bad": [
            {"code": code, "count": count, "rows": list(shown.bad_rows.get(code, ()))}
            for code, count in progress.bad.items()
        ],
        "upload": None if shown.upload is None else _upload(shown.upload),
    }


def _upload(form: UploadForm) -> JsonObject:
    return {
        "method": "PUT",
        "url": form.url,
        "headers": dict(form.headers),
        "good_until": rfc3339(form.expires_at),
    }
