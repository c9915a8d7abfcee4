"""`keyholder admin policy`: what each command sends, and that none is sent half said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from keyholder.cli.main import cli
from keyholder.cli.session import Session
from tests.unit.client.fake_api import URL, FakeApi, ok

ENVIRONMENT = {"KEYHOLDER_URL": URL, "KEYHOLDER_TOKEN": "token"}
CHANGES = "/v1/policy/changes"
SETTINGS = {"untraced_is_restricted": True}
SHOWN = {"change_id": "PCH-1", "settings": SETTINGS}


def run(api: FakeApi, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--json", "admin", "policy", *arguments], obj=Session(ENVIRONMENT, api))


@pytest.mark.parametrize(
    ("arguments", "method", "path"),
    [
        (["show"], "GET", "/v1/policy"),
        (["show", "--change", "PCH-1"], "GET", f"{CHANGES}/PCH-1"),
        (["confirm", "PCH-1"], "POST", f"{CHANGES}/PCH-1/confirm"),
        (["withdraw", "PCH-1"], "POST", f"{CHANGES}/PCH-1/withdraw"),
        (["stop", "PCH-1"], "POST", f"{CHANGES}/PCH-1/stop"),
    ],
)
def test_each_command_sends_what_it_says(arguments: list[str], method: str, path: str) -> None:
    api = FakeApi([ok(SHOWN)])
    result = run(api, *arguments)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == SHOWN
    ((asked),) = api.asked
    assert (asked.method, asked.path) == (method, path)


def test_settings_are_shown_alone_to_be_edited() -> None:
    assert json.loads(run(FakeApi([ok(SHOWN)]), "show", "--settings").stdout) == SETTINGS


def test_a_file_is_proposed_with_its_reason(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(SETTINGS))
    api = FakeApi([ok(SHOWN, 201)])
    assert run(api, "propose", str(file), "--reason", "review").exit_code == 0
    assert api.asked[0].body == {"settings": SETTINGS, "reason": "review"}


def test_an_earlier_change_is_proposed_again() -> None:
    api = FakeApi([ok(SHOWN), ok(SHOWN, 201)])
    assert run(api, "propose", "--back-to", "PCH-1").exit_code == 0
    assert [asked.path for asked in api.asked] == [f"{CHANGES}/PCH-1", CHANGES]
    assert api.asked[1].body == {"settings": SETTINGS, "reason": "rollback"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["propose"],
        ["propose", "FILE"],
        ["propose", "FILE", "--reason", "mood"],
        ["propose", "FILE", "--back-to", "PCH-1", "--reason", "review"],
        ["propose", "nowhere.json", "--reason", "review"],
        ["confirm"],
        ["withdraw"],
    ],
)
def test_what_is_half_said_is_not_sent(arguments: list[str], tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text("{}")
    api = FakeApi([])
    assert run(api, *(str(file) if word == "FILE" else word for word in arguments)).exit_code == 2
    assert not api.asked


def test_a_file_that_is_no_json_is_not_sent(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text("settings")
    api = FakeApi([])
    assert run(api, "propose", str(file), "--reason", "review").exit_code == 2
    assert not api.asked
