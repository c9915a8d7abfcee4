"""`keyholder standing`: what each command sends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from keyholder.cli.main import cli
from keyholder.cli.session import Session
from tests.unit.client.fake_api import URL, FakeApi, ok, view

SETTINGS = {"KEYHOLDER_URL": URL, "KEYHOLDER_TOKEN": "token"}
PATH = "/v1/standing-approvals/STA-1"
TERMS = {"project": "heart-2026", "domains": ["gp-2026"], "most_records_a_week": 20, "until": "2026-12-31"}


def standing(state: str = "in_force") -> dict[str, Any]:
    return {
        "standing_approval_id": "STA-1",
        "version": 4,
        "state": state,
        "terms": TERMS,
        "terms_hash": "ab" * 32,
        "records_left_this_week": 7,
    }


def run(api: FakeApi, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--json", *arguments], obj=Session(SETTINGS, api))


def test_bounds_are_asked_for_as_the_file_has_them(tmp_path: Path) -> None:
    file = tmp_path / "bounds.json"
    file.write_text(json.dumps(TERMS))
    api = FakeApi([ok(standing("asked"), 201)])
    result = run(api, "standing", "ask", str(file))
    assert result.exit_code == 0, result.stderr
    (asked,) = api.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/v1/standing-approvals", TERMS)


def test_an_approval_names_the_hash_the_version_and_the_domain() -> None:
    api = FakeApi([ok(standing("asked")), ok(standing())])
    said = ["--domain", "gp-2026", "--terms-hash", "ab" * 32, "--no-conflict-of-interest"]
    assert run(api, "standing", "approve", "STA-1", *said).exit_code == 0
    _, asked = api.asked
    assert (asked.path, asked.headers["if-match"]) == (f"{PATH}/approve", 'W/"4"')
    assert asked.body == {"domain": "gp-2026", "terms_hash": "ab" * 32, "no_conflict_of_interest": True}
    assert run(FakeApi([]), "standing", "approve", "STA-1", *said[:-1]).exit_code != 0


def test_one_ends_it_with_a_reason() -> None:
    api = FakeApi([ok(standing()), ok(standing("ended"))])
    assert run(api, "standing", "end", "STA-1", "--reason", "terms_too_wide").exit_code == 0
    assert (api.asked[-1].path, api.asked[-1].body) == (f"{PATH}/end", {"reason": "terms_too_wide"})
    assert run(FakeApi([]), "standing", "end", "STA-1", "--reason", "because").exit_code != 0


@pytest.mark.parametrize("which", [("domain", "gp-2026"), ("project", "heart-2026")])
def test_those_of_a_domain_or_of_a_project_are_listed(which: tuple[str, str]) -> None:
    api = FakeApi([ok({"items": [standing()], "next": None})])
    result = run(api, "standing", "list", f"--{which[0]}", which[1])
    assert result.exit_code == 0, result.stderr
    (row,) = json.loads(result.stdout)
    assert (row["project"], row["records_left_this_week"]) == ("heart-2026", 7)
    assert api.asked[0].path == f"/v1/standing-approvals?{which[0]}={which[1]}"
    assert run(FakeApi([]), "standing", "list").exit_code != 0


def test_a_request_is_handed_to_one() -> None:
    api = FakeApi([ok(view(), etag='W/"3"'), ok(view())])
    result = run(api, "request", "use-standing", "REQ-1", "STA-1")
    assert result.exit_code == 0, result.stderr
    asked = api.asked[-1]
    assert (asked.path, asked.body) == ("/v1/requests/REQ-1/use-standing-approval", {"standing_approval_id": "STA-1"})
    assert asked.headers["if-match"] == 'W/"3"'
