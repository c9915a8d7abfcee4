"""The door: what every call meets before a handler sees it, and what every answer carries."""

from __future__ import annotations

import base64
import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import Response

from keyholder.edge.bodies import NoBody, PersonBody
from keyholder.edge.problems import Problem, ProblemError, ProblemType
from keyholder.edge.routes import Function, Route, Scope, routes_of
from keyholder.edge.service import MAX_BODY, Service, answer, too_large
from keyholder.edge.tokens import Caller, NotSignedInError
from keyholder.ledger.log import LedgerUnavailableError

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CANARY = "9990000018"


class Door:
    """Lets `good` in with every scope, `narrow` with the audit scope, and nobody else."""

    def verify(self, authorization: str | None, now: datetime) -> Caller:
        scopes = {"Bearer good": frozenset(Scope), "Bearer narrow": frozenset({Scope.AUDIT})}
        if authorization not in scopes:
            raise NotSignedInError
        return Caller("https://issuer.example", "sub", frozenset(map(str, scopes[authorization])), "AAL3", now)


def registry(reply: Any = None) -> Service:
    service = Service(Function.REGISTRY, Door, lambda: NOW)

    @service.route("POST", "/v1/people", status=201, summary="Register")
    def register_person(body: PersonBody) -> Response[str]:
        if isinstance(reply, Exception):
            raise reply
        return answer({"subject": body.subject, "trace": service.call.trace}, status=201, version=3)

    @service.route("POST", "/v1/projects", summary="Register")
    def register_project(body: NoBody) -> Response[str]:
        return answer({"if_match": service.call.version()})

    return service


def event(path: str = "/v1/people", method: str = "POST", body: Any = None, **headers: str) -> dict[str, Any]:
    text = body if isinstance(body, str) else json.dumps(good() if body is None else body)
    return {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "headers": {
            "Authorization": "Bearer good",
            "content-type": "application/json",
            "Idempotency-Key": "0f8fad5b-d9cb-469f-a165-70867728950e",
        }
        | {name.replace("_", "-"): value for name, value in headers.items()},
        "body": text,
        "isBase64Encoded": False,
        "requestContext": {"http": {"method": method, "path": path}, "stage": "$default"},
    }


def good() -> dict[str, Any]:
    return {"subject": "555", "roles": [{"role": "operator", "organisation": "X26"}]}


def ask(service: Service, sent: dict[str, Any]) -> tuple[int, dict[str, str], dict[str, Any]]:
    reply = service(sent, object())  # type: ignore[arg-type] - the resolver only hands the context on
    return reply["statusCode"], reply["headers"], json.loads(reply["body"])


def test_a_good_call_is_answered() -> None:
    status, headers, body = ask(registry(), event())
    assert (status, body["subject"], headers["etag"]) == (201, "555", 'W/"3"')
    assert headers["cache-control"] == "no-store"
    assert body["trace"] == headers["x-request-id"]


def test_request_and_correlation_ids_are_mirrored_only_as_uuids() -> None:
    mine = str(uuid.uuid4())
    _, headers, _ = ask(registry(), event(**{"X-Request-ID": mine, "X-Correlation-ID": CANARY}))
    assert headers["x-request-id"] == mine
    assert CANARY not in headers["x-correlation-id"]


@pytest.mark.parametrize(
    ("change", "status", "slug"),
    [
        ({"Authorization": ""}, 401, "not-signed-in"),
        ({"Authorization": "Bearer forged"}, 401, "not-signed-in"),
        ({"Authorization": "Bearer narrow"}, 403, "scope-missing"),
        ({"content_type": "text/csv"}, 415, "unsupported-media-type"),
        ({"content_type": "multipart/form-data"}, 415, "unsupported-media-type"),
        ({"Idempotency-Key": ""}, 400, "idempotency-key-missing"),
        ({"Idempotency-Key": "with space"}, 400, "idempotency-key-missing"),
    ],
)
def test_the_door_refuses(change: dict[str, str], status: int, slug: str) -> None:
    sent = event()
    sent["headers"] |= {name.replace("_", "-"): value for name, value in change.items()}
    got, headers, body = ask(registry(), sent)
    assert (got, headers["content-type"]) == (status, "application/problem+json")
    assert body["type"].endswith("/" + slug)
    assert body["status"] == status


@pytest.mark.parametrize("body", ["", "{", "[1]", '"x"', '{"a":1,"a":2}', "[" * 3000])
def test_what_is_not_one_json_object_is_refused(body: str) -> None:
    status, headers, _ = ask(registry(), event(body=body))
    assert (status, headers["content-type"]) == (400, "application/problem+json")


def test_a_body_that_is_not_base64_is_refused() -> None:
    assert ask(registry(), event(body="%%%") | {"isBase64Encoded": True})[0] == 400
    coded = base64.b64encode(json.dumps(good()).encode()).decode()
    assert ask(registry(), event(body=coded) | {"isBase64Encoded": True})[0] == 201


