"""Roles that take two people, terms of use, and who somebody is to Keyholder, through the API."""

from __future__ import annotations

from typing import Any

import pytest

from keyholder.registry.terms_texts import texts
from tests.contract.api import Answer, Api
from tests.contract.settled import PROJECT, Asked, Extract, change_person, draft, expect, project_body, request_body

NEWCOMER = {"sub": "newcomer"}
"""Somebody who is registered by a test, and acts with a persona's scopes."""


def register(api: Api, *roles: tuple[str, str], **more: Any) -> str:
    body = {"subject": "newcomer", "roles": [{"role": role, "organisation": code} for role, code in roles], **more}
    return str(expect(api.post("/v1/people", body, "operator"), 201).json["person_id"])


def confirm(api: Api, person: str, *roles: tuple[str, str], who: str = "second-operator", **more: Any) -> Answer:
    body = {"roles": [{"role": role, "organisation": code} for role, code in roles]}
    return api.post(f"/v1/people/{person.removeprefix('person/')}/confirm", body, who, **more)


def accept(api: Api, document: str, who: str, **more: Any) -> Answer:
    terms = {one["document"]: one for one in expect(api.get("/v1/terms", who, **more), 200).json["items"]}[document]
    body = {name: terms[name] for name in ("document", "version", "sha256")}
    return api.post("/v1/terms/accept", body, who, **more)


def me(api: Api, who: str, **more: Any) -> Any:
    return expect(api.get("/v1/me", who, **more), 200).json


def lacks(api: Api, who: str, **more: Any) -> list[tuple[str, str]]:
    return [(one["command"], one["code"]) for one in me(api, who, **more)["missing"]]


def test_a_controller_decides_once_a_second_person_has_confirmed_them(reviewed: Asked) -> None:
    api = reviewed.api
    person = register(api, ("controller", "RX1"))
    assert lacks(api, "controller", claims=NEWCOMER) == [("approve", "ROLE_NOT_CONFIRMED")]
    assert me(api, "controller", claims=NEWCOMER)["organisations"] == []
    refused = reviewed.approve("controller", claims=NEWCOMER)
    assert (refused.status, refused.code) == (403, "ROLE_NOT_CONFIRMED")
    (waits,) = expect(api.get(f"/v1/people/{person.removeprefix('person/')}", "controller"), 200).json["awaiting"]
    assert waits["given_by"] == [me(api, "operator")["person_id"]]
    for who, code in (("operator", "OWN_GRANT"), ("second-controller", "NOT_TO_CONFIRM")):
        answer = confirm(api, person, ("controller", "RX1"), who=who)
        assert (answer.status, answer.code) == (403, code)
    weak = confirm(api, person, ("controller", "RX1"), claims={"acr": "AAL1"})
    assert (weak.status, weak.code) == (401, "SIGN_IN_WEAK")
    assert confirm(api, person, ("caldicott_guardian", "RX1")).code == "ROLES_NOT_AWAITING"
    assert expect(confirm(api, person, ("controller", "RX1"), who="controller"), 200).json["awaiting"] == []
    assert lacks(api, "controller", claims=NEWCOMER) == [("approve", "TERMS_NOT_ACCEPTED")]
    assert reviewed.approve("controller", claims=NEWCOMER).code == "TERMS_NOT_ACCEPTED"
    expect(accept(api, "approver", "controller", claims=NEWCOMER), 200)
    assert lacks(api, "controller", claims=NEWCOMER) == []
    expect(reviewed.declare("controller", claims=NEWCOMER), 200)
    expect(reviewed.approve("controller", claims=NEWCOMER), 200)
    confirmed = [event for event in api.events() if event["type"] == "person.roles_confirmed"]
    assert confirmed[-1]["data"] == {"roles": [{"role": "controller", "organisation": "RX1"}]}


def test_nobody_reads_the_records_of_another_organisation_s_people(api: Api, extract: Extract) -> None:
    for person, who, status in (
        ("controller", "controller-on-project", 200),
        ("controller", "second-controller", 403),
        ("second-controller", "caldicott-guardian", 200),
        ("researcher", "researcher", 403),
    ):
        path = f"/v1/people/{extract.people[person].removeprefix('person/')}"
        assert api.get(path, who).status == status


