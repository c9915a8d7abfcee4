"""A call sent twice with the same Idempotency-Key is carried out once, and answered twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyrage
import pytest

from tests.contract.api import Answer, Api, Fault
from tests.contract.settled import (
    DOMAIN,
    PROJECT,
    Asked,
    Extract,
    approved,
    domain_body,
    draft,
    expect,
    opt_outs_body,
    project_body,
    request_body,
    type_1_body,
)

KEY = "once-and-again"


def sent_twice(api: Api, call: Callable[[], Answer], status: int) -> Answer:
    """The first answer. The second is the same, also from a function that has forgotten everything; no event is new."""
    first = expect(call(), status)
    before = api.events()
    api.clock.advance(seconds=30)
    api.restarted()
    second = expect(call(), status)
    assert api.events() == before
    is_json = first.headers["content-type"] == "application/json"
    assert (second.json if is_json else second.body) == (first.json if is_json else first.body)
    assert second.headers.get("etag") == first.headers.get("etag")
    return first


def person(extract: Extract) -> dict[str, Any]:
    return {"subject": "somebody-new", "roles": [{"role": "auditor", "organisation": "X26"}]}


def new_domain(extract: Extract) -> dict[str, Any]:
    return domain_body("new-2026")


def new_project(extract: Extract) -> dict[str, Any]:
    return {**project_body(extract.people), "project_id": "lung-2026"}


@pytest.mark.parametrize(
    ("path", "make", "who"),
    [
        ("/v1/requests", request_body, "researcher"),
        ("/v1/people", person, "operator"),
        ("/v1/domains", new_domain, "operator"),
        ("/v1/projects", new_project, "operator"),
    ],
)
def test_what_makes_something_makes_it_once(
    api: Api, extract: Extract, path: str, make: Callable[[Extract], dict[str, Any]], who: str
) -> None:
    body = make(extract)
    sent_twice(api, lambda: api.post(path, body, who, key=KEY), 201)


def test_choices_are_loaded_once(api: Api) -> None:
    for path, body in (
        ("/v1/choices/national-data-opt-outs", opt_outs_body(api, source="again")),
        ("/v1/choices/type-1-events", type_1_body(api, source="again")),
    ):
        before = len(api.objects("CHOICES_BUCKET"))
        sent_twice(api, lambda: api.post(path, body, "operator", key=f"{KEY}{path}"), 201)  # noqa: B023
        assert len(api.objects("CHOICES_BUCKET")) == before + 1


def test_pseudonyms_are_made_once(api: Api, extract: Extract) -> None:
    body = {"rows": [{"row_id": "1", "identifiers": extract.identifiers[0]}]}
    answer = sent_twice(api, lambda: api.post(f"/v1/domains/{DOMAIN}/pseudonyms", body, "provider", key=KEY), 200)
    assert answer.json["rows"][0]["pseudonyms"] == extract.rows[0]["pseudonyms"]


def test_pseudonyms_are_rekeyed_once(api: Api, extract: Extract) -> None:
    body = {"rows": [extract.record(0)]}
    answer = sent_twice(api, lambda: api.post(f"/v1/domains/{DOMAIN}/rekeyings", body, "provider", key=KEY), 200)
    assert set(answer.json["rows"][0]["statuses"].values()) == {"current"}


def test_a_request_is_submitted_and_withdrawn_once(api: Api, extract: Extract) -> None:
    asked = draft(api, request_body(extract))
    sent_twice(api, lambda: api.post(f"{asked.path}/submit", {}, "researcher", key=KEY), 200)
    sent_twice(api, lambda: api.post(f"{asked.path}/withdraw", {}, "researcher", key=f"{KEY}-2"), 200)
    assert asked.seen("researcher").json["state"] == "withdrawn"


def test_an_approval_counts_once(reviewed: Asked) -> None:
    etag, content_hash = reviewed.seen().etag, reviewed.content_hash
    sent_twice(
        reviewed.api,
        lambda: reviewed.approve("controller", key=KEY, if_match=etag, content_hash=content_hash),
        200,
    )
    assert reviewed.state == "in_review"


def test_a_revocation_happens_once(reviewed: Asked) -> None:
    for who in ("controller", "second-controller"):
        expect(reviewed.approve(who), 200)
    etag = reviewed.seen().etag
    sent_twice(reviewed.api, lambda: reviewed.revoke("controller", key=KEY, if_match=etag), 200)
    assert reviewed.state == "revoked"


def test_an_inline_release_is_answered_once(cleared: Asked) -> None:
    api, content_hash = cleared.api, cleared.content_hash
    first = expect(cleared.release(key=KEY, content_hash=content_hash), 200)
    before = [event for event in api.events() if event["stream"] == f"request/{cleared.id}"]
    again = expect(cleared.release(key=KEY, content_hash=content_hash), 409)
    assert again.code == "RELEASE_ALREADY_ANSWERED"
    assert [event for event in api.events() if event["stream"] == f"request/{cleared.id}"] == before
    for item in first.json["items"]:
        for value in item["identifiers"].values():
            assert value not in again.everything


def test_a_file_is_released_once_and_collected_once(api: Api, extract: Extract) -> None:
    recipient = pyrage.x25519.Identity.generate()
    receiver = {"organisation": "RX1", "public_key": str(recipient.to_public())}
    asked = approved(api, request_body(extract, delivery="file", recipient=receiver))
    content_hash = asked.content_hash
    first = expect(asked.release(key=KEY, content_hash=content_hash), 200)
    before = api.events()
    again = expect(asked.release(key=KEY, content_hash=content_hash), 200)
    assert api.events() == before
    assert again.json["release_id"] == first.json["release_id"]
    assert again.json["file"] == first.json["file"]
    assert again.json["receipts"][0]["index"] == first.json["receipts"][0]["index"]
    body = {"release_id": first.json["release_id"]}
    file = sent_twice(api, lambda: api.post(f"{asked.path}/collect", body, "researcher", key=f"{KEY}-2"), 200)
    assert file.headers["content-type"] == "application/age"
    lines = pyrage.decrypt(file.body, [recipient]).decode().splitlines()
    assert lines[0] == "row_id,domain,status,nhs_number,date_of_birth"
    assert lines[1] == f"row-0,{DOMAIN},released,{extract.identifiers[0]['nhs_number']},1960-02-11"
    assert api.post(f"{asked.path}/collect", body, "researcher").code == "COLLECTED"


def test_a_call_cut_short_is_finished_by_its_repetition(api: Api, extract: Extract) -> None:
    """The step was stored, the journal could not be written, the caller got 503: the same call again finishes it."""
    body = request_body(extract)
    with api.failing(Fault("PutObject", when=lambda params: params["Key"].startswith("journal/"))):
        expect(api.post("/v1/requests", body, "researcher", key=KEY), 503)
    api.restarted()
    made = expect(api.post("/v1/requests", body, "researcher", key=KEY), 201)
    assert made.json["project"] == PROJECT
    assert api.types().count("request.created") == 1
