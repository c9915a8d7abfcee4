"""Receipts that a command keeps are files their owner can check without us, and a changed one shows."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from keyholder.client.transport import Reply
from keyholder.ledger.event import NewEvent
from keyholder.ledger.receipts import receipts_json
from keyholder.vocabulary import ActorId, StreamId
from tests.fakes.ledger import Memory, memory_ledger
from tests.unit.cli.test_commands import run
from tests.unit.client.fake_api import FakeApi, ok, view

MEMORY = Memory()
RECORDED = memory_ledger(memory=MEMORY).record(
    StreamId("request/1"), 0, [NewEvent("a", {}), NewEvent("b", {})], actor=ActorId("person/1"), trace="trace"
)
RECEIPTS: list[Any] = receipts_json(RECORDED, lambda event: event.type == "a")


@pytest.fixture
def key(tmp_path: Path) -> str:
    file = tmp_path / "key"
    file.write_text(MEMORY.signer.vkey() + "\n")
    return str(file)


def check(folder: Path, key: str) -> tuple[int, dict[str, str]]:
    result = run("--json", "request", "check-receipts", str(folder), "--key", key)
    return result.exit_code, {row["file"]: row["result"] for row in json.loads(result.stdout or "[]")}


def test_a_command_keeps_its_receipts_where_it_is_told(tmp_path: Path, key: str) -> None:
    folder = tmp_path / "kept"
    api = FakeApi([ok(view("draft")), ok(view("submitted") | {"receipts": RECEIPTS})])
    result = run("--json", "request", "submit", "REQ-1", "--receipts", str(folder), api=api)
    assert result.exit_code == 0, result.stderr
    assert "receipts" not in json.loads(result.stdout)
    assert sorted(file.name for file in folder.iterdir()) == ["leaf-0.json", "leaf-0.tlog-proof", "leaf-1.tlog-proof"]
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    assert (folder / "leaf-0.json").read_bytes() == RECORDED.events[0].line()
    assert check(folder, key) == (0, {"leaf-0.tlog-proof": "proven", "leaf-1.tlog-proof": "without event"})


@pytest.mark.parametrize(
    "arguments",
    [
        ["standing", "end", "STA-1", "--reason", "terms_too_wide"],
        ["linkage", "end", "LNK-1", "--reason", "no_longer_needed"],
        ["emergency", "review", "EMG-1", "justified"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_other_approvers_keep_theirs_too(tmp_path: Path, key: str, arguments: list[str]) -> None:
    told = {"version": 4, "state": "ended"}
    api = FakeApi([*([ok(told)] if arguments[1] == "end" else []), ok(told | {"receipts": RECEIPTS})])
    result = run("--json", *arguments, "--receipts", str(tmp_path / "kept"), api=api)
    assert result.exit_code == 0, result.stderr
    assert "receipts" not in json.loads(result.stdout)
    assert check(tmp_path / "kept", key) == (0, {"leaf-0.tlog-proof": "proven", "leaf-1.tlog-proof": "without event"})


def test_without_being_told_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    api = FakeApi([ok(view("draft")), ok(view("submitted") | {"receipts": RECEIPTS})])
    assert run("request", "submit", "REQ-1", api=api).exit_code == 0
    assert not list(tmp_path.iterdir())


def test_all_receipts_of_a_request_are_fetched_page_by_page(tmp_path: Path, key: str) -> None:
    pages = [ok({"items": RECEIPTS[:1], "next": 1}), ok({"items": RECEIPTS[1:], "next": None})]
    result = run("--json", "request", "receipts", "REQ-1", "--out", str(tmp_path / "kept"), api=FakeApi(pages))
    assert json.loads(result.stdout)["receipts"] == 2
    assert len(check(tmp_path / "kept", key)[1]) == 2


def test_a_release_keeps_those_of_the_hand_over_too(tmp_path: Path) -> None:
    body = {"release_id": "REL-1", "counts": {}, "receipts": RECEIPTS[:1], "file": {"bytes": 3, "sha256": "ab"}}
    header = base64.b64encode(json.dumps(RECEIPTS[1:]).encode()).decode()
    sealed = Reply(200, {"content-type": "application/age", "keyholder-receipts": header}, b"age")
    api = FakeApi([ok(view("approved")), ok(body), sealed])
    arguments = ["--out", str(tmp_path / "out"), "--receipts", str(tmp_path / "kept")]
    assert run("request", "release", "REQ-1", *arguments, api=api).exit_code == 0
    assert len(list((tmp_path / "kept").glob("*.tlog-proof"))) == 2


@pytest.mark.parametrize("name", ["leaf-0.json", "leaf-0.tlog-proof", "leaf-1.tlog-proof"])
def test_every_changed_byte_of_what_was_kept_shows(tmp_path: Path, key: str, name: str) -> None:
    run("request", "receipts", "REQ-1", "--out", str(tmp_path / "kept"), api=FakeApi([_page()]))
    file = tmp_path / "kept" / name
    whole = file.read_bytes()
    path = whole.find(b"\n\n") if name == "leaf-1.tlog-proof" else 0
    for place in range(path, len(whole), 7):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        exit_code, found = check(tmp_path / "kept", key)
        assert (exit_code, found[name.replace(".json", ".tlog-proof")]) == (6, "wrong")


def test_there_must_be_something_to_check_and_a_key(tmp_path: Path, key: str) -> None:
    assert check(tmp_path, key)[0] == 2
    run("request", "receipts", "REQ-1", "--out", str(tmp_path / "kept"), api=FakeApi([_page()]))
    for wrong in ("", "nonsense", "a+b+c"):
        (tmp_path / "key").write_text(wrong)
        assert check(tmp_path / "kept", key)[0] == 2


def _page() -> Reply:
    return ok({"items": RECEIPTS, "next": None})
