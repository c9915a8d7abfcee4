"""Case files: what is not known is refused by name, and every difference is told."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from keyholder.cli.policy import policy
from keyholder.policy.assess import assess_person
from keyholder.policy.cases import CaseFileError, Difference, differences, outward_body, read_cases
from keyholder.policy.settings import STATED
from keyholder.policy.vocabulary import OutwardCode
from tests.unit.policy.examples import CASE_FILE, NOW, OPTED_OUT, TYPE1_SET, person, request

GIVEN: dict[str, Any] = json.loads(CASE_FILE.read_text())


def changed(path: str, value: object, place: int = 0) -> bytes:
    """The file with one value of one case changed; `...` takes the field away."""
    document = copy.deepcopy(GIVEN)
    node = document["cases"][place]
    *way, last = path.split(".")
    for step in way:
        node = node[step]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return json.dumps(document).encode()


WRONG = [
    ("request.purpose", "resarch"),
    ("request.purpose", None),
    ("request.legal_basis", ""),
    ("request.output_form", "list"),
    ("request.source_dataset", "dental"),
    ("request.care_origin", "scotland"),
    ("request.requester.role", "admin"),
    ("request.cag.status", "open"),
    ("request.cag.opt_out_condition", True),
    ("request.cag.ref", "25/CAG/36"),
    ("request.cag.ref", "25-CAG-0036"),
    ("request.cag.ref", "PIAG 03a/2001"),
    ("request.cag.ref", "CAG 03(a)/2013"),
    ("request.cag.ends_on", "2025-02-30"),
    ("request.cag.permits_reidentification", "yes"),
    ("request.rec.ref", "25/CAG/0036"),
    ("request.rec.ref", "25/LO/123"),
    ("request.rec.favourable", 1),
    ("request.dsa.ref", "DARS-NIC-1234-A1B2C"),
    ("request.dsa.ref", "DARS-NIC-123456-A1B2C-1.2"),
    ("request.dsa.ref", "DARS-NIC-123456-A1B2C\n"),
    ("request.dsa.ends_on", "2026-3-31"),
    ("request.dsa.ends_on", None),
    ("request.project_id", ""),
    ("request.controllers_required", "X26"),
    ("request.requester.accredited_until", "2026-12-31T00:00:00Z"),
    ("request.identifiers_requested", None),
    ("request.iras", "22930"),
    ("request.iras", 229300),
    ("request.colour", "red"),
    ("request.cag", ...),
    ("request.purpose", ...),
    ("subject.ndoo_check.state", "unknown"),
    ("subject.ndoo_check.mode", "batch"),
    ("subject.ndoo_check.performed_on", "10/06/2025"),
    ("subject.ndoo_check.performed_on", "20250610"),
    ("subject.pds_security", "V"),
    ("subject.type1_known", None),
    ("subject.programme_opt_out", "no"),
    ("subject.age_years", -1),
    ("subject.age_years", True),
    ("subject.consent", []),
    ("as_of", "2025-06-10T10:00:00"),
    ("as_of", "2025-06-10"),
    ("as_of", "2025-06-10 10:00:00+01:00"),
    ("as_of", "2025-06-10T25:00:00+01:00"),
    ("expected.decision", "allow"),
    ("expected.warnings", [1]),
    ("expected.colour", "red"),
    ("expected", ...),
]


@pytest.mark.parametrize(("path", "value"), WRONG, ids=str)
def test_a_wrong_value_is_refused_with_the_case_and_the_field(path: str, value: object) -> None:
    with pytest.raises(CaseFileError) as caught:
        read_cases(changed(path, value))
    assert str(caught.value).startswith(f"PC-001: {path}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("request.identifiers_requested", ["nhs_number", "name"], "request.identifiers_requested[1]"),
        ("request.controllers_refused", ["X26", "x 26"], "request.controllers_refused[1]"),
        ("expected.reasons", ["S251_SUPPORTED", "BECAUSE"], "expected.reasons[1]"),
        (
            "request.requester.care_relationship",
            {"from": "2020-01-01T00:00:00", "to": None},
            "request.requester.care_relationship.from",
        ),
        (
            "request.copi",
            {"notice": True, "notice_from": "2022-02-10", "notice_to": "2022-06-31", "purpose": "covid19"},
            "request.copi.notice_to",
        ),
        (
            "request.public_interest_test",
            {"documented": True, "individual": True, "approved_by_role": "manager"},
            "request.public_interest_test.approved_by_role",
        ),
    ],
)
def test_a_wrong_value_inside_is_refused_with_its_place(path: str, value: object, field: str) -> None:
    with pytest.raises(CaseFileError) as caught:
        read_cases(changed(path, value))
    assert str(caught.value).startswith(f"PC-001: {field}: ")


@pytest.mark.parametrize(
    ("kind", "system", "code", "on", "field"),
    [
        ("type1", "readv3", "9Nu0.", "2020-01-01", "system"),
        ("type1", "readv2", "9nu0.", "2020-01-01", "code"),
        ("type1", "ctv3", "XaZ8A", "2020-01-01", "code"),
        ("type1", "readv2", "9Nu4.", "2020-01-01", "code"),
        ("type2", "readv2", "9Nu0.", "2020-01-01", "code"),
        ("type2", "ctv3", "XaaVL", "2020", "on"),
    ],
)
def test_a_wrong_event_is_refused_with_its_place(kind: str, system: str, code: str, on: str, field: str) -> None:
    event = {"system": system, "code": code, "on": on}
    with pytest.raises(CaseFileError, match=rf"^PC-001: subject\.{kind}_events\[0\]\.{field}: "):
        read_cases(changed(f"subject.{kind}_events", [event]))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("request.cag.ref", "22/CAG/0129"),
        ("request.cag.ref", "CAG 7-04(a)/2013"),
        ("request.cag.ref", "PIAG 4-08(b)/2003"),
        ("request.cag.ref", "PIAG 4-05(j)/2006"),
        ("request.cag.ref", "PIAG 03(a)/2001"),
        ("request.cag.ref", None),
        ("request.rec.ref", "21/LO/0123"),
        ("request.iras", "229300"),
        ("request.iras", "1234567"),
        ("request.dsa.ref", "DARS-NIC-00574-V2H1F-v4.2"),
        ("request.dsa.ref", "DARS-NIC-00574-V2H1F"),
        ("request.dsa", None),
        ("request.requester.accredited_until", None),
        ("request.legal_basis", "none"),
        ("as_of", "2025-06-10T09:00:00Z"),
        ("subject.pds_security", "R"),
    ],
)
def test_a_right_value_is_read(path: str, value: object) -> None:
    assert len(read_cases(changed(path, value)).cases) == len(GIVEN["cases"])


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "JSON"),
        (b"\xff", "JSON"),
        (b"[1]", "object"),
        (b"{}", "cases"),
        (b'{"cases": []}', "no case"),
        (b'{"cases": {}}', "list"),
        (b'{"cases": [], "cases": []}', "twice"),
        (b'{"cases": [{"id": NaN}]}', "number"),
        (b'{"cases": [{}]}', r"cases\[0\].id"),
        (b"[" * 100_000, "JSON"),
    ],
)
def test_a_file_that_is_none_is_refused(body: bytes, says: str) -> None:
    with pytest.raises(CaseFileError, match=says):
        read_cases(body)


def test_an_id_given_twice_is_refused() -> None:
    with pytest.raises(CaseFileError, match="PC-001: the file gives this id twice"):
        read_cases(changed("id", "PC-001", place=1))


@given(
    st.binary(max_size=200) | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(repr).map(str.encode)
)
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with pytest.raises(CaseFileError):
        read_cases(body)


@given(
    st.sampled_from(sorted({path for path, _ in WRONG if not path.endswith(("colour", "iras"))})),
    st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.lists(st.text(max_size=3), max_size=2),
)
def test_any_value_is_read_or_refused_by_name(path: str, value: object) -> None:
    said = f"PC-001: {path}"
    try:
        list(differences(read_cases(changed(path, value))))
    except CaseFileError as refused:
        said = str(refused)
    assert said.startswith(f"PC-001: {path}")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("decision", "withhold"),
        ("scope", "request"),
        ("reasons", []),
        ("warnings", ["CAG_REVIEW_OVERDUE"]),
        ("ndoo_applied", None),
        ("type1_applied", False),
        ("identifiers_released", []),
        ("outward_code", "PENDING"),
    ],
)
def test_every_field_is_compared(path: str, value: object) -> None:
    found = list(differences(read_cases(changed(f"expected.{path}", value))))
    assert [(one.case_id, one.field, one.expected) for one in found] == [
        ("PC-001", path, tuple(value) if isinstance(value, list) else value)
    ]


def test_the_batch_case_is_compared() -> None:
    document = copy.deepcopy(GIVEN)
    document["batch_case"]["items"][1]["outward_code"] = "PENDING"
    (found,) = differences(read_cases(json.dumps(document).encode()))
    assert found == Difference("PB-001", "items[1].outward_code", "PENDING", OutwardCode.NOT_AVAILABLE)
    del document["batch_case"]["items"][1]["internal"]
    with pytest.raises(CaseFileError, match=r"PB-001: items\[1\].internal"):
        read_cases(json.dumps(document).encode())


def test_the_withheld_of_one_batch_cannot_be_told_apart() -> None:
    """PB-001 with real people: opted out, Type 1, unknown code."""
    people = (
        person(ndoo_check=OPTED_OUT),
        person(type1_events=(TYPE1_SET,)),
        person(pseudonym_resolves=False),
    )
    got = [assess_person(request(), somebody, STATED, NOW) for somebody in people]
    assert len({one.reasons for one in got}) == 3
    assert len({outward_body(one.outward_code) for one in got}) == 1
    assert outward_body(got[0].outward_code) != outward_body(
        assess_person(request(), person(), STATED, NOW).outward_code
    )


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `keyholder policy …`."""
    result = CliRunner().invoke(policy, arguments)
    return result.exit_code, result.stdout, result.stderr


def test_the_command_agrees_with_the_published_cases() -> None:
    assert run("check", str(CASE_FILE)) == (0, "50 cases and the batch case agree\n", "")


def test_the_command_tells_each_difference(tmp_path: Path) -> None:
    file = tmp_path / "cases.json"
    file.write_bytes(changed("expected.decision", "hold"))
    code, out, err = run("check", str(file))
    assert (code, out) == (1, 'PC-001 decision: expected "hold", got "release"\n')
    assert err == "1 differences in 1 cases\n"


@pytest.mark.parametrize("body", [None, b"nothing", changed("request.purpose", "x")])
def test_the_command_refuses_what_it_cannot_use_in_one_line(body: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "cases.json"
    if body is not None:
        file.write_bytes(body)
    code, out, err = run("check", str(file))
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert str(file) in err
