"""`keyholder admin contact`: the address comes from a file or standard input, and is never told again."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from keyholder.cli.main import cli
from keyholder.cli.session import Session
from tests.unit.client.fake_api import URL, FakeApi, ok

SETTINGS = {"KEYHOLDER_URL": URL, "KEYHOLDER_TOKEN": "token"}
HASH = "ab" * 16
PERSON = f"person/{HASH}"
PATH = f"/v1/people/{HASH}/contact"
KNOWN = {"person_id": PERSON, "channel": "email", "since": "2026-11-02T09:30:00Z", "by": "person/" + "cd" * 16}


def run(api: FakeApi, *arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["--json", "admin", "contact", *arguments], obj=Session(SETTINGS, api), input=given)


def test_an_address_is_read_from_a_file_and_not_from_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "address"
    file.write_text("rosa@trust.test\n")
    api = FakeApi([ok(KNOWN)])
    result = run(api, "set", PERSON, "--email-from", str(file))
    assert result.exit_code == 0, result.stderr
    (asked,) = api.asked
    assert (asked.method, asked.path, asked.body) == ("POST", PATH, {"email": "rosa@trust.test"})
    assert asked.headers["idempotency-key"]
    assert "rosa" not in result.output
    assert run(FakeApi([]), "set", PERSON).exit_code == 2


def test_an_address_comes_from_standard_input_too() -> None:
    api = FakeApi([ok(KNOWN)])
    assert run(api, "set", HASH, "--email-from", "-", given="rosa@trust.test\n").exit_code == 0
    assert (api.asked[0].path, api.asked[0].body) == (PATH, {"email": "rosa@trust.test"})


def test_it_is_removed() -> None:
    api = FakeApi([ok({**KNOWN, "channel": None})])
    result = run(api, "remove", PERSON)
    assert result.exit_code == 0, result.stderr
    assert (api.asked[0].method, api.asked[0].path, api.asked[0].body) == ("POST", f"{PATH}/remove", {})
    assert json.loads(result.stdout)["channel"] is None


def test_that_there_is_one_is_shown() -> None:
    api = FakeApi([ok(KNOWN)])
    result = run(api, "show", PERSON)
    assert json.loads(result.stdout) == KNOWN
    assert (api.asked[0].method, api.asked[0].path) == ("GET", PATH)
