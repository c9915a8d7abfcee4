"""The demonstration as a newcomer runs it: a process of its own, the files it leaves, and what they say."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pyrage
import pytest

from infra.routes import ROOT

PATIENTS = 2_000
SUMMARY = {
    "pseudonymised",
    "dropped_type1",
    "requested",
    "released",
    "withheld",
    "events",
    "ledger_size",
    "ledger_root",
    "ledger_verified",
    "tamper_detected",
    "fail_closed",
    "seconds",
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one demonstration with fewer patients than the real one."""
    out = tmp_path_factory.mktemp("demo") / "out"
    done = subprocess.run(
        [sys.executable, "-m", "infra.embedded.demo", "--out", str(out), "--patients", str(PATIENTS)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    for step in range(1, 9):
        assert f"\n{step}. " in done.stdout
    assert "999" not in "".join(line for line in done.stdout.splitlines() if "patient" in line)
    return out


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_summary_says_what_the_files_hold(demo: Path) -> None:
    summary = json.loads((demo / "summary.json").read_text())
    assert set(summary) == SUMMARY
    extract, made = rows(demo / "extract.csv"), rows(demo / "pseudonymised.csv")
    assert len(extract) == PATIENTS
    assert len(made) == summary["pseudonymised"] == PATIENTS - summary["dropped_type1"]
    assert summary["requested"] == summary["released"] + summary["withheld"] == 500
    assert summary["withheld"] > 0
    assert all(summary[name] is True for name in ("ledger_verified", "tamper_detected", "fail_closed"))
    journal = [
        line for path in sorted((demo / "ledger" / "journal").iterdir()) for line in path.read_bytes().split(b"\n")
    ]
    assert sum(line.startswith(b'{"actor"') for line in journal) == summary["ledger_size"]


def test_every_file_of_the_story_is_there_and_those_with_identifiers_are_private(demo: Path) -> None:
    for name in ("request.json", "openapi.json", "ledger/versions.json", "ledger/key.vkey"):
        assert (demo / name).is_file(), name
    assert list((demo / "ledger" / "checkpoint").iterdir())
    private = ["extract.csv", "pseudonymised.csv", "result.json", "result.csv.age", "recipient.key"]
    private += [
        str(path.relative_to(demo)) for folder in ("opt-outs", "consents") for path in (demo / folder).iterdir()
    ]
    for name in private:
        assert (demo / name).stat().st_mode & 0o777 == 0o600, name


def test_the_result_opens_with_the_recipients_key_and_says_what_the_practice_said(demo: Path) -> None:
    identity = pyrage.x25519.Identity.from_str((demo / "recipient.key").read_text().strip())
    text = pyrage.decrypt((demo / "result.csv.age").read_bytes(), [identity]).decode()
    extract = {row["nhs_number"]: row for row in rows(demo / "extract.csv")}
    released = [row for row in csv.DictReader(text.splitlines()) if row["status"] == "released"]
    assert len(released) == json.loads((demo / "summary.json").read_text())["released"]
    for row in released:
        person = extract[row["nhs_number"]]
        assert all(row[kind] == person[kind] for kind in ("date_of_birth", "date_of_death"))


def test_no_identifier_and_no_pseudonym_is_in_the_ledger(demo: Path) -> None:
    ledger = b"".join(path.read_bytes() for path in sorted((demo / "ledger").rglob("*")) if path.is_file()).decode()
    for row in rows(demo / "extract.csv"):
        assert row["nhs_number"] not in ledger
    for row in rows(demo / "pseudonymised.csv"):
        assert row["patient_id_deid"] not in ledger
