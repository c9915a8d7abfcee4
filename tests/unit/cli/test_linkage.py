"""`keyholder linkage` and `keyholder translate`: what each command sends, and what is left of a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from keyholder.cli.main import cli
from keyholder.cli.session import Session
from keyholder.client.transport import Reply
from tests.unit.client.fake_api import URL, Asked, FakeApi, ok

SETTINGS = {"KEYHOLDER_URL": URL, "KEYHOLDER_TOKEN": "token"}
PATH = "/v1/linkage-agreements/LNK-1"
TERMS = {
    "from_domain": "gp-2026",
    "to_domain": "registry-2026",
    "identifier_types": ["postcode"],
    "covers": "everybody",
}


def agreement(state: str = "in_force", **terms: object) -> dict[str, Any]:
    return {
        "agreement_id": "LNK-1",
        "version": 4,
        "state": state,
        "terms": {**TERMS, **terms},
        "terms_hash": "ab" * 32,
    }


def run(api: FakeApi, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--json", *arguments], obj=Session(SETTINGS, api))


def test_terms_are_proposed_as_the_file_has_them(tmp_path: Path) -> None:
    file = tmp_path / "terms.json"
    file.write_text(json.dumps(TERMS))
    api = FakeApi([ok(agreement("proposed"), 201)])
    result = run(api, "linkage", "propose", str(file))
    assert result.exit_code == 0, result.stderr
    ((asked),) = api.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/v1/linkage-agreements", TERMS)
    assert json.loads(result.stdout)["state"] == "proposed"


def test_an_approval_names_the_hash_the_version_and_the_domain() -> None:
    api = FakeApi([ok(agreement("proposed")), ok(agreement())])
    said = ["--domain", "gp-2026", "--terms-hash", "ab" * 32, "--no-conflict-of-interest", "--organisation", "RX1"]
    assert run(api, "linkage", "approve", "LNK-1", *said).exit_code == 0
    read, asked = api.asked
    assert (read.method, read.path) == ("GET", PATH)
    assert (asked.path, asked.headers["if-match"]) == (f"{PATH}/approve", 'W/"4"')
    assert asked.body == {
        "domain": "gp-2026",
        "terms_hash": "ab" * 32,
        "no_conflict_of_interest": True,
        "organisation": "RX1",
    }


def test_one_controller_ends_it() -> None:
    api = FakeApi([ok(agreement()), ok(agreement("ended"))])
    assert run(api, "linkage", "end", "LNK-1", "--reason", "no_longer_needed").exit_code == 0
    assert (api.asked[1].path, api.asked[1].body) == (f"{PATH}/end", {"reason": "no_longer_needed"})
    assert api.asked[1].headers["if-match"] == 'W/"4"'


def test_agreements_are_listed_page_by_page() -> None:
    api = FakeApi([ok({"items": [agreement()], "next": "c"}), ok({"items": [agreement("ended")], "next": None})])
    result = run(api, "linkage", "list", "--domain", "gp-2026")
    assert [one["state"] for one in json.loads(result.stdout)] == ["in_force", "ended"]
    assert api.asked[1].path == "/v1/domains/gp-2026/linkage-agreements?cursor=c"


@pytest.mark.parametrize(
    "arguments",
    [
        ["approve", "LNK-1", "--domain", "gp-2026", "--terms-hash", "ab"],
        ["approve", "LNK-1", "--terms-hash", "ab", "--no-conflict-of-interest"],
        ["end", "LNK-1"],
        ["end", "LNK-1", "--reason", "because of 9990000018"],
    ],
)
def test_what_is_half_said_is_not_sent(arguments: list[str]) -> None:
    api = FakeApi([])
    assert run(api, "linkage", *arguments).exit_code == 2
    assert not api.asked


class Translating:
    """Answers as the API: `S…` becomes `T…`, `gone` is not available, everything else malformed."""

    def __init__(self, **terms: object) -> None:
        self.terms = terms

    def __call__(self, asked: Asked) -> Reply:
        if asked.method == "GET":
            return ok(agreement(**self.terms))
        assert isinstance(asked.body, dict)
        agreed = {**TERMS, **self.terms}["identifier_types"]
        rows = []
        for row in asked.body["rows"]:
            cells = {kind: cell for kind, cell in row["pseudonyms"].items() if kind in agreed}
            rows.append(
                {
                    "row_id": row["row_id"],
                    "statuses": {kind: self.status(cell) for kind, cell in cells.items()},
                    "pseudonyms": {
                        kind: "T" + cell[1:] for kind, cell in cells.items() if self.status(cell) == "translated"
                    },
                }
            )
        return ok({"agreement_id": "LNK-1", "domain": "registry-2026", "rows": rows})

    @staticmethod
    def status(cell: str) -> str:
        return "translated" if cell.startswith("S") else "not_available" if cell == "gone" else "malformed"


def translated(tmp_path: Path, text: str, *more: str, **terms: object) -> tuple[Result, str, FakeApi]:
    file, out = tmp_path / "in.csv", tmp_path / "out.csv"
    file.write_text(text)
    api = FakeApi(Translating(**terms))
    result = run(api, "translate", str(file), "--agreement", "LNK-1", "--out", str(out), *more)
    return result, out.read_text() if out.exists() else "", api


def test_no_pseudonym_of_the_source_is_left_in_the_file_for_the_target(tmp_path: Path) -> None:
    text = "lsoa,patient_id_deid,postcode_deid,date_of_birth_deid\nE1,SN1,SP1,SB1\nE2,SN2,gone,\nE3,SN3,,SB3\n"
    result, out, api = translated(tmp_path, text)
    assert result.exit_code == 0, result.stderr
    assert out == "lsoa,postcode_deid\nE1,TP1\nE2,\nE3,\n"
    assert api.asked[1].path == f"{PATH}/translations"
    assert [row["pseudonyms"] for row in api.asked[1].body["rows"]] == [  # type: ignore[index]  # an object
        {"nhs_number": "SN1", "postcode": "SP1"},
        {"nhs_number": "SN2", "postcode": "gone"},
    ]
    assert "patient_id_deid was left out" in result.stderr
    assert "date_of_birth_deid was left out" in result.stderr
    assert json.loads(result.stdout)["cells"] == {"postcode_deid": {"not_available": 1, "translated": 1}}


def test_what_was_not_chosen_is_left_out_too_and_a_fault_ends_with_1(tmp_path: Path) -> None:
    text = "patient_id_deid,postcode_deid,note\nSN1,SP1,a\nSN2,typo,b\n"
    chosen = ("--column", "nhs_number=patient_id_deid", "--status")
    result, out, _ = translated(tmp_path, text, *chosen, identifier_types=["nhs_number", "postcode"])
    assert (result.exit_code, out) == (
        0,
        "patient_id_deid,patient_id_deid_status,note\nTN1,translated,a\nTN2,translated,b\n",
    )
    result, out, _ = translated(tmp_path, text, identifier_types=["nhs_number", "postcode"])
    assert (result.exit_code, out) == (1, "patient_id_deid,postcode_deid,note\nTN1,TP1,a\nTN2,,b\n")
    assert "postcode_deid: malformed on line 3" in result.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [("postcode_deid\nSP1\n", "NHS number"), ("patient_id_deid\nSN1\n", "the agreement is about")],
)
def test_a_file_that_does_not_say_whom_its_rows_are_about_is_not_sent(tmp_path: Path, text: str, words: str) -> None:
    result, out, api = translated(tmp_path, text)
    assert (result.exit_code, out) == (1, "")
    assert words in result.stderr
    assert [asked.method for asked in api.asked] == ["GET"]