def test_a_request_is_submitted_once_its_author_has_accepted_the_terms(api: Api, extract: Extract) -> None:
    person = register(api, ("researcher", "RX1"), accredited_until="2027-12-31", capacities=["researcher"])
    more = {**project_body(extract.people), "members": [*project_body(extract.people)["members"], person]}
    expect(api.post("/v1/projects", more, "operator", if_match='W/"1"'), 201)
    made = expect(api.post("/v1/requests", request_body(extract), "researcher", claims=NEWCOMER), 201).json
    path = f"/v1/requests/{made['id']}"
    assert lacks(api, "researcher", claims=NEWCOMER) == [("submit", "TERMS_NOT_ACCEPTED")]
    refused = api.post(f"{path}/submit", {}, "researcher", claims=NEWCOMER)
    assert (refused.status, refused.code) == (403, "TERMS_NOT_ACCEPTED")
    assert accept(api, "requester", "researcher", claims={**NEWCOMER, "acr": "AAL1"}).status == 401
    accepted = expect(accept(api, "requester", "researcher", claims=NEWCOMER), 200).json
    assert (accepted["current"], accepted["accepted_version"]) == (True, accepted["version"])
    events = len(api.events())
    expect(accept(api, "requester", "researcher", claims=NEWCOMER), 200)
    assert len(api.events()) == events, "accepting again adds nothing"
    assert me(api, "researcher", claims=NEWCOMER)["missing"] == []
    expect(api.post(f"{path}/submit", {}, "researcher", claims=NEWCOMER), 200)
    submitted = next(event for event in reversed(api.events()) if event["type"] == "request.submitted")
    assert submitted["data"]["terms"]["sha256"] == accepted["sha256"]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"version": 9_999}, 409, "TERMS_OUTDATED"),
        ({"sha256": "0" * 64}, 409, "TERMS_OUTDATED"),
        ({"document": "reader"}, 422, None),
        ({"version": 0}, 422, None),
        ({"sha256": "0"}, 422, None),
    ],
)
def test_only_the_text_in_force_is_accepted(api: Api, change: dict[str, Any], status: int, code: str | None) -> None:
    terms = expect(api.get("/v1/terms", "colleague"), 200).json["items"]
    assert [one["text"] for one in terms] == [text.text for text in texts().values()]
    chosen = {name: terms[0][name] for name in ("document", "version", "sha256")}
    answer = api.post("/v1/terms/accept", {**chosen, **change}, "colleague")
    assert (answer.status, answer.code) == (status, code)


def test_who_you_are_is_told_with_what_you_lack(api: Api, extract: Extract) -> None:
    known = me(api, "researcher")
    assert (known["accredited"], known["organisations"], known["missing"]) == (True, ["RX1"], [])
    assert known["sign_in"]["acr"] == "AAL2"
    assert (known["sign_in"]["strong"], known["sign_in"]["strong_enough_to_release"]) == (True, True)
    assert all(one["current"] for one in known["terms"])
    old = {"auth_time": int(api.clock.now.timestamp()) - 901}
    assert lacks(api, "researcher", claims=old) == [("submit", "SIGN_IN_OLD"), ("release", "SIGN_IN_OLD")]
    assert lacks(api, "controller", claims={"acr": "my own 9990000018"}) == [("approve", "SIGN_IN_WEAK")]
    assert me(api, "controller", claims={"acr": "my own 9990000018"})["sign_in"]["acr"] is None
    nothing = me(api, "auditor", claims={"acr": None, "auth_time": None})
    assert nothing["sign_in"] == {
        "acr": None,
        "at": None,
        "strong": False,
        "strong_enough_to_release": False,
        "good_until": None,
    }
    assert nothing["missing"] == []


@pytest.mark.parametrize(("until", "accredited"), [("2026-07-01", True), ("2026-06-30", False)])
def test_an_accreditation_ends_with_its_last_day_in_london(
    api: Api, extract: Extract, until: str, accredited: bool
) -> None:
    """At 22:59 UTC it is still 1 July there, one minute to midnight; a minute later it is the second."""
    body = {
        "subject": "5550219351" + "02",
        "roles": [{"role": "researcher", "organisation": "RX1"}],
        "accredited_until": until,
        "capacities": ["researcher"],
    }
    change_person(api, extract.people["researcher"], body)
    api.clock.now = api.clock.now.replace(hour=22, minute=59)
    asked = draft(api, request_body(extract))
    assert me(api, "researcher")["accredited"] is accredited
    answer = api.post(f"{asked.path}/submit", {}, "researcher")
    assert answer.code == (None if accredited else "NOT_ACCREDITED")
    if not accredited:
        assert [error["pointer"] for error in answer.json["errors"]] == ["/accredited_until"]
        assert asked.seen("researcher").json["state"] == "draft"
    api.clock.advance(minutes=1)
    assert me(api, "researcher")["accredited"] is False
    assert asked.seen("researcher").json["project"] == PROJECT
