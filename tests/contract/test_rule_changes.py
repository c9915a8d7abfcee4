"""A domain's rules through the API: who changes them, what that does to requests, and keys for what is new."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.api import Answer, Api, Fault
from tests.contract.settled import DOMAIN, STRICTER, Asked, Extract, draft, expect, in_review, request_body

DOMAIN_PATH = f"/v1/domains/{DOMAIN}"
CHANGES = f"{DOMAIN_PATH}/rule-changes"


def proposed(api: Api, **wanted: Any) -> str:
    """A proposal's path."""
    made = expect(api.post(CHANGES, {"reason": "controller_request", **wanted}, "operator"), 201).json
    return f"{CHANGES}/{made['change_id']}"


def confirm(api: Api, path: str, who: str, **more: Any) -> Answer:
    return api.post(f"{path}/confirm", {}, who, **more)


def domain(api: Api) -> Any:
    return expect(api.get(DOMAIN_PATH, "researcher"), 200).json


def quorum(asked: Asked, who: str = "researcher") -> Any:
    (found,) = asked.seen(who).json["quorum"]
    return found


def with_guardian(api: Api) -> None:
    expect(confirm(api, proposed(api, **STRICTER), "controller"), 200)
    assert domain(api)["factors"] == {"caldicott_guardian": 1, "data_protection_officer": 0}


def test_a_guardian_is_asked_for_from_the_change_on_and_the_request_says_who_is_missing(
    api: Api, extract: Extract
) -> None:
    """Also of what was submitted before: the stricter of then and now counts."""
    asked = in_review(api, request_body(extract))
    with_guardian(api)
    expect(asked.approve("controller"), 200)
    view = quorum(asked)
    assert view["places"] == [
        {"factor": "controller", "needed": 2, "filled": 1},
        {"factor": "caldicott_guardian", "needed": 1, "filled": 0},
    ]
    assert (view["met"], view["attainable"], view["organisations_missing"]) == (False, True, ["X26"])
    assert {(one["person"], one["factor"], one["organisation"]) for one in view["could_approve"]} == {
        (extract.people["second-controller"], "controller", "X26"),
        (extract.people["caldicott-guardian"], "caldicott_guardian", "X26"),
    }
    expect(asked.approve("second-controller"), 200)
    assert asked.state == "in_review"
    expect(asked.declare("caldicott-guardian"), 200)
    expect(asked.approve("caldicott-guardian"), 200)
    assert asked.state == "approved"
    assert quorum(asked) == {**view, "met": True, "attainable": None, "could_approve": [], "organisations_missing": [],
                             "places": [{**one, "filled": one["needed"]} for one in view["places"]]}  # fmt: skip
    expect(asked.release(), 200)
    ballots = asked.seen("researcher").json["decisions"][0]["ballots"]
    assert [ballot["factor"] for ballot in ballots] == ["controller", "controller", "caldicott_guardian"]


def test_a_guardian_nobody_asks_for_can_stop_and_not_approve(reviewed: Asked) -> None:
    for who in ("caldicott-guardian", "data-protection-officer"):
        expect(reviewed.declare(who), 200)
    refused = reviewed.approve("caldicott-guardian")
    assert (refused.status, refused.code) == (403, "FACTOR_NOT_NEEDED")
    expect(reviewed.reject("data-protection-officer"), 200)
    assert reviewed.state == "rejected"


def test_what_was_approved_before_is_not_released_by_fewer_than_are_asked_for_now(cleared: Asked) -> None:
    with_guardian(cleared.api)
    refused = cleared.release()
    assert (refused.status, refused.code) == (403, "RULES_ASK_MORE")
    (command,) = [one for one in cleared.seen("researcher").json["allowed_commands"] if one["command"] == "release"]
    assert (command["allowed"], command["code"]) == (False, "RULES_ASK_MORE")


def test_a_loosening_takes_both_organisations_and_does_not_help_what_was_submitted_before(
    api: Api, extract: Extract
) -> None:
    with_guardian(api)
    before = in_review(api, request_body(extract))
    path = proposed(api, factors={})
    (waiting,) = domain(api)["rule_changes"]
    assert (waiting["changes"], waiting["loosens"]) == (["factors"], ["factors"])
    for who in ("controller", "second-controller"):
        assert expect(confirm(api, path, who), 200).json["state"] == "open"
    assert confirm(api, path, "controller").code == "ALREADY_CONFIRMED"
    done = expect(confirm(api, path, "caldicott-guardian"), 200).json
    assert done["confirmed_by"] == [
        extract.people[who] for who in ("controller", "second-controller", "caldicott-guardian")
    ]
    assert domain(api)["factors"] == {"caldicott_guardian": 0, "data_protection_officer": 0}
    for who in ("controller", "second-controller"):
        expect(before.approve(who), 200)
    assert before.state == "in_review", "submitted when the guardian was asked for"


