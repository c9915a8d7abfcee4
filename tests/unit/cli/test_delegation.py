"""`keyholder delegation`, and the decisions that are made under one: what each command sends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from keyholder.cli.main import cli
from keyholder.cli.session import Session
from tests.unit.client.fake_api import URL, FakeApi, ok, view

SETTINGS = {"KEYHOLDER_URL": URL, "KEYHOLDER_TOKEN": "token"}
ADA = "person/" + "ab" * 16
PATH = "/v1/delegations/DLG-1"
BODY = {
    "delegate": ADA,
    "role": "controller",
    "organisation": "RX1",
    "from": "2026-12-01",
    "until": "2026-12-14",
    "reason": "planned_absence",
}
SAID = [
    "--role", "controller", "--organisation", "RX1", "--from", "2026-12-01", "--until", "2026-12-14",
    "--reason", "planned_absence",
]  # fmt: skip


def delegation(**more: object) -> dict[str, Any]:
    known = {"delegation_id": "DLG-1", "state": "waiting", "in_force": False, "delegator": "person/" + "cd" * 16}
    return {**known, **BODY, "receipts": [], **more}


def run(api: FakeApi, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--json", *arguments], obj=Session(SETTINGS, api))


def test_somebody_is_named_for_a_role_and_days() -> None:
    api = FakeApi([ok(delegation(), 201)])
    result = run(api, "delegation", "name", ADA, *SAID)
    assert result.exit_code == 0, result.stderr
    (asked,) = api.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/v1/delegations", BODY)
    for wrong in (SAID[:-1], [*SAID[:-1], "flu"], ["--role", "operator", *SAID[2:]]):
        assert run(FakeApi([]), "delegation", "name", ADA, *wrong).exit_code == 2


@pytest.mark.parametrize(("options", "query"), [((), ""), (("--organisation", "RX1"), "?organisation=RX1")])
def test_ones_own_or_an_organisations_are_listed(options: tuple[str, ...], query: str) -> None:
    api = FakeApi([ok({"items": [delegation()]})])
    (row,) = json.loads(run(api, "delegation", "list", *options).stdout)
    assert (row["delegation_id"], row["delegate"], row["until"]) == ("DLG-1", ADA, "2026-12-14")
    assert api.asked[0].path == f"/v1/delegations{query}"


@pytest.mark.parametrize("command", ["confirm", "withdraw"])
def test_it_is_confirmed_or_ended(command: str) -> None:
    api = FakeApi([ok(delegation())])
    assert run(api, "delegation", command, "DLG-1").exit_code == 0
    assert (api.asked[0].method, api.asked[0].path, api.asked[0].body) == ("POST", f"{PATH}/{command}", {})


def test_one_is_shown() -> None:
    api = FakeApi([ok(delegation())])
    assert run(api, "delegation", "show", "DLG-1").exit_code == 0
    assert (api.asked[0].method, api.asked[0].path) == ("GET", PATH)


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("approve", ["--domain", "gp-2026", "--content-hash", "ab" * 32, "--no-conflict-of-interest"]),
        ("reject", ["--domain", "gp-2026", "--content-hash", "ab" * 32, "--reason", "other"]),
        ("return", ["--domain", "gp-2026", "--content-hash", "ab" * 32, "--question", "records=Why so many?"]),
        ("revoke", ["--reason", "other"]),
        ("let-through", ["--content-hash", "ab" * 32]),
    ],
)
def test_a_decision_names_the_delegation_it_is_made_under(command: str, options: list[str]) -> None:
    for more, named in (([], None), (["--delegation", "DLG-1"], "DLG-1")):
        api = FakeApi([ok(view(), etag='W/"3"'), ok(view())])
        result = run(api, "review", command, "REQ-1", *options, *more)
        assert result.exit_code == 0, result.stderr
        asked = api.asked[-1]
        assert asked.path == f"/v1/requests/REQ-1/{command}"
        assert isinstance(asked.body, dict)
        assert asked.body.get("delegation") == named
