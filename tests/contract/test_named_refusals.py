"""Every refusal of a draft names the field, the rule and the way out, and keeps the draft; so each lack of a quorum."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.api import SUBJECTS, Answer, Api
from tests.contract.settled import (
    DOMAIN,
    JUSTIFICATION,
    Asked,
    Extract,
    change_person,
    domain_body,
    draft,
    expect,
    project_body,
    request_body,
)

BELL = "We ask because of\x07 a finding in the extract."
LEFT = "second-controller"


def named(answer: Answer, status: int, pointer: str, code: str | None = None) -> None:
    """What every refusal tells: the rule, the field, and what would make it allowed."""
    assert answer.status == status, answer.everything
    document = answer.json
    assert pointer in [error["pointer"] for error in document["errors"]], document
    assert all(error["detail"] for error in document["errors"])
    assert document.get("code") == code
    assert document["advice"] if code else document["detail"]


def body_with(extract: Extract, name: str) -> dict[str, Any]:
    """A request with one thing wrong in it."""
    record = extract.record(0)
    empty = {"row_id": "none", "pseudonyms": {}}
    many = [{"row_id": f"row-{number}", "pseudonyms": {"nhs_number": "x"}} for number in range(10_001)]
    records: dict[str, list[Any]] = {"no pseudonym": [], "an empty record": [empty], "more than a request takes": many}
    if name in records:
        return request_body(extract, domains=[{"domain": DOMAIN, "records": records[name]}])
    changes: dict[str, dict[str, Any]] = {
        "an unknown project": {"project": "nobody-knows-it"},
        "a control character in the text": {"justification": BELL},
        "a control character in a reference": {"references": {"direction": "S259\x07 2025"}},
        "a row twice": {"domains": [{"domain": DOMAIN, "records": [record, record]}]},
        "a day that never was": {"destroy_by": "2026-02-30"},
    }
    return request_body(extract, **changes[name])


@pytest.mark.parametrize(
    ("name", "pointer", "code"),
    [
        ("no pseudonym", "/domains/0/records", None),
        ("an empty record", "/domains/0/records/0/pseudonyms", None),
        ("more than a request takes", "/domains/0/records", None),
        ("an unknown project", "/project", "PROJECT_FIXED"),
        ("a control character in the text", "/justification#char=17,18", "CONTROL_IN_TEXT"),
        ("a control character in a reference", "/references/direction", "FIELD_FORMAT"),
        ("a row twice", "/domains/0/records/1/row_id", "ROW_ID_REPEATED"),
        ("a day that never was", "/destroy_by", None),
    ],
)
def test_what_can_t_be_saved_is_named_and_the_draft_is_kept(
    api: Api, extract: Extract, name: str, pointer: str, code: str | None
) -> None:
    asked = draft(api, request_body(extract))
    before = asked.seen("researcher")
    answer = api.post(f"{asked.path}/save", body_with(extract, name), "researcher", if_match=before.etag)
    named(answer, 422, pointer, code)
    kept(asked, before)


WRONG_FORMS = [("cag", "25/CAG/36"), ("rec", "25/LO/123"), ("iras", "22930"), ("dsa", "DARS-NIC-1234-A1B2C")]


@pytest.mark.parametrize(("kind", "written"), WRONG_FORMS)
def test_a_reference_in_the_wrong_form_is_named_and_the_draft_is_kept(
    api: Api, extract: Extract, kind: str, written: str
) -> None:
    asked = draft(api, request_body(extract))
    before = asked.seen("researcher")
    answer = api.post(
        f"{asked.path}/save",
        request_body(extract, references={kind: written}),
        "researcher",
        if_match=before.etag,
    )
    named(answer, 422, f"/references/{kind}")
    assert written not in answer.everything
    kept(asked, before)


def test_what_is_put_on_file_for_a_project_has_the_form_of_its_kind(api: Api, extract: Extract) -> None:
    body = project_body(extract.people)
    cag, rec = body["evidence"]["cag"], body["evidence"]["rec"]
    wrong = {
        "/agreement/ref": {**body, "agreement": {**body["agreement"], "ref": "DARS-NIC-1234-A1B2C"}},
        "/evidence/cag/ref": {**body, "evidence": {"cag": {**cag, "ref": "25/LO/0123"}, "rec": rec}},
        "/evidence/rec/ref": {**body, "evidence": {"cag": cag, "rec": {**rec, "ref": "25/CAG/0036"}}},
    }
    for pointer, changed in wrong.items():
        named(api.post("/v1/projects", {**changed, "project_id": "another-2026"}, "operator"), 422, pointer)
    assert api.get("/v1/projects/another-2026", "operator").status == 404


def test_support_of_the_older_form_is_put_on_file_and_cited(api: Api, extract: Extract) -> None:
    older = "CAG 7-04(a)/2013"
    body = project_body(extract.people)
    body["evidence"]["cag"]["ref"] = older
    expect(api.post("/v1/projects", body, "operator", if_match='W/"1"'), 201)
    asked = draft(api, request_body(extract, references={"cag": older, "rec": "25/LO/0123"}))
    expect(api.post(f"{asked.path}/submit", {}, "researcher"), 200)


def kept(asked: Asked, before: Answer) -> None:
    after = asked.seen("researcher")
    assert (after.etag, after.json["content_hash"], after.json["state"]) == (
        before.etag,
        before.json["content_hash"],
        "draft",
    )
    content = expect(asked.api.get(f"{asked.path}/content", "researcher"), 200).json
    assert content["justification"] == JUSTIFICATION


def test_an_unknown_project_and_one_you_are_not_on_look_the_same(api: Api, extract: Extract) -> None:
    answer = api.post("/v1/requests", request_body(extract, project="nobody-knows-it"), "researcher")
    named(answer, 403, "/project", "NOT_ON_THE_PROJECT")


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"references": {}}, "/references", "BASIS_EVIDENCE_MISSING"),
        ({"references": {"cag": "25/CAG/0036"}}, "/references/rec", "REC_MISSING"),
        ({"purpose": "marketing"}, "/purpose", "PURPOSE_PROHIBITED"),
        ({"legal_basis": "court_order"}, "/legal_basis", "BASIS_PURPOSE_MISMATCH"),
    ],
)
def test_what_the_policy_refuses_names_its_field_and_who_can_help(
    api: Api, extract: Extract, changes: dict[str, Any], pointer: str, code: str
) -> None:
    asked = draft(api, request_body(extract, **changes))
    before = asked.seen("researcher")
    named(api.post(f"{asked.path}/submit", {}, "researcher"), 403, pointer, code)
    kept(asked, before)


def test_a_pseudonym_in_two_rows_counts_once_and_its_author_is_told(api: Api, extract: Extract) -> None:
    again = {"row_id": "the-same-person", "pseudonyms": dict(extract.record(0)["pseudonyms"])}
    again["pseudonyms"]["nhs_number"] = again["pseudonyms"]["nhs_number"].lower()
    made = expect(api.post("/v1/requests", request_body(extract, 0, 1, again), "researcher", key="the-same-key"), 201)
    told = [{"domain": DOMAIN, "records": 3, "pseudonyms": 6, "distinct": 4, "repeated": 2}]
    assert made.json["given"] == told
    repeated = api.post("/v1/requests", request_body(extract, 0, 1, again), "researcher", key="the-same-key")
    assert repeated.json["given"] == told, "the same call again is told the same"
    path = f"/v1/requests/{made.json['id']}"
    saved = expect(api.post(f"{path}/save", request_body(extract), "researcher", if_match=made.etag), 200)
    assert saved.json["given"][0]["repeated"] == 0


def test_each_way_to_lack_a_quorum_has_its_own_reason(api: Api, extract: Extract) -> None:
    """None at all, a colleague, a machine, somebody suspended, too few people."""
    none = api.post("/v1/domains", {**domain_body("new-2026"), "quorum": 0}, "operator")
    named(none, 422, "/quorum", "QUORUM_TOO_SMALL")
    machine = {
        "subject": "a bot",
        "kind": "machine",
        "roles": [{"role": "controller", "organisation": "RX1"}],
    }
    reasons = [none.code, expect(api.post("/v1/people", machine, "operator"), 422).code]
    asked = draft(api, request_body(extract))
    expect(api.post(f"{asked.path}/submit", {}, "researcher"), 200)
    api.deliver()
    for who in ("controller-on-project", LEFT):
        if who == LEFT:
            suspend(api, extract)
        reasons.append(expect(asked.declare(who), 403).code)
    short = draft(api, request_body(extract))
    before = short.seen("researcher")
    unattainable = api.post(f"{short.path}/submit", {}, "researcher")
    named(unattainable, 409, "/domains", "QUORUM_UNATTAINABLE")
    kept(short, before)
    reasons.append(unattainable.code)
    assert reasons == ["QUORUM_TOO_SMALL", "MACHINE_ROLE", "ON_THE_PROJECT", "PERSON_DISABLED", "QUORUM_UNATTAINABLE"]


def suspend(api: Api, extract: Extract) -> None:
    body = {
        "subject": SUBJECTS[LEFT],
        "roles": [{"role": "controller", "organisation": "X26"}],
        "accredited_until": "2027-12-31",
        "capacities": ["researcher"],
        "disabled": True,
    }
    change_person(api, extract.people[LEFT], body)


def test_what_somebody_may_do_is_told_to_them(api: Api) -> None:
    def may(who: str, **claims: Any) -> list[str]:
        steps: list[str] = expect(api.get("/v1/me", who, claims=claims), 200).json["may"]
        return steps

    assert may("researcher") == ["submit", "release"]
    assert may("controller") == ["approve"]
    assert may("auditor") == may("operator") == []
    assert may("controller", acr="AAL1") == may("researcher", auth_time=None) == []
