"""The description is true: a walk through every route, refusals included, in which each answer is held against it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import pytest
from moto.s3 import models as s3_models

from infra.describe import OPENAPI
from infra.routes import ANY, ROUTES, Route, Scope
from keyholder.adapters.counters import DynamoDbCounters
from keyholder.edge.description import CONDITIONAL
from keyholder.edge.service import MAX_BODY
from keyholder.limits.counting import Reserved
from keyholder.policy.consents import ConsentRecord, write_consents
from keyholder.policy.facts import Consent
from keyholder.policy.vocabulary import ConsentGiver
from keyholder.vocabulary import OrganisationCode, PersonId
from tests.contract import delegated, leaving, linked, request_files, settled, standing
from tests.contract.api import CLOCK, REGION, SUBJECTS, Answer, Api, Fault, running
from tests.contract.settled import (
    DOMAIN,
    PROJECT,
    Asked,
    Extract,
    approved,
    draft,
    expect,
    in_review,
    request_body,
    unread,
)
from tests.contract.uploads import announcement, sheet, upload
from tests.described import Described

NOBODY = "0" * 32
NOWHERE = "none"
PLACES = {
    "request_id": "REQ-" + "0" * 26,
    "domain_id": NOWHERE,
    "extract_id": "EXT-" + "0" * 26,
    "person_id": NOBODY,
    "project_id": NOWHERE,
    "export_id": NOWHERE,
    "index": NOWHERE,
    "quarter": NOWHERE,
    "month": NOWHERE,
    "change_id": NOWHERE,
    "access_id": "EMG-" + NOBODY + "-1",
    "agreement_id": "LNK-" + "0" * 26,
    "standing_id": "STA-" + "0" * 26,
    "delegation_id": "DLG-" + "0" * 26,
}
"""What is not there, for each variable of a path."""
WHO = {
    Scope.REQUEST: "researcher",
    Scope.DECIDE: "controller",
    Scope.RELEASE: "researcher",
    Scope.PROVIDE: "provider",
    Scope.AUDIT: "auditor",
    Scope.OPERATE: "operator",
    None: "researcher",
}
LISTS = {
    "GET /v1/emergency-accesses": {"domain": "x" * 65},
    "GET /v1/delegations": {"organisation": "x" * 11},
    "GET /v1/requests": {"limit": "0"},
    "GET /v1/domains/{domain_id}/linkage-agreements": {"limit": "0"},
    "GET /v1/audit/events": {"request": "x", "limit": "0"},
    "GET /v1/audit/consistency": {"first": "0"},
    "GET /v1/requests/{request_id}/receipts": {"limit": "0"},
    "GET /v1/requests/{request_id}/conversation": {"limit": "0"},
    "GET /v1/requests/{request_id}/changes": {"after": "1"},
    "GET /v1/requests/{request_id}/records": {"limit": "0"},
    "GET /v1/standing-approvals": {"limit": "0"},
    "GET /v1/audit/exports/{export_id}/objects": {"cursor": "x"},
}


_DOMAIN_ONLY = {"domain": DOMAIN, "content_hash": "0" * 64}
NAMED = {"GET /v1/requests/{request_id}/records": {"domain": NOWHERE}}
"""What a reading has to name."""


@pytest.fixture
def walk(assembly: Path) -> Iterator[tuple[Api, Described]]:
    """The product with nobody in it yet; every answer of the API is held against the description."""
    with running(assembly) as api, mock.patch.object(s3_models, "utcnow", _bucket_time):
        described = Described(json.loads(OPENAPI.read_text(encoding="utf-8")))
        unwatched = api.request

        def watched(method: str, path: str, who: str | None = None, **more: Any) -> Answer:
            answer = unwatched(method, path, who, **more)
            described.check(method, path, answer.status, answer.headers, answer.body)
            return answer

        api.request = watched  # type: ignore[method-assign] - the hook that sees every answer
        yield api, described


def test_every_answer_is_described_and_every_described_answer_is_given(walk: tuple[Api, Described]) -> None:
    api, described = walk
    extract = settled.settle(api)
    _succeed(api, extract)
    _meet_other_states(api, extract)
    for route in ROUTES:
        if route.key != ANY:
            _knock(api, route)
    _fail(api, extract)
    assert api.get("/v1/nothing").status == 404
    assert api.post("/v1/status").status == 405
    by_the_gateway = {(route, status) for route, status in described.listed() if status in (429, 500, 503)}
    assert described.listed() - described.seen <= by_the_gateway
    assert {status for _, status in described.seen} >= {500, 503}


def _bucket_time() -> datetime:
    """The buckets' clock is the world's, for the ledger's verification compares the two. moto's times are naive."""
    return CLOCK.now.replace(tzinfo=None)


def _succeed(api: Api, extract: Extract) -> None:
    """Each route does what it is for."""
    settled.load_opt_outs(api)
    expect(api.post("/v1/choices/consents", _consents(), "operator"), 201)
    assert expect(api.get("/v1/choices/national-data-opt-outs", "operator"), 200).json["items"]
    for path in ("/v1/openapi.json", "/v1/status"):
        expect(api.get(path), 200)
    expect(api.get("/v1/me", "auditor"), 200)
    _reach(api, extract)
    _emergency(api, extract)
    for path in (f"/v1/people/{extract.people['researcher'].removeprefix('person/')}", f"/v1/projects/{PROJECT}"):
        expect(api.get(path, "operator"), 200)
    expect(api.get(f"/v1/domains/{DOMAIN}", "researcher"), 200)
    _bad_cells(api)
    _extracts(api, extract)
    _change_keys(api)
    _choose(api)
    _hold(api, extract)
    _change_policy(api)
    _stand(api, extract)
    _delegate(api, extract)
    _link(api, extract)
    _change_rules(api)
    damaged = {"row_id": "bad", "pseudonyms": {"nhs_number": "NO", "postcode": extract.foreign["postcode"]}}
    body = {"rows": [extract.record(0), damaged]}
    rekeyed = expect(api.post(f"/v1/domains/{DOMAIN}/rekeyings", body, "provider"), 200).json["rows"]
    assert rekeyed[1] == {
        "row_id": "bad",
        "statuses": {"nhs_number": "malformed", "postcode": "not_opened"},
        "pseudonyms": {},
    }

    saved = draft(api, request_body(extract))
    expect(api.post(f"{saved.path}/save", request_body(extract, 0), "researcher", if_match=_etag(saved)), 200)
    expect(api.post(f"{saved.path}/discard", {}, "researcher"), 200)
    mine = draft(api, request_body(extract))
    assert api.post(f"{mine.path}/take-over", {}, "colleague").status == 409
    leaving.taken_over(api, extract)
    filed = request_files.read(api, extract, request_files.sheet(extract, 0, 1))
    assert request_files.hand_in(filed).status == 409
    rejected = in_review(api, request_body(extract))
    expect(rejected.reject("controller", "Not for this purpose, as we said last time."), 200)
    expect(api.get(f"{rejected.path}/content", "second-controller"), 200)
    _look_after(api, extract)
    _talk(api, extract)
    _erase(api, rejected)

    bad = {"row_id": "bad", "pseudonyms": {"nhs_number": "NO"}}
    inline = approved(api, request_body(extract, 0, settled.OPTED_OUT, bad))
    items = expect(inline.release(), 200).json["items"]
    assert [item["status"] for item in items] == ["released", "not_available", "malformed"]
    report = {
        "used": 1,
        "finding": "people_contacted",
        "destruction": "destroyed",
        "destroyed_on": api.clock.now.date().isoformat(),
        "text": "One person was written to.",
    }
    closed = expect(api.post(f"{inline.path}/report-outcome", report, "researcher"), 200).json
    assert (closed["state"], closed["report"]["late"]) == ("closed", False)
    assert api.post(f"{inline.path}/report-outcome", report, "researcher").status == 409
    missing = f"/v1/requests/{PLACES['request_id']}"
    assert api.post(f"{missing}/report-outcome", report, "researcher").status == 404
    file = approved(api, request_body(extract, delivery="file"))
    key = "a-key-that-is-sent-twice"
    expect(file.release(key=key), 200)
    released = expect(file.release(key=key), 200).json
    assert released["counts"] == {}
    collected = api.post(f"{file.path}/collect", {"release_id": released["release_id"]}, "researcher")
    assert expect(collected, 200).headers["content-type"] == "application/age"
    assert api.post(f"{file.path}/collect", {"release_id": released["release_id"]}, "researcher").status == 409
    expect(api.post(f"{file.path}/revoke", {"reason": "other"}, "controller", if_match=file.seen().etag), 200)
    for who in ("researcher", "controller", "auditor"):
        expect(api.get(file.path, who), 200)
        expect(api.get(f"{file.path}/receipts", who, query={"limit": "2"}), 200)
        expect(api.get("/v1/requests", who, query={"project": PROJECT}), 200)
    assert len(expect(api.get("/v1/requests", "researcher", query={"limit": "2"}), 200).json["items"]) == 2

    expect(api.get("/v1/audit/events", "auditor", query={"request": inline.id}), 200)
    search = {"nhs_number": settled.PEOPLE[0], "reason": "subject_access"}
    assert expect(api.post("/v1/audit/subject-searches", search, "auditor"), 200).json["found"]
    assert expect(api.post("/v1/audit/subject-searches", {**search, "proof": True}, "auditor"), 200).json["proven"]
    export = expect(api.post("/v1/audit/exports", {}, "auditor"), 201).json
    assert expect(api.get(f"/v1/audit/exports/{export['export_id']}/objects", "auditor"), 200).json["items"]
    for form in ("ndjson", "csv", "fhir"):
        begun = expect(
            api.post("/v1/audit/exports", {"format": form, "filter": {"domain": DOMAIN}}, "auditor"), 201
        ).json
        objects = f"/v1/audit/exports/{begun['export_id']}/objects"
        assert expect(api.get(objects, "auditor", query={"cursor": begun["first"]}), 200).json["items"]
    for moment in (None, api.sweep()):
        assert expect(api.get("/v1/audit/events/7", "auditor"), 200).json["index"] == 7, moment
        sizes = {"first": str(export["size"])}
        assert expect(api.get("/v1/audit/consistency", "auditor", query=sizes), 200).json["second"] >= export["size"]
        report = expect(api.get("/v1/audit/reports/2026-Q3", "auditor"), 200).json
        assert report["records_withheld"]["total"] == "suppressed"
        assert api.get("/v1/audit/consistency", "auditor", query={"first": str(10**9)}).code == "UNKNOWN_TREE"
        volumes = expect(api.get(f"/v1/audit/volume-reports/{CLOCK.now:%Y-%m}", "auditor"), 200).json
        assert any(one["held"] and one["let_through"] for one in volumes["thresholds"])
        assert "hold" in {one["action"] for one in volumes["occasions"]}


def _talk(api: Api, extract: Extract) -> None:
    """Everything that can be said is said once, and each at the wrong time."""
    asked, missing = in_review(api, request_body(extract)), f"/v1/requests/{PLACES['request_id']}"

    def say(command: str, who: str, body: dict[str, Any], path: str = asked.path) -> Answer:
        return api.post(f"{path}/{command}", body, who)

    comment, reply = {"audience": "internal", "text": "Is it plausible?"}, {"text": "It is."}
    ask = {"person": extract.people["second-controller"], "question": "Is it proportionate?"}
    expect(say("comment", "controller", comment), 200)
    expect(say("comment", "controller", {"audience": "requester", "text": "Which registry?"}), 200)
    expect(say("reply", "researcher", reply), 200)
    expect(say("nudge", "researcher", {}), 200)
    expect(say("ask", "controller", ask), 200)
    question = expect(api.get(f"{asked.path}/conversation", "auditor"), 200).json["items"][-1]["text_sha256"]
    advise = {"question": question, "advice": "no_view"}
    expect(say("advise", "second-controller", advise), 200)
    for who in ("researcher", "controller", "auditor"):
        expect(api.get(f"{asked.path}/conversation", who, query={"limit": "1"}), 200)
    expect(api.get("/v1/requests", "second-controller", query={"advice": "true"}), 200)
    expect(api.post(f"{asked.path}/withdraw", {}, "researcher"), 200)
    for command, who, body in (
        ("comment", "controller", comment),
        ("reply", "researcher", reply),
        ("nudge", "researcher", {}),
        ("ask", "controller", ask),
        ("advise", "second-controller", advise),
    ):
        assert say(command, who, body).status == 409, command
        assert say(command, who, body, missing).status == 404, command


def _erase(api: Api, rejected: Asked) -> None:
    """A comment is erased by two, a proposal is stopped, and what can't be."""
    texts, missing = f"{rejected.path}/texts", f"/v1/requests/{PLACES['request_id']}/texts"
    listed = expect(api.get(texts, "operator"), 200).json["items"]
    justification, comment = (item["text_sha256"] for item in listed)
    body = {"text_sha256": comment, "reason": "identifies_somebody"}
    expect(api.post(f"{texts}/erase", body, "operator"), 200)
    expect(api.post(f"{texts}/erase", {**body, "text_sha256": justification}, "operator"), 200)
    expect(api.post(f"{texts}/withdraw-erasure", {"text_sha256": justification}, "second-controller"), 200)
    confirmed = api.post(f"{texts}/confirm-erasure", {"text_sha256": comment}, "second-controller")
    assert expect(confirmed, 200).json["items"][1]["erasure"]["state"] == "ordered"
    assert api.sweep()["erased"] == 1
    told = expect(api.get(f"{rejected.path}/content", "researcher"), 200).json
    assert told["comments"] == {comment: None}
    assert told["justification"]
    for command, more in (("erase", {"reason": "other"}), ("confirm-erasure", {}), ("withdraw-erasure", {})):
        assert api.post(f"{texts}/{command}", {"text_sha256": comment, **more}, "operator").status == 409, command
        assert api.post(f"{missing}/{command}", {"text_sha256": comment, **more}, "operator").status == 404, command
    assert api.get(missing, "operator").status == 404


