"""What must always hold, through the API: each invariant of the design has the tests that are named after it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import boto3
import pytest

from keyholder.policy.consents import ConsentRecord, write_consents
from keyholder.policy.facts import Consent
from keyholder.policy.vocabulary import ConsentGiver
from keyholder.registry.people import person_id
from keyholder.vocabulary import RequestId
from tests.contract import linked
from tests.contract.api import ISSUER, SUBJECTS, Answer, Api, Fault, running
from tests.contract.aws import REGION
from tests.contract.settled import (
    DOMAIN,
    OPTED_OUT,
    PEOPLE,
    PROJECT,
    TYPE_1,
    UNCHECKED,
    Asked,
    Extract,
    approved,
    change_person,
    domain_body,
    draft,
    expect,
    in_review,
    load_opt_outs,
    opt_outs_body,
    project_body,
    ready,
    request_body,
    type_1_body,
)

JOURNAL = Fault("PutObject", when=lambda params: params["Key"].startswith("journal/"))
CHECKPOINT = Fault("PutObject", when=lambda params: params["Key"].startswith("checkpoint/"))
SIGNATURE = Fault("Sign")
STEPS = Fault("TransactWriteItems")


def identifiers_in(text: str, extract: Extract) -> list[str]:
    """The people's identifiers that a text shows."""
    return [value for person in extract.identifiers for value in person.values() if value in text]


def tokens_in(text: str, extract: Extract) -> list[str]:
    """The pseudonyms that a text shows."""
    return [token for row in extract.rows for token in row["pseudonyms"].values() if token in text]


def refused(answer: Answer, status: int, code: str, extract: Extract) -> None:
    """A no of that code, with nothing in it."""
    assert (answer.status, answer.json.get("code")) == (status, code), answer.everything
    assert not identifiers_in(answer.everything, extract)
    assert "items" not in answer.json


class DomainKeyUses:
    """Watches for uses of the domain key."""

    def __init__(self, api: Api) -> None:
        self.seen: list[str] = []
        arn = api.names["DOMAIN_KEY_ARN"]
        self.watch = Fault("Decrypt", when=lambda params: params["KeyId"] == arn and bool(self.seen.append(arn)))


# -- 1. no release without right --------------------------------------------------------------------------------------


def test_invariant_1_one_approval_is_not_enough(reviewed: Asked, extract: Extract) -> None:
    expect(reviewed.approve("controller"), 200)
    uses = DomainKeyUses(reviewed.api)
    with reviewed.api.failing(uses.watch):
        refused(reviewed.release(), 409, "WRONG_STATE", extract)
    assert not uses.seen


def test_invariant_1_two_approvals_are(cleared: Asked, extract: Extract) -> None:
    """The other tests of this invariant would pass as well if nothing were ever released."""
    items = expect(cleared.release(), 200).json["items"]
    wanted = [{kind: person[kind] for kind in ("nhs_number", "date_of_birth")} for person in extract.identifiers[:3]]
    assert [item["identifiers"] for item in items] == wanted


def test_invariant_1_nobody_on_the_project_approves(reviewed: Asked, extract: Extract) -> None:
    refused(reviewed.approve("controller-on-project"), 403, "ON_THE_PROJECT", extract)
    expect(reviewed.approve("controller"), 200)
    refused(reviewed.release(), 409, "WRONG_STATE", extract)


def test_invariant_1_an_approver_who_joins_the_project_counts_no_more(cleared: Asked, extract: Extract) -> None:
    body = project_body(extract.people, "controller")
    expect(cleared.api.post("/v1/projects", body, "operator", if_match='W/"1"'), 201)
    refused(cleared.release(), 403, "APPROVER_ON_PROJECT", extract)


