"""Invariant 9 on the whole stack: identifiers and pseudonyms go through every route, then everything is searched.

What may hold them: the answers that are for handing them out, request content (encrypted), results (age files), and
registers and row links, which hold keyed digests only and so must not show them either.
"""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.embedded.personas import PERSONAS
from infra.embedded.stack import EmbeddedStack
from infra.routes import ROUTES, Route
from keyholder.registry.people import APPROVING
from tests.people import some_nhs_numbers

DOMAIN = "canary-2026"
NUMBERS = some_nhs_numbers(400)[380:392]
POSTCODE = "ZZ99 3VZ"
BORN = "1931-07-19"
LOCAL = "CANARY-LOCAL-77"
GIVING = {"/v1/domains/{domain_id}/pseudonyms"}
"""The one answer that is for pseudonyms; the release answers are looked at apart."""


@dataclass
class Walk:
    """Calls with real tokens, and everything that was answered."""

    stack: EmbeddedStack
    answers: list[tuple[str, bytes]] = field(default_factory=list)

    def call(self, method: str, path: str, who: str | None, body: object = None, **headers: str) -> dict[str, Any]:
        sent = {"content-type": "application/json"} | {key.replace("_", "-"): value for key, value in headers.items()}
        if who is not None:
            sent["authorization"] = f"Bearer {self.stack.token(who)}"
        if method == "POST":
            sent.setdefault("idempotency-key", str(uuid.uuid4()))
        data = json.dumps(body).encode() if body is not None and not isinstance(body, bytes) else body
        address = self.stack.base_url + path
        request = urllib.request.Request(address, method=method, data=data, headers=sent)  # noqa: S310
        trust = ssl.create_default_context(cafile=str(self.stack.ca_bundle))
        try:
            with urllib.request.urlopen(request, context=trust, timeout=60) as reply:  # noqa: S310
                status, raw, got = reply.status, reply.read(), dict(reply.headers)
        except urllib.error.HTTPError as refused:
            status, raw, got = refused.code, refused.read(), dict(refused.headers)
        self.answers.append((f"{method} {path.split('?', maxsplit=1)[0]}", raw + json.dumps(got).encode()))
        return {"status": status, "etag": got.get("etag", ""), **_document(raw)}