def _choose(api: Api) -> None:
    """A consent is withdrawn, listed, and shown to a data protection officer; and what can't be."""
    withdrawal = {
        "nhs_number": settled.PEOPLE[0],
        "project": PROJECT,
        "withdrawn_on": api.clock.now.date().isoformat(),
        "source": "ward-1",
    }
    expect(api.post("/v1/choices/consents/withdrawals", withdrawal, "operator"), 201)
    assert api.post("/v1/choices/consents/withdrawals", {**withdrawal, "project": "x"}, "operator").status == 422
    expect(api.get(f"/v1/choices/consents/{PROJECT}", "operator"), 200)
    roles = [{"role": "data_protection_officer", "organisation": "RX1"}]
    officer = {"claims": {"sub": "an officer", "scope": str(Scope.DECIDE)}}
    made = expect(api.post("/v1/people", {"subject": "an officer", "roles": roles}, "operator"), 201)
    settled.confirm(api, made.json["person_id"])
    look = {"nhs_number": settled.PEOPLE[settled.TYPE_1], "domain": DOMAIN, "reason": "complaint"}
    assert expect(api.post("/v1/people/choices", look, "controller", **officer), 200).json["type_1"]["events"]


def _hold(api: Api, extract: Extract) -> None:
    """A release above a volume limit is held, and let through."""
    counters = DynamoDbCounters(boto3.client("dynamodb", REGION), api.names["COUNTERS_TABLE"])
    before = b"".join(number.to_bytes(8, "big") for number in range(2_001))
    researcher, earlier = PersonId(extract.people["researcher"]), api.clock.now - timedelta(days=20)
    many = Reserved("REL-before", "REQ-before", earlier, researcher, OrganisationCode("RX1"), before)
    counters.reserve(many)
    held = approved(api, request_body(extract))
    through = {"content_hash": held.content_hash}
    assert api.post(f"{held.path}/let-through", through, "controller", if_match=held.seen().etag).status == 409
    assert held.release().status == 409
    expect(api.post(f"{held.path}/let-through", through, "controller", if_match=held.seen().etag), 200)
    expect(held.release(), 200)
    counters.forget(many)