def test_invariant_1_the_requester_never_approves(reviewed: Asked, extract: Extract) -> None:
    roles = [{"role": role, "organisation": "RX1"} for role in ("researcher", "controller")]
    body = {
        "subject": SUBJECTS["researcher"],
        "roles": roles,
        "accredited_until": "2027-12-31",
        "capacities": ["researcher"],
    }
    change_person(reviewed.api, extract.people["researcher"], body)
    ready(reviewed.api, "researcher", extract.people["researcher"])
    answer = reviewed.approve("researcher", claims={"scope": "keyholder/decide"})
    refused(answer, 403, "SELF_APPROVAL", extract)


def test_invariant_1_another_content_is_not_released(cleared: Asked, extract: Extract) -> None:
    refused(cleared.release(content_hash="0" * 64), 412, "OTHER_CONTENT", extract)


@pytest.mark.parametrize("by_whom", ["the bucket's owner", "one of Keyholder's functions"])
def test_invariant_1_stored_content_that_was_exchanged_is_not_released(
    cleared: Asked, extract: Extract, by_whom: str
) -> None:
    """What is stored under the approved hash's name is another request's content; a function has the key besides."""
    api, content_hash, uses = cleared.api, cleared.content_hash, DomainKeyUses(cleared.api)
    other = draft(api, request_body(extract, 5, 6, 7))
    stolen, place = str(other.seen("researcher").json["content_hash"]), f"requests/{cleared.id}/{content_hash}"
    if by_whom == "the bucket's owner":
        body = api.objects("CONTENT_BUCKET")[f"requests/{other.id}/{stolen}"]
        boto3.client("s3", REGION).put_object(Bucket=api.names["CONTENT_BUCKET"], Key=place, Body=body)
    else:
        contents = api.assembly("requests").contents
        (clear,) = contents.read(RequestId(other.id), stolen)
        assert clear is not None
        contents.keep(RequestId(cleared.id), {content_hash: clear})
    with api.failing(uses.watch):
        answer = cleared.release(content_hash=content_hash)
    assert answer.status == 500
    assert not identifiers_in(answer.everything, extract)
    assert not uses.seen


def test_invariant_1_a_revoked_request_is_not_released(cleared: Asked, extract: Extract) -> None:
    expect(cleared.revoke("second-controller"), 200)
    refused(cleared.release(), 409, "WRONG_STATE", extract)


def test_invariant_1_an_expired_window_is_not_released(cleared: Asked, extract: Extract) -> None:
    cleared.api.clock.advance(days=30, seconds=-1)
    load_opt_outs(cleared.api)
    assert expect(cleared.release(), 200).json["counts"] == {"released": "<10"}
    cleared.api.clock.advance(seconds=1)
    refused(cleared.release(), 409, "WINDOW_OVER", extract)


@pytest.mark.parametrize("claims", [{"acr": "AAL1"}, {"acr": None}, {"auth_time": None}, {"auth_time": 1_700_000_000}])
def test_invariant_1_a_weak_or_old_sign_in_neither_approves_nor_releases(
    cleared: Asked, extract: Extract, claims: dict[str, Any]
) -> None:
    code = "SIGN_IN_WEAK" if "acr" in claims else "SIGN_IN_OLD"
    second = in_review(cleared.api, request_body(extract))
    for answer in (cleared.release(claims=claims), second.approve("controller", claims=claims)):
        refused(answer, 401, code, extract)
        assert answer.json["sign_in"]["max_age"] == 900
        assert answer.headers["www-authenticate"] == (
            'Bearer error="insufficient_user_authentication", '
            'acr_values="AAL2 AAL2_OR_AAL3_ANY AAL2_ANY AAL3 AAL3_ANY", max_age="900"'
        )


def test_invariant_1_a_deployment_may_ask_for_aal3_before_anything_leaves(cleared: Asked, extract: Extract) -> None:
    house = cleared.api.assembly("release")
    house.settings = replace(house.settings, release_assurance="AAL3")
    for made in ("desk", "releasing"):
        vars(house).pop(made, None)
    answer = cleared.release()
    refused(answer, 401, "SIGN_IN_WEAK", extract)
    assert answer.json["sign_in"] == {"acr_values": ["AAL3", "AAL3_ANY"], "max_age": 900}
    assert expect(cleared.release(claims={"acr": "AAL3"}), 200).json["counts"] == {"released": "<10"}