@pytest.mark.parametrize(
    ("wanted", "status", "code", "pointer"),
    [
        ({"quorum": 0}, 422, "QUORUM_TOO_SMALL", "/quorum"),
        ({"quorum": 1}, 422, "QUORUM_TOO_SMALL", "/quorum"),
        ({"quorum": 21}, 422, None, "/quorum"),
        ({"factors": {"controller": 1}}, 422, None, "/factors/controller"),
        ({}, 422, "NOTHING_CHANGES", None),
        ({"quorum": 5}, 409, "RULES_UNATTAINABLE", None),
        ({"schemes": {"nhs_number": "ff1"}}, 422, "SCHEME_FIXED", "/schemes"),
        ({"kms_key_arn": "x"}, 422, None, "/kms_key_arn"),
    ],
)
def test_what_is_no_rule_is_refused_with_the_field_named(
    api: Api, wanted: dict[str, Any], status: int, code: str | None, pointer: str | None
) -> None:
    answer = api.post(CHANGES, {"reason": "other", **wanted}, "operator")
    assert (answer.status, answer.code) == (status, code)
    assert [error["pointer"] for error in answer.json.get("errors", [])] == ([pointer] if pointer else [])
    assert domain(api)["rule_changes"] == []


@pytest.mark.parametrize("quorum_of", [0, 1, -1])
def test_nobody_registers_a_domain_that_one_person_could_release_from(api: Api, quorum_of: int) -> None:
    body = {
        "domain_id": "alone-2026",
        "controllers": ["RX1"],
        "identifier_types": ["nhs_number"],
        "source_dataset": "gp",
        "quorum": quorum_of,
    }
    answer = api.post("/v1/domains", body, "operator")
    assert answer.status == 422
    assert [error["pointer"] for error in answer.json["errors"]] == ["/quorum"]
    assert quorum_of < 0 or answer.code == "QUORUM_TOO_SMALL"
    assert api.get("/v1/domains/alone-2026", "operator", claims={"scope": "keyholder/operate"}).status == 404


def test_no_domain_is_registered_with_emergency_access_and_switching_it_off_is_stricter(api: Api) -> None:
    assert domain(api)["emergency_access"] is False
    assert api.post("/v1/domains", {"domain_id": "x-1", "emergency_access": True}, "operator").status == 422
    path = proposed(api, emergency_access=True)
    for who in ("controller", "second-controller"):
        assert domain(api)["emergency_access"] is False
        expect(confirm(api, path, who), 200)
    assert domain(api)["emergency_access"] is True
    expect(confirm(api, proposed(api, emergency_access=False), "controller"), 200)
    assert domain(api)["emergency_access"] is False


def test_operators_alone_change_nothing(api: Api) -> None:
    path = proposed(api, **STRICTER)
    for who in ("operator", "second-operator"):
        answer = confirm(api, path, who, claims={"scope": "keyholder/decide"})
        assert (answer.status, answer.code) == (403, "NOT_THIS_DOMAIN_S")
        assert confirm(api, path, who).status == 403
    assert confirm(api, path, "controller", claims={"acr": "AAL1"}).status == 401
    weak = api.post(CHANGES, {"reason": "other", **STRICTER}, "operator", claims={"acr": "AAL1"})
    assert (weak.status, weak.code) == (401, "SIGN_IN_WEAK")
    expect(api.post(f"{path}/withdraw", {}, "second-controller"), 200)


def test_a_new_type_gets_its_keys_and_the_sweeper_finishes_what_was_cut_short(api: Api) -> None:
    body = {
        "domain_id": "short-2026",
        "controllers": ["RX1", "X26"],
        "identifier_types": ["nhs_number"],
        "source_dataset": "gp",
    }
    expect(api.post("/v1/domains", body, "operator"), 201)
    changes = "/v1/domains/short-2026/rule-changes"
    more = {"reason": "other", "identifier_types": ["nhs_number", "postcode"]}
    path = f"{changes}/{expect(api.post(changes, more, 'operator'), 201).json['change_id']}"
    expect(confirm(api, path, "controller"), 200)
    with api.failing(Fault("GenerateDataKeyWithoutPlaintext", "KMSInternalException", 500)):
        assert confirm(api, path, "second-controller").status >= 500
    found = expect(api.get("/v1/domains/short-2026", "controller"), 200).json
    assert found["keys"]["postcode"] == {"1": "active"}
    rows = {"rows": [{"row_id": "1", "identifiers": {"nhs_number": "9990000018", "postcode": "SW1A 1AA"}}]}
    (row,) = expect(api.post("/v1/domains/short-2026/pseudonyms", rows, "provider"), 200).json["rows"]
    assert set(row["pseudonyms"]) == {"nhs_number"}, "the key is in the ledger and not yet in the table"
    assert api.sweep()["followed"] == 1
    (row,) = expect(api.post("/v1/domains/short-2026/pseudonyms", rows, "provider"), 200).json["rows"]
    assert set(row["pseudonyms"]) == {"nhs_number", "postcode"}


def test_who_could_approve_is_shown_before_anything_is_submitted(api: Api, extract: Extract) -> None:
    asked = draft(api, request_body(extract))
    view = quorum(asked)
    assert (view["attainable"], view["met"]) == (True, False)
    assert {one["person"] for one in view["could_approve"]} == {
        extract.people["controller"],
        extract.people["second-controller"],
    }
