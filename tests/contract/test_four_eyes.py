"""The eleven ways in which four eyes failed elsewhere (F1 to F11), each tried through the API; and two people at once.

`tests/unit/requests/test_four_eyes.py` tries the same on the decision alone, without tokens, tables and routes between.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.routes import ROUTES, Function, Scope
from tests.contract.api import SUBJECTS, Answer, Api, Fault
from tests.contract.settled import (
    DOMAIN,
    OTHER_DOMAIN,
    Asked,
    Extract,
    accept_terms,
    approved,
    change_person,
    confirm,
    draft,
    expect,
    in_review,
    request_body,
    unread,
)

EVERY_SCOPE = {"scope": " ".join(scope.value for scope in Scope)}
QUESTIONS = [{"about": "other", "text": "Why is that?"}]
DECIDING: dict[str, dict[str, Any] | None] = {
    "approve": {"no_conflict_of_interest": True},
    "reject": {"reason": "other"},
    "return": {"questions": QUESTIONS},
    "declare": {"conflict_of_interest": False},
    "comment": {"audience": "internal", "text": "It looks right to me."},
    "ask": {"question": "Does it look right to you?"},
    "claim": {},
    "let-through": {},
}
"""What moves a request towards a release, or is heard by who decides."""
STOPPING = {"revoke", "recuse", "hand-back", "withdraw-vote", "advise"}
"""What only ever takes something away, or was asked of one person by name."""


def person_body(subject: str, *roles: tuple[str, str], **other: Any) -> dict[str, Any]:
    return {
        "subject": SUBJECTS[subject],
        "roles": [{"role": role, "organisation": organisation} for role, organisation in roles],
        "accredited_until": "2027-12-31",
        "capacities": ["researcher"],
        **other,
    }


def deciding_body(command: str, asked: Asked, extract: Extract) -> dict[str, Any]:
    body = dict(DECIDING[command] or {})
    if command in {"approve", "reject", "return", "claim"}:
        body["domain"] = DOMAIN
    if command in {"approve", "reject", "return", "let-through"}:
        body["content_hash"] = asked.content_hash
    if command == "ask":
        body["person"] = extract.people["second-controller"]
    return body


def ballots(asked: Asked) -> list[str]:
    (decision,) = asked.seen().json["decisions"]
    return [ballot["person"] for ballot in decision["ballots"]]


def nothing_happened(api: Api, since: int, *besides: str) -> None:
    """The ledger has refusals only, whatever was tried."""
    assert set(api.types()[since:]) <= {"attempt.refused", *besides}


def test_four_eyes_f01_every_way_to_decide_keeps_the_requester_and_the_project_out(
    reviewed: Asked, extract: Extract
) -> None:
    """CUDly#1500: enforced in two of four entry points. Every route of the function is listed here, or this fails."""
    api = reviewed.api
    commands = {
        route.path.rpartition("/")[2]
        for route in ROUTES
        if route.function is Function.DECISIONS and route.path.startswith("/v1/requests/") and route.method == "POST"
    }
    assert commands == {*DECIDING, *STOPPING}
    roles = (("researcher", "RX1"), ("controller", "RX1"))
    change_person(api, extract.people["researcher"], person_body("researcher", *roles))
    before, version = len(api.types()), reviewed.seen().json["version"]
    for command in DECIDING:
        body = deciding_body(command, reviewed, extract)
        for who, code in (("researcher", "SELF_APPROVAL"), ("controller-on-project", "ON_THE_PROJECT")):
            etag = reviewed.seen().etag
            answer = api.post(f"{reviewed.path}/{command}", body, who, if_match=etag, claims=EVERY_SCOPE)
            wanted = {code, "WRONG_STATE"} if command == "let-through" else {code}
            assert answer.code in wanted, (command, who, answer.everything)
    nothing_happened(api, before)
    assert api.types()[before:].count("attempt.refused") == 2 * len(DECIDING)
    assert reviewed.seen().json["version"] == version