def test_invariant_1_an_opt_out_after_the_approval_is_upheld(cleared: Asked, extract: Extract) -> None:
    load_opt_outs(cleared.api, 1)
    answer = expect(cleared.release(), 200)
    assert [item["status"] for item in answer.json["items"]] == ["released", "not_available", "released"]
    assert extract.identifiers[1]["nhs_number"] not in answer.everything


def test_invariant_1_a_type_1_opt_out_after_the_approval_is_upheld(cleared: Asked, extract: Extract) -> None:
    body = type_1_body(cleared.api, 2, source="gp-2")
    expect(cleared.api.post("/v1/choices/type-1-events", body, "operator"), 201)
    answer = expect(cleared.release(), 200)
    assert [item["status"] for item in answer.json["items"]] == ["released", "released", "not_available"]


def consents(api: Api, *places: int, withdrawn: date | None = None) -> None:
    records = [
        ConsentRecord(PEOPLE[place], Consent(PROJECT, True, date(2026, 1, 5), withdrawn, ConsentGiver.PATIENT, None))
        for place in places
    ]
    body = {"resources": write_consents(records).decode(), "source": f"study-{len(api.events())}"}
    expect(api.post("/v1/choices/consents", body, "operator"), 201)


def test_invariant_1_a_consent_withdrawn_after_the_approval_is_upheld(api: Api, extract: Extract) -> None:
    consents(api, 0, 1)
    body = request_body(extract, 0, 1, 2, legal_basis="explicit_consent", references={"rec": "25/LO/0123"})
    asked = approved(api, body)
    assert [item["status"] for item in expect(asked.release(), 200).json["items"]] == [
        "released",
        "released",
        "not_available",
    ]
    consents(api, 1, withdrawn=api.clock.now.date())
    assert [item["status"] for item in expect(asked.release(), 200).json["items"]] == [
        "released",
        "not_available",
        "not_available",
    ]


@pytest.mark.parametrize(
    "fault", [JOURNAL, CHECKPOINT, SIGNATURE, STEPS], ids=["journal", "checkpoint", "key", "table"]
)
def test_invariant_1_no_release_without_a_verified_checkpoint(cleared: Asked, extract: Extract, fault: Fault) -> None:
    uses, content_hash = DomainKeyUses(cleared.api), cleared.content_hash
    with cleared.api.failing(fault, uses.watch):
        answer = cleared.release(content_hash=content_hash)
    assert answer.status == 503
    assert answer.headers["retry-after"]
    assert not identifiers_in(answer.everything, extract)
    assert not uses.seen, "a key was opened before the release was proven"


