"""`python -m benchmarks.request_file [ROWS]`: what a request by file costs, in CPU seconds and peak memory.

Two processes, as on Lambda: one reads the uploaded file and keeps its records in parts, the other releases them part by
part: opens every pseudonym, asks the policy about every person, fills the ledger's chunks, writes and encrypts the
result. Stores are in memory, so waiting for AWS is not in it; what they hold is taken off the peak. Times are of this
machine under whatever else it does.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import resource
import sys
import tempfile
import time
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pyrage

from keyholder.identifiers.nhs_number import parse
from keyholder.identifiers.not_an_identifier import NotAnIdentifierError
from keyholder.policy.by_kind import ByKind
from keyholder.policy.facts import NdooCheck, PersonChoices
from keyholder.policy.settings import CHECK_AT_DISCLOSURE
from keyholder.policy.vocabulary import CheckMode, CheckState, PdsSecurity
from keyholder.pseudonyms.key_ring import DataKey, OpenedKeys
from keyholder.pseudonyms.siv import ColumnCipher
from keyholder.release.chunks import Packing
from keyholder.release.examination import Asked, Examination
from keyholder.release.gathering import Gathered
from keyholder.release.sealing import seal
from keyholder.release.subject_tags import subject_tag
from keyholder.requests.codec import to_new_event
from keyholder.requests.content import DomainSelection, Record, RequestContent, parse_draft
from keyholder.requests.file_reading import in_order, named, parts, survey
from keyholder.requests.policy_view import VOCABULARY
from keyholder.requests.record_file import PartRecords
from keyholder.vocabulary import DomainId, IdentifierType
from tests.unit.release.test_examination import request

ROWS = 1_000_000
DOMAIN, NUMBER = DomainId("gp-2026"), IdentifierType.NHS_NUMBER
KEY = DataKey(bytes(range(64)), 1)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CLEAR = PersonChoices(NdooCheck(CheckState.CLEAR, CheckMode.DIRECT, date(2026, 11, 22)), type1_known=True)


class Ring:
    """One key, at once."""

    def open(self, domain: DomainId, identifier_type: IdentifierType, version: int) -> DataKey:  # noqa: ARG002
        return KEY


class People:
    """Everybody is clear; digests and tags cost what they do."""

    def choices(self, nhs_numbers: Sequence[str]) -> ByKind[PersonChoices]:
        return ByKind((CLEAR,), array("I", bytes(4 * len(nhs_numbers))))

    def pds_security(self, nhs_number: str) -> PdsSecurity | None:  # noqa: ARG002
        return None

    def linked(self, *_: object) -> bool:
        return True

    def tag(self, domain: DomainId, nhs_number: str) -> str:
        return subject_tag(bytes(32), domain, nhs_number)

    def counted(self, names: Sequence[str]) -> Sequence[bytes]:
        return [hashlib.sha256(name.encode()).digest()[:8] for name in names]


def numbers() -> Iterator[str]:
    """Test numbers (999), again and again: about 909,000 are valid."""
    while True:
        for stem in range(10_000_000):
            text = f"999{stem:07d}"
            try:
                yield parse(text)
            except NotAnIdentifierError:
                continue


def write(path: Path, rows: int) -> RequestContent:
    """A file of so many pseudonyms, and the request that declares it."""
    column = ColumnCipher(KEY, DOMAIN, NUMBER)
    made = numbers()
    with path.open("w") as file:
        file.write("row_id,patient_id_deid\n")
        for row in range(rows):
            file.write(f"r{row},{column.seal(next(made))}\n")
    whole = path.read_bytes()
    body = {
        "project": "PRJ-0001",
        "purpose": "research",
        "legal_basis": "s251_reg5",
        "capacity": "researcher",
        "wanted": [{"identifier_type": "nhs_number", "need": "linkage"}],
        "recipient": {"organisation": "ZZ9", "public_key": str(pyrage.x25519.Identity.generate().to_public())},
        "delivery": "file",
        "window_days": 14,
        "destroy_by": "2027-06-30",
        "justification": "Linkage to the registry needs the number itself.",
        "file": {
            "format": "csv",
            "bytes": len(whole),
            "sha256": hashlib.sha256(whole).hexdigest(),
            "domains": [DOMAIN],
        },
    }
    draft = parse_draft(body, "0" * 32, VOCABULARY)
    return draft.content  # type: ignore[union-attr]  # the body above is a draft


def chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(8 << 20):
            yield piece


def read(path: Path, content: RequestContent, store: Path) -> RequestContent:
    """The file surveyed, its parts kept, and the content that names them."""
    assert content.file
    survey(chunks(path), content, {})
    found = []
    for part in parts(chunks(path), content):
        stored = part.stored()
        found.append(named(part, stored))
        (store / found[-1].sha256).write_bytes(stored)
    return replace(content, file=replace(content.file, parts=in_order(content.file, found)))


def release(content: RequestContent, store: Path, rows: int) -> int:
    """Released part by part; the length of the encrypted file."""
    assert content.file
    gathered = Gathered(content, Packing("REL-" + "0" * 26, "2026", rows))
    with OpenedKeys(Ring()) as keys:
        examination = Examination(DOMAIN, request(), People(), CHECK_AT_DISCLOSURE, NOW)
        for part in content.file.parts:
            found = PartRecords.read((store / part.sha256).read_bytes(), part)
            records = tuple(Record(row_id, pseudonyms) for row_id, pseudonyms in found.rows())
            outcomes = examination.outcomes([Asked(one.row_id, one.pseudonyms) for one in records], keys)
            gathered.add(DomainSelection(DOMAIN, records), outcomes)
    b"".join(sorted(gathered.patients))
    for chunk in gathered.packing.packed():
        to_new_event(chunk)
    return len(seal(content.recipient.public_key or "", gathered.take_file()))


def main(rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, store = Path(folder) / "file.csv", Path(folder) / "parts"
        store.mkdir()
        content = write(path, rows)
        for what in ("read", "release"):
            reader, writer = os.pipe()
            child = os.fork()
            if child == 0:
                begun, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                outcome: object = read(path, content, store) if what == "read" else release(content, store, rows)
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
                spent = time.process_time() - begun
                print(f"{what}: {rows:,} rows, {spent:.1f} s CPU, peak {peak} MB (before: {before // 1024} MB)")
                with os.fdopen(writer, "wb") as pipe:
                    pickle.dump(outcome, pipe)
                os._exit(0)
            os.close(writer)
            with os.fdopen(reader, "rb") as pipe:
                outcome = pickle.load(pipe)
            os.waitpid(child, 0)
            if isinstance(outcome, RequestContent):
                content = outcome


if __name__ == "__main__":
    main(int(sys.argv[1].replace("_", "")) if len(sys.argv) > 1 else ROWS)