def test_four_eyes_f02_people_are_counted_not_votes(reviewed: Asked) -> None:
    """bernstein#5728: rows were counted, then channels. The unit is distinct people, of every organisation."""
    api, body = reviewed.api, person_body("outsider", ("controller", "RX1"))
    made = expect(api.post("/v1/people", body, "operator"), 201)
    confirm(api, made.json["person_id"])
    accept_terms(api, "outsider", claims=EVERY_SCOPE)
    expect(reviewed.approve("controller", key="once-and-again"), 200)
    etag = reviewed.seen().etag
    assert expect(reviewed.approve("controller"), 409).code == "ALREADY_DECIDED"
    assert expect(reviewed.approve("controller", claims={"client_id": "another-app"}), 409).code == "ALREADY_DECIDED"
    assert reviewed.seen().etag == etag
    expect(reviewed.declare("outsider", claims=EVERY_SCOPE), 200)
    expect(reviewed.approve("outsider", claims=EVERY_SCOPE), 200)
    assert len(ballots(reviewed)) == 2
    assert reviewed.state == "in_review", "two of one organisation do not stand for the other"
    expect(reviewed.approve("second-controller"), 200)
    assert reviewed.state == "approved"


def test_four_eyes_f03_who_can_not_be_identified_is_nobody(reviewed: Asked) -> None:
    """Yuzu#4128: the look-up failed, "unknown" was not the requester, and so could approve."""
    api = reviewed.api
    expect(reviewed.approve("controller"), 200)
    before = ballots(reviewed)
    for claims in ({"sub": None}, {"sub": ""}, {"sub": 7}, {"sub": ["a"]}, {"iss": "https://issuer.test.elsewhere"}):
        assert reviewed.approve("second-controller", claims=claims).status == 401, claims
    for subject in ("unknown", SUBJECTS["second-controller"] + " ", SUBJECTS["outsider"]):
        answer = reviewed.approve("second-controller", claims={"sub": subject})
        assert expect(answer, 403).json["type"].endswith("not-a-member"), subject
    now = reviewed.seen()
    body = {"domain": DOMAIN, "content_hash": now.json["content_hash"], "no_conflict_of_interest": True}
    for operation in ("Query", "GetItem"):
        api.restarted()
        with api.failing(Fault(operation, "InternalServerError", 500)):
            answer = api.post(f"{reviewed.path}/approve", body, "second-controller", if_match=now.etag)
        assert answer.status >= 500, (operation, answer.everything)
    api.restarted()
    assert ballots(reviewed) == before


def test_four_eyes_f04_an_integration_is_not_its_user(reviewed: Asked) -> None:
    """infrabroker#214: the bot's identity was compared, not the human's. A machine decides nothing, for nobody."""
    api, human = reviewed.api, SUBJECTS["second-controller"]
    machine = {"kind": "machine", "capacities": [], "accredited_until": None}
    bot = person_body("outsider", ("controller", "X26"), **machine)
    assert expect(api.post("/v1/people", bot, "operator"), 422).code == "MACHINE_ROLE"
    turned = person_body("second-controller", ("controller", "X26"), **machine)
    assert expect(api.post("/v1/people", turned, "operator", if_match='W/"1"'), 422).code == "MACHINE_ROLE"
    expect(api.post("/v1/people", person_body("outsider", ("provider", "X26"), **machine), "operator"), 201)
    for claims in ({}, {"act": {"sub": human}}, {"on_behalf_of": human}, {"username": human, "email": "c@x.nhs.uk"}):
        assert expect(reviewed.approve("outsider", claims={**EVERY_SCOPE, **claims}), 403).code == "NOT_HUMAN"
    named = {"x-on-behalf-of": human, "x-amzn-oidc-identity": human}
    assert expect(reviewed.approve("outsider", claims=EVERY_SCOPE, headers=named), 403).code == "NOT_HUMAN"
    assert ballots(reviewed) == []


