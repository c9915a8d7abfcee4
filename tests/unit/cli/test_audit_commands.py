"""What an auditor types: conditions become a query, exports become files, and a letter names no member of staff."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner, Result

from keyholder.audit.volumes import VOLUME_COLUMNS
from keyholder.cli.main import cli
from keyholder.cli.session import Session
from keyholder.client import subject_letter
from keyholder.policy.vocabulary import LegalBasis
from tests.people import some_nhs_numbers
from tests.unit.client.fake_api import URL, FakeApi, ok

STAFF = "person/" + "ab" * 16
HIT = {
    "index": 7,
    "request": "REQ-1",
    "release_id": "REL-1",
    "at": "2026-07-01T23:30:00.000000Z",
    "actor": STAFF,
    "outcome": "S251_SUPPORTED",
    "disclosed": True,
    "domain": "gp-2026",
    "project": "heart-2026",
    "organisation": "RX1",
    "recipient": "X26",
    "capacity": "researcher",
    "purpose": "research",
    "legal_basis": "s251_reg5",
    "identifier_types": ["nhs_number", "date_of_birth"],
}


def run(*arguments: str, api: FakeApi, stdin: str | None = None) -> Result:
    session = Session({"KEYHOLDER_URL": URL, "KEYHOLDER_TOKEN": "token"}, api)
    return CliRunner().invoke(cli, list(arguments), obj=session, input=stdin)


def query(path: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}


def test_what_was_attempted_or_read_stands_beside_the_event_and_nothing_found_is_said() -> None:
    read = {"index": 5, "type": "audit.record_read", "data": {"command": "read_requests", "subject": "request/REQ-1"}}
    page = {"items": [read, {"index": 6, "type": "request.created", "data": {}}], "size": 9, "next": None}
    result = run("audit", "events", api=FakeApi([ok(page)]))
    assert result.stdout.splitlines()[0].endswith("\tread_requests request/REQ-1")
    result = run("audit", "events", api=FakeApi([ok({"items": [], "size": 9, "next": None})]))
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "No event matches.\n")


def test_a_report_is_a_table_where_somebody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session({}, FakeApi([]))
    shown: list[object] = []
    monkeypatch.setattr(Session, "table", lambda _, columns, rows: shown.append((columns, rows)))
    monkeypatch.setattr(Session, "show", lambda _, document: shown.append(document))
    document, rows = {"quarter": "2026-Q4"}, [("report", "quarter", "", "2026-Q4")]
    session.report(document, ("section", "breakdown", "value", "count"), rows)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    session.report(document, ("section", "breakdown", "value", "count"), rows)
    assert shown[0] == document
    assert shown[1][1] == [{"section": "report", "breakdown": "quarter", "value": "", "count": "2026-Q4"}]  # type: ignore[index]


def test_conditions_become_a_query() -> None:
    api = FakeApi([ok({"items": [{"index": number} for number in (1, 2, 3)], "size": 9, "next": None})])
    result = run(
        "--json", "audit", "events", "REQ-1", "--decision", "approved", "--type", "request.approved",
        "--since", "2026-10-01T00:00:00Z", "--limit", "2", api=api,
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert [one["index"] for one in json.loads(result.stdout)] == [1, 2]
    assert query(api.asked[0].path) == {
        "request": "REQ-1",
        "decision": "approved",
        "type": "request.approved",
        "since": "2026-10-01T00:00:00+00:00",
    }


@pytest.mark.parametrize(
    "wrong", [["--decision", "maybe"], ["--since", "yesterday"], ["--since", "2026-10-01T00:00:00"]]
)
def test_what_is_no_condition_is_a_usage_error(wrong: list[str]) -> None:
    assert run("audit", "events", *wrong, api=FakeApi([])).exit_code == 2


def test_one_event_is_kept_with_its_proof(tmp_path: Path) -> None:
    shown = {"index": 7, "leaf": '{"a":"ä"}', "leaf_hash": "ab", "proof": "c2sp.org/tlog-proof@v1\n", "size": 9}
    api = FakeApi([ok(shown)])
    leaf, proof = tmp_path / "leaf", tmp_path / "proof"
    result = run("--json", "audit", "event", "7", "--leaf", str(leaf), "--proof", str(proof), api=api)
    assert json.loads(result.stdout) == shown
    assert api.asked[0].path == "/v1/audit/events/7"
    assert (leaf.read_bytes(), proof.read_text()) == ('{"a":"ä"}'.encode(), shown["proof"])


@pytest.mark.parametrize(
    ("form", "files"),
    [
        ("csv", {"out.txt": "onetwo"}),
        ("ndjson", {"out.txt": "onetwo"}),
        ("fhir", {"out.txt": "one", "out-2.txt": "two"}),
    ],
)
def test_an_export_becomes_files(tmp_path: Path, form: str, files: dict[str, str]) -> None:
    begun = ok({"export_id": "E", "format": form, "size": 9, "vkey": "k", "first": "c1"}, 201)
    pages = [
        ok({"items": [{"key": "events/0", "body": "one", "versions": []}], "next": "c2"}),
        ok({"items": [{"key": "events/5", "body": "two", "versions": []}], "next": None}),
    ]
    api = FakeApi([begun, *pages])
    result = run("audit", "export", "--format", form, "--out", str(tmp_path / "out.txt"), "--domain", "gp", api=api)
    assert result.exit_code == 0, result.stderr
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == files
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    assert api.asked[0].body == {"format": form, "filter": {"domain": "gp"}}
    assert [query(one.path) for one in api.asked[1:]] == [{"cursor": "c1"}, {"cursor": "c2"}]


def test_a_report_is_json_or_a_table() -> None:
    document = {
        "quarter": "2026-Q4",
        "complete": True,
        "size": 9,
        "submitted": {"total": 2, "by_purpose": {"research": 2}, "by_legal_basis": {"s251_reg5": 2}},
        "decided": {"total": 0, "by_outcome": {}, "by_purpose": {}, "by_legal_basis": {}},
        "time_to_decide": {"decisions": 0, "median_minutes": None, "p90_minutes": None},
        "records_released": {"by_reason": {}, "total": "0"},
        "records_withheld": {"by_reason": {"NDOO_OPTED_OUT": "<10"}, "total": "suppressed"},
    }
    api = FakeApi(lambda _: ok(document))
    assert json.loads(run("--json", "audit", "report", "2026-Q4", api=api).stdout) == document
    rows = list(csv.reader(io.StringIO(run("audit", "report", "2026-Q4", "--csv", api=api).stdout)))
    assert rows[0] == ["section", "breakdown", "value", "count"]
    assert ["submitted", "by_purpose", "research", "2"] in rows
    assert ["records_withheld", "total", "", "suppressed"] in rows
    assert api.asked[0].path == "/v1/audit/reports/2026-Q4"


def test_a_volume_report_is_json_or_a_table() -> None:
    threshold = {
        **dict.fromkeys(VOLUME_COLUMNS),
        "threshold": "night",
        "nhs": 1,
        "scope": "person",
        "measure": "night_releases",
        "window": "30_days",
        "warn_above": 1,
        "warned": 2,
        "held": 0,
        "blocked": 0,
        "let_through": 0,
        "highest": 3,
    }
    document = {"month": "2026-11", "complete": False, "size": 9, "thresholds": [threshold], "occasions": [], "more": 0}
    api = FakeApi(lambda _: ok(document))
    assert json.loads(run("--json", "audit", "volumes", "2026-11", api=api).stdout) == document
    rows = list(csv.reader(io.StringIO(run("audit", "volumes", "2026-11", "--csv", api=api).stdout)))
    assert rows[0] == list(VOLUME_COLUMNS)
    assert rows[1] == ["night", "1", "person", "night_releases", "30_days", "1", "", "", "2", "0", "0", "0", "3"]
    assert api.asked[0].path == "/v1/audit/volume-reports/2026-11"


@pytest.mark.parametrize("proven", [True, False])
def test_a_letter_says_what_a_person_may_know(tmp_path: Path, proven: bool) -> None:
    number = some_nhs_numbers(1)[0]
    kept = {**HIT, "index": 9, "disclosed": False, "outcome": "NDOO_OPTED_OUT"}
    answer = {"found": [HIT, kept], "searched": {"size": 12, "root": "ab" * 32}, "proven": proven, "tags": []}
    api, letter = FakeApi([ok(answer)]), tmp_path / "letter.txt"
    result = run(
        "audit", "subject", "--nhs-number-file", "-", "--reason", "subject_access_request",
        "--for-person", str(letter), *(["--proof"] if proven else []), api=api, stdin=f"{number}\n",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert api.asked[0].body == {
        "nhs_number": number,
        "reason": "subject_access_request",
        **({"proof": True} if proven else {}),
    }
    assert letter.stat().st_mode & 0o777 == 0o600
    text = letter.read_text()
    given, withheld = text.split("nothing was given: once.")
    for told in (
        "02 July 2026, 00:30, London time",
        "organisation X26",
        "heart-2026",
        "support under section 251 of the NHS Act 2006 (s251_reg5)",
        "section 251 support (S251_SUPPORTED)",
        "NHS number, date of birth",
    ):
        assert told in given, told
    assert "identifiers " not in withheld.split("Every entry")[0].split("The answer")[0]
    assert ("Every entry of the ledger was read" in text) is proven
    for secret in (STAFF, "ab" * 16 + '"', number):
        assert secret not in text
    assert number not in result.output


def test_every_basis_has_plain_words() -> None:
    assert set(subject_letter._BASES) == {basis.value for basis in LegalBasis if basis is not LegalBasis.NONE}


def test_a_letter_to_somebody_nobody_asked_about(tmp_path: Path) -> None:
    api = FakeApi([ok({"found": [], "searched": {"size": 12, "root": "ab" * 32}, "proven": True, "tags": []})])
    letter = tmp_path / "letter.txt"
    arguments = ["--nhs-number-file", "-", "--reason", "complaint", "--for-person", str(letter)]
    run("audit", "subject", *arguments, api=api, stdin="9990000018")
    assert letter.read_text().count(": never.") == 2


def test_a_person_s_tags_are_kept_for_the_verifier(tmp_path: Path) -> None:
    told = ["0a" * 16, "0b" * 16]
    api = FakeApi([ok({"found": [], "searched": {"size": 12, "root": "ab" * 32}, "proven": False, "tags": told})])
    tags = tmp_path / "tags.txt"
    arguments = ["--nhs-number-file", "-", "--reason", "complaint", "--tags", str(tags)]
    result = run("audit", "subject", *arguments, api=api, stdin="9990000018")
    assert result.exit_code == 0, result.stderr
    assert tags.read_text().split() == told
    assert tags.stat().st_mode & 0o777 == 0o600