def _look_after(api: Api, extract: Extract) -> None:
    """Controllers declare, claim, step aside; each at the wrong time too."""
    asked = unread(api, request_body(extract))
    domain = {"domain": DOMAIN}
    commands: dict[str, Any] = {
        "declare": {"conflict_of_interest": False},
        "claim": domain,
        "hand-back": domain,
        "recuse": {"reason": "other"},
    }
    assert not expect(api.get(f"{asked.path}/content", "controller"), 200).json["opened"]
    for command in ("declare", "claim", "hand-back", "claim"):
        expect(api.post(f"{asked.path}/{command}", commands[command], "controller"), 200)
    assert api.post(f"{asked.path}/hand-back", domain, "second-controller").status == 409
    for command in ("declare", "claim"):
        assert api.post(f"{asked.path}/{command}", commands[command], "controller").status == 409
    expect(api.post(f"{asked.path}/recuse", commands["recuse"], "controller"), 200)
    expect(asked.declare("second-controller", conflict=True), 200)
    for who in ("controller", "researcher", "auditor"):
        expect(api.get(asked.path, who), 200)
    expect(api.post(f"{asked.path}/withdraw", {}, "researcher"), 200)
    _review(api, extract)
    for command, body in commands.items():
        assert api.post(f"{asked.path}/{command}", body, "controller").status == 409
        assert api.post(f"/v1/requests/{PLACES['request_id']}/{command}", body, "controller").status == 404