def test_too_large_a_body_is_refused() -> None:
    assert ask(registry(), event(body={"subject": "x" * MAX_BODY}))[0] == 413


def test_a_request_with_too_many_records_is_told_which_field_and_to_declare_a_file() -> None:
    for path in ("/v1/requests", "/v1/requests/{request_id}/save"):
        problem = json.loads(too_large(Route("POST", path, Function.REQUESTS, Scope.REQUEST)).body("trace"))
        assert problem["status"] == 413
        assert [error["pointer"] for error in problem["errors"]] == ["/domains"]
        assert "`file`" in problem["advice"]
    other = too_large(Route("POST", "/v1/people", Function.REGISTRY, Scope.OPERATE))
    assert other.errors[0].pointer == "", "the whole body, where no one field holds rows"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"subject": "555", "roles": [{"role": CANARY, "organisation": "X26"}]}, "/roles/0/role"),
        ({"subject": "555", "roles": [{"role": "operator", "organisation": CANARY + "x"}]}, None),
        ({"roles": good()["roles"]}, "/subject"),
        (good() | {CANARY: CANARY}, ""),
        (good() | {"sn01abcdefghjkmnpqrstvwxyzabcdefghjkmn": 1}, ""),
    ],
)
def test_a_wrong_field_is_named_and_what_was_sent_is_not_repeated(body: dict[str, Any], pointer: str | None) -> None:
    status, headers, reply = ask(registry(), event(body=body))
    assert (status, headers["content-type"]) == (422, "application/problem+json")
    assert CANARY not in json.dumps(reply)
    assert "sn01" not in json.dumps(reply)
    if pointer is not None:
        assert pointer in [error["pointer"] for error in reply["errors"]]


def test_sign_in_is_asked_for_before_the_body_is_looked_at() -> None:
    assert ask(registry(), event(body={"wrong": 1}, Authorization=""))[0] == 401


def test_if_match_is_needed_where_a_handler_asks_for_it() -> None:
    service = registry()
    assert ask(service, event("/v1/projects", body={}))[0] == 428
    assert ask(service, event("/v1/projects", body={}, **{"If-Match": "nonsense"}))[0] == 412
    status, _, body = ask(service, event("/v1/projects", body={}, **{"If-Match": 'W/"7"'}))
    assert (status, body["if_match"]) == (200, 7)


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (LedgerUnavailableError(CANARY), 503),
        (RuntimeError(CANARY), 500),
        (ProblemError(Problem(ProblemType.CONFLICT)), 409),
    ],
)
def test_a_fault_is_told_without_its_text(fault: Exception, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    got, headers, body = ask(registry(fault), event())
    assert (got, headers["content-type"]) == (status, "application/problem+json")
    assert CANARY not in json.dumps(body) + capsys.readouterr().out
    if status == 503:
        assert headers["retry-after"]


def test_a_route_of_another_function_is_not_answered() -> None:
    assert ask(registry(), event("/v1/requests"))[0] == 404


def test_a_route_that_is_not_listed_cannot_be_registered() -> None:
    with pytest.raises(KeyError):
        registry().route("POST", "/v1/back-door", summary="no")


def test_every_route_but_the_three_public_ones_asks_for_a_token() -> None:
    public = {route.key for function in Function for route in routes_of(function) if route.public}
    assert public == {"GET /v1/openapi.json", "GET /v1/status", "$default"}
    for function in Function:
        service = Service(function, Door, lambda: NOW)
        for route in routes_of(function):
            if not route.public:
                reply = ask(service, _knock(route))
                assert reply[0] == 401, route.key


def _knock(route: Route) -> dict[str, Any]:
    sent = event(route.path, route.method)
    sent["headers"].pop("Authorization")
    return sent


def test_idempotency_keys_are_bound_to_caller_route_and_body() -> None:
    service = registry()
    keys: list[tuple[str, str]] = []

    class Spy(Door):
        def verify(self, authorization: str | None, now: datetime) -> Caller:
            return Caller("https://issuer.example", authorization or "", frozenset(map(str, Scope)), "AAL3", now)

    service = Service(Function.REGISTRY, Spy, lambda: NOW)

    @service.route("POST", "/v1/people", status=201, summary="Register")
    def register_person(body: PersonBody) -> Response[str]:
        assert service.call.idempotency is not None
        keys.append((service.call.idempotency.key, service.call.idempotency.body))
        return answer({})

    other_body = {"subject": "556", "roles": [{"role": "operator", "organisation": "X26"}]}
    for sent in (event(), event(), event(Authorization="Bearer other"), event(body=other_body)):
        assert ask(service, sent)[0] == 200
    first, again, other_person, other = keys
    assert first == again
    assert first[0] == other[0]
    assert first[1] != other[1]
    assert other_person[0] != first[0]
