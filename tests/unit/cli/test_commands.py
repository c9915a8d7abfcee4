"""The command: data on stdout, words on stderr, an exit code a script can act on, files for their owner only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from infra.routes import ROOT
from keyholder.cli.main import COMMANDS, cli
from keyholder.cli.session import Session
from keyholder.client.storage import Storage
from keyholder.client.transport import Reply
from keyholder.collection.vocabulary import DropRule
from keyholder.pseudonyms.token import Scheme, Token, ciphertext_length
from keyholder.vocabulary import IdentifierType
from tests.people import some_nhs_numbers
from tests.unit.client.fake_api import URL, Asked, FakeApi, ok, problem, view
from tests.unit.client.fake_extracts import FakeExtracts

PEOPLE = some_nhs_numbers(4)
HASH = "ab" * 32
EXAMPLES = ROOT / "docs" / "examples"
RULES = json.loads((EXAMPLES / "collection-rules.json").read_text())
CODED = {"items", "code_list"}
SETTINGS = {"KEYHOLDER_URL": URL, "KEYHOLDER_TOKEN": "token"}


def run(
    *arguments: str,
    api: FakeApi | None = None,
    settings: Mapping[str, str] = SETTINGS,
    files: Storage | None = None,
) -> Result:
    session = Session(settings, api or FakeApi([]), files=files)
    return CliRunner().invoke(cli, list(arguments), obj=session)


def test_every_command_is_there_and_says_what_it_does() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for name in COMMANDS:
        assert name in result.stdout
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        assert command.help
        for inner in command.commands.values() if isinstance(command, click.Group) else ():
            assert inner.help, inner.name


@pytest.mark.parametrize(
    ("status", "slug", "exit_code"),
    [
        (401, "not-signed-in", 4),
        (403, "forbidden", 3),
        (404, "not-found", 1),
        (409, "conflict", 5),
        (409, "still-running", 7),
        (412, "stale", 5),
        (422, "invalid", 1),
        (500, "fault", 1),
    ],
)
def test_each_problem_has_its_exit_code_and_its_words_on_stderr(status: int, slug: str, exit_code: int) -> None:
    api = FakeApi(lambda _: problem(status, slug, headers={"retry-after": "0"}))
    result = run("request", "show", "REQ-1", api=api)
    assert result.exit_code == exit_code
    assert result.stdout == ""
    assert "Something. Do something else." in result.stderr
    as_json = run("--json", "request", "show", "REQ-1", api=api)
    assert json.loads(as_json.stderr)["status"] == status


@pytest.mark.parametrize(
    ("settings", "exit_code"),
    [
        ({}, 2),
        ({"KEYHOLDER_URL": "http://keyholder.test", "KEYHOLDER_TOKEN": "token"}, 2),
        ({"KEYHOLDER_URL": URL}, 4),
        ({"KEYHOLDER_URL": URL, "KEYHOLDER_TOKEN_FILE": "/nowhere/at/all"}, 4),
        ({**SETTINGS, "KEYHOLDER_CA_BUNDLE": "/nowhere/at/all"}, 2),
    ],
)
def test_what_is_not_configured_is_said_before_anything_is_sent(settings: Mapping[str, str], exit_code: int) -> None:
    api = FakeApi([])
    result = run("request", "list", api=api, settings=settings)
    assert result.exit_code == exit_code
    assert "KEYHOLDER_" in result.stderr
    assert not api.asked


@pytest.mark.parametrize("url", [URL, f"{URL}/", f"{URL}/v1", f"{URL}/v1/"])
def test_the_address_may_end_in_the_version_of_the_api(url: str) -> None:
    api = FakeApi([ok({"items": [], "next": None})])
    assert run("request", "list", api=api, settings={**SETTINGS, "KEYHOLDER_URL": url}).exit_code == 0
    assert api.asked[0].path == "/v1/requests"


def test_a_token_file_is_read_at_each_call(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from-file\n")
    api = FakeApi([ok({"items": [], "next": None})])
    settings = {"KEYHOLDER_URL": URL, "KEYHOLDER_TOKEN_FILE": str(file)}
    assert run("request", "list", api=api, settings=settings).exit_code == 0
    assert api.asked[0].headers["authorization"] == "Bearer from-file"


def practice(folder: Path, header: str, *rows: str) -> list[str]:
    """An extract and the Type 1 file of its practice, as arguments."""
    extract, events = folder / "extract.csv", folder / "type-1.csv"
    extract.write_text("".join(f"{line}\n" for line in (header, *rows)))
    events.write_text(
        "nhs_number,system,code,recorded_on\n"
        f"{PEOPLE[0]},,,\n{PEOPLE[1]},snomed,827241000000103,2024-02-01\n{PEOPLE[2]},,,\n"
    )
    return ["--json", "pseudonymise", str(extract), "--domain", "gp-2026", "--type-1", str(events)]


def test_type_1_opt_outs_never_leave_the_practice(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    rows = [f"{number},LS1 4AP,E01000001,,Smith" for number in PEOPLE]
    arguments = practice(tmp_path, "nhs_number,postcode,lsoa,date_of_death,surname", *rows)
    api = FakeApi(pseudonyms)
    result = run(*arguments, "--out", str(out), "--batch", "1", api=api)
    assert result.exit_code == 0, result.stderr
    sent = json.dumps([asked.body for asked in api.asked])
    assert [number in sent for number in PEOPLE] == [True, False, True, False]
    assert "Smith" not in sent
    assert len(api.asked) == 2
    assert out.read_text() == (
        "patient_id_deid,postcode_deid,date_of_death_deid,lsoa\n"
        f"SN{PEOPLE[0]},SNLS1 4AP,,E01000001\nSN{PEOPLE[2]},SNLS1 4AP,,E01000001\n"
    )
    assert out.stat().st_mode & 0o777 == 0o600
    counts = json.loads(result.stdout)
    assert (counts["read"], counts["dropped_type1"], counts["dropped_unknown"], counts["pseudonymised"]) == (4, 1, 1, 2)
    assert counts["columns_left_out"] == {"surname": "name"}
    assert counts["synthetic"] == 2
    assert "2 of these have a synthetic NHS number" in result.stderr
    assert "surname was left out: names are not collected" in result.stderr
    assert not any(number in result.output for number in PEOPLE)


def test_a_dry_run_counts_by_rule_and_sends_and_writes_nothing(tmp_path: Path) -> None:
    rows = [f"{PEOPLE[0]},,EX1..,2024-01-01", f"{PEOPLE[2]},1999-01-01,,", f"{PEOPLE[2]},,H33..,2024-01-01"]
    arguments = practice(tmp_path, "nhs_number,date_of_death,code,recorded_on", *rows)
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps({**RULES, "items": {"code": "code", "recorded_on": "recorded_on"}}))
    (tmp_path / "barred-codes.json").write_text((EXAMPLES / "barred-codes.json").read_text())
    api, before = FakeApi([]), sorted(tmp_path.iterdir())
    out = tmp_path / "out.csv"
    dry = run(*arguments, "--collection", str(rules), "--dry-run", "--out", str(out), api=api, settings={})
    assert dry.exit_code == 0, dry.stderr
    counts = json.loads(dry.stdout)
    assert counts["dropped"] == {**dict.fromkeys(DropRule, 0), "died_before_start": 1, "code_not_shared": 1}
    assert (counts["read"], counts["sent"], counts["dry_run"]) == (3, 0, True)
    assert "1 would be sent" in dry.stderr
    assert "1 dropped: a code that may not be shared by law" in dry.stderr
    for_real = run(*arguments, "--collection", str(rules), "--out", str(out), api=api)
    assert for_real.exit_code == 1
    assert "example" in for_real.stderr
    assert sorted(tmp_path.iterdir()) == before
    assert not api.asked


@pytest.mark.parametrize(
    ("rules", "more", "words"),
    [
        ({}, [], "--out"),
        ({"domain": "other"}, ["--dry-run"], "another domain"),
        ({"began_on": "2999-01-01"}, ["--dry-run"], "2999-01-01"),
        ({"clear_columns": ["surname"]}, ["--dry-run"], "names, addresses, free text or images"),
    ],
)
def test_rules_that_do_not_fit_are_said_before_anything_is_read(
    tmp_path: Path, rules: Mapping[str, object], more: list[str], words: str
) -> None:
    path = tmp_path / "rules.json"
    path.write_text(json.dumps({name: value for name, value in {**RULES, **rules}.items() if name not in CODED}))
    api = FakeApi([])
    result = run(*practice(tmp_path, "nhs_number,date_of_death"), "--collection", str(path), *more, api=api)
    assert result.exit_code in {1, 2}
    assert words in result.stderr
    assert not api.asked


def test_more_rows_than_one_call_takes_go_as_a_file_and_nobody_notices(tmp_path: Path) -> None:
    crowd = some_nhs_numbers(5_003)
    rows = [f"{number},LS1 4AP,E01000001,," for number in crowd]
    arguments = practice(tmp_path, "nhs_number,postcode,lsoa,date_of_death,surname", *rows)
    events = tmp_path / "type-1.csv"
    events.write_text("nhs_number,system,code,recorded_on\n" + "".join(f"{number},,,\n" for number in crowd))
    at, out = FakeExtracts(polls=[], part_rows=2_000), [tmp_path / name for name in ("file.csv", "calls.csv")]
    as_file = run(*arguments, "--out", str(out[0]), api=FakeApi(at), files=at)
    assert as_file.exit_code == 0, as_file.stderr
    assert at.told["rows"] == len(crowd)
    assert at.discarded
    in_calls = FakeApi(lambda asked: pseudonyms(asked, "S"))
    as_calls = run(*arguments, "--out", str(out[1]), "--batch", "5000", api=in_calls)
    assert len(in_calls.asked) == 2
    assert out[0].read_bytes() == out[1].read_bytes()
    assert (as_file.stdout, as_file.stderr) == (as_calls.stdout, as_calls.stderr)
    assert out[0].stat().st_mode & 0o777 == 0o600


def test_a_file_that_keyholder_refuses_leaves_no_output(tmp_path: Path) -> None:
    crowd = some_nhs_numbers(5_001)
    arguments = practice(tmp_path, "nhs_number,date_of_death", *(f"{number}," for number in crowd))
    (tmp_path / "type-1.csv").write_text(
        "nhs_number,system,code,recorded_on\n" + "".join(f"{number},,,\n" for number in crowd)
    )
    at, out = FakeExtracts(polls=[{"status": "refused", "code": "HASH_DIFFERS"}]), tmp_path / "out.csv"
    result = run(*arguments, "--out", str(out), api=FakeApi(at), files=at)
    assert result.exit_code == 1
    assert "HASH_DIFFERS" in result.stderr
    assert not out.exists()
    assert at.discarded


def pseudonyms(asked: Asked, mark: str = "SN") -> Reply:
    assert isinstance(asked.body, dict)
    rows = [
        {
            "row_id": row["row_id"],
            "status": "pseudonymised",
            "pseudonyms": {kind: f"{mark}{cell}" for kind, cell in row["identifiers"].items()},
        }
        for row in asked.body["rows"]
    ]
    return ok({"rows": rows})


def test_checking_pseudonyms_finds_a_typing_error_and_sends_nothing(tmp_path: Path) -> None:
    kind = IdentifierType.NHS_NUMBER
    token = str(Token(Scheme.AES_256_SIV_1, kind, 1, bytes(ciphertext_length(kind))))
    file = tmp_path / "rows.csv"
    file.write_text(f"patient_id_deid,lsoa\n{token},E01000001\n{token.lower()},x\n")
    good = run("--json", "request", "check", str(file))
    assert good.exit_code == 0
    assert json.loads(good.stdout)[0]["repeated"] == 1
    file.write_text(f"patient_id_deid\n{token}\n{token[:-1]}{'0' if token[-1] != '0' else '1'}\nno token\n")
    bad = run("--json", "request", "check", str(file))
    assert bad.exit_code == 1
    assert json.loads(bad.stdout)[0]["lines"] == {"mistyped": [3], "not_a_token": [4]}
    assert token not in bad.output


SAVED = {
    "domain_id": "gp-2026",
    "identifier_types": ["nhs_number", "postcode"],
    "schemes": {"nhs_number": "aes_256_siv_1", "postcode": "aes_256_siv_1"},
    "keys": {
        "nhs_number": {"1": "destroyed", "2": "retired", "3": "reversible", "4": "active"},
        "postcode": {"1": "active"},
    },
    "kms_key_arn": None,
}


def sealed(kind: IdentifierType, version: int, filler: int = 0) -> str:
    return str(Token(Scheme.AES_256_SIV_1, kind, version, bytes([filler]) * ciphertext_length(kind)))


def checked(folder: Path, header: str, *rows: str, domain: object = None) -> Result:
    """`request check` of these rows, with this domain saved beside them; nothing is ever sent."""
    file, saved, api = folder / "rows.csv", folder / "domain.json", FakeApi([])
    file.write_text("".join(f"{line}\n" for line in (header, *rows)))
    saved.write_text(json.dumps(domain))
    more = () if domain is None else ("--domain", str(saved))
    result = run("--json", "request", "check", str(file), *more, api=api, settings={})
    assert not api.asked
    return result


def test_each_word_of_the_check_is_counted_and_has_its_lines(tmp_path: Path) -> None:
    """Counts, duplicates, typing errors, wrong domain; each line has one thing wrong with it, or nothing."""
    number, postcode = IdentifierType.NHS_NUMBER, IdentifierType.POSTCODE
    good = sealed(number, 4)
    rows = [
        f"{good},gp-2026",
        f"{sealed(number, 3)},",
        f"{good.lower()},gp-2026",
        f"{good[:-1]}{'0' if good[-1] != '0' else '1'},gp-2026",
        f"{sealed(number, 5)},gp-2026",
        f"{sealed(number, 4, 1)},gp-2025",
        f"{sealed(number, 2)},gp-2026",
        f"{sealed(number, 1)},gp-2026",
        f"{sealed(postcode, 1)},gp-2026",
        ",gp-2026",
        "6213244148,gp-2026",
    ]
    result = checked(tmp_path, "patient_id_deid,domain", *rows, domain=SAVED)
    assert result.exit_code == 1
    (column,) = json.loads(result.stdout)
    assert (column["cells"], column["empty"], column["good"]) == (11, 1, 3)
    assert (column["repeated"], column["repeated_lines"]) == (1, [4])
    assert (column["malformed"], column["wrong_domain"]) == (1, 3)
    assert column["lines"] == {
        "mistyped": [5],
        "other_domain": [6, 7, 12],
        "key_retired": [8],
        "key_destroyed": [9],
        "other_type": [10],
    }
    assert not any(token.split(",")[0] in result.output for token in rows if not token.startswith(","))


def test_a_type_the_domain_never_had_is_of_another_domain(tmp_path: Path) -> None:
    row = sealed(IdentifierType.DATE_OF_BIRTH, 1)
    result = checked(tmp_path, "date_of_birth_deid", row, domain=SAVED)
    assert json.loads(result.stdout)[0]["lines"] == {"other_domain": [2]}
    alone = checked(tmp_path, "date_of_birth_deid", row)
    assert alone.exit_code == 0
    assert "wrong domain are not looked for" in alone.stderr


TEN_DIGITS = {**SAVED, "schemes": {**SAVED["schemes"], "nhs_number": "ff1"}, "keys": {"nhs_number": {"1": "active"}}}


def test_a_column_of_ten_digits_is_read_where_the_domain_says_so(tmp_path: Path) -> None:
    rows = ["6213244148", "1431326124", "6213244148", "621324414", sealed(IdentifierType.NHS_NUMBER, 1)]
    (column,) = json.loads(checked(tmp_path, "patient_id_deid", *rows, domain=TEN_DIGITS).stdout)
    assert (column["good"], column["repeated_lines"], column["wrong_domain"]) == (3, [4], 1)
    assert column["lines"] == {"not_a_token": [5], "other_domain": [6]}
    assert checked(tmp_path, "patient_id_deid", *rows[:3], domain=TEN_DIGITS).exit_code == 0
    (alone,) = json.loads(checked(tmp_path, "patient_id_deid", *rows[:3]).stdout)
    assert alone["lines"] == {"ten_digits": [2, 3, 4]}
    shut = {**TEN_DIGITS, "keys": {"nhs_number": {"1": "retired"}}}
    (column,) = json.loads(checked(tmp_path, "patient_id_deid", rows[0], domain=shut).stdout)
    assert column["lines"] == {"key_retired": [2]}


@pytest.mark.parametrize(
    "domain", [{}, [], {**SAVED, "schemes": {"nhs_number": "rot13"}}, {**SAVED, "keys": None}, "x"]
)
def test_a_file_that_is_no_saved_domain_is_said_so(tmp_path: Path, domain: object) -> None:
    result = checked(tmp_path, "patient_id_deid", "x", domain=domain)
    assert result.exit_code == 1
    assert "domain.json is no domain" in result.stderr


def test_a_domain_is_saved_as_the_check_reads_it(tmp_path: Path) -> None:
    out = tmp_path / "gp-2026.json"
    api = FakeApi([ok(SAVED)])
    assert run("request", "domain", "gp-2026", "--out", str(out), api=api).exit_code == 0
    assert api.asked[0].path == "/v1/domains/gp-2026"
    assert json.loads(out.read_text()) == SAVED


def test_a_file_in_another_encoding_is_said_so(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    for content in (b"patient_id_deid,\xe9\nx,y\n", b"patient_id_deid,name\nx,\xe9\n"):
        file.write_bytes(content)
        result = run("request", "check", str(file))
        assert result.exit_code == 1
        assert "UTF-8" in result.stderr


def test_a_domain_with_ten_digits_is_registered_with_a_warning() -> None:
    api = FakeApi([ok({"domain_id": "ten", "warnings": {"nhs_number": "not_authenticated"}}, 201)])
    arguments = ["admin", "domain", "add", "ten", "--controller", "X26", "--dataset", "gp"]
    result = run(*arguments, "--scheme", "nhs_number=ff1", "--collection-began-on", "2021-07-01", api=api)
    assert result.exit_code == 0, result.stderr
    assert isinstance(api.asked[0].body, dict)
    assert api.asked[0].body["schemes"] == {"nhs_number": "ff1"}
    assert api.asked[0].body["collection_began_on"] == "2021-07-01"
    assert "nhs_number pseudonyms are not authenticated" in result.stderr
    for wrong in ("nhs_number", "nhs_number=ff3", "name=ff1"):
        assert run(*arguments, "--scheme", wrong, api=api).exit_code == 2


def test_a_new_request_takes_its_records_from_the_extract(tmp_path: Path) -> None:
    rows, body = tmp_path / "rows.csv", tmp_path / "body.json"
    rows.write_text("patient_id_deid,local_id_deid,postcode_deid,lsoa\nN1,G1,P1,x\nN2,G2,,x\n")
    body.write_text(json.dumps({"project": "p", "wanted": [{"identifier_type": "postcode", "need": "linkage"}]}))
    api = FakeApi([ok({"request": view("draft")}, 201)])
    result = run("request", "new", str(body), "--rows", str(rows), "--domain", "gp-2026", api=api)
    assert result.exit_code == 0, result.stderr
    assert isinstance(api.asked[0].body, dict)
    assert api.asked[0].body["domains"] == [
        {
            "domain": "gp-2026",
            "records": [
                {"row_id": "1", "pseudonyms": {"nhs_number": "N1", "postcode": "P1"}},
                {"row_id": "2", "pseudonyms": {"nhs_number": "N2"}},
            ],
        }
    ]


def test_an_approval_names_the_hash_that_was_read_and_the_version_that_is(tmp_path: Path) -> None:
    api = FakeApi([ok(view(), etag='W/"4"'), ok(view("approved"))])
    arguments = ["REQ-1", "--domain", "gp-2026", "--content-hash", HASH]
    assert run("review", "approve", *arguments, api=api).exit_code == 2
    assert not api.asked
    result = run("review", "approve", *arguments, "--no-conflict-of-interest", api=api)
    assert result.exit_code == 0, result.stderr
    assert api.asked[1].headers["if-match"] == 'W/"4"'
    assert api.asked[1].body == {"domain": "gp-2026", "content_hash": HASH, "no_conflict_of_interest": True}


def test_a_release_writes_items_for_their_owner_only_and_prints_none(tmp_path: Path) -> None:
    items = [
        {"row_id": "1", "status": "released", "identifiers": {"nhs_number": PEOPLE[0], "postcode": "LS1 4AP"}},
        {"row_id": "2", "status": "not_available"},
    ]
    answer = {"release_id": "REL-1", "counts": {"released": "<10", "not_available": "<10"}, "items": items}
    out = tmp_path / "result.csv"
    result = run("request", "release", "REQ-1", "--out", str(out), api=FakeApi([ok(view("approved")), ok(answer)]))
    assert result.exit_code == 0, result.stderr
    assert out.read_text() == f"row_id,status,nhs_number,postcode\n1,released,{PEOPLE[0]},LS1 4AP\n2,not_available,,\n"
    assert out.stat().st_mode & 0o777 == 0o600
    assert PEOPLE[0] not in result.output


def test_a_released_file_is_collected_as_it_is(tmp_path: Path) -> None:
    answer = {"release_id": "REL-1", "counts": {}, "file": {"bytes": 5, "sha256": "ab"}}
    sealed = Reply(200, {"content-type": "application/octet-stream"}, b"\xff\x00age")
    api = FakeApi([ok(view("approved")), ok(answer), sealed])
    out = tmp_path / "result.csv.age"
    assert run("request", "release", "REQ-1", "--out", str(out), api=api).exit_code == 0
    assert out.read_bytes() == b"\xff\x00age"
    assert out.stat().st_mode & 0o777 == 0o600
    assert api.asked[2].body == {"release_id": "REL-1"}


def test_a_release_that_waits_for_controllers_is_not_yet(tmp_path: Path) -> None:
    api = FakeApi([ok(view("in_review"))])
    result = run("request", "release", "REQ-1", "--out", str(tmp_path / "x"), api=api)
    assert result.exit_code == 7
    assert len(api.asked) == 1


def test_a_ledger_is_downloaded_in_the_layout_of_the_verifier(tmp_path: Path) -> None:
    version = {"version_id": "v1", "is_delete_marker": False, "last_modified": "2026-01-01T00:00:00Z", "size": 2}
    first = {"key": f"journal/{0:020d}", "body": "a\n", "versions": [version]}
    second = {"key": f"checkpoint/{1:020d}", "body": "log\n1\nq80=\n\n", "versions": [version, version]}
    export = ok({"export_id": "E", "size": 1, "vkey": "k+1+AA=="}, 201)
    api = FakeApi([export, ok({"items": [first], "next": 1}), ok({"items": [second], "next": None})])
    folder = tmp_path / "ledger"
    result = run("audit", "download", str(folder), api=api)
    assert result.exit_code == 0, result.stderr
    assert (folder / first["key"]).read_text() == "a\n"
    assert (folder / second["key"]).read_text() == "log\n1\nq80=\n\n"
    assert (folder / "key.vkey").read_text() == "k+1+AA==\n"
    assert json.loads((folder / "versions.json").read_text()) == {
        first["key"]: [version],
        second["key"]: [version, version],
    }
    assert json.loads(result.stdout) == {"size": 1, "root": "abcd", "objects": 2, "vkey": "k+1+AA=="}
    assert run("audit", "download", str(folder)).exit_code == 1


@pytest.mark.parametrize("key", ["journal/../../x", "/etc/passwd", "journal/1", "key.vkey"])
def test_a_key_that_no_ledger_has_is_not_written(tmp_path: Path, key: str) -> None:
    export = ok({"export_id": "E", "size": 1, "vkey": "k"}, 201)
    api = FakeApi([export, ok({"items": [{"key": key, "body": "x", "versions": []}], "next": None})])
    result = run("audit", "download", str(tmp_path / "ledger"), api=api)
    assert result.exit_code == 1
    assert list((tmp_path / "ledger").rglob("*")) == []


def test_the_nhs_number_of_a_search_stands_on_no_command_line(tmp_path: Path) -> None:
    file = tmp_path / "number"
    file.write_text(f"{PEOPLE[0]}\n")
    found = {"index": 7, "request": "REQ-1", "at": "2026-01-01T00:00:00Z", "actor": "person/ab", "outcome": "released"}
    api = FakeApi([ok({"found": [found], "searched": {"size": 9, "root": "ab"}, "proven": False})])
    result = run("--json", "audit", "subject", "--nhs-number-file", str(file), "--reason", "subject_access", api=api)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == [found]
    assert PEOPLE[0] not in result.output
    assert api.asked[0].body == {"nhs_number": PEOPLE[0], "reason": "subject_access"}


def test_the_operator_loads_what_files_hold(tmp_path: Path) -> None:
    events, asked, reply, consents = (tmp_path / name for name in ("t1.csv", "asked.dat", "reply.dat", "c.ndjson"))
    events.write_text(f"nhs_number,system,code,recorded_on\n{PEOPLE[0]},,,\n{PEOPLE[1]},readv2,9Nu0.,2024-01-01\n")
    asked.write_text(f"{PEOPLE[0]},\n")
    reply.write_text("")
    consents.write_text('{"resourceType":"Consent"}\n{"resourceType":"Consent"}\n')
    api = FakeApi([ok({"register": "R1"})] * 3)
    moment = "2026-01-01T10:00:00+00:00"
    for arguments in (
        ["type-1", "add", str(events), "--source", "A1", "--as-at", moment],
        [
            "opt-outs",
            "add",
            "--requested",
            str(asked),
            "--reply",
            str(reply),
            "--performed-at",
            moment,
            "--source",
            "M",
        ],
        ["consents", "add", str(consents), "--source", "S"],
    ):
        result = run("admin", *arguments, api=api)
        assert result.exit_code == 0, result.stderr
    bodies = [each.body for each in api.asked]
    assert bodies == [
        {"rows": events.read_text(), "as_at": moment, "source": "A1"},
        {"requested": f"{PEOPLE[0]},\n", "reply": "", "performed_at": moment, "mode": "direct", "source": "M"},
        {"resources": '{"resourceType":"Consent"}\n' * 2, "source": "S"},
    ]


def test_a_person_and_a_domain_are_registered() -> None:
    api = FakeApi([ok({"person_id": "person/ab"}, 201), ok({"domain_id": "gp-2026", "keys": {}}, 201)])
    assert run("admin", "person", "add", "--subject", "s1", "--role", "auditor:X26", api=api).exit_code == 0
    arguments = ["gp-2026", "--controller", "RX1", "--controller", "X26", "--dataset", "gp"]
    assert run("admin", "domain", "add", *arguments, api=api).exit_code == 0
    person, domain = (asked.body for asked in api.asked)
    roles = [{"role": "auditor", "organisation": "X26"}]
    assert person == {"subject": "s1", "roles": roles, "kind": "human"}
    assert isinstance(domain, dict)
    assert domain["identifier_types"] == [kind.value for kind in IdentifierType]
    assert run("admin", "person", "add", "--subject", "s1", "--role", "king:X26", api=api).exit_code == 2


def test_serving_outside_a_checkout_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("keyholder.cli.dev.__file__", str(tmp_path / "dev.py"))
    result = run("dev", "serve")
    assert result.exit_code == 1
    assert "checkout" in result.stderr
