"""The ledger on an auditor's own disk, in the layout the offline verifier reads."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from keyholder.client.answers import AnswerError, Export, JournalObject
from keyholder.client.keyholder import Keyholder

_KEY = re.compile(r"(?:journal|checkpoint)/[0-9]{20}")
VERSIONS = "versions.json"
VERIFIER_KEY = "key.vkey"


@dataclass(frozen=True, slots=True)
class Downloaded:
    """What was downloaded: the size in events and root hash that its newest checkpoint claims, and the verifier key.

    A claim until `audit verify` has proven it.
    """

    size: int
    root: str
    vkey: str


def download(keyholder: Keyholder, folder: Path, advance: Callable[[str], None]) -> Downloaded:
    """Writes `journal/…`, `checkpoint/…`, `versions.json` and `key.vkey` into an empty or new folder.

    `versions.json` maps each key to its versions as storage lists them. The verifier key is what the service says: an
    auditor compares it with the one they were given on another way. Raises `AnswerError` for a key that has no place
    in a ledger, `FileExistsError` for a folder that holds something.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(17, "The folder is not empty", str(folder))
    export = keyholder.export()
    versions: dict[str, object] = {}
    for item in keyholder.export_objects(export.export_id):
        if _KEY.fullmatch(item.key) is None:
            raise AnswerError("an object of the ledger has a key that no ledger has")
        if item.key in versions:
            raise AnswerError("an object of the ledger came twice")
        path = folder / item.key
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(item.body)
        versions[item.key] = _versions(item)
        advance(item.key)
    (folder / VERSIONS).write_text(json.dumps(versions, indent=1) + "\n", encoding="utf-8")
    (folder / VERIFIER_KEY).write_text(export.vkey + "\n", encoding="utf-8")
    return _newest(folder, export)


def _newest(folder: Path, export: Export) -> Downloaded:
    """Reads the newest checkpoint (C2SP tlog-checkpoint: origin, size, root in base64, one a line)."""
    newest = max((folder / "checkpoint").glob("*"), default=None)
    lines = [] if newest is None else newest.read_text(encoding="utf-8").splitlines()
    if len(lines) < 3 or not lines[1].isdecimal():
        raise AnswerError("the ledger holds no checkpoint")
    try:
        root = base64.b64decode(lines[2], validate=True).hex()
    except binascii.Error as fault:
        raise AnswerError("the newest checkpoint holds no root") from fault
    return Downloaded(int(lines[1]), root, export.vkey)


def _versions(item: JournalObject) -> list[dict[str, object]]:
    return [
        {
            "version_id": version.version_id,
            "is_delete_marker": version.is_delete_marker,
            "last_modified": version.last_modified,
            "size": version.size,
        }
        for version in item.versions
    ]
