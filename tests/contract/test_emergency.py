"""Emergency access through the functions: what leaves, who is told at once, who reviews it, and what auditors find."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import boto3
import pyrage
import pytest
from click.testing import CliRunner
from moto.backends import get_backend

from keyholder.cli.audit_verify import verify as verify_command
from tests.contract.api import ACCOUNT, SUBJECTS, Answer, Api, Fault
from tests.contract.aws import REGION
from tests.contract.settled import OPTED_OUT, PEOPLE, Extract, allow_emergency, expect
from tests.contract.test_audit_api import downloaded, objects
from tests.contract.test_event_view import Events
from tests.unit.audit.fhir_profiles import REIDENTIFICATION, check_bundle

DOMAIN = "urgent-2026"
ROWS = "/v1/emergency-accesses"


@pytest.fixture
def tokens(api: Api, extract: Extract) -> list[dict[str, str]]:
    """Pseudonyms of the settled people in a domain that allows emergency access; the researcher is a clinician."""
    allow_emergency(api, DOMAIN)
    rows = [{"row_id": f"row-{place}", "identifiers": one} for place, one in enumerate(extract.identifiers)]
    made = expect(api.post(f"/v1/domains/{DOMAIN}/pseudonyms", {"rows": rows}, "provider"), 200).json["rows"]
    person = extract.people["researcher"]
    known = expect(api.get(f"/v1/people/{person.removeprefix('person/')}", "operator"), 200)
    body = {name: known.json[name] for name in ("roles", "accredited_until", "disabled", "kind")}
    clinician = {**body, "subject": SUBJECTS["researcher"], "capacities": ["clinician"]}
    expect(api.post("/v1/people", clinician, "operator", if_match=known.etag), 201)
    return [row["pseudonyms"] for row in made]


def _body(tokens: list[dict[str, str]], *places: int, **changes: Any) -> dict[str, Any]:
    kinds = ("nhs_number", "date_of_birth")
    records = [
        {"row_id": f"row-{place}", "pseudonyms": {kind: tokens[place][kind] for kind in kinds}} for place in places
    ]
    return {
        "domain": DOMAIN,
        "reason": "life_at_risk",
        "identifier_types": list(kinds),
        "records": records,
        "direct_care": True,
        **changes,
    }


def _open(api: Api, body: dict[str, Any], who: str = "researcher", **more: Any) -> Answer:
    return api.post(ROWS, body, who, **more)


def test_a_few_records_are_opened_told_of_at_once_and_reviewed_by_two(
    api: Api, extract: Extract, tokens: list[dict[str, str]]
) -> None:
    boto3.client("sesv2", REGION).create_email_identity(EmailIdentity="keyholder.test")
    for key in ("controller", "second-controller", "researcher"):
        path = f"/v1/people/{extract.people[key].removeprefix('person/')}/contact"
        expect(api.post(path, {"email": f"{key}@trust.test"}, "operator"), 200)
    api.sweep()
    api.deliver()
    box = get_backend("ses")[ACCOUNT][REGION].sent_messages
    box.clear()

    # One of them opted out nationally, which does not stand against direct care.
    given = expect(_open(api, _body(tokens, 0, OPTED_OUT)), 201)
    assert {item["status"] for item in given.json["items"]} == {"released"}
    assert [item["identifiers"]["nhs_number"] for item in given.json["items"]] == [PEOPLE[0], PEOPLE[OPTED_OUT]]
    access = given.json["access_id"]
    types = api.types()
    assert types[-2:] == ["emergency.opened", "emergency.released"]
    opened = api.events()[-2]["data"]
    assert (opened["records"], opened["reason"], opened["domain"]) == (2, "life_at_risk", DOMAIN)

    # At once: no sweep has announced anything yet.
    api.deliver()
    assert sorted(one.destinations["ToAddresses"][0] for one in box) == [
        "controller@trust.test",
        "second-controller@trust.test",
    ]
    assert all(access in one.body and "review" in one.body for one in box)
    api.sweep()
    api.deliver()
    assert len(box) == 2, "the bus announces it too, and nobody is told twice"

    assert _open(api, _body(tokens, 1)).code == "EMERGENCY_UNREVIEWED"
    assert api.get(f"{ROWS}/{access}", "controller").json["stage"] == "released"
    assert [one["access_id"] for one in api.get(ROWS, "controller", query={"domain": DOMAIN}).json["items"]] == [access]
    assert [one["access_id"] for one in api.get(ROWS, "researcher").json["items"]] == [access]
    assert api.get(f"{ROWS}/{access}", "colleague").status == 404
    first = expect(api.post(f"{ROWS}/{access}/review", {"finding": "justified"}, "controller"), 200)
    assert first.json["stage"] == "released"
    assert [json.loads(one["leaf"])["actor"] for one in first.json["receipts"]] == [extract.people["controller"]]
    done = expect(api.post(f"{ROWS}/{access}/review", {"finding": "justified"}, "second-controller"), 200)
    assert done.json["stage"] == "upheld"
    expect(_open(api, _body(tokens, 1)), 201)

    # Who re-identified this person? Also the emergency, with nothing of a request.
    api.sweep()
    search = {"nhs_number": PEOPLE[0], "reason": "subject_access"}
    (found,) = expect(api.post("/v1/audit/subject-searches", search, "auditor"), 200).json["found"]
    assert (found["request"], found["purpose"], found["disclosed"]) == (access, "individual_care", True)
    plan = api.rebuild()
    assert (plan["table"], plan["pending"]) == ({}, 0), plan


def test_it_is_a_reidentification_to_whoever_asks(api: Api, tokens: list[dict[str, str]], tmp_path: Path) -> None:
    given = expect(_open(api, _body(tokens, 0, 1)), 201).json
    api.sweep()
    leaf, released = next(one for one in enumerate(api.events()) if one[1]["type"] == "emergency.released")
    tags = sorted(tag for held in released["data"]["subjects"].values() for tag in held)
    for tag in tags:
        (found,) = Events(api, tmp_path / tag).asked("reidentified", tag)
        assert (found["leaf_index"], found["release_id"]) == (leaf, given["access_id"])
    (tmp_path / "tags").write_text(tags[0])
    (tmp_path / "key").write_text(downloaded(api, tmp_path / "ledger"))
    options = ["--key", str(tmp_path / "key"), "--subject", str(tmp_path / "tags")]
    done = CliRunner().invoke(verify_command, [str(tmp_path / "ledger"), *options])
    line, _ = done.output.splitlines()
    assert (done.exit_code, line.split("\t")[0], line.split("\t")[2]) == (0, str(leaf), given["access_id"])
    people = [
        one
        for body in objects(api, "fhir", type="emergency.released")
        for one in check_bundle(json.loads(body))
        if REIDENTIFICATION in one["meta"]["profile"]
    ]
    assert [tag for one in people for tag in tags if tag in json.dumps(one)] == tags
    keys = boto3.client("dynamodb", REGION)
    for item in api.items("KEYS_TABLE"):
        if "2026" in item["sk"]["S"]:
            keys.delete_item(TableName=api.names["KEYS_TABLE"], Key={name: item[name] for name in ("pk", "sk")})
    assert api.rebuild()["keys"]["lost_tag_years"] == [2026]


def test_the_result_is_the_recipients_alone_where_a_key_is_given(api: Api, tokens: list[dict[str, str]]) -> None:
    identity = pyrage.x25519.Identity.generate()
    body = _body(tokens, 0, public_key=str(identity.to_public()))
    given = expect(_open(api, body), 201)
    assert given.json["items"] is None
    assert PEOPLE[0] not in given.everything
    opened = pyrage.decrypt(base64.b64decode(given.json["sealed"]), [identity]).decode()
    assert PEOPLE[0] in opened
    assert api.events()[-1]["data"]["result_sha256"] == given.json["sha256"]
    assert api.post(f"{ROWS}/{given.json['access_id']}/review", {"finding": "justified"}, "researcher").status == 403
    assert _open(api, {**body, "public_key": "age1wrong"}).code == "NOT_A_PUBLIC_KEY"


def test_off_by_default_for_clinicians_alone_and_freshly_signed_in(
    api: Api, extract: Extract, tokens: list[dict[str, str]]
) -> None:
    assert _open(api, {**_body(tokens, 0), "domain": "gp-2026"}).code == "EMERGENCY_OFF"
    assert _open(api, _body(tokens, 0), "colleague").code == "NOT_A_CLINICIAN"
    old = {"auth_time": int(api.clock.now.timestamp()) - 1000}
    assert _open(api, _body(tokens, 0), claims=old).code == "SIGN_IN_OLD"
    assert _open(api, _body(tokens, 0), claims={"acr": "AAL1"}).code == "SIGN_IN_WEAK"
    assert _open(api, _body(tokens, 0, 1, 2, 3, 5, 6)).status == 422
    assert _open(api, _body(tokens, 0, direct_care=False)).status == 422
    assert "emergency.opened" not in api.types()
    refused = [event["data"]["code"] for event in api.events() if event["type"] == "attempt.refused"]
    assert refused[-4:] == ["EMERGENCY_OFF", "NOT_A_CLINICIAN", "SIGN_IN_OLD", "SIGN_IN_WEAK"]


def test_no_key_is_opened_before_the_ledger_has_it_and_nothing_leaves_before_either(
    api: Api, tokens: list[dict[str, str]]
) -> None:
    journal = Fault("PutObject", when=lambda call: str(call["Key"]).startswith("journal/"))
    api.calls.clear()
    with api.failing(journal):
        assert _open(api, _body(tokens, 0)).status == 503
    assert "Decrypt" not in api.calls

    api.clock.advance(minutes=3)
    api.sweep()
    api.sweep()
    # It was written down in the end, gave nothing, and is reviewed like any other.
    assert [kind for kind in api.types() if kind.startswith("emergency.")] == ["emergency.opened", "emergency.failed"]
    access = api.get(ROWS, "researcher").json["items"][0]["access_id"]
    for who in ("controller", "second-controller"):
        expect(api.post(f"{ROWS}/{access}/review", {"finding": "justified"}, who), 200)

    with api.failing(Fault("SendMessage")):
        given = expect(_open(api, _body(tokens, 0)), 201)
    assert given.json["items"][0]["status"] == "released", "a queue keeps nobody from care"
    assert '"code":"REL007"' in api.logs()


def test_a_withdrawn_key_fails_it_and_an_overdue_review_is_said(api: Api, tokens: list[dict[str, str]]) -> None:
    with api.failing(Fault("Decrypt", "KMSInvalidStateException", 400)):
        assert _open(api, _body(tokens, 0)).status >= 500
    assert api.types()[-1] == "emergency.failed"
    assert _open(api, _body(tokens, 0)).code == "EMERGENCY_UNREVIEWED"
    api.clock.advance(hours=72)
    assert api.sweep()["emergencies"] == 1
    assert "emergency.review_overdue" in api.types()
    assert api.sweep()["emergencies"] == 0
    assert json.loads(api.get(ROWS, "researcher").body)["items"][0]["overdue"] is True
