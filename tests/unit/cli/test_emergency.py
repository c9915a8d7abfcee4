"""`keyholder emergency`: what each command sends, and that what is opened lands in one file and nowhere else."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from keyholder.cli.main import cli
from keyholder.cli.session import Session
from tests.unit.client.fake_api import URL, FakeApi, ok, problem

SETTINGS = {"KEYHOLDER_URL": URL, "KEYHOLDER_TOKEN": "token"}
PATH = "/v1/emergency-accesses"
SEALED = b"age-encryption.org/v1 and the rest"
BODY = {"domain": "gp-2026", "reason": "life_at_risk", "public_key": "age1abc", "records": [{"row_id": "1"}]}


def access(**more: object) -> dict[str, Any]:
    return {
        "access_id": "EMG-1-1",
        "stage": "released",
        "domain": "gp-2026",
        "reason": "life_at_risk",
        "records": 1,
        "opened_at": "2026-11-02T09:30:00Z",
        "review_by": "2026-11-05T09:30:00Z",
        "receipts": [],
        **more,
    }


def run(api: FakeApi, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--json", *arguments], obj=Session(SETTINGS, api))


def asked_for(folder: Path, **changes: object) -> tuple[str, ...]:
    file = folder / "asked.json"
    file.write_text(json.dumps({**BODY, **changes}))
    return "emergency", "open", str(file), "--out", str(folder / "opened.age")


def test_what_is_opened_goes_into_a_file_of_ones_own_and_onto_no_screen(tmp_path: Path) -> None:
    sealed = base64.b64encode(SEALED).decode()
    api = FakeApi([ok(access(sealed=sealed, sha256="cd" * 32), 201)])
    result = run(api, *asked_for(tmp_path))
    assert result.exit_code == 0, result.stderr
    (asked,) = api.asked
    assert (asked.method, asked.path, asked.body) == ("POST", PATH, BODY)
    assert asked.headers["idempotency-key"]
    opened = tmp_path / "opened.age"
    assert opened.read_bytes() == SEALED
    assert opened.stat().st_mode & 0o077 == 0
    assert sealed not in result.output
    assert json.loads(result.stdout)["access_id"] == "EMG-1-1"


def test_without_a_key_to_seal_it_nothing_is_asked(tmp_path: Path) -> None:
    api = FakeApi([])
    result = run(api, *asked_for(tmp_path, public_key=None))
    assert result.exit_code == 2
    assert "public_key" in result.stderr
    assert not api.asked
    assert not (tmp_path / "opened.age").exists()


def test_a_refusal_leaves_no_file(tmp_path: Path) -> None:
    api = FakeApi([problem(403, "emergency-off", code="EMERGENCY_OFF")])
    assert run(api, *asked_for(tmp_path)).exit_code == 3
    assert not (tmp_path / "opened.age").exists()


@pytest.mark.parametrize(("options", "query"), [((), ""), (("--domain", "gp-2026"), "?domain=gp-2026")])
def test_ones_own_or_those_to_a_domain_are_listed(options: tuple[str, ...], query: str) -> None:
    api = FakeApi([ok({"items": [access()]})])
    result = run(api, "emergency", "list", *options)
    assert result.exit_code == 0, result.stderr
    (row,) = json.loads(result.stdout)
    assert (row["access_id"], row["review_by"]) == ("EMG-1-1", "2026-11-05T09:30:00Z")
    assert api.asked[0].path == PATH + query


def test_one_is_shown() -> None:
    api = FakeApi([ok(access())])
    assert run(api, "emergency", "show", "EMG-1-1").exit_code == 0
    assert (api.asked[0].method, api.asked[0].path) == ("GET", f"{PATH}/EMG-1-1")


def test_a_review_says_one_of_the_findings() -> None:
    api = FakeApi([ok(access(stage="upheld"))])
    assert run(api, "emergency", "review", "EMG-1-1", "justified").exit_code == 0
    (asked,) = api.asked
    assert (asked.method, asked.path, asked.body) == ("POST", f"{PATH}/EMG-1-1/review", {"finding": "justified"})
    assert run(FakeApi([]), "emergency", "review", "EMG-1-1", "fine").exit_code == 2