def test_four_eyes_f05_an_approval_is_for_one_request_one_domain_and_one_content(
    reviewed: Asked, extract: Extract
) -> None:
    """open-bank-oss#4754: an approval that was not bound to the resource opened another one."""
    api, twin = reviewed.api, in_review(reviewed.api, request_body(extract))
    assert twin.content_hash != reviewed.content_hash, "the same words of another request have another hash"
    answer = reviewed.approve("controller", content_hash=twin.content_hash)
    assert expect(answer, 412).code == "OTHER_CONTENT"
    for who in ("controller", "second-controller"):
        expect(twin.approve(who), 200)
    assert (twin.state, reviewed.state) == ("approved", "in_review")
    now = reviewed.seen()
    elsewhere = {"domain": OTHER_DOMAIN, "content_hash": now.json["content_hash"], "no_conflict_of_interest": True}
    refused = api.post(f"{reviewed.path}/approve", elsewhere, "controller", if_match=now.etag)
    assert expect(refused, 422).code == "DOMAIN_NOT_ASKED"
    assert expect(reviewed.release(content_hash=twin.content_hash), 409).code == "WRONG_STATE"
    assert expect(twin.release(content_hash=reviewed.content_hash), 412).code == "OTHER_CONTENT"


def test_four_eyes_f06_an_edit_ends_every_approval(api: Api, extract: Extract) -> None:
    """flagsmith#7056: an edit after the approval kept it."""
    asked = approved(api, request_body(extract, 0))
    etag = asked.seen("researcher").etag
    more = request_body(extract, 0, 1)
    assert expect(api.post(f"{asked.path}/save", more, "researcher", if_match=etag), 409).code == "WRONG_STATE"
    asked = in_review(api, request_body(extract, 0))
    first = asked.content_hash
    expect(asked.approve("controller"), 200)
    expect(asked.ask_back("second-controller"), 200)
    etag = asked.seen("researcher").etag
    expect(api.post(f"{asked.path}/save", more, "researcher", if_match=etag), 200)
    expect(api.post(f"{asked.path}/submit", {}, "researcher"), 200)
    assert api.deliver() == 1
    assert ballots(asked) == []
    assert expect(asked.approve("second-controller"), 403).code == "CONFLICT_NOT_DECLARED", "about what was read"
    asked.opened()
    expect(asked.approve("second-controller"), 200)
    assert asked.state == "in_review"
    assert expect(asked.approve("controller", content_hash=first), 412).code == "OTHER_CONTENT"
    expect(asked.approve("controller"), 200)
    assert expect(asked.release(content_hash=first), 412).code == "OTHER_CONTENT"


@pytest.mark.parametrize("who", ["operator", "auditor", "provider", "colleague"])
def test_four_eyes_f07_no_power_goes_round_it(cleared: Asked, extract: Extract, who: str) -> None:
    """teleport#7663, mica2#3676: the superuser's path skipped the review. Here every scope there is helps nobody."""
    api, asked = cleared.api, unread(cleared.api, request_body(extract, 0))
    before = len(api.types())
    for command in (*DECIDING, "revoke", "recuse"):
        body = deciding_body(command, asked, extract) if command in DECIDING else {"reason": "other"}
        etag = asked.seen().etag
        answer = api.post(f"{asked.path}/{command}", body, who, if_match=etag, claims=EVERY_SCOPE)
        assert expect(answer, 403).code == "NOT_A_CONTROLLER", command
    assert cleared.release(who, claims=EVERY_SCOPE).status in {403, 404}
    if who == "operator":
        own = person_body("operator", ("operator", "X26"), ("controller", "RX1"))
        assert expect(api.post("/v1/people", own, "operator", if_match='W/"1"'), 403).code == "OWN_RECORD"
    nothing_happened(api, before)


