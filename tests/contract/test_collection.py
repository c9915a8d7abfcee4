"""The collection report through the API: held to codes and counts, and what it says is in the job's event."""

from __future__ import annotations

import pytest

from tests.contract.api import Api
from tests.contract.settled import DOMAIN, PEOPLE, TYPE_1, Extract, domain_body, expect

CANARY = "9990000018"
REPORT = {
    "rules": "ab" * 32,
    "began_on": "2021-07-01",
    "dropped": {"type_1_opt_out": 2, "code_not_shared": 5},
    "columns_refused": {"free_text": 1},
}
ROUTE = f"/v1/domains/{DOMAIN}/pseudonyms"


def rows(*deaths: str) -> list[dict[str, object]]:
    return [
        {"row_id": f"{place}", "identifiers": {"nhs_number": PEOPLE[0], "date_of_death": day}}
        for place, day in enumerate(deaths)
    ]


def test_what_was_dropped_before_and_here_is_in_the_ledger_in_codes_and_counts(api: Api, extract: Extract) -> None:
    opted_out = {"row_id": "type-1", "identifiers": {"nhs_number": PEOPLE[TYPE_1], "date_of_death": "1999-01-01"}}
    body = {"rows": [*rows("2021-06-30", "2021-07-01"), opted_out], "collection": REPORT}
    made = expect(api.post(ROUTE, body, "provider"), 200).json["rows"]
    assert [row.get("reason") for row in made] == ["died_before_start", None, "type_1_opt_out"]
    event = api.events()[-1]
    assert event["type"] == "pseudonyms.made"
    assert event["data"]["collection"] == REPORT
    assert (event["data"]["died_before_start"], event["data"]["type_1_opt_out"]) == (1, 1)
    assert not any(number in str(event) for number in PEOPLE)


@pytest.mark.parametrize(
    "change",
    [
        {"rules": CANARY},
        {"rules": None},
        {"began_on": "1 July 2021"},
        {"dropped": {CANARY: 1}},
        {"dropped": {"item_too_old": 0}},
        {"dropped": {"item_too_old": -1}},
        {"dropped": {"item_too_old": 10**10}},
        {"dropped": [CANARY]},
        {"columns_refused": {"surname": 1}},
        {"columns_refused": {"name": CANARY + "x"}},
        {CANARY: 1},
    ],
)
def test_a_report_holds_nothing_but_codes_and_counts(api: Api, extract: Extract, change: dict[str, object]) -> None:
    answer = api.post(ROUTE, {"rows": rows(""), "collection": {**REPORT, **change}}, "provider")
    assert answer.status == 422, answer.everything
    assert answer.json["type"].endswith("/invalid")
    assert CANARY not in answer.everything


def test_a_repeated_job_is_recorded_once_and_not_with_another_report(api: Api, extract: Extract) -> None:
    key = "4f8f3d1e-0000-4000-8000-0000000000c0"
    body = {"rows": rows("2020-01-01", ""), "collection": REPORT}
    first = expect(api.post(ROUTE, body, "provider", key=key), 200)
    before = api.keys("LEDGER_BUCKET")
    assert expect(api.post(ROUTE, body, "provider", key=key), 200).json == first.json
    assert api.keys("LEDGER_BUCKET") == before
    other = {**body, "collection": {**REPORT, "dropped": {}}}
    assert api.post(ROUTE, other, "provider", key=key).status == 422


BEGAN = "2021-07-01"
OWN_START = "began-2026"


def test_a_domains_own_start_holds_whatever_the_client_says(api: Api, extract: Extract) -> None:
    body = {**domain_body(OWN_START), "collection_began_on": BEGAN}
    assert expect(api.post("/v1/domains", body, "operator"), 201).json["collection_began_on"] == BEGAN
    cells = rows("2021-06-30", BEGAN, "2023-01-01", "", "soon")
    for told, later in (
        (None, None),
        ({**REPORT, "began_on": "1990-01-01"}, None),
        ({**REPORT, "began_on": "2022-01-01"}, "died_before_start"),
    ):
        sent = {"rows": cells} if told is None else {"rows": cells, "collection": told}
        made = expect(api.post(f"/v1/domains/{OWN_START}/pseudonyms", sent, "provider"), 200).json["rows"]
        assert [row.get("reason") for row in made] == [
            "died_before_start",
            later,
            None,
            None,
            "date_of_death_unreadable",
        ]


def test_a_start_without_dates_of_death_is_refused(api: Api, extract: Extract) -> None:
    body = {**domain_body(OWN_START), "collection_began_on": BEGAN, "identifier_types": ["nhs_number"]}
    answer = expect(api.post("/v1/domains", body, "operator"), 422)
    assert answer.code == "COLLECTION_WITHOUT_DEATHS"
    for wrong in ("1 July 2021", "2021-02-30", 2021):
        answer = expect(api.post("/v1/domains", {**body, "collection_began_on": wrong}, "operator"), 422)
        assert answer.json["errors"][0]["pointer"] == "/collection_began_on"