def _review(api: Api, extract: Extract) -> None:
    """Taken back, returned, answered, approved for less and under conditions, accepted; and what is read of it."""
    asked = in_review(api, request_body(extract))
    expect(asked.approve("controller"), 200)
    expect(asked.take_back("controller"), 200)
    expect(asked.ask_back("controller"), 200)
    expect(api.post(f"{asked.path}/submit", {}, "researcher"), 200)
    assert api.deliver() == 1
    less = {"records": {"keep": ["row-0"]}, "conditions": [{"code": "no_onward_sharing"}]}
    expect(asked.approve("controller", less=less), 200)
    expect(asked.approve("second-controller"), 200)
    expect(asked.accept(), 200)
    for part, query in (("revisions", {}), ("changes", {}), ("records", {"domain": DOMAIN})):
        expect(api.get(f"{asked.path}/{part}", "controller", query=query), 200)
    assert api.get(f"{asked.path}/records", "auditor", query={"domain": DOMAIN}).status == 403
    for wrong in (asked.take_back("controller"), asked.ask_back("controller"), asked.accept()):
        assert wrong.status == 409


def _meet_other_states(api: Api, extract: Extract) -> None:
    """409 for each command that can come at the wrong time."""
    asked = draft(api, request_body(extract))
    expect(api.post(f"{asked.path}/discard", {}, "researcher"), 200)
    etag, content_hash = _etag(asked), api.get(asked.path, "researcher").json["content_hash"]
    over: dict[str, Any] = {
        "save": request_body(extract),
        "submit": {},
        "withdraw": {},
        "discard": {},
        "release": {"content_hash": content_hash},
    }
    for command, body in over.items():
        assert api.post(f"{asked.path}/{command}", body, "researcher", if_match=etag).status == 409, command
    done = approved(api, request_body(extract))
    assert done.approve("controller").status == 409
    assert done.reject("controller").status == 409
    early = in_review(api, request_body(extract))
    assert api.post(f"{early.path}/revoke", {"reason": "other"}, "controller", if_match=early.seen().etag).status == 409
    again = {"subject": "555555555501", "roles": [{"role": "operator", "organisation": "X26"}]}
    expect(api.post("/v1/people", again, "operator"), 201)
    assert api.post("/v1/people", again, "operator").status == 409
    person = f"/v1/people/{extract.people['controller'].removeprefix('person/')}"
    assert api.post(f"{person}/confirm", {"roles": settled.ROLE}, "second-operator").status == 409
    older = {"document": "requester", "version": 9, "sha256": "0" * 64}
    assert api.post("/v1/terms/accept", older, "researcher").status == 409
    assert api.post("/v1/projects", settled.project_body(extract.people), "operator").status == 409
    assert api.post("/v1/domains", settled.domain_body(DOMAIN), "operator").status == 409
    unknown = {**again, "subject": "nobody yet"}
    assert api.post("/v1/people", unknown, "operator", if_match='W/"1"').status == 404
    project = {**settled.project_body(extract.people), "project_id": "none"}
    assert api.post("/v1/projects", project, "operator", if_match='W/"1"').status == 404
    rows = {"rows": [{"row_id": "1", "identifiers": {"nhs_number": settled.PEOPLE[0]}}]}
    assert api.post("/v1/domains/none/pseudonyms", rows, "provider").status == 404
    assert api.post("/v1/domains/none/rekeyings", {"rows": [extract.record(0)]}, "provider").status == 404
    assert api.post("/v1/domains/none/extracts", announcement(b"x"), "provider").status == 404
    assert api.post(f"/v1/extracts/{PLACES['extract_id']}/collect", {}, "provider").status == 404
    assert api.post("/v1/domains/none/key-changes", settled.ROTATION, "operator").status == 404
    assert api.post("/v1/domains/none/rule-changes", {"reason": "other", "quorum": 3}, "operator").status == 404
    assert api.post(f"{done.path}/collect", {"release_id": "REL-" + "0" * 26}, "researcher").status in {404, 409}
    missing = Asked(api, PLACES["request_id"])
    for command, who, body in (
        ("save", "researcher", request_body(extract)),
        ("release", "researcher", {"content_hash": content_hash}),
        ("collect", "researcher", {"release_id": "REL-" + "0" * 26}),
        ("approve", "controller", {"domain": DOMAIN, "content_hash": content_hash, "no_conflict_of_interest": True}),
        ("reject", "controller", {"domain": DOMAIN, "content_hash": content_hash, "reason": "other"}),
        ("revoke", "controller", {"reason": "other"}),
        ("let-through", "controller", {"content_hash": content_hash}),
        ("return", "controller", {**_DOMAIN_ONLY, "questions": [{"about": "other", "text": "Why is that?"}]}),
        ("withdraw-vote", "controller", _DOMAIN_ONLY),
        ("accept-conditions", "researcher", {"conditions_hash": "0" * 64}),
        ("use-standing-approval", "researcher", {"standing_approval_id": PLACES["standing_id"]}),
    ):
        assert api.post(f"{missing.path}/{command}", body, who, if_match='W/"1"').status == 404, command


