"""Nothing sensitive anywhere but where it belongs: canaries through every route, then every output is searched.

Invariant 3 (the ledger tells nothing about a patient) and invariant 9 (nothing in a URL, a cursor, a log line, a
metric, an error or a notification). The people of the settled world are the canaries: their identifiers and pseudonyms
occur nowhere else.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from typing import Any

import boto3
import pyrage
import pytest
from moto.backends import get_backend

from infra.api import ACCESS_LOG_FORMAT
from infra.routes import ROUTES
from tests.contract import delegated, leaving, linked, request_files, standing
from tests.contract.api import ACCOUNT, SCOPES, Answer, Api, Fault, Snapshot, running, snapshot
from tests.contract.aws import REGION
from tests.contract.settled import (
    DOMAIN,
    PEOPLE,
    PROJECT,
    Asked,
    Extract,
    approved,
    draft,
    expect,
    in_review,
    load_opt_outs,
    request_body,
    unread,
)
from tests.contract.uploads import announcement, sheet, upload

COMMENT = "The canary comment says that the patient named Marigold Thistlewood must not be told."
WHY = "The canary purpose mentions Ebenezer Quillfeather, whose record should be linked to the registry."
FREE_TEXTS = ("Marigold", "Thistlewood", "Ebenezer", "Quillfeather")


@dataclass
class Told:
    """Answers that may hold something, and answers that may not."""

    everything: list[Answer] = field(default_factory=list)

    def of(self, answer: Answer) -> Answer:
        self.everything.append(answer)
        return answer


def identifiers_of(extract: Extract) -> list[str]:
    return [value for person in extract.identifiers for value in person.values()]


def tokens_of(extract: Extract) -> list[str]:
    own = [token for row in extract.rows for token in row["pseudonyms"].values()]
    return [*own, *extract.foreign.values()]


def found_in(text: str, canaries: list[str]) -> list[str]:
    """The canaries in a text, however their letters are written or their groups are separated."""
    plain = text.upper()
    packed = plain.replace(" ", "")
    return [canary for canary in canaries if canary.upper() in plain or canary.upper().replace(" ", "") in packed]


def whole_life(api: Api, extract: Extract) -> Told:
    """Every command once or more, refusals and faults among them, with free text wherever there is any."""
    told = Told()
    boto3.client("sesv2", REGION).create_email_identity(EmailIdentity="keyholder.test")
    for person in extract.people.values():
        contact = {"email": f"{person[-4:]}@trust.test"}
        told.of(expect(api.post(f"/v1/people/{person.removeprefix('person/')}/contact", contact, "operator"), 200))
    load_opt_outs(api, 3)
    asked = approved(api, request_body(extract, 0, 1, 3, justification=WHY))
    expect(asked.release(), 200)
    told.of(asked.seen("researcher"))
    told.of(asked.seen("controller"))
    told.of(expect(asked.revoke("controller"), 200))
    told.of(asked.release())
    filed = approved(api, request_body(extract, 0, 2, 4, delivery="file", justification=WHY))
    release = told.of(expect(filed.release(), 200)).json
    body = {"release_id": release["release_id"]}
    told.of(expect(api.post(f"{filed.path}/collect", body, "researcher"), 200))
    told.of(api.post(f"{filed.path}/collect", body, "researcher"))
    day = api.clock.now.date().isoformat()
    report = {"used": 1, "finding": "other", "destruction": "destroyed", "destroyed_on": day, "text": COMMENT}
    told.of(api.post(f"{filed.path}/report-outcome", {**report, "text": f"It is {PEOPLE[0]}."}, "researcher"))
    told.of(expect(api.post(f"{filed.path}/report-outcome", report, "researcher"), 200))
    rejected = in_review(api, request_body(extract, 0, justification=WHY))
    told.of(rejected.approve("controller-on-project"))
    adviser, name = extract.people["second-controller"], {"audience": "internal", "text": COMMENT}
    told.of(expect(api.post(f"{rejected.path}/comment", name, "controller"), 200))
    told.of(expect(api.post(f"{rejected.path}/comment", {**name, "audience": "requester"}, "controller"), 200))
    told.of(expect(api.post(f"{rejected.path}/reply", {"text": WHY}, "researcher"), 200))
    told.of(expect(api.post(f"{rejected.path}/nudge", {}, "researcher"), 200))
    told.of(expect(api.post(f"{rejected.path}/ask", {"person": adviser, "question": COMMENT}, "controller"), 200))
    told.of(api.post(f"{rejected.path}/comment", {**name, "text": f"It is {PEOPLE[0]}."}, "controller"))
    told.of(expect(api.post(f"{rejected.path}/claim", {"domain": DOMAIN}, "controller"), 200))
    told.of(expect(api.post(f"{rejected.path}/recuse", {"reason": "other"}, "second-controller"), 200))
    told.of(expect(rejected.reject("controller", COMMENT), 200))
    reviewed_through(api, extract, told)
    texts = f"{rejected.path}/texts"
    listed = told.of(expect(api.get(texts, "operator"), 200)).json["items"]
    for item in listed:
        body = {"text_sha256": item["text_sha256"], "reason": "identifies_somebody"}
        told.of(expect(api.post(f"{texts}/erase", body, "operator"), 200))
    stop = {"text_sha256": listed[0]["text_sha256"]}
    told.of(expect(api.post(f"{texts}/withdraw-erasure", stop, "second-controller"), 200))
    told.of(api.post(f"{texts}/confirm-erasure", stop, "second-controller"))
    withdrawn = draft(api, request_body(extract, 0, justification=WHY))
    told.of(
        api.post(f"{withdrawn.path}/save", request_body(extract, 1, justification=WHY), "researcher", if_match='"2"')
    )
    told.of(api.post(f"{withdrawn.path}/submit", {}, "researcher"))
    told.of(api.post(f"{withdrawn.path}/withdraw", {}, "researcher"))
    told.of(api.post(f"/v1/domains/{DOMAIN}/rekeyings", {"rows": [extract.record(0)]}, "researcher"))
    rekeyed = {"rows": [extract.record(0), {"row_id": "x", "pseudonyms": {"postcode": PEOPLE[0]}}]}
    assert not found_in(
        expect(api.post(f"/v1/domains/{DOMAIN}/rekeyings", rekeyed, "provider"), 200).everything,
        identifiers_of(extract),
    )
    extracts_through(api, extract, told)
    files_through(api, extract, told)
    shown = told.of(expect(api.get("/v1/policy", "researcher"), 200)).json
    for source in (extract.rows[0]["pseudonyms"]["nhs_number"], PEOPLE[0]):
        flows = [{**shown["settings"]["exempt_flows"][0], "source": source, "project": source}]
        told.of(
            api.post(
                "/v1/policy/changes",
                {"settings": {**shown["settings"], "exempt_flows": flows}, "reason": "review"},
                "operator",
            )
        )
    fewer = {**shown["settings"], "exempt_flows": []}
    change = told.of(expect(api.post("/v1/policy/changes", {"settings": fewer, "reason": "review"}, "operator"), 201))
    told.of(expect(api.get(f"/v1/policy/changes/{change.json['change_id']}", "controller"), 200))
    told.of(expect(api.post(f"/v1/policy/changes/{change.json['change_id']}/confirm", {}, "controller"), 200))
    bounds = standing.in_force(api)
    told.of(expect(standing.use(api, unread(api, request_body(extract, 0, justification=WHY)), bounds), 200))
    told.of(expect(api.get(bounds, "controller"), 200))
    told.of(expect(api.get(standing.PATH, "researcher", query={"project": PROJECT}), 200))
    told.of(expect(standing.end(api, bounds), 200))
    leaving.taken_over(api, extract)
    lent = delegated.in_force(api, extract)
    told.of(expect(api.get(lent, "controller"), 200))
    told.of(expect(api.get(delegated.PATH, "controller"), 200))
    told.of(expect(api.post(f"{lent}/withdraw", {}, "controller"), 200))
    linked.linked(api)
    agreement = linked.in_force(api)
    column = [extract.record(place) for place in (0, 3, 4)] + [{"row_id": "x", "pseudonyms": {"nhs_number": PEOPLE[0]}}]
    translated = expect(api.post(f"{agreement}/translations", {"rows": column}, "provider"), 200)
    assert not found_in(translated.everything, [*identifiers_of(extract), *tokens_of(extract)])
    told.of(api.post(f"{agreement}/translations", {"rows": column}, "researcher"))
    told.of(api.post(f"{agreement}/translations", {"rows": column * 2}, "provider"))
    with api.failing(Fault("Decrypt", "DisabledException", 400)):
        told.of(api.post(f"{agreement}/translations", {"rows": column}, "provider"))
    told.of(linked.end(api, agreement))
    told.of(expect(api.get(f"/v1/domains/{DOMAIN}/linkage-agreements", "controller"), 200))
    for number in PEOPLE[:2]:
        search = {"nhs_number": number, "reason": "subject_access"}
        told.of(expect(api.post("/v1/audit/subject-searches", search, "auditor"), 200))
    told.of(expect(api.get("/v1/audit/events", "auditor", query={"request": asked.id}), 200))
    export = told.of(expect(api.post("/v1/audit/exports", {}, "auditor"), 201)).json["export_id"]
    told.of(expect(api.get(f"/v1/audit/exports/{export}/objects", "auditor"), 200))
    for who in ("researcher", "controller"):
        told.of(expect(api.get("/v1/requests", who), 200))
    for number, fault in enumerate((Fault("Decrypt", "AccessDenied"), Fault("Query", "InternalServerError", 500))):
        with api.failing(fault):
            told.of(api.post("/v1/requests", request_body(extract, number), "researcher"))
            told.of(asked.api.post(f"{filed.path}/release", {"content_hash": "0" * 64}, "researcher"))
    api.deliver()
    api.sweep()
    api.deliver()
    messages = get_backend("ses")[ACCOUNT][REGION].sent_messages
    assert len({one.subject.partition(":")[0] for one in messages}) > 8
    told.of(Answer(200, {}, "\n".join(f"{one.subject} {one.body}" for one in messages).encode()))
    # Every kind of step is there now: a rebuild has to know them all, and finds nothing wrong where nothing is.
    plan = api.rebuild()
    assert (plan["table"], plan["pending"]) == ({}, 0), plan
    told.of(Answer(200, {}, json.dumps(plan).encode()))
    return told


def reviewed_through(api: Api, extract: Extract, told: Told) -> None:
    """Returned with words, written anew, approved for some records under a condition. Only `records` gives records."""
    asked = in_review(api, request_body(extract, 0, 1, justification=WHY))
    told.of(expect(asked.ask_back("controller", COMMENT), 200))
    etag = asked.seen("researcher").etag
    told.of(api.post(f"{asked.path}/save", request_body(extract, 1, 2, justification=WHY), "researcher", if_match=etag))
    told.of(expect(api.post(f"{asked.path}/submit", {}, "researcher"), 200))
    api.deliver()
    asked.opened()
    for part in ("revisions", "changes"):
        told.of(expect(api.get(f"{asked.path}/{part}", "controller"), 200))
    less = {"records": {"keep": ["row-1"]}, "conditions": [{"code": "no_onward_sharing"}]}
    told.of(expect(asked.approve("controller", less=less), 200))
    told.of(expect(asked.take_back("controller"), 200))
    told.of(expect(asked.approve("controller", less=less), 200))
    told.of(expect(asked.approve("second-controller"), 200))
    told.of(expect(asked.accept(), 200))
    given = expect(api.get(f"{asked.path}/records", "controller", query={"domain": DOMAIN}), 200).everything
    assert not found_in(given, identifiers_of(extract))


def extracts_through(api: Api, extract: Extract, told: Told) -> None:
    """One that is made, one that is refused for a row, one whose worker fails, each with its people in it."""
    good = sheet(extract)
    bad = good.replace(b"row-0,", f"{PEOPLE[0]},".encode())
    broken = Fault("Decrypt", "ValidationException", 400)
    for body, faults in ((good, ()), (bad, ()), (good, (broken,))):
        announced = told.of(expect(api.post(f"/v1/domains/{DOMAIN}/extracts", announcement(body), "provider"), 201))
        path = f"/v1/extracts/{announced.json['extract_id']}"
        assert upload(announced.json, body).status_code == 200
        told.of(expect(api.post(f"{path}/start", {}, "provider"), 200))
        with api.failing(*faults):
            api.deliver()
        told.of(api.get(path, "provider"))
        told.of(api.post(f"{path}/collect", {}, "provider"))
    told.of(expect(api.post(f"{path}/discard", {}, "provider"), 200))


def files_through(api: Api, extract: Extract, told: Told) -> None:
    """A file that is read, and one that is refused for a row that names a patient."""
    good = request_files.sheet(extract, 0, 1)
    for body in (good, good.replace(b"row-0,", f"{PEOPLE[0]},".encode())):
        asked = draft(api, request_files.file_body(extract, body))
        assert upload(told.of(api.get(f"{asked.path}/file", "researcher")).json, body).status_code == 200
        told.of(expect(request_files.hand_in(asked), 200))
        api.deliver()
        told.of(expect(api.get(f"{asked.path}/file", "researcher"), 200))
    told.of(api.post(f"{asked.path}/submit", {}, "researcher"))


def canaries_through(api: Api, extract: Extract) -> Told:
    """Every route, with canaries in its path, its query, its headers, and a body that does not fit it."""
    told, token, number = Told(), tokens_of(extract)[0], PEOPLE[0]
    bodies: list[Any] = [
        {"nhs_number": number, token: number, "records": [token]},
        {"subject": number, "requested": f"{number},\nx", "reply": f"{number},\n", "rows": f"{number},{token}"},
        {"content_hash": token, "domain": token, "release_id": token, "resources": f'{{"patient": "{number}"}}'},
        {},
    ]
    for route in ROUTES:
        if route.path == "$default":
            continue
        path = "/".join(token if part.startswith("{") else part for part in route.path.split("/"))
        for who in ("researcher", next(who for who, scopes in SCOPES.items() if (route.scope or "") in scopes)):
            for body in bodies:
                answer = api.request(
                    route.method,
                    path,
                    who,
                    body=body if route.method == "POST" else None,
                    key=token[:64],
                    if_match=f'"{number}"' if body is bodies[1] else None,
                    query={"cursor": token, "request": token, "domain": number, "limit": number},
                    headers={"x-request-id": token, "x-correlation-id": number, "user-agent": token, "referer": token},
                )
                told.of(answer)
    told.of(api.get(f"/v1/{token}/{number}", "researcher"))
    told.of(api.request("POST", "/v1/requests", "researcher", raw=f"{number} {token}".encode()))
    told.of(api.request("GET", "/v1/me", headers={"authorization": f"Bearer {token}"}))
    return told


@dataclass(frozen=True)
class Lived:
    """What there is after a whole life, and after everything was tried that could show a patient."""

    snapshot: Snapshot
    told: Sequence[Answer]
    printed: Mapping[str, str]
    """What was logged and written to the standard streams, by where."""
    sent: Sequence[str]
    """Messages in the queue."""


@pytest.fixture(scope="session")
def lived(settled_snapshot: Snapshot) -> Lived:
    """Once: it takes as long as fifty other tests."""
    extract, logged = settled_snapshot.known["extract"], io.StringIO()
    everything = logging.StreamHandler(logged)
    logging.getLogger().addHandler(everything)
    with running(settled_snapshot) as api, redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        told = [*whole_life(api, extract).everything, *canaries_through(api, extract).everything]
        sent = _waiting(api, VisibilityTimeout=0)
        draft_left = draft(api, request_body(extract))
        expect(api.post(f"{draft_left.path}/submit", {}, "researcher"), 200)
        left = _waiting(api)
        assert [json.loads(message) for message in left] == [{"request": draft_left.id}]
        printed = {"log": api.logs(), "loggers": logged.getvalue(), "out": out.getvalue(), "err": err.getvalue()}
        found = Lived(snapshot(api), told, printed, [*sent, *left])
    logging.getLogger().removeHandler(everything)
    return found


def _waiting(api: Api, **more: int) -> list[str]:
    answer = boto3.client("sqs", REGION).receive_message(
        QueueUrl=api.names["CHECKS_QUEUE_URL"], MaxNumberOfMessages=10, **more
    )
    return [message["Body"] for message in answer.get("Messages", [])]


@pytest.mark.xdist_group("lived")
def test_invariant_3_the_ledger_tells_nothing_about_a_patient(lived: Lived, extract: Extract) -> None:
    canaries = [*identifiers_of(extract), *tokens_of(extract), *FREE_TEXTS]
    with running(lived.snapshot) as api:
        ledger, types = api.objects("LEDGER_BUCKET"), set(api.types())
    for key, body in ledger.items():
        assert not found_in(body.decode(), canaries), key
    assert {"linkage.translated", "linkage.ended", "pseudonyms.rekeyed"} <= types, sorted(types)
    assert {"release.items_released", "release.finished", "request.rejected", "attempt.refused"} <= types, sorted(types)


@pytest.mark.xdist_group("lived")
def test_invariant_9_nothing_sensitive_in_any_output(lived: Lived, extract: Extract) -> None:
    canaries = [*identifiers_of(extract), *tokens_of(extract)]
    for answer in lived.told:
        assert not found_in(answer.everything, canaries), answer.everything
    assert "EDGE004" in lived.printed["log"], "a fault was played, so the log has one"
    with running(lived.snapshot) as api:
        _nothing_is_held(api, lived, extract)


def _nothing_is_held(api: Api, lived: Lived, extract: Extract) -> None:
    canaries = [*identifiers_of(extract), *tokens_of(extract)]
    for name, text in {
        **lived.printed,
        "queue": "\n".join(lived.sent),
        "steps table": repr(api.items("STEPS_TABLE")),
        "keys table": repr(api.items("KEYS_TABLE")),
    }.items():
        assert not found_in(text, [*canaries, *FREE_TEXTS]), name
    for key, body in api.objects("EXTRACTS_BUCKET").items():
        assert not found_in(key, [*canaries, *FREE_TEXTS]), key
        assert not found_in(body.decode("latin-1"), identifiers_of(extract)), key
    for setting in (
        "LEDGER_BUCKET",
        "CONTENT_BUCKET",
        "UPLOADS_BUCKET",
        "CHOICES_BUCKET",
        "RESULTS_BUCKET",
        "VIEW_BUCKET",
        "OUTBOX_BUCKET",
    ):
        for key, body in api.objects(setting).items():
            assert not found_in(key + body.decode("latin-1"), [*canaries, *FREE_TEXTS]), key


@pytest.mark.xdist_group("lived")
def test_invariant_9_log_lines_are_coded_and_hold_constants(lived: Lived) -> None:
    lines = [json.loads(line) for line in lived.printed["log"].splitlines()]
    assert len(lines) > 100
    known = {"level", "location", "message", "timestamp", "service", "code", "request_id", "route", "status",
             "exception", "where", "committed", "expired", "reminded", "escalated", "asked", "erased", "records",
             "published", "failed_views", "view", "announced", "followed", "emergencies",
             "type", "sent", "before", "without_address", "plan", "size", "changed", "more", "unexpected"}  # fmt: skip
    for line in lines:
        assert set(line) <= known
        assert line["code"][:3] in {"EDG", "NOT", "PSE", "RBD", "REL", "REQ", "SWP", "WAT"}
        assert line.get("route", "unlisted") in {*(route.key for route in ROUTES), "unlisted"}


def test_invariant_9_no_exception_shows_its_text(api: Api, extract: Extract, caplog: pytest.LogCaptureFixture) -> None:
    """A fault whose text quotes a patient, as a library's might."""
    fault = Fault("TransactWriteItems", error=f"Rejected{PEOPLE[0]}", status=400)
    with api.failing(fault):
        answer = api.post("/v1/requests", request_body(extract), "researcher")
    with api.failing(Fault("GenerateDataKey", error=f"Rejected{PEOPLE[0]}", status=400)):
        other = api.post("/v1/requests", request_body(extract), "researcher")
    assert (answer.status, other.status) == (503, 500)
    for text in (answer.everything, other.everything, api.logs(), caplog.text):
        assert PEOPLE[0] not in text


def test_invariant_9_the_access_log_has_no_path_and_no_query() -> None:
    fields = " ".join(ACCESS_LOG_FORMAT.values())
    assert not any(word in fields for word in ("path", "query", "header", "userAgent", "authorizer", "$context.error"))


def test_invariant_9_a_collected_file_is_the_recipient_s_alone(api: Api, extract: Extract) -> None:
    own, other = (pyrage.x25519.Identity.generate() for _ in range(2))
    receiver = {"organisation": "RX1", "public_key": str(own.to_public())}
    asked: Asked = approved(api, request_body(extract, delivery="file", recipient=receiver))
    release = expect(asked.release(), 200).json["release_id"]
    (sealed,) = api.objects("RESULTS_BUCKET").values()
    assert sealed == api.post(f"{asked.path}/collect", {"release_id": release}, "researcher").body
    assert extract.identifiers[0]["nhs_number"] in pyrage.decrypt(sealed, [own]).decode()
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(sealed, [other])
    assert DOMAIN in pyrage.decrypt(sealed, [own]).decode()