def test_invariant_1_a_checkpoint_of_another_key_is_no_proof(cleared: Asked, extract: Extract) -> None:
    api, content_hash = cleared.api, cleared.content_hash
    kms, uses = boto3.client("kms", REGION), DomainKeyUses(cleared.api)
    other = kms.create_key(KeySpec="ECC_NIST_EDWARDS25519", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    release = api.assembly("release")
    release.ledger._committer._signer._key_id = other
    with api.failing(uses.watch):
        answer = cleared.release(content_hash=content_hash)
    assert answer.status == 503
    assert not identifiers_in(answer.everything, extract)
    assert not uses.seen


@pytest.mark.parametrize("change", ["an older one", "its signature"])
def test_invariant_1_a_checkpoint_that_was_changed_is_no_proof(cleared: Asked, extract: Extract, change: str) -> None:
    """As soon as the object is there, somebody writes another over it; Object Lock keeps the first version only."""
    api, content_hash, uses = cleared.api, cleared.content_hash, DomainKeyUses(cleared.api)
    s3, bucket = boto3.client("s3", REGION), api.names["LEDGER_BUCKET"]
    newest = max(key for key in api.keys("LEDGER_BUCKET") if key.startswith("checkpoint/"))
    older = s3.get_object(Bucket=bucket, Key=newest)["Body"].read()
    changed: list[str] = []

    def overwritten(params: Any) -> bool:
        key = params["Key"]
        if key.startswith("checkpoint/") and key > newest and key in api.keys("LEDGER_BUCKET") and not changed:
            note = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            middle = len(note) - 40
            other = b"A" if note[middle : middle + 1] != b"A" else b"B"
            forged = note[:middle] + other + note[middle + 1 :]
            s3.put_object(Bucket=bucket, Key=key, Body=older if change == "an older one" else forged)
            changed.append(key)
        return False

    with api.failing(Fault("GetObject", when=overwritten), uses.watch):
        answer = cleared.release(content_hash=content_hash)
    assert changed
    assert answer.status == 503
    assert not identifiers_in(answer.everything, extract)
    assert not uses.seen


# -- 2. logged before it takes effect ---------------------------------------------------------------------------------

Command = Callable[[Asked, Extract], Answer]

COMMANDS: dict[str, tuple[str, Command]] = {
    "create": ("draft", lambda a, x: a.api.post("/v1/requests", request_body(x), "researcher")),
    "save": ("draft", lambda a, x: a.api.post(f"{a.path}/save", request_body(x, 1), "researcher", if_match='"2"')),
    "submit": ("draft", lambda a, _: a.api.post(f"{a.path}/submit", {}, "researcher")),
    "discard": ("draft", lambda a, _: a.api.post(f"{a.path}/discard", {}, "researcher")),
    "withdraw": ("in_review", lambda a, _: a.api.post(f"{a.path}/withdraw", {}, "researcher")),
    "approve": ("in_review", lambda a, _: a.approve("controller")),
    "reject": ("in_review", lambda a, _: a.reject("controller", "The purpose is not explained well enough.")),
    "revoke": ("approved", lambda a, _: a.revoke("controller")),
    "release": ("approved", lambda a, _: a.release()),
    "people": (
        "approved",
        lambda a, _: a.api.post(
            "/v1/people", {"subject": "new", "roles": [{"role": "auditor", "organisation": "X26"}]}, "operator"
        ),
    ),
    "projects": (
        "approved",
        lambda a, x: a.api.post("/v1/projects", {**project_body(x.people), "project_id": "new"}, "operator"),
    ),
    "domains": ("approved", lambda a, _: a.api.post("/v1/domains", domain_body("new-2026"), "operator")),
    "opt-outs": (
        "approved",
        lambda a, _: a.api.post("/v1/choices/national-data-opt-outs", opt_outs_body(a.api, source="2"), "operator"),
    ),
    "type 1": (
        "approved",
        lambda a, _: a.api.post("/v1/choices/type-1-events", type_1_body(a.api, source="2"), "operator"),
    ),
    "pseudonyms": (
        "approved",
        lambda a, x: a.api.post(
            f"/v1/domains/{DOMAIN}/pseudonyms",
            {"rows": [{"row_id": "1", "identifiers": x.identifiers[0]}]},
            "provider",
        ),
    ),
    "rekeyings": (
        "approved",
        lambda a, x: a.api.post(f"/v1/domains/{DOMAIN}/rekeyings", {"rows": [x.record(0)]}, "provider"),
    ),
    "linkage": ("approved", lambda a, _: a.api.post(linked.AGREEMENTS, linked.TERMS, "controller")),
    "search": (
        "approved",
        lambda a, _: a.api.post(
            "/v1/audit/subject-searches", {"nhs_number": PEOPLE[0], "reason": "subject_access"}, "auditor"
        ),
    ),
    "export": ("approved", lambda a, _: a.api.post("/v1/audit/exports", {}, "auditor")),
    "events": ("approved", lambda a, _: a.api.get("/v1/audit/events", "auditor", query={"request": a.id})),
}


def stored(api: Api) -> Any:
    """What has an effect."""
    return (
        api.keys("LEDGER_BUCKET"),
        api.objects("CHOICES_BUCKET"),
        api.objects("RESULTS_BUCKET"),
        api.items("KEYS_TABLE"),
    )


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("fault", [JOURNAL, STEPS], ids=["journal", "table"])
def test_invariant_2_what_can_t_be_logged_does_not_happen(
    request: pytest.FixtureRequest, extract: Extract, name: str, fault: Fault
) -> None:
    state, command = COMMANDS[name]
    if state == "draft":
        asked = draft(request.getfixturevalue("api"), request_body(extract))
    else:
        asked = request.getfixturevalue("reviewed" if state == "in_review" else "cleared")
    api = asked.api
    before = stored(api)
    seen = asked.seen("researcher").json
    uses = DomainKeyUses(api)
    with api.failing(fault, uses.watch):
        answer = command(asked, extract)
    assert answer.status == 503, answer.everything
    assert answer.headers["retry-after"] == "5"
    assert not identifiers_in(answer.everything, extract)
    assert not tokens_in(answer.everything, extract)
    assert stored(api) == before
    makes = name in {"pseudonyms", "rekeyings"}
    assert bool(uses.seen) == makes, "only making pseudonyms takes a key first, and gives none out"
    assert api.deliver() == 0
    if fault is STEPS:
        api.restarted()
        assert asked.seen("researcher").json == seen


def test_invariant_2_a_collection_that_can_t_be_logged_does_not_happen(api: Api, extract: Extract) -> None:
    asked = approved(api, request_body(extract, delivery="file"))
    body = {"release_id": expect(asked.release(), 200).json["release_id"]}
    with api.failing(JOURNAL):
        assert api.post(f"{asked.path}/collect", body, "researcher", key="the-same-key").status == 503
    api.restarted()
    expect(api.post(f"{asked.path}/collect", body, "researcher", key="the-same-key"), 200)


def test_invariant_2_refusals_are_in_the_ledger(reviewed: Asked, extract: Extract) -> None:
    api = reviewed.api
    tried = [
        (reviewed.approve("controller-on-project"), "approve", "ON_THE_PROJECT"),
        (reviewed.release(), "release", "WRONG_STATE"),
        (reviewed.approve("controller", content_hash="0" * 64), "approve", "OTHER_CONTENT"),
        (reviewed.approve("controller", if_match='"1"'), "approve", "STALE"),
        (api.post("/v1/requests", request_body(extract, purpose="unheard_of"), "researcher"), "create", None),
        (api.get("/v1/audit/events", "researcher", query={"request": reviewed.id}, claims={"scope": "keyholder/audit"}),
         "list_events", None),
    ]  # fmt: skip
    refusals = [event for event in api.events() if event["type"] == "attempt.refused"]
    for answer, command, code in tried:
        (found,) = [event for event in refusals if event["trace"] == answer.headers["x-request-id"]]
        assert found["data"]["command"] == command
        assert found["data"]["code"] == (code or answer.json["code"])


def test_invariant_2_a_refusal_that_can_t_be_logged_is_not_told(reviewed: Asked) -> None:
    etag, content_hash = reviewed.seen().etag, reviewed.content_hash
    with reviewed.api.failing(JOURNAL):
        assert reviewed.approve("controller-on-project").status == 503
        assert reviewed.release(content_hash=content_hash).status == 503
        assert reviewed.approve("controller", if_match='"1"').status == 503
    assert reviewed.seen().etag == etag


def test_invariant_2_what_was_left_pending_is_in_the_ledger_after_a_sweep(reviewed: Asked) -> None:
    etag = reviewed.seen().etag
    with reviewed.api.failing(JOURNAL):
        assert reviewed.approve("controller", if_match=etag).status == 503
    assert reviewed.api.sweep()["committed"] == 1
    assert "request.approved" not in reviewed.api.types()
    assert len(reviewed.seen().json["decisions"][0]["ballots"]) == 1


# -- 4. two to release, one to stop -----------------------------------------------------------------------------------


def test_invariant_4_one_rejection_stops(reviewed: Asked, extract: Extract) -> None:
    expect(reviewed.approve("controller"), 200)
    expect(reviewed.reject("second-controller"), 200)
    assert reviewed.state == "rejected"
    refused(reviewed.release(), 409, "WRONG_STATE", extract)


def test_invariant_4_one_revocation_stops(cleared: Asked, extract: Extract) -> None:
    expect(cleared.release(), 200)
    expect(cleared.revoke("controller"), 200)
    refused(cleared.release(), 409, "WRONG_STATE", extract)


@pytest.mark.parametrize("approvals", [0, 1])
def test_invariant_4_silence_never_approves(reviewed: Asked, extract: Extract, approvals: int) -> None:
    for who in ("controller",)[:approvals]:
        expect(reviewed.approve(who), 200)
    reviewed.api.clock.advance(days=29)
    assert reviewed.api.sweep()["expired"] == 0
    reviewed.api.clock.advance(days=1)
    assert reviewed.api.sweep()["expired"] == 1
    assert reviewed.state == "expired"
    refused(reviewed.release(), 409, "WRONG_STATE", extract)
    refused(reviewed.approve("second-controller"), 409, "WRONG_STATE", extract)


@pytest.mark.parametrize("quorum", [-1, 0, 1])
def test_invariant_4_a_quorum_under_two_can_t_be_configured(api: Api, quorum: int) -> None:
    answer = api.post("/v1/domains", {**domain_body("lonely"), "quorum": quorum}, "operator")
    assert answer.status == 422
    assert [error["pointer"] for error in answer.json["errors"]] == ["/quorum"]


# -- 5. fail closed ---------------------------------------------------------------------------------------------------


def remove(api: Api, prefix: str) -> None:
    s3, bucket = boto3.client("s3", REGION), api.names["CHOICES_BUCKET"]
    found = [key for key in api.objects("CHOICES_BUCKET") if key.startswith(prefix)]
    assert found
    for key in found:
        s3.delete_object(Bucket=bucket, Key=key)


@pytest.mark.parametrize("prefix", ["national-data-opt-outs/", "type-1/", ""])
def test_invariant_5_without_registers_nothing_is_released(cleared: Asked, extract: Extract, prefix: str) -> None:
    remove(cleared.api, prefix)
    answer = expect(cleared.release(), 200)
    assert not identifiers_in(answer.everything, extract)
    assert "released" not in answer.json["counts"]


DAMAGES = {
    "cut": lambda body: body[:-40],
    "empty": lambda _: b"",
    "changed": lambda body: body[:60] + bytes([body[60] ^ 1]) + body[61:],
}


@pytest.mark.parametrize("prefix", ["national-data-opt-outs/", "type-1/"])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_invariant_5_with_a_damaged_register_nothing_is_released(
    cleared: Asked, extract: Extract, prefix: str, damage: Callable[[bytes], bytes]
) -> None:
    s3, bucket = boto3.client("s3", REGION), cleared.api.names["CHOICES_BUCKET"]
    for key, body in cleared.api.objects("CHOICES_BUCKET").items():
        if key.startswith(prefix):
            s3.put_object(Bucket=bucket, Key=key, Body=damage(body))
    answer = cleared.release()
    assert not identifiers_in(answer.everything, extract)


def test_invariant_5_a_stale_check_is_pending(cleared: Asked, extract: Extract) -> None:
    cleared.api.clock.advance(days=2)
    answer = expect(cleared.release(), 200)
    assert answer.json["counts"] == {"pending": "<10"}
    assert not identifiers_in(answer.everything, extract)
    load_opt_outs(cleared.api)
    assert expect(cleared.release(), 200).json["counts"] == {"released": "<10"}


@pytest.mark.parametrize(
    "fault",
    [
        Fault("ListObjectsV2", when=lambda params: "choices" in params["Bucket"]),
        Fault("GetObject", when=lambda params: "choices" in params["Bucket"]),
        Fault("GetObject", when=lambda params: "content" in params["Bucket"]),
        Fault("GetItem", when=lambda params: "keys" in params["TableName"]),
        Fault("Decrypt"),
        Fault("Decrypt", "DisabledException", 400),
        Fault("Decrypt", "KMSInternalException", 500),
    ],
    ids=["list", "choices", "content", "keys table", "kms", "kms disabled", "kms down"],
)
def test_invariant_5_what_does_not_answer_releases_nothing(cleared: Asked, extract: Extract, fault: Fault) -> None:
    content_hash = cleared.content_hash
    with cleared.api.failing(fault):
        answer = cleared.release(content_hash=content_hash)
    assert answer.status in {500, 503}
    assert not identifiers_in(answer.everything, extract)
    assert cleared.api.types()[-1] in {"release.failed", "request.approved"}


# -- 6, 7. items ------------------------------------------------------------------------------------------------------


def test_invariant_6_one_bad_pseudonym_never_sinks_a_batch(api: Api, extract: Extract) -> None:
    bad = {"row_id": "bad", "pseudonyms": {"nhs_number": "NOPE", "date_of_birth": "NOPE"}}
    items = expect(approved(api, request_body(extract, 0, bad, UNCHECKED, 1)).release(), 200).json["items"]
    assert [item["status"] for item in items] == ["released", "malformed", "pending", "released"]
    for item in items:
        assert ("identifiers" in item) == item["status"].startswith("released")


def told_of(api: Api, body: dict[str, Any]) -> tuple[str, str]:
    """What the requester is told: the release's answer and the request, without what always differs."""
    asked = approved(api, body)
    answer = expect(asked.release(), 200).json
    view = asked.seen("researcher").json
    own = {"id", "content_hash", "justification_sha256", "releases", "created_at", "changed_at", "due_at", "decisions"}
    told = {name: value for name, value in answer.items() if name not in {"release_id", "receipts"}}
    shown = json.dumps({name: value for name, value in view.items() if name not in own})
    return json.dumps(told), shown.replace(answer["release_id"], "RELEASE")


def test_invariant_7_the_requester_can_t_learn_a_patient_s_choice(api: Api, extract: Extract) -> None:
    linked = extract.record(OPTED_OUT)["pseudonyms"]
    elsewhere = {**linked, "nhs_number": extract.foreign["nhs_number"]}
    unknown = {**linked, "nhs_number": extract.rows[0]["pseudonyms"]["date_of_birth"]}
    another_row = {**linked, "nhs_number": extract.rows[0]["pseudonyms"]["nhs_number"]}
    type_1 = extract.record(TYPE_1)["pseudonyms"]
    # Two by two, each pair beside a person of its own: whoever is asked about a third time in a month raises a warning.
    pairs = {1: (linked, type_1), 2: (linked, elsewhere), 6: (type_1, unknown), 7: (unknown, another_row)}
    for beside, records in pairs.items():
        bodies = [request_body(extract, beside, {"row_id": "x", "pseudonyms": pseudonyms}) for pseudonyms in records]
        told = [told_of(api, body) for body in bodies]
        assert [body for body, _ in told] == [told[0][0]] * len(told)
        assert [view for _, view in told] == [told[0][1]] * len(told)
        assert json.loads(told[0][0])["items"][1:] == [{"row_id": "x", "domain": DOMAIN, "status": "not_available"}]


def test_invariant_7_auditors_see_the_reason(api: Api, extract: Extract) -> None:
    asked = approved(api, request_body(extract, OPTED_OUT, TYPE_1, 0))
    release = expect(asked.release(), 200).json
    found = {}
    for place in (OPTED_OUT, TYPE_1, 0):
        body = {"nhs_number": PEOPLE[place], "reason": "subject_access"}
        answer = expect(api.post("/v1/audit/subject-searches", body, "auditor"), 200)
        (one,) = answer.json["found"]
        assert one["release_id"] == release["release_id"]
        found[place] = one["outcome"]
    assert len(set(found.values())) == 3
    order = [item["row_id"] for item in release["items"]]
    assert order == [f"row-{place}" for place in (OPTED_OUT, TYPE_1, 0)]


# -- 8. the domain keys -----------------------------------------------------------------------------------------------


def test_invariant_8_two_functions_can_use_the_domain_keys(assembly: Path) -> None:
    with running(assembly) as api:
        users = users_of(api.names["DOMAIN_KEY_ARN"])
    opens = {name for name, actions in users.items() if "kms:Decrypt" in actions}
    assert {name.removeprefix("keyholder-functions").split("role")[0] for name in opens} == {"release", "pseudonymise"}
    others = set().union(*(actions for name, actions in users.items() if name not in opens))
    assert {action for action in others if action.startswith("kms:")} == {"kms:GenerateDataKeyWithoutPlaintext"}


def users_of(arn: str) -> dict[str, set[str]]:
    """Role -> actions of its statements that reach a key, from the policies as they were created."""
    iam = boto3.client("iam", REGION)
    users: dict[str, set[str]] = {}
    for role in iam.list_roles()["Roles"]:
        for name in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)["PolicyDocument"]
            for statement in document["Statement"]:
                actions, resources = (_as_list(statement[part]) for part in ("Action", "Resource"))
                assert not any("*" in action for action in actions)
                if any(resource == "*" or resource.startswith((arn, "arn:aws:kms:*")) for resource in resources):
                    users.setdefault(role["RoleName"], set()).update(actions)
    return users


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# -- 10. roles are Keyholder's own ------------------------------------------------------------------------------------


