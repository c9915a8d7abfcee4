"""`keyholder admin opt-outs`: lists made, replies judged and checks shown, with nobody's number in a message."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from keyholder.policy.opt_outs import ERROR_LINE, job_created
from tests.people import some_nhs_numbers
from tests.unit.cli.test_commands import ok, run
from tests.unit.client.fake_api import FakeApi

A, B, C = some_nhs_numbers(3)
LIST = f"{A},\n{B},\n"


def csv_file(tmp_path: Path, *numbers: str, column: str = "nhs_number") -> Path:
    path = tmp_path / "people.csv"
    path.write_text(f"row,{column}\n" + "".join(f"{place},{number}\n" for place, number in enumerate(numbers)))
    return path


def test_a_list_is_made_in_the_services_form(tmp_path: Path) -> None:
    spaced = f"{B[:3]} {B[3:6]} {B[6:]}"
    file, out = csv_file(tmp_path, A, spaced, A, column="number"), tmp_path / "list.dat"
    result = run("--json", "admin", "opt-outs", "request", str(file), "--column", "number", "--out", str(out))
    assert result.exit_code == 0, result.stderr
    assert out.read_text() == LIST
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert json.loads(result.stdout) == {"people": 2, "file": str(out)}
    again = run("admin", "opt-outs", "request", str(file), "--column", "number", "--out", str(out))
    assert (again.exit_code, out.read_text()) == (2, LIST)


@pytest.mark.parametrize(
    ("numbers", "words"), [((A, "9990000019", B), "line 3"), ((A, ""), "line 3"), ((), "names nobody")]
)
def test_one_bad_line_makes_no_list_and_is_not_repeated(tmp_path: Path, numbers: tuple[str, ...], words: str) -> None:
    out = tmp_path / "list.dat"
    result = run("admin", "opt-outs", "request", str(csv_file(tmp_path, *numbers)), "--out", str(out))
    assert (result.exit_code, out.exists()) == (1, False)
    assert words in result.stderr
    assert not [number for number in ("9990000019", A) if number in result.output + result.stderr]


def test_a_missing_column_is_named_as_missing(tmp_path: Path) -> None:
    result = run(
        "admin", "opt-outs", "request", str(csv_file(tmp_path, A)), "--column", "x", "--out", str(tmp_path / "o")
    )
    assert (result.exit_code, "no column" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("reply", "code", "told"),
    [
        (f"{A},\n", 0, {"state": "cleaned", "fault": None, "line": None, "clear": 1, "opted_out": 1}),
        (f"{A},\n{C},\n", 1, {"state": "corrupt", "fault": "foreign_number", "line": 2}),
        (f"{A},\n{B}", 1, {"state": "failed", "fault": "truncated", "line": 2}),
        (ERROR_LINE.decode(), 1, {"state": "failed", "fault": "error_line", "line": 1}),
        ("", 1, {"state": "failed", "fault": "empty", "clear": 0, "opted_out": 0}),
        (job_created("JOB").decode(), 1, {"state": "pending", "clear": 0}),
    ],
)
def test_a_reply_is_judged_before_it_is_loaded(tmp_path: Path, reply: str, code: int, told: dict[str, object]) -> None:
    asked, answered = tmp_path / "asked.dat", tmp_path / "reply.dat"
    asked.write_text(LIST)
    answered.write_text(reply)
    files = ["--requested", str(asked), "--reply", str(answered), "--local-id", "JOB"]
    result = run("--json", "admin", "opt-outs", "read", *files)
    assert result.exit_code == code
    assert json.loads(result.stdout).items() >= told.items()
    assert not [number for number in (A, B, C) if number in result.output]


def test_a_bad_request_list_names_its_line(tmp_path: Path) -> None:
    asked = tmp_path / "asked.dat"
    asked.write_text(f"{A},\n{B}\n")
    result = run("admin", "opt-outs", "read", "--requested", str(asked), "--reply", str(asked))
    assert (result.exit_code, "line 2" in result.stderr, B in result.stderr) == (1, True, False)


def test_checks_are_listed() -> None:
    check = {"id": "0" * 26, "state": "answered", "people": 3, "usable_until": "2026-07-02"}
    api = FakeApi([ok({"items": [check]})])
    result = run("--json", "admin", "opt-outs", "list", api=api)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == [check]