TAKES_NOTHING = {"take-over", "submit", "hand-in-file", "start", "withdraw", "discard", "confirm", "stop", "remove"}


def _knock(api: Api, route: Route) -> None:
    """What every route does with a call that is not right."""
    path, who = route.path.format(**PLACES), WHO[route.scope]
    if route.public:
        return
    if route.function == "audit":
        who = "auditor"
    assert api.request(route.method, path).status == 401
    assert api.request(route.method, path, who, claims={"scope": "openid"}, body={}).status == 403
    unknown = api.request(route.method, path, "outsider", claims={"scope": str(route.scope or Scope.REQUEST)}, body={})
    assert unknown.status in {403, 422}
    if route.method == "GET":
        assert api.get(path, who, if_match="nonsense").status != 412
        if route.key in LISTS:
            assert api.get(path, who, query=LISTS[route.key]).status == 422
        if "{" in route.path:
            assert api.get(path, who, query=NAMED.get(route.key)).status == 404 or route.function == "registry"
            assert api.get(path, "operator", query=NAMED.get(route.key)).status in {403, 404}
        return
    assert api.post(path, {}, who, key=None).status == 400
    assert api.post(path, raw=b"{", who=who).status == 400
    assert api.post(path, {}, who, if_match="nonsense").status == 412
    assert api.post(path, {"too": "x" * MAX_BODY}, who).status == 413
    assert api.post(path, {}, who, headers={"content-type": "text/csv"}).status == 415
    assert api.post(path, {"unknown": 1}, who).status == 422
    if path.rsplit("/", 1)[-1] in TAKES_NOTHING:
        of_a_person = path.endswith("/confirm") and "people" in path
        body = {"roles": settled.ROLE} if of_a_person else {}
        assert api.post(path, body, "operator" if of_a_person else who).status == 404


