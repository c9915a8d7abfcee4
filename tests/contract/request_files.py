"""Records as a file, the way a researcher's program hands them over."""

from __future__ import annotations

import csv
import hashlib
import io
from typing import Any

from keyholder.pseudonyms.deid_columns import COLUMN_OF
from keyholder.vocabulary import IdentifierType
from tests.contract.api import Answer, Api
from tests.contract.settled import DOMAIN, RECIPIENT, Asked, Extract, draft, expect, request_body
from tests.contract.uploads import upload

KINDS = (IdentifierType.NHS_NUMBER, IdentifierType.DATE_OF_BIRTH)


def sheet(extract: Extract, *places: int) -> bytes:
    """The pseudonyms of some of the settled world's people."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["row_id", *(COLUMN_OF[kind] for kind in KINDS)])
    for place in places:
        record = extract.record(place)
        writer.writerow([record["row_id"], *(record["pseudonyms"][kind] for kind in KINDS)])
    return text.getvalue().encode()


def file_body(extract: Extract, body: bytes, public_key: str = RECIPIENT, **declared: Any) -> dict[str, Any]:
    """A request that declares this file, or says something else of it."""
    file = {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest(), "domains": [DOMAIN], **declared}
    recipient = {"organisation": "RX1", "public_key": public_key}
    asked = request_body(extract, delivery="file", file=file, recipient=recipient)
    del asked["domains"]
    return asked


def stands(asked: Asked) -> Any:
    """How the file stands, as its requester is told."""
    return expect(asked.api.get(f"{asked.path}/file", "researcher"), 200).json


def hand_in(asked: Asked) -> Answer:
    return asked.api.post(f"{asked.path}/hand-in-file", {}, "researcher")


def declared(api: Api, extract: Extract, body: bytes, public_key: str = RECIPIENT, **other: Any) -> Asked:
    """Declared and uploaded."""
    asked = draft(api, file_body(extract, body, public_key, **other))
    assert upload(stands(asked), body).status_code == 200
    return asked


def approved(api: Api, extract: Extract, body: bytes, public_key: str = RECIPIENT) -> Asked:
    """Read, submitted, and approved by one controller of each organisation."""
    asked = read(api, extract, body, public_key)
    expect(api.post(f"{asked.path}/submit", {}, "researcher"), 200)
    assert api.deliver() == 1
    asked.opened()
    expect(asked.approve("controller"), 200)
    expect(asked.approve("second-controller"), 200)
    return asked


def read(api: Api, extract: Extract, body: bytes, public_key: str = RECIPIENT) -> Asked:
    """A draft whose file was read."""
    asked = declared(api, extract, body, public_key)
    expect(hand_in(asked), 200)
    assert api.deliver() == 1
    assert stands(asked)["stage"] == "read"
    return asked