def test_invariant_10_roles_in_a_token_give_nothing(cleared: Asked, extract: Extract) -> None:
    boasts = {
        "roles": ["operator", "controller", "auditor"],
        "role": "auditor",
        "groups": ["keyholder-operators"],
        "realm_access": {"roles": ["operator"]},
        "nationalrbacaccess": [{"role_code": "S8000:G8000:R8000"}],
        "scope": "keyholder/operate keyholder/audit keyholder/decide keyholder/release keyholder/request",
    }
    api = cleared.api
    for who in ("researcher", "outsider"):
        assert api.get("/v1/people/unknown", who, claims=boasts).status == 403
        assert api.get("/v1/audit/events", who, claims=boasts, query={"request": cleared.id}).status == 403
        assert cleared.approve(who, claims=boasts).status == 403
    roles = expect(api.get("/v1/me", "researcher", claims=boasts), 200).json["roles"]
    assert [role["role"] for role in roles] == ["researcher"]
    assert cleared.release("colleague", claims=boasts).code == "NOT_THE_REQUESTER"


def test_invariant_10_the_same_subject_of_another_issuer_is_somebody_else(api: Api, extract: Extract) -> None:
    ours, theirs = (person_id(issuer, SUBJECTS["researcher"]) for issuer in (ISSUER, "https://other.test"))
    assert ours == extract.people["researcher"] != theirs


def test_invariant_10_a_suspended_person_is_refused_at_once(cleared: Asked, extract: Extract) -> None:
    api, content_hash = cleared.api, cleared.content_hash
    expect(api.get("/v1/me", "researcher"), 200)
    body = {
        "subject": SUBJECTS["researcher"],
        "roles": [{"role": "researcher", "organisation": "RX1"}],
        "accredited_until": "2027-12-31",
        "capacities": ["researcher"],
        "disabled": True,
    }
    change_person(api, extract.people["researcher"], body)
    for answer in (
        api.get("/v1/me", "researcher"),
        api.get(cleared.path, "researcher"),
        api.post("/v1/requests", request_body(extract), "researcher"),
        cleared.release(content_hash=content_hash),
    ):
        assert (answer.status, answer.code) == (403, "PERSON_DISABLED")
        assert not identifiers_in(answer.everything, extract)
