"""Bad input: each gets its own problem, and none of the problems repeats anything that was sent."""

from __future__ import annotations

import uuid
from typing import Any

import boto3
import pytest

from infra.routes import ROUTES, Route
from tests.contract.api import AUDIENCE, SCOPES, Answer, Api
from tests.contract.aws import REGION
from tests.contract.settled import DOMAIN, PEOPLE, Asked, Extract, approved, draft, expect, request_body

CANARY = "9990000018"
"""A test NHS number, also the first person's."""
CANARIES = (CANARY, "CANARYPSEUDONYM7", "canary-text-in-a-query")

CLOSED = [route for route in ROUTES if not route.public]
POSTS = [route for route in CLOSED if route.method == "POST"]


def key_of(route: Route) -> str:
    return route.key


def path_of(route: Route, part: str = "unknown") -> str:
    return "/".join(part if piece.startswith("{") else piece for piece in route.path.split("/"))


def problem(answer: Answer, status: int, slug: str) -> Any:
    """The problem's document, checked for everything that every problem must be."""
    assert answer.status == status, answer.everything
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    document = answer.json
    assert document["status"] == status
    assert document["type"].rsplit("/", 1)[-1] == slug
    assert document["request_id"] == answer.headers["x-request-id"]
    assert uuid.UUID(document["request_id"])
    assert document["title"]
    assert document["detail"]
    for canary in CANARIES:
        assert canary not in answer.everything
    return document


def who_may(route: Route) -> str:
    """A persona whose token has the route's scope."""
    return next(who for who, scopes in SCOPES.items() if route.scope is None or route.scope in scopes.split())


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_an_unknown_address_is_404(api: Api, method: str) -> None:
    answer = api.request(method, f"/v1/{CANARY}", "researcher", query={"q": CANARIES[2]})
    problem(answer, 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/requests", "GET, POST"),
        ("PUT", f"/v1/requests/{CANARY}", "GET"),
        ("GET", f"/v1/requests/{CANARY}/release", "POST"),
        ("POST", "/v1/me", "GET"),
    ],
)
def test_a_wrong_method_is_405_and_names_the_right_ones(api: Api, method: str, path: str, allowed: str) -> None:
    answer = api.request(method, path, "researcher")
    problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("route", POSTS, ids=key_of)
def test_what_is_no_json_object_is_400(api: Api, route: Route) -> None:
    canary = CANARY.encode()
    for raw in (b"", b"{" + canary, b"[]", b'"' + canary + b'"', b"\xff\xfe", b'{"a":1,"a":2}', b"[" * 50_000):
        problem(api.request("POST", path_of(route), who_may(route), raw=raw), 400, "not-json")


@pytest.mark.parametrize("route", POSTS, ids=key_of)
def test_another_media_type_is_415(api: Api, route: Route) -> None:
    for kind in ("text/csv", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        answer = api.post(path_of(route), {}, who_may(route), headers={"Content-Type": kind})
        problem(answer, 415, "unsupported-media-type")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"window_days": "soon"}, "/window_days"),
        ({"window_days": 0}, "/window_days"),
        ({"justification": CANARY}, "/justification"),
        ({"wanted": [{"identifier_type": CANARY, "need": "linkage"}]}, "/wanted/0/identifier_type"),
        ({"recipient": {"organisation": CANARY + "x"}}, "/recipient/organisation"),
        ({"domains": [{"domain": DOMAIN, "records": []}]}, "/domains/0/records"),
        ({"mistyped": CANARY}, "/mistyped"),
        ({CANARY: "1"}, ""),
    ],
)
def test_a_wrong_field_is_422_and_named(api: Api, extract: Extract, change: dict[str, Any], pointer: str) -> None:
    document = problem(api.post("/v1/requests", request_body(extract, **change), "researcher"), 422, "invalid")
    assert pointer in [error["pointer"] for error in document["errors"]]


def test_an_identifier_in_free_text_is_422_and_not_repeated(api: Api, extract: Extract) -> None:
    body = request_body(extract, justification=f"We ask for the patient {CANARY} because of her heart failure.")
    document = problem(api.post("/v1/requests", body, "researcher"), 422, "rule")
    assert [error["pointer"] for error in document["errors"]] == ["/justification#char=23,33"]


