"""Consents given and withdrawn, what that does to open approvals, and who may look at a person's choices."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any
from unittest import mock

import pytest

from infra.embedded.personas import PERSONAS
from keyholder.adapters.assembly import Assembly
from keyholder.canonical import canonical_json
from keyholder.policy.consents import ConsentRecord, consent_resource
from keyholder.policy.facts import Consent
from keyholder.policy.joining import Joining
from keyholder.policy.vocabulary import ConsentGiver
from tests.contract.api import Answer, Api
from tests.contract.settled import (
    DOMAIN,
    OPTED_OUT,
    PEOPLE,
    PROJECT,
    TYPE_1,
    Asked,
    Extract,
    approved,
    confirm,
    domain_body,
    expect,
    request_body,
)

GIVEN = Consent(
    project_id=PROJECT,
    covers_reidentification=True,
    given_on=date(2026, 1, 5),
    withdrawn_on=None,
    given_by=ConsentGiver.PATIENT,
    ends_on=None,
)


def consents(api: Api, *places: int, **changes: Any) -> Answer:
    records = [ConsentRecord(PEOPLE[place], replace(GIVEN, **changes)) for place in places]
    lines = b"".join(canonical_json(consent_resource(record)) + b"\n" for record in records)
    return api.post("/v1/choices/consents", {"resources": lines.decode(), "source": "trial-1"}, "operator")


def withdraw(api: Api, place: int, who: str = "operator", **changes: Any) -> Answer:
    body = {"nhs_number": PEOPLE[place], "project": PROJECT, "withdrawn_on": today(api), "source": "letter", **changes}
    return api.post("/v1/choices/consents/withdrawals", body, who)


def today(api: Api) -> str:
    return api.clock.now.date().isoformat()


def consented(api: Api, extract: Extract, *places: int) -> Asked:
    """An approved request that rests on the consent of these people."""
    expect(consents(api, *places), 201)
    body = request_body(extract, *places, legal_basis="explicit_consent", references={"rec": "25/LO/0123"})
    return approved(api, body)


def statuses(answer: Answer) -> list[str]:
    return [item["status"] for item in expect(answer, 200).json["items"]]


def officer(api: Api) -> str:
    """A second person of RX1, its data protection officer, who signs in as the outsider."""
    persona = next(one for one in PERSONAS if one.key == "outsider")
    roles = [{"role": "data_protection_officer", "organisation": "RX1"}]
    made = expect(api.post("/v1/people", {"subject": persona.subject, "roles": roles}, "operator"), 201)
    confirm(api, made.json["person_id"])
    return persona.key


def look(api: Api, place: int, who: str, **changes: Any) -> Answer:
    body = {"nhs_number": PEOPLE[place], "domain": DOMAIN, "reason": "subject_access", **changes}
    return api.post("/v1/people/choices", body, who, claims={"scope": "keyholder/decide"})


def test_a_withdrawal_acts_on_the_next_release_and_brings_nothing_back(api: Api, extract: Extract) -> None:
    asked = consented(api, extract, 0, 1, 2)
    assert statuses(asked.release()) == ["released"] * 3
    api.clock.advance(minutes=1)
    told = expect(withdraw(api, 1), 201).json
    assert (told["people"], told["withdrawn"]) == (1, 1)
    assert statuses(asked.release()) == ["released", "not_available", "released"]
    (logged,) = [event for event in api.events() if event["data"].get("withdrawn") == 1]
    assert PEOPLE[1] not in json.dumps(logged)


def test_those_who_rely_on_a_consent_are_told_that_it_fell_and_not_whose(api: Api, extract: Extract) -> None:
    asked = consented(api, extract, 0, 1, 2)
    assert asked.seen("researcher").json["consent_fell"] is False
    api.clock.advance(minutes=1)
    expect(withdraw(api, 1), 201)
    assert api.deliver() == 1
    for who in ("researcher", "controller", "second-controller"):
        seen = asked.seen(who)
        assert seen.json["consent_fell"] is True
        assert PEOPLE[1] not in seen.everything
    assert api.types().count("request.consent_fell") == 1
    expect(withdraw(api, 2), 201)
    assert api.deliver() == 1
    assert [e["data"]["people"] for e in api.events() if e["type"] == "request.consent_fell"] == [1, 2]


def test_an_imported_withdrawal_is_told_too_and_nothing_is_told_twice(api: Api, extract: Extract) -> None:
    asked = consented(api, extract, 0, 1)
    api.clock.advance(minutes=1)
    expect(consents(api, 0, withdrawn_on=api.clock.now.date()), 201)
    api.deliver()
    expect(consents(api, 0, withdrawn_on=api.clock.now.date()), 201)
    api.deliver()
    assert api.types().count("request.consent_fell") == 1
    assert asked.seen("researcher").json["consent_fell"] is True


def test_requests_on_another_basis_are_not_looked_at(api: Api, extract: Extract) -> None:
    asked = approved(api, request_body(extract))
    expect(consents(api, 0), 201)
    expect(withdraw(api, 0), 201)
    assert api.deliver() == 0
    assert asked.seen("researcher").json["consent_fell"] is False


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"project": "other-2026"}, 422, "CONSENT_NOT_HELD"),
        ({"nhs_number": PEOPLE[5]}, 422, "CONSENT_NOT_HELD"),
        ({"nhs_number": "9990000019"}, 422, "NOT_AN_NHS_NUMBER"),
        ({"withdrawn_on": "2026-01-04"}, 422, "WITHDRAWN_OUT_OF_RANGE"),
        ({"withdrawn_on": "2099-01-01"}, 422, "WITHDRAWN_OUT_OF_RANGE"),
    ],
)
def test_a_withdrawal_that_can_t_be_is_refused(api: Api, changes: dict[str, str], status: int, code: str) -> None:
    expect(consents(api, 0), 201)
    answer = expect(withdraw(api, 0, **changes), status)
    assert answer.code == code
    assert changes.get("nhs_number", PEOPLE[0]) not in answer.everything


def test_many_registers_become_one_before_a_load_and_say_the_same(api: Api, extract: Extract) -> None:
    def few_together(house: Assembly, trace: str) -> Joining:
        return Joining(house.ledger, house.choices, trace, house.clock.now(), together=2)

    asked = consented(api, extract, 0, 1)
    with mock.patch.object(Assembly, "joining", few_together):
        for place in (2, 3):
            api.clock.advance(minutes=31)
            expect(consents(api, place), 201)
        api.clock.advance(minutes=31)
        expect(withdraw(api, 1), 201)
    kept = sorted(name for name in api.keys("CHOICES_BUCKET") if name.startswith("consents/"))
    assert [name.endswith(".joined") for name in kept] == [True, False, False]
    assert api.types().count("choices.joined") == 1
    assert statuses(asked.release()) == ["released", "not_available"]


def test_only_operators_withdraw_and_list(api: Api) -> None:
    expect(consents(api, 0), 201)
    assert (
        withdraw(
            api,
            0,
            "controller",
        ).status
        == 403
    )
    assert api.get(f"/v1/choices/consents/{PROJECT}", "auditor").status == 403


def test_the_same_withdrawal_twice_is_one(api: Api) -> None:
    expect(consents(api, 0), 201)
    key = "5d2e4c1a-7f3b-4c55-9d6e-0123456789ab"
    first = expect(withdraw_with(api, key), 201)
    assert expect(withdraw_with(api, key), 201).json == first.json


def withdraw_with(api: Api, key: str) -> Answer:
    body = {"nhs_number": PEOPLE[0], "project": PROJECT, "withdrawn_on": today(api), "source": "letter"}
    return api.post("/v1/choices/consents/withdrawals", body, "operator", key=key)


def test_the_consents_of_a_project_are_listed_without_whose_they_are(api: Api) -> None:
    expect(consents(api, 0, 1, 2), 201)
    expect(consents(api, 3, ends_on=date(2026, 1, 31)), 201)
    expect(withdraw(api, 0), 201)
    listed = expect(api.get(f"/v1/choices/consents/{PROJECT}", "operator"), 200)
    assert (listed.json["people"], listed.json["states"]) == (4, {"ended": 1, "in_force": 2, "withdrawn": 1})
    assert not any(number in listed.everything for number in PEOPLE)


def test_the_data_protection_officer_sees_a_person_s_choices_and_each_look_is_logged(
    api: Api, extract: Extract
) -> None:
    expect(consents(api, OPTED_OUT), 201)
    who = officer(api)
    shown = expect(look(api, OPTED_OUT, who), 200)
    assert shown.json["national_data_opt_out"]["state"] == "opted_out"
    assert shown.json["type_1"] == {"state": "inactive", "events": []}
    assert [one["project"] for one in shown.json["consents"]] == [PROJECT]
    assert expect(look(api, TYPE_1, who), 200).json["type_1"]["state"] == "active"
    viewed = [event for event in api.events() if event["type"] == "choices.viewed"]
    assert [event["data"] for event in viewed] == [{"domain": DOMAIN, "reason": "subject_access"}] * 2
    assert not any(number in json.dumps(viewed) + shown.everything for number in PEOPLE)


@pytest.mark.parametrize("who", ["researcher", "controller", "auditor", "operator", "provider"])
def test_nobody_else_does(api: Api, who: str) -> None:
    answer = look(api, OPTED_OUT, who)
    assert answer.status == 403
    assert "opted" not in answer.everything


def test_an_officer_answers_for_their_own_organisation_s_domains(api: Api, extract: Extract) -> None:
    who = officer(api)
    elsewhere = {**domain_body("elsewhere-2026"), "controllers": ["RYY", "RZZ"]}
    expect(api.post("/v1/domains", elsewhere, "operator"), 201)
    assert look(api, OPTED_OUT, who, domain="elsewhere-2026").status == 403
    assert look(api, OPTED_OUT, who, domain="nowhere-2026").status == 403


def test_pb_001_withheld_people_cannot_be_told_apart_byte_for_byte(api: Api, extract: Extract) -> None:
    """The batch case: opted out, Type 1, a code that opens to nobody; the answers differ in no byte but the ids."""
    unknown = {**extract.record(0)["pseudonyms"], "nhs_number": extract.foreign["nhs_number"]}
    answers = []
    for withheld in (extract.record(OPTED_OUT)["pseudonyms"], extract.record(TYPE_1)["pseudonyms"], unknown):
        asked = approved(api, request_body(extract, 0, {"row_id": "x", "pseudonyms": withheld}, 1))
        released = expect(asked.release(), 200)
        body = {name: value for name, value in released.json.items() if name not in ("release_id", "receipts")}
        answers.append((canonical_json(body), len(json.dumps(released.json["items"]))))
    assert len(set(answers)) == 1
    assert json.loads(answers[0][0])["counts"] == {"not_available": "<10", "released": "<10"}


def test_pb_001_sent_as_one_request_of_four_pseudonyms(api: Api, extract: Extract) -> None:
    """Beside one another: the withheld keep their places, and their bytes differ in their row ids alone."""
    unknown = {**extract.record(0)["pseudonyms"], "nhs_number": extract.foreign["nhs_number"]}
    withheld = (extract.record(OPTED_OUT)["pseudonyms"], extract.record(TYPE_1)["pseudonyms"], unknown)
    records = [{"row_id": f"p{place}", "pseudonyms": one} for place, one in enumerate(withheld, start=2)]
    asked = approved(api, request_body(extract, 0, *records))
    items = expect(asked.release(), 200).json["items"]
    assert [(item["row_id"], item["status"]) for item in items] == [
        ("row-0", "released"),
        ("p2", "not_available"),
        ("p3", "not_available"),
        ("p4", "not_available"),
    ]
    assert {json.dumps({**item, "row_id": "p"}) for item in items[1:]} == {
        json.dumps({"row_id": "p", "domain": DOMAIN, "status": "not_available"})
    }