def _document(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


@pytest.fixture(scope="module")
def walk(stack: EmbeddedStack) -> Walk:
    """Every route, called as it is meant and in every way it is not."""
    walk = Walk(stack)
    ids = _register(walk)
    made = _pseudonymise(walk)
    tokens = [token for row in made for token in row["pseudonyms"].values()]
    _load_choices(walk)
    request = _released(walk, ids, made)
    _read(walk, request)
    for route in ROUTES:
        if route.method in {"GET", "POST"}:
            for canary in (NUMBERS[0], tokens[0]):
                _misuse(walk, route, canary)
    stack.admin("lambda").invoke(FunctionName=stack.deployed.functions["sweeper"], Payload=b"{}")  # type: ignore[index]
    walk.tokens = tokens  # type: ignore[attr-defined] - what was handed out
    return walk


def _register(walk: Walk) -> dict[str, str]:
    ids = {}
    for one in PERSONAS:
        if one.key == "outsider":
            continue
        body = {
            "subject": one.subject,
            "roles": [{"role": one.role.value, "organisation": one.organisation}],
            "accredited_until": "2099-12-31",
            "capacities": ["researcher"] if one.role.value == "researcher" else [],
        }
        walk.call("POST", "/v1/people", "operator", body)
        found = walk.call("GET", "/v1/me", one.key)
        ids[one.key] = found["person_id"]
    for one in PERSONAS:
        if one.role in APPROVING:
            roles = [{"role": one.role.value, "organisation": one.organisation}]
            path = f"/v1/people/{ids[one.key].removeprefix('person/')}/confirm"
            walk.call("POST", path, "second-operator", {"roles": roles})
        if one.role in APPROVING or one.key == "researcher":
            for terms in walk.call("GET", "/v1/terms", one.key)["items"]:
                chosen = {name: terms[name] for name in ("document", "version", "sha256")}
                walk.call("POST", "/v1/terms/accept", one.key, chosen)
    walk.call(
        "POST",
        "/v1/domains",
        "operator",
        {
            "domain_id": DOMAIN,
            "controllers": ["RX1", "X26"],
            "identifier_types": ["nhs_number", "postcode", "date_of_birth", "gp_local_patient_number"],
            "source_dataset": "gp",
        },
    )
    evidence = {
        "cag": {
            "ref": "25/CAG/0036",
            "status": "supported",
            "opt_out_condition": "standard",
            "permits_reidentification": True,
        },
        "rec": {"ref": "25/LO/0123", "favourable": True},
    }
    project = {
        "project_id": "canaries",
        "organisation": "RX1",
        "members": [ids["researcher"]],
        "domains": [DOMAIN],
        "active_until": "2099-12-31",
        "agreement": {"ref": "DARS-NIC-123456-A1B2C-v1.2", "ends_on": "2099-12-31"},
        "evidence": evidence,
    }
    assert walk.call("POST", "/v1/projects", "operator", project)["status"] == 201
    return ids


def _pseudonymise(walk: Walk) -> list[dict[str, Any]]:
    rows = [
        {
            "row_id": f"row-{place}",
            "identifiers": {
                "nhs_number": number,
                "postcode": POSTCODE,
                "date_of_birth": BORN,
                "gp_local_patient_number": LOCAL,
            },
        }
        for place, number in enumerate(NUMBERS)
    ]
    answer = walk.call("POST", f"/v1/domains/{DOMAIN}/pseudonyms", "provider", {"rows": rows})
    made: list[dict[str, Any]] = answer["rows"]
    return made


def _load_choices(walk: Walk) -> None:
    now = datetime.now(UTC).isoformat()
    asked = "".join(f"{number},\n" for number in NUMBERS)
    cleaned = "".join(f"{number},\n" for number in NUMBERS[2:])
    opt_outs = {"requested": asked, "reply": cleaned, "performed_at": now, "source": "mesh"}
    assert walk.call("POST", "/v1/choices/national-data-opt-outs", "operator", opt_outs)["status"] == 201
    rows = "nhs_number,system,code,recorded_on\n" + "".join(f"{number},,,\n" for number in NUMBERS)
    type_1 = {"rows": rows, "as_at": now, "source": "practice"}
    assert walk.call("POST", "/v1/choices/type-1-events", "operator", type_1)["status"] == 201
    for place, body in (
        ("national-data-opt-outs", {**opt_outs, "reply": cleaned + NUMBERS[0] + "\n"}),
        ("consents", {}),
    ):
        walk.call("POST", f"/v1/choices/{place}", "operator", body)
    walk.call("POST", "/v1/choices/consents", "operator", {"resources": json.dumps({"n": NUMBERS[0]}), "source": "x"})


def _released(walk: Walk, ids: dict[str, str], made: list[dict[str, Any]]) -> str:
    records = [{"row_id": row["row_id"], "pseudonyms": {"nhs_number": row["pseudonyms"]["nhs_number"]}} for row in made]
    body = {
        "project": "canaries",
        "purpose": "research",
        "legal_basis": "s251_reg5",
        "references": {"cag": "25/CAG/0036", "rec": "25/LO/0123"},
        "wanted": [{"identifier_type": "nhs_number", "need": "linkage"}],
        "justification": "To link the cohort with the registry of the same people.",
        "recipient": {"organisation": "RX1"},
        "delivery": "inline",
        "destroy_by": "2099-01-01",
        "domains": [{"domain": DOMAIN, "records": records}],
    }
    walk.call(
        "POST", "/v1/requests", "researcher", body | {"justification": f"For the patient {NUMBERS[0]} we need this."}
    )
    draft = walk.call("POST", "/v1/requests", "researcher", body)
    assert draft["status"] == 201, str(draft)
    path = f"/v1/requests/{draft['id']}"
    walk.call("POST", f"{path}/save", "researcher", body, if_match=draft["etag"])
    walk.call("POST", f"{path}/submit", "researcher", {})
    checked = _checked(walk, path)
    decision = {"domain": DOMAIN, "content_hash": checked["content_hash"], "no_conflict_of_interest": True}
    for who in ("controller", "second-controller"):
        declared = walk.call("POST", f"{path}/declare", who, {"conflict_of_interest": False})
    first = walk.call("POST", f"{path}/approve", "controller", decision, if_match=declared["etag"])
    second = walk.call("POST", f"{path}/approve", "second-controller", decision, if_match=first["etag"])
    assert second["state"] == "approved"
    released = walk.call("POST", f"{path}/release", "researcher", {"content_hash": checked["content_hash"]})
    assert {item["row_id"] for item in released["items"] if "identifiers" in item} == {
        f"row-{place}" for place in range(2, len(NUMBERS))
    }
    walk.answers.pop()  # the one answer that is for handing identifiers out
    return str(draft["id"])


def _checked(walk: Walk, path: str) -> dict[str, Any]:
    """The request once its checks are recorded. The queue delivers within moments; each look takes its time."""
    for _ in range(300):
        found = walk.call("GET", path, "controller")
        if found["state"] != "submitted":
            return found
    pytest.fail("the checks were never recorded")


def _read(walk: Walk, request: str) -> None:
    walk.call("GET", f"/v1/requests/{request}/content", "controller")
    walk.call("GET", "/v1/requests", "researcher")
    walk.call("GET", f"/v1/audit/events?request={request}", "auditor")
    walk.call("POST", "/v1/audit/subject-searches", "auditor", {"nhs_number": NUMBERS[3], "reason": "subject_access"})
    export = walk.call("POST", "/v1/audit/exports", "auditor", {})
    walk.call("GET", f"/v1/audit/exports/{export['export_id']}/objects", "auditor")


def _misuse(walk: Walk, route: Route, canary: str) -> None:
    """The canary as path segment, query, header, body, field name and field value; with and without a token."""
    segments = [canary if part.startswith("{") else part for part in route.path.split("/")]
    path = "/".join(segments)
    who = next((one.key for one in PERSONAS if route.scope in one.scopes), "researcher")
    sent: tuple[object, ...] = ({canary: canary, "nhs_number": {canary: [canary]}}, canary.encode(), {})
    for body in sent if route.method == "POST" else (None,):
        query = f"?request={canary}&cursor={canary}&domain={canary}"
        for caller in (who, None):
            walk.call(route.method, path + query, caller, body, x_request_id=canary, if_match=canary)
    walk.call("DELETE", path, None)
    walk.call(route.method, path, who, {} if route.method == "POST" else None, idempotency_key=f"key-{canary}")


def _canaries(walk: Walk) -> list[bytes]:
    tokens: list[str] = walk.tokens  # type: ignore[attr-defined]
    spaced = [f"{number[:3]} {number[3:6]} {number[6:]}" for number in NUMBERS]
    return [text.encode() for text in (*NUMBERS, *spaced, BORN, LOCAL, POSTCODE, POSTCODE.replace(" ", ""), *tokens)]


def _found(places: Iterator[tuple[str, bytes]], canaries: list[bytes]) -> list[str]:
    return [place for place, text in places if any(canary in text or canary.lower() in text for canary in canaries)]


def test_invariant_9_no_answer_shows_what_it_is_not_for(walk: Walk) -> None:
    named = {f"POST /v1/domains/{DOMAIN}/pseudonyms"}
    answers = ((place, text) for place, text in walk.answers if place not in named)
    canaries = _canaries(walk)
    shown = _found(((place, text) for place, text in answers), canaries)
    assert not shown
    assert len(walk.answers) > 200


def test_invariant_9_no_log_line_shows_anybody(walk: Walk, stack: EmbeddedStack) -> None:
    logs = stack.admin("logs")
    lines = []
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            events = logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
            lines += [(group["logGroupName"], event["message"].encode()) for event in events]
    lines.append(("the engine's own log", stack.engine.log.read_bytes()))
    assert any(b"EDGE001" in text for _, text in lines), "the functions' own lines are among what is searched"
    assert not _found(iter(lines), _canaries(walk))


def test_invariant_9_no_table_queue_or_object_shows_anybody(walk: Walk, stack: EmbeddedStack) -> None:
    environment = stack.deployed.environment
    places: list[tuple[str, bytes]] = []
    dynamodb, s3, sqs = stack.admin("dynamodb"), stack.admin("s3"), stack.admin("sqs")
    for table in (environment["STEPS_TABLE"], environment["KEYS_TABLE"]):
        for page in dynamodb.get_paginator("scan").paginate(TableName=table):
            places += [(table, repr(item).encode()) for item in page["Items"]]
    for name in ("LEDGER_BUCKET", "CONTENT_BUCKET", "CHOICES_BUCKET", "RESULTS_BUCKET", "VIEW_BUCKET"):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=environment[name]):
            for item in page.get("Contents", []):
                body = s3.get_object(Bucket=environment[name], Key=item["Key"])["Body"].read()
                places += [(name, item["Key"].encode()), (f"{name}/{item['Key']}", body)]
    queue = sqs.receive_message(QueueUrl=environment["CHECKS_QUEUE_URL"], MaxNumberOfMessages=10)
    places.append(("queue", json.dumps(queue.get("Messages", [])).encode()))
    held = {place.split("/")[0] for place, _ in places}
    assert {"LEDGER_BUCKET", "CONTENT_BUCKET", "CHOICES_BUCKET"} <= held
    assert not _found(iter(places), _canaries(walk))


def test_invariant_9_no_metric_shows_anybody(walk: Walk, stack: EmbeddedStack) -> None:
    metrics = stack.admin("cloudwatch").list_metrics()["Metrics"]
    assert not _found(iter([("metrics", json.dumps(metrics).encode())]), _canaries(walk))
