"""`keyholder rekey`: the same CSV with newer pseudonyms."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from keyholder.cli.main import cli
from keyholder.cli.session import Session
from keyholder.client.transport import Reply
from tests.unit.client.fake_api import URL, Asked, FakeApi, ok

SETTINGS = {"KEYHOLDER_URL": URL, "KEYHOLDER_TOKEN": "token"}


def run(api: FakeApi, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--json", "rekey", *arguments], obj=Session(SETTINGS, api))


def newer(asked: Asked) -> Reply:
    """Each `SN01…` as `SN02…`; the others are malformed."""
    assert isinstance(asked.body, dict)
    rows = [
        {
            "row_id": row["row_id"],
            "statuses": {
                kind: "rekeyed" if cell.startswith("SN01") else "malformed" for kind, cell in row["pseudonyms"].items()
            },
            "pseudonyms": {
                kind: cell.replace("SN01", "SN02")
                for kind, cell in row["pseudonyms"].items()
                if cell.startswith("SN01")
            },
        }
        for row in asked.body["rows"]
    ]
    return ok({"domain": "gp-2026", "rows": rows})


def test_the_same_csv_comes_out(tmp_path: Path) -> None:
    file, out = tmp_path / "in.csv", tmp_path / "out.csv"
    file.write_text("lsoa,patient_id_deid,value\nE01,SN01A,'=1\nE02,,7\nE03,SN01B,\n")
    api = FakeApi(newer)
    result = run(api, str(file), "--domain", "gp/2026", "--out", str(out))
    assert result.exit_code == 0, result.stderr
    assert out.read_text() == "lsoa,patient_id_deid,value\nE01,SN02A,'=1\nE02,,7\nE03,SN02B,\n"
    assert out.stat().st_mode & 0o777 == 0o600
    (asked,) = api.asked
    assert (asked.method, asked.path) == ("POST", "/v1/domains/gp%2F2026/rekeyings")
    assert json.loads(result.stdout) == {"rows": 3, "cells": {"patient_id_deid": {"rekeyed": 2}}}
    assert "SN0" not in result.stderr


def test_what_could_not_be_rekeyed_stays_and_is_told_by_line(tmp_path: Path) -> None:
    file, out = tmp_path / "in.csv", tmp_path / "out.csv"
    file.write_text("id,code\n1,SN01A\n2,typo\n")
    result = run(
        FakeApi(newer), str(file), "--domain", "gp-2026", "--out", str(out), "--column", "nhs_number=code", "--status"
    )
    assert result.exit_code == 1
    assert out.read_text() == "id,code,code_status\n1,SN02A,rekeyed\n2,typo,malformed\n"
    assert "code: malformed on line 3" in result.stderr
    assert "typo" not in result.stderr


@pytest.mark.parametrize("column", ["code", "nhs_number=", "name=code", "=code"])
def test_a_column_is_named_with_its_type(tmp_path: Path, column: str) -> None:
    file = tmp_path / "in.csv"
    file.write_text("code\nSN01A\n")
    api = FakeApi([])
    result = run(api, str(file), "--domain", "gp-2026", "--out", str(tmp_path / "out.csv"), "--column", column)
    assert result.exit_code == 2
    assert not api.asked