@pytest.mark.parametrize("query", [{"limit": "many"}, {"limit": "0"}, {"limit": "101"}])
def test_a_wrong_query_is_422_and_named(api: Api, query: dict[str, str]) -> None:
    document = problem(api.get("/v1/requests", "researcher", query=query), 422, "invalid")
    assert [error["pointer"] for error in document["errors"]] == ["/limit"]


def bad_tokens(api: Api) -> dict[str, str | None]:
    good = api.token("researcher")
    head, payload, signature = good.split(".")
    return {
        "none": None,
        "other scheme": f"Basic {good}",
        "expired": f"Bearer {api.token('researcher', exp=int(api.clock.now.timestamp()) - 31)}",
        "not yet": f"Bearer {api.token('researcher', nbf=int(api.clock.now.timestamp()) + 31)}",
        "other audience": f"Bearer {api.token('researcher', aud='another-api')}",
        "other issuer": f"Bearer {api.token('researcher', iss='https://elsewhere.test')}",
        "no subject": f"Bearer {api.token('researcher', sub=None)}",
        "changed": f"Bearer {head}.{payload[:-4]}AAAA.{signature}",
        "unsigned": f"Bearer eyJhbGciOiJub25lIn0.{payload}.",
        "a canary": f"Bearer {CANARY}",
    }


@pytest.mark.parametrize("route", CLOSED, ids=key_of)
def test_no_valid_token_is_401(api: Api, route: Route) -> None:
    for authorization in bad_tokens(api).values():
        sent = {} if authorization is None else {"authorization": authorization}
        answer = api.request(route.method, path_of(route, CANARY), headers=sent, body={}, key=CANARY)
        problem(answer, 401, "not-signed-in")
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_token_is_good_for_its_own_audience_among_others_and_for_half_a_minute_more(api: Api) -> None:
    expired = int(api.clock.now.timestamp()) - 29
    expect(api.get("/v1/me", "researcher", claims={"aud": ["other", AUDIENCE], "exp": expired}), 200)


@pytest.mark.parametrize("route", [one for one in CLOSED if one.scope is not None], ids=key_of)
def test_a_token_without_the_scope_is_403(api: Api, route: Route) -> None:
    good = {route.scope, route.or_scope}
    who = next(who for who, scopes in SCOPES.items() if not good & set(scopes.split()))
    answer = api.request(route.method, path_of(route, CANARY), who, body={}, key=CANARY)
    problem(answer, 403, "scope-missing")


def test_a_wrong_role_is_403(cleared: Asked) -> None:
    api = cleared.api
    operate, audit, provide = "keyholder/operate", "keyholder/audit", "keyholder/provide"
    for who in ("researcher", "controller", "provider"):
        problem(api.get("/v1/people/unknown", who, claims={"scope": operate}), 403, "forbidden")
        problem(
            api.get("/v1/audit/events", who, claims={"scope": audit}, query={"request": cleared.id}), 403, "forbidden"
        )
    row = {"row_id": "1", "identifiers": {"nhs_number": CANARY}}
    answer = api.post(f"/v1/domains/{DOMAIN}/pseudonyms", {"rows": [row]}, "operator", claims={"scope": provide})
    problem(answer, 403, "forbidden")
    problem(cleared.release("controller", claims={"scope": "keyholder/release"}), 403, "forbidden")


def test_a_stranger_is_403(api: Api, extract: Extract) -> None:
    problem(api.get("/v1/me", "outsider"), 403, "not-a-member")
    problem(api.post("/v1/requests", request_body(extract), "outsider"), 403, "not-a-member")


def test_a_missing_if_match_is_428(reviewed: Asked) -> None:
    for command in (reviewed.approve, reviewed.reject, reviewed.revoke):
        problem(command("controller", if_match=None), 428, "if-match-missing")


@pytest.mark.parametrize("etag", ['W/"1"', '"99"', "*", CANARY, f'"{CANARY}"', ""])
def test_a_stale_if_match_is_412(reviewed: Asked, etag: str) -> None:
    problem(reviewed.approve("controller", if_match=etag), 412, "stale")


def test_another_content_hash_is_412(reviewed: Asked) -> None:
    problem(reviewed.approve("controller", content_hash="0" * 64), 412, "stale")


@pytest.mark.parametrize("route", POSTS, ids=key_of)
def test_a_missing_idempotency_key_is_400(api: Api, route: Route) -> None:
    for key in (None, "short", "x" * 129, "with space in it"):
        problem(api.post(path_of(route), {}, who_may(route), key=key), 400, "idempotency-key-missing")


