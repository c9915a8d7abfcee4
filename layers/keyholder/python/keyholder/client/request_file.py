"""The records of a request as a file: measured, uploaded, handed in, and what came of it; and the file that comes back.

The file is read from the disk twice, once to be hashed and once to be sent; should it have changed in between, the
store refuses it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from keyholder.canonical import JsonObject
from keyholder.client.answers import Collected, Reader
from keyholder.client.extract_answers import UploadAddress
from keyholder.client.keyholder import Keyholder
from keyholder.client.spreadsheets import SheetError
from keyholder.client.storage import Storage, download, upload
from keyholder.requests.reasons import VOLUME_BLOCKED, VOLUME_HELD

CHUNK = 1 << 20
SECONDS_BETWEEN = (1.0, 2.0, 5.0)
"""How long to wait before asking how it stands, the last again and again."""

DECLARED, HANDED_IN, REFUSED = "declared", "handed_in", "refused"


@dataclass(frozen=True, slots=True)
class RequestFile:
    """How the file of a draft stands. `document` has all of it."""

    stage: str
    upload: UploadAddress | None
    refused: Mapping[str, object] | None
    document: JsonObject = field(repr=False)

    @classmethod
    def of(cls, document: JsonObject) -> RequestFile:
        """From the API's answer. The address, which is a permission, is not in the document that is shown."""
        body = Reader(document)
        told = document.get("upload")
        address = None
        if isinstance(told, Mapping):
            form = Reader(told)
            address = UploadAddress(form.text("url"), form.texts("headers"))
        refused = document.get("refused")
        shown = {name: value for name, value in document.items() if name != "upload"}
        return cls(body.text("stage"), address, refused if isinstance(refused, Mapping) else None, shown)


def declaration(path: Path, domains: Sequence[str]) -> JsonObject:
    """What a request says of a file: its length and its SHA-256."""
    size, sha256 = 0, hashlib.sha256()
    for chunk in _chunks(path):
        size += len(chunk)
        sha256.update(chunk)
    return {"format": "csv", "bytes": size, "sha256": sha256.hexdigest(), "domains": list(domains)}


def hand_over(
    keyholder: Keyholder,
    storage: Storage,
    request_id: str,
    path: Path,
    wait: Callable[[float], None] = time.sleep,
) -> RequestFile:
    """Uploads the declared file where it is awaited, hands it in, and waits until it was read or refused.

    Called again after it was cut short, it goes on. Raises `SheetError` for a file that is not the one declared,
    `StorageRefusedError`, `KeyholderError`, `AnswerError`.
    """
    now = RequestFile.of(keyholder.request_file(request_id))
    if now.stage == DECLARED:
        told = declaration(path, ())
        if (now.document.get("bytes"), now.document.get("sha256")) != (told["bytes"], told["sha256"]):
            raise SheetError("the file is not the one that the draft declares: save the draft with it")
        if now.upload is None:
            raise SheetError("Keyholder gave no address to upload the file to")
        upload(storage, now.upload.url, now.upload.headers, lambda: _chunks(path), wait)
        keyholder.hand_in_file(request_id)
        now = RequestFile.of(keyholder.request_file(request_id))
    asked = 0
    while now.stage == HANDED_IN:
        wait(SECONDS_BETWEEN[min(asked, len(SECONDS_BETWEEN) - 1)])
        now = RequestFile.of(keyholder.request_file(request_id))
        asked += 1
    return now


_AFTER = {held.code: held.advice for held in (VOLUME_HELD, VOLUME_BLOCKED)}


def finished(
    keyholder: Keyholder, request_id: str, release_id: str, wait: Callable[[float], None] = time.sleep
) -> None:
    """Waits until a release off the queue can be collected. Raises `SheetError` where it failed."""
    asked = 0
    while True:
        releases = Reader(keyholder.request(request_id).document).objects("releases")
        release = next((one for one in releases if one.text("id") == release_id), None)
        failed = release.text_or_none("failed") if release is not None else None
        if failed is not None:
            advice = _AFTER.get(failed, "The request says what it waits for; release it again").rstrip(".")
            raise SheetError(f"the release failed ({failed}); nothing was handed out. {advice}")
        if release is not None and release.text_or_none("finished_at") is not None:
            return
        wait(SECONDS_BETWEEN[min(asked, len(SECONDS_BETWEEN) - 1)])
        asked += 1


def content_of(collected: Collected, storage: Storage, wait: Callable[[float], None] = time.sleep) -> bytes:
    """The encrypted file, from the answer or from its address. Raises `SheetError` where it is another one."""
    if collected.address is None:
        return collected.content
    body = download(storage, collected.address.url, wait)
    if len(body) != collected.address.bytes or hashlib.sha256(body).hexdigest() != collected.address.sha256:
        raise SheetError("the file is not the one that was released")
    return body


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
