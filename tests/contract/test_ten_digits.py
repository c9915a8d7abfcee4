"""A domain that chose FF1 for its NHS numbers, through the whole product: ten digits out, ten digits in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.api import Answer, Api
from tests.contract.settled import (
    PEOPLE,
    Asked,
    Extract,
    domain_body,
    expect,
    in_review,
    load_opt_outs,
    project_body,
    request_body,
)

TEN = "ten-2026"
CHOICE = {"nhs_number": "ff1"}
CHANGES = f"/v1/domains/{TEN}/key-changes"


def registered(api: Api, extract: Extract) -> list[dict[str, Any]]:
    """The domain, in the project, with the first three people's pseudonyms."""
    answer = expect(api.post("/v1/domains", {**domain_body(TEN), "schemes": CHOICE}, "operator"), 201)
    assert answer.json["schemes"]["nhs_number"] == "ff1"
    assert answer.json["schemes"]["postcode"] == "aes_256_siv_1"
    assert answer.json["warnings"] == {"nhs_number": "not_authenticated"}
    project = {**project_body(extract.people), "domains": [TEN]}
    expect(api.post("/v1/projects", project, "operator", if_match='W/"1"'), 201)
    load_opt_outs(api)
    return pseudonymised(api, extract)


def pseudonymised(api: Api, extract: Extract) -> list[dict[str, Any]]:
    rows = [{"row_id": f"ten-{place}", "identifiers": one} for place, one in enumerate(extract.identifiers[:3])]
    made: list[dict[str, Any]] = expect(
        api.post(f"/v1/domains/{TEN}/pseudonyms", {"rows": rows}, "provider"), 200
    ).json["rows"]
    return made


def record(row: dict[str, Any], **other: str) -> dict[str, Any]:
    kinds = ("nhs_number", "date_of_birth")
    return {"row_id": row["row_id"], "pseudonyms": {kind: row["pseudonyms"][kind] for kind in kinds} | other}


def approved(api: Api, extract: Extract, *records: dict[str, Any]) -> Asked:
    asked = in_review(api, request_body(extract, domains=[{"domain": TEN, "records": list(records)}]))
    for who in ("controller", "second-controller"):
        body = {"domain": TEN, "content_hash": asked.content_hash, "no_conflict_of_interest": True}
        expect(api.post(f"{asked.path}/approve", body, who, if_match=asked.seen().etag), 200)
    return asked


def statuses(answer: Answer) -> list[str]:
    return [each["status"] for each in expect(answer, 200).json["items"]]


def change(api: Api, name: str) -> Answer:
    body = {"change": name, "identifier_types": ["nhs_number"], "reason": "routine"}
    proposed = api.post(CHANGES, body if name == "rotate" else {**body, "versions": [1]}, "operator")
    if proposed.status != 201:
        return proposed
    return api.post(f"{CHANGES}/{proposed.json['change_id']}/confirm", {}, "second-operator")


def another(ten_digits: str) -> str:
    """The same with its last digit one higher."""
    return ten_digits[:-1] + str((int(ten_digits[-1]) + 1) % 10)


def test_ten_digits_come_back_and_what_nobody_made_does_not(api: Api, extract: Extract) -> None:
    rows = registered(api, extract)
    numbers = [row["pseudonyms"]["nhs_number"] for row in rows]
    assert all(len(number) == 10 and number.isdigit() for number in numbers)
    assert not set(numbers) & set(PEOPLE)
    records = [record(row) for row in rows]
    records += [
        {**record(rows[0], nhs_number=another(numbers[0])), "row_id": "one-digit-more"},
        {**record(rows[0], nhs_number=extract.rows[0]["pseudonyms"]["nhs_number"]), "row_id": "a-token"},
        {**record(rows[0], nhs_number=numbers[0][:9]), "row_id": "nine-digits"},
    ]
    answer = approved(api, extract, *records).release()
    assert statuses(answer) == ["released"] * 3 + ["not_available", "malformed", "malformed"]
    written = json.dumps(api.events()) + api.logs()
    assert not [secret for secret in (*numbers, *PEOPLE) if secret in written]
    given = [each["identifiers"]["nhs_number"] for each in answer.json["items"][:3]]
    assert given == [person["nhs_number"] for person in extract.identifiers[:3]]