def test_a_key_used_for_another_body_is_422(api: Api, extract: Extract) -> None:
    expect(api.post("/v1/requests", request_body(extract), "researcher", key="the-same-key"), 201)
    other = api.post("/v1/requests", request_body(extract, window_days=5), "researcher", key="the-same-key")
    problem(other, 422, "idempotency-key-reused")


def test_a_key_used_for_another_request_is_422(api: Api, extract: Extract) -> None:
    first, second = (draft(api, request_body(extract)) for _ in range(2))
    expect(api.post(f"{first.path}/discard", {}, "researcher", key="the-same-key"), 200)
    problem(api.post(f"{second.path}/discard", {}, "researcher", key="the-same-key"), 422, "idempotency-key-reused")
    assert second.seen("researcher").json["state"] == "draft"


def test_two_people_may_use_the_same_key(reviewed: Asked) -> None:
    for who in ("controller", "second-controller"):
        expect(reviewed.approve(who, key="the-same-key"), 200)
    assert reviewed.state == "approved"


def test_a_second_decision_of_one_person_is_409(reviewed: Asked) -> None:
    expect(reviewed.approve("controller"), 200)
    for again in (reviewed.approve, reviewed.reject):
        document = problem(again("controller"), 409, "conflict")
        assert document["code"] == "ALREADY_DECIDED"


def test_too_large_a_body_is_413(api: Api) -> None:
    raw = b'{"subject": "' + b"x" * 5_600_000 + b'"}'
    problem(api.request("POST", "/v1/people", "operator", raw=raw), 413, "too-large")


# -- bad pseudonyms are items -----------------------------------------------------------------------------------------


def mistyped(token: str) -> str:
    """One character changed."""
    return token[:9] + ("Z" if token[9] != "Z" else "Y") + token[10:]


def destroy(api: Api, kind: str) -> None:
    """As the operation of destroying a key version leaves its item."""
    boto3.client("dynamodb", REGION).update_item(
        TableName=api.names["KEYS_TABLE"],
        Key={"pk": {"S": f"domain/{DOMAIN}/{kind}"}, "sk": {"S": "000001"}},
        UpdateExpression="SET #s = :gone REMOVE #w",
        ExpressionAttributeNames={"#s": "state", "#w": "wrapped"},
        ExpressionAttributeValues={":gone": {"S": "destroyed"}},
    )


def test_a_bad_pseudonym_is_one_item_and_costs_the_others_nothing(api: Api, extract: Extract) -> None:
    good = extract.record(0)["pseudonyms"]["nhs_number"]
    bad = {
        "malformed": ("NOPE", "malformed"),
        "empty": ("", "malformed"),
        "formula": ("=HYPERLINK()", "malformed"),
        "mistyped": (mistyped(good), "malformed"),
        "identifier": (PEOPLE[0], "malformed"),
        "foreign": (extract.foreign["nhs_number"], "not_available"),
        "other-type": (extract.rows[0]["pseudonyms"]["postcode"], "not_available"),
    }
    records = [{"row_id": name, "pseudonyms": {"nhs_number": token}} for name, (token, _) in bad.items()]
    body = request_body(extract, 0, *records, 1)
    items = expect(approved(api, body).release(), 200).json["items"]
    assert [item["row_id"] for item in items] == ["row-0", *bad, "row-1"]
    assert [items[0]["status"], items[-1]["status"]] == ["released", "released"]
    assert {item["row_id"]: item["status"] for item in items[1:-1]} == {name: how for name, (_, how) in bad.items()}
    assert all(set(item) == {"row_id", "domain", "status"} for item in items[1:-1])


def test_a_destroyed_key_is_a_status_of_its_items(cleared: Asked) -> None:
    destroy(cleared.api, "nhs_number")
    answer = expect(cleared.release(), 200)
    assert [item["status"] for item in answer.json["items"]] == ["key_destroyed"] * 3
    assert answer.json["counts"] == {"key_destroyed": "<10"}


def test_where_another_column_s_key_is_destroyed_the_rest_of_the_row_is_released(cleared: Asked) -> None:
    destroy(cleared.api, "date_of_birth")
    items = expect(cleared.release(), 200).json["items"]
    assert [item["status"] for item in items] == ["released_partial"] * 3
    assert [list(item["identifiers"]) for item in items] == [["nhs_number"]] * 3