def _fail(api: Api, extract: Extract) -> None:
    """The ledger can't be written; a key is withdrawn; something breaks. And no version where one is needed."""
    asked = in_review(api, request_body(extract))
    content_hash = asked.content_hash
    bodies: dict[str, Any] = {
        "save": request_body(extract),
        "approve": {"domain": DOMAIN, "content_hash": content_hash, "no_conflict_of_interest": True},
        "reject": {"domain": DOMAIN, "content_hash": content_hash, "reason": "other"},
        "revoke": {"reason": "other"},
        "let-through": {"content_hash": content_hash},
        "return": {**_DOMAIN_ONLY, "questions": [{"about": "other", "text": "Why is that?"}]},
        "withdraw-vote": _DOMAIN_ONLY,
        "accept-conditions": {"conditions_hash": "0" * 64},
    }
    assert {*bodies, "end"} == CONDITIONAL, "the end of an agreement is walked where agreements are"
    for command, body in bodies.items():
        who = "researcher" if command in {"save", "accept-conditions"} else "controller"
        assert api.post(f"{asked.path}/{command}", body, who).status == 428, command
    with api.failing(Fault("TransactWriteItems", "ServiceUnavailable", 503)):
        refused = api.post("/v1/requests", request_body(extract), "researcher")
        assert (refused.status, refused.headers["retry-after"]) == (503, "5")
    released = approved(api, request_body(extract))
    with api.failing(Fault("Decrypt", "KMSInvalidStateException", 400)):
        assert released.release().status >= 500
    with api.failing(Fault("Query", "ValidationException", 400), Fault("GetItem", "ValidationException", 400)):
        assert api.get("/v1/me", "researcher").status >= 500


def _emergency(api: Api, extract: Extract) -> None:
    """An emergency access that is given, shown and reviewed; and what is refused."""
    person = extract.people["researcher"].removeprefix("person/")
    domain = "urgent-2026"
    settled.allow_emergency(api, domain)
    rows = [{"row_id": "1", "identifiers": extract.identifiers[0]}]
    made = expect(api.post(f"/v1/domains/{domain}/pseudonyms", {"rows": rows}, "provider"), 200).json["rows"]
    known = expect(api.get(f"/v1/people/{person}", "operator"), 200)
    was = {name: known.json[name] for name in ("roles", "accredited_until")} | {"subject": SUBJECTS["researcher"]}
    clinician = {**was, "capacities": ["clinician", "researcher"]}
    changed = expect(api.post("/v1/people", clinician, "operator", if_match=known.etag), 201)
    body = {
        "domain": domain,
        "reason": "urgent_treatment",
        "identifier_types": ["nhs_number"],
        "records": [
            {"row_id": "1", "pseudonyms": {"nhs_number": made[0]["pseudonyms"]["nhs_number"]}},
            {"row_id": "2", "pseudonyms": {"nhs_number": "NO"}},
        ],
        "direct_care": True,
    }
    given = expect(api.post("/v1/emergency-accesses", body, "researcher"), 201)
    assert api.post("/v1/emergency-accesses", body, "researcher").status == 409
    path = f"/v1/emergency-accesses/{given.json['access_id']}"
    expect(api.get("/v1/emergency-accesses", "controller", query={"domain": domain}), 200)
    expect(api.get(path, "auditor"), 200)
    for who in ("controller", "second-controller"):
        expect(api.post(f"{path}/review", {"finding": "justified"}, who), 200)
    assert api.post(f"{path}/review", {"finding": "justified"}, "controller").status == 409
    nothing = f"/v1/emergency-accesses/{PLACES['access_id']}/review"
    assert api.post(nothing, {"finding": "justified"}, "controller").status == 404
    back = {**was, "capacities": ["researcher"]}
    expect(api.post("/v1/people", back, "operator", if_match=changed.etag), 201)


def _reach(api: Api, extract: Extract) -> None:
    """An address for notices: set, shown, erased, and of nobody."""
    path = f"/v1/people/{extract.people['researcher'].removeprefix('person/')}/contact"
    expect(api.post(path, {"email": "somebody@trust.test"}, "operator"), 200)
    expect(api.get(path, "researcher"), 200)
    expect(api.post(f"{path}/remove", {}, "operator"), 200)
    assert api.post(f"{path}/remove", {}, "operator").status == 409
    assert api.post(f"/v1/people/{NOBODY}/contact", {"email": "nobody@trust.test"}, "operator").status == 404


def _change_keys(api: Api) -> None:
    """One operator proposes, another confirms or refuses; and each at the wrong time."""
    changes = f"/v1/domains/{settled.OTHER_DOMAIN}/key-changes"
    refused = expect(api.post(changes, settled.ROTATION, "operator"), 201).json["change_id"]
    assert expect(api.get(f"/v1/domains/{settled.OTHER_DOMAIN}", "researcher"), 200).json["key_changes"]
    assert api.post(changes, settled.ROTATION, "second-operator").status == 409
    expect(api.post(f"{changes}/{refused}/withdraw", {}, "second-operator"), 200)
    made = expect(api.post(changes, settled.ROTATION, "operator"), 201).json["change_id"]
    assert api.post(f"{changes}/{made}/confirm", {}, "operator").status == 403
    expect(api.post(f"{changes}/{made}/confirm", {}, "second-operator"), 200)
    assert api.post(f"{changes}/{made}/withdraw", {}, "second-operator").status == 409
    assert api.post(f"{changes}/{refused}/confirm", {}, "second-operator").status == 409