def test_no_ten_digits_open_to_a_person_whom_nobody_pseudonymised(api: Api, extract: Extract) -> None:
    """FF1 opens any ten digits, and one in fifteen to an NHS number: none of those was in an extract."""
    rows = registered(api, extract)
    forged = [
        {"row_id": f"{place}", "pseudonyms": {"nhs_number": f"{place * 7_654_321 + 1_000_000_000:010}"}}
        for place in range(120)
    ]
    answer = approved(api, extract, record(rows[0]), *forged).release()
    assert statuses(answer) == ["released"] + ["not_available"] * 120
    written = [event for event in api.events() if event["type"] == "release.items_released"][-1]["data"]
    assert sum(map(len, written["subjects"].values())) == 1


def test_the_warning_stands_in_the_ledger_with_the_choice(api: Api, extract: Extract) -> None:
    registered(api, extract)
    first = [event["data"] for event in api.events() if event["type"] == "domain.registered"]
    assert [one.get("warnings") for one in first] == [None, None, {"nhs_number": "not_authenticated"}]
    assert [one.get("schemes") for one in first] == [None, None, CHOICE]
    seen = expect(api.get(f"/v1/domains/{TEN}", "researcher"), 200).json
    assert (seen["warnings"], seen["schemes"]["nhs_number"]) == ({"nhs_number": "not_authenticated"}, "ff1")


@pytest.mark.parametrize(
    ("kinds", "schemes", "code"),
    [
        (None, {"date_of_birth": "ff1"}, "SCHEME_TOO_FEW_VALUES"),
        (None, {"date_of_death": "ff1"}, "SCHEME_TOO_FEW_VALUES"),
        (None, {"postcode": "ff1"}, "SCHEME_NOT_DIGITS"),
        (None, {"gp_local_patient_number": "ff1"}, "SCHEME_NOT_DIGITS"),
        (None, {**CHOICE, "postcode": "ff1"}, "SCHEME_NOT_DIGITS"),
        (["postcode"], CHOICE, "SCHEME_TYPE_NOT_IN_DOMAIN"),
        (None, {"nhs_number": "ff3"}, None),
        (None, {"name": "ff1"}, None),
    ],
)
def test_nothing_else_has_ten_digits(api: Api, kinds: list[str] | None, schemes: dict[str, str], code: str) -> None:
    body = {**domain_body(TEN), "schemes": schemes}
    answer = expect(
        api.post("/v1/domains", body if kinds is None else {**body, "identifier_types": kinds}, "operator"), 422
    )
    assert answer.code == code
    assert answer.json["errors"][0]["pointer"].startswith("/schemes")
    assert api.get(f"/v1/domains/{TEN}", "operator").status == 404


def test_it_is_not_rotated_and_it_is_retired_and_destroyed(api: Api, extract: Extract) -> None:
    asked = approved(api, extract, record(registered(api, extract)[0]))
    assert expect(change(api, "rotate"), 409).code == "SCHEME_WITHOUT_VERSIONS"
    assert expect(change(api, "destroy"), 409).code == "KEY_STATE_ORDER"
    assert statuses(asked.release()) == ["released"]
    expect(change(api, "retire"), 200)
    assert statuses(asked.release()) == ["key_retired"]
    assert {row["errors"]["nhs_number"] for row in pseudonymised(api, extract)} == {"key_unknown"}
    expect(change(api, "destroy"), 200)
    assert statuses(asked.release()) == ["key_destroyed"]
    other_types = {"change": "rotate", "identifier_types": ["postcode"], "reason": "routine"}
    expect(api.post(CHANGES, other_types, "operator"), 201)
