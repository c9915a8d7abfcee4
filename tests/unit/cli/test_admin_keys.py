"""`keyholder admin keys`: what each command sends, and that none is sent half said."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from keyholder.cli.main import cli
from keyholder.cli.session import Session
from tests.unit.client.fake_api import URL, FakeApi, ok

SETTINGS = {"KEYHOLDER_URL": URL, "KEYHOLDER_TOKEN": "token"}
CHANGES = "/v1/domains/gp-2026/key-changes"


def run(api: FakeApi, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--json", "admin", *arguments], obj=Session(SETTINGS, api))


@pytest.mark.parametrize(
    ("arguments", "path", "body"),
    [
        (
            ["rotate", "gp-2026", "--type", "nhs_number", "--type", "postcode", "--reason", "routine"],
            CHANGES,
            {
                "change": "rotate",
                "identifier_types": ["nhs_number", "postcode"],
                "versions": [],
                "reason": "routine",
            },
        ),
        *[
            (
                [name, "gp-2026", "--type", "nhs_number", "--version", "1", "--version", "2", "--reason", "other"],
                CHANGES,
                {"change": name, "identifier_types": ["nhs_number"], "versions": [1, 2], "reason": "other"},
            )
            for name in ("retire", "destroy")
        ],
        (["confirm", "gp-2026", "KCH-1"], f"{CHANGES}/KCH-1/confirm", {}),
        (["withdraw", "gp-2026", "KCH-1"], f"{CHANGES}/KCH-1/withdraw", {}),
    ],
)
def test_each_command_sends_what_it_says(arguments: list[str], path: str, body: object) -> None:
    api = FakeApi([ok({"change_id": "KCH-1", "state": "open"})])
    result = run(api, "keys", *arguments)
    assert result.exit_code == 0, result.stderr
    assert '"change_id": "KCH-1"' in result.stdout
    ((asked),) = api.asked
    assert (asked.method, asked.path, asked.body) == ("POST", path, body)


@pytest.mark.parametrize(
    "arguments",
    [
        ["rotate", "gp-2026", "--type", "nhs_number"],
        ["rotate", "gp-2026", "--reason", "routine"],
        ["rotate", "gp-2026", "--type", "name", "--reason", "routine"],
        ["retire", "gp-2026", "--type", "nhs_number", "--reason", "routine"],
        ["destroy", "gp-2026", "--type", "nhs_number", "--version", "1024", "--reason", "routine"],
        ["confirm", "gp-2026"],
    ],
)
def test_what_is_half_said_is_not_sent(arguments: list[str]) -> None:
    api = FakeApi([])
    assert run(api, "keys", *arguments).exit_code == 2
    assert not api.asked


def test_a_domain_names_its_own_kms_key_only_if_it_brings_one() -> None:
    arn = "arn:aws:kms:eu-west-2:111122223333:key/0a1b2c3d-0000-4000-8000-0123456789ab"
    api = FakeApi([ok({"domain_id": "gp-2026"}, 201)] * 2)
    arguments = ["domain", "add", "gp-2026", "--controller", "RX1", "--dataset", "gp"]
    assert run(api, *arguments).exit_code == 0
    assert run(api, *arguments, "--kms-key", arn).exit_code == 0
    bodies = [asked.body for asked in api.asked]
    assert [body.get("kms_key_arn") for body in bodies if isinstance(body, dict)] == [None, arn]