def _change_policy(api: Api) -> None:
    """Settings proposed, stopped, proposed again and confirmed, and each at the wrong time."""
    shown = expect(api.get("/v1/policy", "researcher"), 200).json
    settings = {**shown["settings"], "freshness": {**shown["settings"]["freshness"], "direct_days": 2}}
    settings["type1_by_collection"] = [
        {
            "collection": DOMAIN,
            "legal_basis": "copi_reg3",
            "upheld": True,
            "source": "type-1-in-opensafely",
            "from": "2023-06-01",
        }
    ]
    changes, body = "/v1/policy/changes", {"settings": settings, "reason": "guidance_changed"}
    stopped = expect(api.post(changes, body, "operator"), 201).json["change_id"]
    assert api.post(changes, body, "second-operator").status == 409
    assert expect(api.get("/v1/policy", "auditor"), 200).json["waiting"]["change_id"] == stopped
    expect(api.get(f"{changes}/{stopped}", "controller"), 200)
    expect(api.post(f"{changes}/{stopped}/stop", {}, "controller"), 200)
    assert api.post(f"{changes}/{stopped}/stop", {}, "controller").status == 409
    back = expect(api.post(changes, body, "operator"), 201).json["change_id"]
    expect(api.post(f"{changes}/{back}/withdraw", {}, "second-operator"), 200)
    made = expect(api.post(changes, body, "operator"), 201).json["change_id"]
    assert api.post(f"{changes}/{made}/confirm", {}, "researcher", claims={"scope": str(Scope.DECIDE)}).status == 403
    expect(api.post(f"{changes}/{made}/confirm", {}, "controller"), 200)
    assert api.post(f"{changes}/{made}/withdraw", {}, "operator").status == 409
    assert api.post(f"{changes}/{made}/confirm", {}, "controller").status == 409
    assert expect(api.get("/v1/policy", "auditor"), 200).json["changes"]


def _stand(api: Api, extract: Extract) -> None:
    """Bounds are asked for, approved, used and ended, each at the wrong time too."""
    path = standing.in_force(api)
    other = standing.asked(api)
    assert standing.use(api, unread(api, request_body(extract, 0)), other).status == 409
    request = unread(api, request_body(extract, 0))
    expect(standing.use(api, request, path), 200)
    assert standing.use(api, request, path).status == 409
    assert len(expect(api.get(standing.PATH, "controller", query={"domain": DOMAIN}), 200).json["items"]) == 2
    assert api.get(standing.PATH, "controller").status == 422
    wrong = {**standing.TERMS, "until": "2020-01-01"}
    assert api.post(standing.PATH, wrong, "researcher").status == 422
    expect(standing.end(api, path), 200)
    assert standing.end(api, path).status == 409
    assert standing.approve(api, path, "controller").status == 409
    unknown = f"{standing.PATH}/{PLACES['standing_id']}"
    yes = {"domain": DOMAIN, "terms_hash": "0" * 64, "no_conflict_of_interest": True}
    assert api.post(f"{unknown}/approve", yes, "controller", if_match='W/"1"').status == 404
    assert api.post(f"{unknown}/end", {"reason": "other"}, "controller", if_match='W/"1"').status == 404
    assert api.post(f"{other}/approve", yes, "controller").status == 428
    assert api.post(f"{other}/end", {"reason": "other"}, "controller").status == 428


def _delegate(api: Api, extract: Extract) -> None:
    """One decides in the place of another; every step of that, and each at the wrong time."""
    path = delegated.named(api, extract)
    assert api.post("/v1/delegations", delegated.body(api, extract), "controller").status == 409
    expect(api.post(f"{path}/confirm", {}, "operator"), 200)
    assert api.post(f"{path}/confirm", {}, "operator").status == 409
    expect(api.get(path, "controller"), 200)
    expect(api.get("/v1/delegations", "operator", query={"organisation": "RX1"}), 200)
    assert api.get("/v1/delegations", "researcher", query={"organisation": "X26"}).status == 403
    assert len(expect(api.get("/v1/me", "controller"), 200).json["delegations"]) == 1
    expect(api.post(f"{path}/withdraw", {}, "controller"), 200)
    assert api.post(f"{path}/withdraw", {}, "controller").status == 409


