"""Texts are listed by their hashes and erased from the command line."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from keyholder.canonical import JsonObject
from keyholder.cli.main import cli
from keyholder.cli.session import Session
from tests.unit.client.fake_api import URL, FakeApi, ok

SETTINGS = {"KEYHOLDER_URL": URL, "KEYHOLDER_TOKEN": "token"}
HASH = "cd" * 32
ITEM: JsonObject = {
    "text_sha256": HASH,
    "kind": "comment",
    "author": f"person/{'0' * 32}",
    "written_at": "2026-11-02T09:30:00Z",
    "needs_two": True,
    "erasure": {"state": "ordered"},
}


@pytest.mark.parametrize(
    ("arguments", "method", "path", "body"),
    [
        (["list", "REQ-1"], "GET", "", None),
        (
            ["erase", "REQ-1", HASH, "--reason", "identifies_somebody"],
            "POST",
            "/erase",
            {"text_sha256": HASH, "reason": "identifies_somebody"},
        ),
        (["confirm", "REQ-1", HASH], "POST", "/confirm-erasure", {"text_sha256": HASH}),
        (["withdraw", "REQ-1", HASH], "POST", "/withdraw-erasure", {"text_sha256": HASH}),
    ],
)
def test_each_command_says_what_becomes_of_each_text(
    arguments: list[str], method: str, path: str, body: JsonObject | None
) -> None:
    api = FakeApi([ok({"items": [ITEM]})])
    result = CliRunner().invoke(cli, ["--json", "admin", "texts", *arguments], obj=Session(SETTINGS, api))
    assert result.exit_code == 0, result.stderr
    (asked,) = api.asked
    assert (asked.method, asked.path, asked.body) == (method, f"/v1/requests/REQ-1/texts{path}", body)
    (row,) = json.loads(result.stdout)
    assert (row["text_sha256"], row["erasure"]) == (HASH, "ordered")


def test_without_a_reason_nothing_is_asked() -> None:
    api = FakeApi([])
    arguments = ["admin", "texts", "erase", "REQ-1", HASH]
    assert CliRunner().invoke(cli, arguments, obj=Session(SETTINGS, api)).exit_code == 2
    assert not api.asked
