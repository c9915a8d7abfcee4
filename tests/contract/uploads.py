"""The settled world's people as a file, announced and uploaded as a provider's program does it."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from typing import Any

import requests

from tests.contract.settled import PEOPLE, Extract

COLUMNS = ("row_id", "nhs_number", "date_of_birth", "postcode", "lsoa")
KEYS = ("nhs_number", "date_of_birth", "postcode")


def sheet(extract: Extract, columns: Sequence[str] = COLUMNS) -> bytes:
    """The settled world's people, in order, as a file."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for place, person in enumerate(extract.identifiers):
        writer.writerow([f"row-{place}", *(person[kind] for kind in KEYS), f"E0100000{place}"])
    return text.getvalue().encode()


def announcement(body: bytes, rows: int = len(PEOPLE), **other: Any) -> dict[str, Any]:
    sha256 = hashlib.sha256(body).hexdigest()
    return {"rows": rows, "bytes": len(body), "sha256": sha256, "columns": list(COLUMNS), **other}


def upload(told: Any, body: bytes) -> requests.Response:
    form = told["upload"]
    assert form["method"] == "PUT"
    return requests.put(form["url"], headers=form["headers"], data=body, timeout=5)
