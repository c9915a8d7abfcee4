"""`keyholder request new --file`: declared, uploaded, handed in, told; and the result that comes from an address."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from keyholder.cli.main import cli
from keyholder.cli.session import Session
from keyholder.client import request_file
from keyholder.client.spreadsheets import SheetError
from keyholder.client.transport import Reply
from tests.unit.client.fake_api import URL, Asked, FakeApi, ok, view

STORE = "https://store.test/up"
GIVEN = {"domain": "gp-2026", "records": 3, "pseudonyms": 3, "distinct": 2, "repeated": 1}


@dataclass
class Service:
    """Keyholder and its store: takes one file, and says of it what it is told to."""

    outcome: dict[str, Any] = field(default_factory=lambda: {"stage": "read", "given": [GIVEN]})
    stage: str = "declared"
    declared: dict[str, Any] = field(default_factory=dict)
    uploaded: bytes = b""
    polls: int = 1
    result: bytes = b"age file"
    commands: list[str] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Reply:
        command = asked.path.rsplit("/", 1)[-1]
        self.commands.append(command)
        if asked.path == "/v1/requests" or command == "save":
            assert isinstance(asked.body, dict)
            assert "domains" not in asked.body
            self.declared = asked.body["file"]
            return ok(view("draft"), 201)
        if command == "hand-in-file":
            assert hashlib.sha256(self.uploaded).hexdigest() == self.declared["sha256"]
            self.stage = "handed_in"
            return ok(view("draft"))
        if command == "file":
            return ok(self._file())
        if command == "release":
            return ok({"release_id": "REL-1", "running": True, "receipts": []})
        if command == "collect":
            told = {"url": STORE, "bytes": len(self.result), "sha256": hashlib.sha256(b"age file").hexdigest()}
            return ok({"release_id": "REL-1", "good_until": "2026-11-02T09:30:00Z", **told})
        self.polls -= 1
        done = {"id": "REL-1", "finished_at": None if self.polls >= 0 else "2026-11-02T09:30:00Z", "failed": None}
        return ok({**view("approved"), "releases": [done]})

    def _file(self) -> dict[str, Any]:
        upload = {"method": "PUT", "url": STORE, "headers": {"if-none-match": "*"}}
        told = {**self.declared, "stage": self.stage, "refused": None, "given": [], "bad": [], "upload": None}
        if self.stage == "declared":
            return {**told, "upload": upload}
        self.polls -= 1
        return told if self.polls >= 0 else {**told, **self.outcome}

    def put(self, url: str, headers: Mapping[str, str], body: Iterable[bytes]) -> int:
        assert url == STORE
        self.uploaded = b"".join(body)
        return 200

    def get(self, url: str) -> tuple[int, bytes]:
        assert url == STORE
        return 200, self.result


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_file, "SECONDS_BETWEEN", (0.0,))


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    body, rows = tmp_path / "request.json", tmp_path / "rows.csv"
    body.write_text(json.dumps({"project": "PRJ-1", "wanted": [], "domains": []}))
    rows.write_text("patient_id_deid\nS\n")
    return str(body), str(rows)


def run(service: Service, *arguments: str) -> Result:
    settings = {"KEYHOLDER_URL": URL, "KEYHOLDER_TOKEN": "token"}
    return CliRunner().invoke(cli, list(arguments), obj=Session(settings, FakeApi(service), files=service))


def test_a_file_is_declared_by_its_hash_uploaded_handed_in_and_told(files: tuple[str, str]) -> None:
    service = Service()
    done = run(service, "--json", "request", "new", files[0], "--file", files[1], "--domain", "gp-2026")
    assert done.exit_code == 0, done.stderr
    body = Path(files[1]).read_bytes()
    assert service.declared == {
        "format": "csv",
        "bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "domains": ["gp-2026"],
    }
    assert service.uploaded == body
    assert "1 repeated, counted once" in done.stderr
    told = json.loads(done.stdout)
    assert (told["id"], told["stage"]) == ("REQ-1", "read")
    assert STORE not in done.output, "the address is a permission, and is not shown"


def test_a_refused_file_fails_the_command_and_says_where(files: tuple[str, str]) -> None:
    refused = {"code": "FILE_ROW_EMPTY", "field": "/file", "row": 7, "advice": "Give each row a pseudonym."}
    service = Service(outcome={"stage": "refused", "refused": refused})
    done = run(service, "request", "new", files[0], "--file", files[1], "--domain", "gp-2026")
    assert done.exit_code == 1
    assert "FILE_ROW_EMPTY (/file, row 7): Give each row a pseudonym." in done.stderr


def test_what_was_cut_short_goes_on_and_another_file_is_not_sent(files: tuple[str, str]) -> None:
    service = Service()
    declared = request_file.declaration(Path(files[1]), ["gp-2026"])
    service.declared = dict(declared)
    assert run(service, "request", "file", "REQ-1", "--file", files[1]).exit_code == 0
    assert service.commands == ["file", "hand-in-file", "file", "file"]
    other = Service(declared={**declared, "sha256": "0" * 64})
    assert run(other, "request", "file", "REQ-1", "--file", files[1]).exit_code != 0
    assert (other.uploaded, other.commands) == (b"", ["file"])


def test_rows_and_a_file_are_not_both_named_and_each_needs_its_domain(files: tuple[str, str]) -> None:
    for wrong in (
        ["--file", files[1]],
        ["--domain", "gp-2026"],
        ["--rows", files[1], "--file", files[1], "--domain", "gp-2026"],
        ["--rows", files[1], "--domain", "gp-2026", "--domain", "hes-2026"],
    ):
        service = Service()
        assert run(service, "request", "new", files[0], *wrong).exit_code == 2
        assert service.commands == []


def test_a_release_off_the_queue_is_waited_for_and_its_file_compared(tmp_path: Path) -> None:
    out = tmp_path / "result.age"
    service = Service(polls=2)
    done = run(service, "request", "release", "REQ-1", "--out", str(out))
    assert done.exit_code == 0, done.stderr
    assert out.read_bytes() == b"age file"
    assert oct(out.stat().st_mode)[-3:] == "600"
    altered = Service(polls=-1, result=b"AGE FILE")
    other = tmp_path / "other.age"
    assert run(altered, "request", "collect", "REQ-1", "--release", "REL-1", "--out", str(other)).exit_code != 0
    assert not other.exists()


@pytest.mark.parametrize(("code", "words"), [("FAULT", "release it again"), ("VOLUME_HELD", "can let it through")])
def test_a_release_that_failed_is_not_waited_for_and_says_what_to_do(code: str, words: str) -> None:
    def failed(_: Asked) -> Reply:
        return ok({**view("approved"), "releases": [{"id": "REL-1", "finished_at": None, "failed": code}]})

    with pytest.raises(SheetError, match=rf"\({code}\).*{words}"):
        request_file.finished(FakeApi(failed).client(), "REQ-1", "REL-1")