def _link(api: Api, extract: Extract) -> None:
    """Two domains agree, and a column is translated; each at the wrong time too."""
    linked.linked(api)
    path = linked.in_force(api)
    other = linked.proposed(api)
    listed = f"/v1/domains/{linked.TARGET}/linkage-agreements"
    assert len(expect(api.get(listed, "controller"), 200).json["items"]) == 2
    damaged = {"row_id": "x", "pseudonyms": {"nhs_number": "x"}}
    body = {"rows": [extract.record(0), extract.record(settled.TYPE_1), damaged]}
    rows = expect(api.post(f"{path}/translations", body, "provider"), 200).json["rows"]
    assert [row["statuses"]["nhs_number"] for row in rows] == ["translated", "not_available", "malformed"]
    assert api.post(f"{other}/translations", body, "provider").status == 409
    assert api.post(f"{path}/translations", {"rows": [body["rows"][0]] * 2}, "provider").status == 422
    expect(linked.end(api, path), 200)
    assert linked.end(api, path).status == 409
    assert linked.approve(api, path, "one", DOMAIN).status == 409
    unknown = f"{linked.AGREEMENTS}/{PLACES['agreement_id']}"
    yes = {"domain": DOMAIN, "terms_hash": "0" * 64, "no_conflict_of_interest": True}
    assert api.post(f"{unknown}/approve", yes, "one", if_match='W/"1"').status == 404
    assert api.post(f"{unknown}/end", {"reason": "other"}, "one", if_match='W/"1"').status == 404
    assert api.post(f"{unknown}/translations", body, "provider").status == 404
    assert api.post(f"{other}/end", {"reason": "other"}, "one").status == 428
    assert api.post(f"{other}/approve", yes, "one").status == 428


def _change_rules(api: Api) -> None:
    """An operator proposes, the domain's people confirm or refuse; and each at the wrong time."""
    changes, stricter = f"/v1/domains/{settled.OTHER_DOMAIN}/rule-changes", {**settled.STRICTER, "reason": "other"}
    refused = expect(api.post(changes, stricter, "operator"), 201).json["change_id"]
    assert expect(api.get(f"/v1/domains/{settled.OTHER_DOMAIN}", "researcher"), 200).json["rule_changes"]
    assert api.post(changes, stricter, "operator").status == 409
    expect(api.post(f"{changes}/{refused}/withdraw", {}, "controller"), 200)
    made = expect(api.post(changes, stricter, "operator"), 201).json["change_id"]
    assert api.post(f"{changes}/{made}/confirm", {}, "researcher", claims={"scope": "keyholder/decide"}).status == 403
    expect(api.post(f"{changes}/{made}/confirm", {}, "controller"), 200)
    assert api.post(f"{changes}/{made}/withdraw", {}, "operator").status == 409
    assert api.post(f"{changes}/{refused}/confirm", {}, "controller").status == 409


def _etag(asked: Asked) -> str:
    return expect(asked.api.get(asked.path, "researcher"), 200).etag


def _consents() -> dict[str, str]:
    given = Consent(PROJECT, True, date(2025, 6, 1), None, ConsentGiver.PATIENT)
    return {"resources": write_consents([ConsentRecord(settled.PEOPLE[0], given)]).decode(), "source": "ward-1"}


def _extracts(api: Api, extract: Extract) -> None:
    """A file through all its states, each command at its time and at the wrong one."""
    body = sheet(extract)
    route = f"/v1/domains/{DOMAIN}/extracts"
    told = expect(api.post(route, announcement(body), "provider"), 201).json
    assert api.post(route, announcement(body, columns=["row_id", "nhs_number", "surname"]), "provider").status == 422
    path = f"/v1/extracts/{told['extract_id']}"
    assert expect(api.get(path, "provider"), 200).json["upload"]
    for command in ("start", "collect"):
        assert api.post(f"{path}/{command}", {}, "provider").status == 409
    assert upload(told, body).status_code == 200
    expect(api.post(f"{path}/start", {}, "provider"), 200)
    api.deliver()
    expect(api.post(f"{path}/collect", {}, "provider"), 200)
    expect(api.post(f"{path}/discard", {}, "provider"), 200)
    assert api.post(f"{path}/discard", {}, "provider").status == 409


def _bad_cells(api: Api) -> None:
    """A row with a bad cell, and one of a person with a Type 1 opt-out."""
    rows = [
        {"row_id": "bad", "identifiers": {"nhs_number": settled.PEOPLE[0], "postcode": "nowhere"}},
        {"row_id": "type-1", "identifiers": {"nhs_number": settled.PEOPLE[settled.TYPE_1]}},
    ]
    made = expect(api.post(f"/v1/domains/{DOMAIN}/pseudonyms", {"rows": rows}, "provider"), 200).json["rows"]
    assert [row["status"] for row in made] == ["pseudonymised", "refused"]
    assert made[0]["errors"]
    dead = [
        {"row_id": day, "identifiers": {"nhs_number": settled.PEOPLE[0], "date_of_death": day}}
        for day in ("2020-01-01", "soon")
    ]
    report = {"rules": "ab" * 32, "began_on": "2021-07-01", "dropped": {"item_too_old": 3}, "columns_refused": {}}
    body = {"rows": dead, "collection": report}
    made = expect(api.post(f"/v1/domains/{DOMAIN}/pseudonyms", body, "provider"), 200).json["rows"]
    assert [row["reason"] for row in made] == ["died_before_start", "date_of_death_unreadable"]