def test_four_eyes_f08_two_approvals_at_once_count_once_and_both_are_told(reviewed: Asked) -> None:
    """terraform-aws-sso-elevator#47: two people clicked at once, and everything happened twice."""
    api, etag = reviewed.api, reviewed.seen().etag
    first, second = api.at_once(
        lambda: reviewed.approve("controller", if_match=etag),
        lambda: reviewed.approve("second-controller", if_match=etag),
    )
    assert (first.status, second.status) == (412, 200), (first.everything, second.everything)
    assert len(ballots(reviewed)) == 1
    expect(reviewed.approve("controller"), 200)
    assert reviewed.state == "approved"
    assert [api.types().count(kind) for kind in ("request.domain_approved", "request.approved")] == [2, 1]


PAIRS: dict[str, tuple[str, Callable[[Asked], Answer], Callable[[Asked], Answer], str]] = {
    "approve and return": (
        "in_review",
        lambda asked: asked.approve("controller"),
        lambda asked: asked.ask_back("second-controller"),
        "returned",
    ),
    "approve and withdraw": (
        "in_review",
        lambda asked: asked.approve("controller"),
        lambda asked: asked.api.post(f"{asked.path}/withdraw", {}, "researcher"),
        "withdrawn",
    ),
    "release and revoke": (
        "approved",
        lambda asked: asked.release(),
        lambda asked: asked.revoke("controller"),
        "revoked",
    ),
    "revoke twice": (
        "approved",
        lambda asked: asked.revoke("controller"),
        lambda asked: asked.revoke("second-controller"),
        "revoked",
    ),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_four_eyes_f08_of_two_clicks_at_once_one_counts_and_both_are_told_the_truth(
    request: pytest.FixtureRequest, pair: str
) -> None:
    state, first, second, outcome = PAIRS[pair]
    asked: Asked = request.getfixturevalue("reviewed" if state == "in_review" else "cleared")
    api = asked.api
    before = len(api.types())
    late, early = api.at_once(lambda: first(asked), lambda: second(asked))
    assert early.status == 200, early.everything
    assert early.json["state"] == outcome
    assert late.status in {409, 412}, late.everything
    assert "items" not in late.json
    assert asked.state == outcome
    written = [kind for kind in api.types()[before:] if kind.startswith(("request.", "release."))]
    assert written == [receipt["type"] for receipt in early.json["receipts"]]
    (told,) = [event for event in api.events()[before:] if event["type"] == "attempt.refused"]
    assert (told["trace"], told["data"]["code"]) == (late.headers["x-request-id"], late.code)


def test_four_eyes_f08_one_click_sent_twice_at_once_is_one_click(cleared: Asked) -> None:
    """A double click: the same key, both before either is answered. One retrieval is used, whoever is told first."""
    api = cleared.api
    late, early = api.at_once(
        lambda: cleared.release(key="a-double-click"), lambda: cleared.release(key="a-double-click")
    )
    assert early.status == 200, early.everything
    assert late.status == 409, late.everything
    assert "items" not in late.json
    assert api.types().count("request.release_authorised") == 1
    assert cleared.seen("researcher").json["retrievals"]["used"] == 1


def test_four_eyes_f09_one_person_fills_one_place(reviewed: Asked, extract: Extract) -> None:
    """OpenBao's control groups: somebody in both groups filled both factors at once."""
    api = reviewed.api
    both = person_body("controller", ("controller", "RX1"), ("controller", "X26"), ("data_protection_officer", "X26"))
    change_person(api, extract.people["controller"], both)
    assert expect(reviewed.approve("controller"), 422).code == "ORGANISATION_UNCLEAR"
    expect(reviewed.approve("controller", less={"organisation": "RX1"}), 200)
    for more in ({"organisation": "X26"}, {"organisation": "X26", "factor": "data_protection_officer"}):
        assert expect(reviewed.approve("controller", less=more), 409).code == "ALREADY_DECIDED"
    assert (len(ballots(reviewed)), reviewed.state) == (1, "in_review")
    expect(reviewed.approve("second-controller"), 200)
    assert reviewed.state == "approved"


def test_four_eyes_f10_nobody_says_who_they_are(reviewed: Asked) -> None:
    """serverless-patterns#3104: the role came with the request's body. Here neither body, header nor token has it."""
    api = reviewed.api
    for field in ("role", "roles", "person", "approver", "user", "domain_controllers", "is_admin"):
        answer = reviewed.approve("colleague", less={field: "controller"}, claims=EVERY_SCOPE)
        assert expect(answer, 422).json["errors"][0]["pointer"] == f"/{field}"
    groups = {"cognito:groups": "[controller]", "groups": ["controller"], "roles": ["controller"], "org": "RX1"}
    headers = {"x-role": "controller", "x-organisation": "RX1", "x-amzn-oidc-data": "e30.eyJyb2xlIjoiY29udHJvbGxlciJ9."}
    answer = reviewed.approve("colleague", claims={**EVERY_SCOPE, **groups}, headers=headers)
    assert expect(answer, 403).code == "NOT_A_CONTROLLER"
    other = reviewed.approve("controller", less={"organisation": "X26"})
    assert expect(other, 422).code == "ORGANISATION_UNCLEAR"
    assert expect(reviewed.approve("controller", less={"factor": "caldicott_guardian"}), 403).code == "FACTOR_NOT_HELD"
    assert ballots(reviewed) == []
    assert "request.domain_approved" not in api.types()


def test_four_eyes_f11_nothing_leads_around_the_functions(reviewed: Asked, assembly: Path) -> None:
    """iam-identity-center-team#605: anybody signed in could write to the data API behind the resolver."""
    api, now = reviewed.api, reviewed.seen()
    before = len(api.types())
    body = {"domain": DOMAIN, "content_hash": now.json["content_hash"], "no_conflict_of_interest": True}
    headers = {
        "content-type": "application/json",
        "authorization": f"Bearer {api.token('controller')}",
        "idempotency-key": "around",
        "if-match": now.etag,
    }
    event = api._event("POST", f"{reviewed.path}/approve", headers, {}, json.dumps(body).encode())
    for function in sorted(set(api.deployed.routes.values()) - {"decisions"}):
        assert api.invoke(function, event)["statusCode"] in {403, 404}, function
    unsigned = {**event, "headers": {**headers, "authorization": ""}}
    assert api.invoke("decisions", unsigned)["statusCode"] == 401
    forged = {**event, "requestContext": {**event["requestContext"], "authorizer": {"jwt": {"claims": {"sub": "x"}}}}}
    forged["headers"] = {**headers, "authorization": "Bearer e30.e30."}
    assert api.invoke("decisions", forged)["statusCode"] == 401
    nothing_happened(api, before)
    resources = [
        resource
        for file in sorted(assembly.glob("*.template.json"))
        for resource in json.loads(file.read_text(encoding="utf-8"))["Resources"].values()
    ]
    kinds = {resource["Type"] for resource in resources}
    assert not {kind for kind in kinds if kind.startswith(("AWS::AppSync", "AWS::Cognito", "AWS::Lambda::Url"))}
    callers = {
        resource["Properties"]["Principal"] for resource in resources if resource["Type"] == "AWS::Lambda::Permission"
    }
    assert callers <= {"apigateway.amazonaws.com", "events.amazonaws.com"}


def test_four_eyes_a_draft_is_nobody_s_to_decide(api: Api, extract: Extract) -> None:
    asked = draft(api, request_body(extract))
    assert api.get(asked.path, "controller").status == 404
    body = {"domain": DOMAIN, "content_hash": "0" * 64, "no_conflict_of_interest": True}
    assert api.post(f"{asked.path}/approve", body, "controller", if_match='W/"1"').status in {403, 404}
