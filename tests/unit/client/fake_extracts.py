"""Keyholder's large extracts and the store beside it, without a network: what is uploaded comes back as pseudonyms."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from keyholder.client.transport import NoAnswerError, Reply
from keyholder.pseudonyms.deid_columns import COLUMN_OF
from keyholder.vocabulary import IdentifierType
from tests.unit.client.fake_api import Asked, ok, problem

EXTRACT = "EXT-" + "0" * 26
STORE = "https://store.test/"


@dataclass
class FakeExtracts:
    """Answers `FakeApi`, and is a `Storage`. `refuses` are NHS numbers it takes no row of, `bad` cells it can't read.

    `puts` and `gets` are what the store answers first: a status, or a lost connection. `polls` are what it says before
    it is done.
    """

    refuses: frozenset[str] = frozenset()
    bad: frozenset[str] = frozenset()
    part_rows: int = 2
    polls: list[dict[str, object]] = field(default_factory=lambda: [{"status": "running"}])
    puts: list[int | NoAnswerError] = field(default_factory=list)
    gets: list[int | NoAnswerError] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)
    uploaded: bytes | None = None
    parts: list[bytes] = field(default_factory=list)
    counts: dict[str, Any] = field(default_factory=dict)
    discarded: bool = False

    def __call__(self, asked: Asked) -> Reply:
        self.asked.append(f"{asked.method} {asked.path}")
        command = asked.path.rsplit("/", 1)[-1]
        if command == "extracts":
            assert isinstance(asked.body, dict)
            self.told = asked.body
            return ok(self._view("announced", upload={"url": f"{STORE}up", "headers": {"if-none-match": "*"}}), 201)
        if command == "start":
            if self.uploaded is None:
                return problem(409, "conflict", code="NOT_UPLOADED")
            self._make()
            return ok(self._view("queued"))
        if command == "collect":
            return ok(self._view("made", parts=[self._part(place, body) for place, body in enumerate(self.parts)]))
        if command == "discard":
            self.discarded = True
            return ok(self._view("discarded"))
        return ok(self._view(**self.polls.pop(0)) if self.polls else self._view("made", counts=self.counts))

    def put(self, url: str, headers: Mapping[str, str], body: Iterable[bytes]) -> int:
        assert url == f"{STORE}up"
        assert set(headers) == {"if-none-match"}, "no token, and nothing else"
        content = b"".join(body)
        answer = self.puts.pop(0) if self.puts else 200
        if self.uploaded is not None:
            return 412
        if answer == 200 or isinstance(answer, NoAnswerError):
            if hashlib.sha256(content).hexdigest() != self.told["sha256"] or len(content) != self.told["bytes"]:
                return 400
            self.uploaded = content
        if isinstance(answer, NoAnswerError):
            raise answer
        return answer

    def get(self, url: str) -> tuple[int, bytes]:
        answer = self.gets.pop(0) if self.gets else 200
        if isinstance(answer, NoAnswerError):
            raise answer
        return answer, self.parts[int(url.removeprefix(STORE))]

    def _view(self, status: object, **more: object) -> dict[str, object]:
        rows = self.told["rows"]
        return {"extract_id": EXTRACT, "status": status, "rows": rows, "rows_done": 0, "counts": None, **more}

    def _part(self, place: int, body: bytes) -> dict[str, object]:
        return {
            "url": f"{STORE}{place}",
            "rows": 1,
            "bytes": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
        }

    def _make(self) -> None:
        assert self.uploaded is not None
        read = list(csv.DictReader(io.StringIO(self.uploaded.decode(), newline="")))
        assert list(read[0] if read else self.told["columns"]) == self.told["columns"]
        kinds = [IdentifierType(name) for name in self.told["columns"][1:]]
        made, faults, refused = [], dict[str, dict[str, int]](), 0
        for row in read:
            if row["nhs_number"] in self.refuses:
                refused += 1
                continue
            for kind in kinds:
                if row[kind] in self.bad and row[kind]:
                    faults.setdefault(kind, {"not_good": 0})["not_good"] += 1
            cells = ["" if row[kind] in self.bad else f"S{row[kind]}" if row[kind] else "" for kind in kinds]
            made.append([row["row_id"], *cells, ""])
        header = ["row_id", *(COLUMN_OF[kind] for kind in kinds), "faults"]
        blocks = [made[start : start + self.part_rows] for start in range(0, len(made), self.part_rows)] or [[]]
        for place, block in enumerate(blocks):
            text = io.StringIO(newline="")
            csv.writer(text, lineterminator="\n").writerows([header, *block] if not place else block)
            self.parts.append(text.getvalue().encode())
        self.counts = {"refused": {"type_1_opt_out": refused} if refused else {}, "faults": faults}
