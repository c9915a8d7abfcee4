"""The description as a document: whole, valid, closed, and the one that is committed and served."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
from openapi_spec_validator import validate

from infra.describe import OPENAPI, PAGE, openapi, page, services
from infra.routes import ANY, LAYER, ROOT, ROUTES, Route
from keyholder.edge.description import CONDITIONAL, SUCCESSES, as_text
from keyholder.edge.problems import MEDIA_TYPE, FieldError, Problem, ProblemType
from tests.described import Described, NotDescribedError

DESCRIBED = [route for route in ROUTES if route.key != ANY]
OPEN = {"Description", "GatewayAnswer"}
"""Schemas of what is not ours to close: OpenAPI's own, and API Gateway's."""
REQUEST_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(openapi())
    return found


def operation(document: dict[str, Any], route: Route) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"][route.path][route.method.lower()]
    return found


def nodes(part: object) -> Iterator[dict[str, Any]]:
    """Every object within."""
    if isinstance(part, dict):
        yield part
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from nodes(inner)


def test_the_committed_description_is_what_the_code_gives() -> None:
    assert OPENAPI.read_text(encoding="utf-8") == openapi(), "run: make generated"


def test_the_page_has_the_tables_the_code_gives() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text), "run: make generated"
    assert all(f"| `{route.key}` | {route.function} |" in text for route in ROUTES)
    assert all(f"| `{problem.slug}` | {problem.status} | {problem.title} |" in text for problem in ProblemType)


@pytest.mark.parametrize("name", ["routes", "problems"])
def test_a_page_without_a_place_for_a_table_is_refused(name: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    for broken in (text.replace(f"<!-- {name} -->", ""), text + f"<!-- {name} -->\n<!-- /{name} -->"):
        with pytest.raises(ValueError, match=name):
            page(broken)


def test_it_is_served_as_committed() -> None:
    (service,) = (service for service in services() if service.function == "service")
    event = {
        "version": "2.0",
        "routeKey": "GET /v1/openapi.json",
        "rawPath": "/v1/openapi.json",
        "headers": {},
        "requestContext": {"http": {"method": "GET", "path": "/v1/openapi.json"}, "stage": "$default"},
    }
    answer = service(event, object())  # type: ignore[arg-type] - the resolver only hands the context on
    assert (answer["statusCode"], answer["body"]) == (200, OPENAPI.read_text(encoding="utf-8"))


def test_it_is_valid_openapi(document: dict[str, Any]) -> None:
    validate(document)
    assert json.loads(as_text(document)) == document


def test_every_route_is_described_and_nothing_else(document: dict[str, Any]) -> None:
    described = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert described == {route.key for route in DESCRIBED} == set(SUCCESSES)


def test_every_operation_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    names = [operation(document, route)["operationId"] for route in DESCRIBED]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z][a-z_0-9]+", name) for name in names)


def test_what_is_referred_to_is_there_and_what_is_there_is_referred_to(document: dict[str, Any]) -> None:
    references = {node["$ref"] for node in nodes(document) if "$ref" in node}
    there = {
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "responses", "headers")
        for name in document["components"][kind]
    }
    assert references == there


def test_every_object_is_closed(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        for node in nodes(schema):
            if node.get("type") == "object" and "properties" in node:
                assert node.get("additionalProperties") is False or name in OPEN, name
    for route in DESCRIBED:
        if route.method == "POST":
            schema = operation(document, route)["requestBody"]["content"]["application/json"]["schema"]
            name = schema["$ref"].removeprefix("#/components/schemas/")
            assert name not in OPEN
            assert document["components"]["schemas"][name]["type"] == "object"


@pytest.mark.parametrize("route", DESCRIBED, ids=lambda route: route.key)
def test_what_every_route_shares(route: Route, document: dict[str, Any]) -> None:
    described = operation(document, route)
    parameters = {(parameter["in"], parameter["name"]): parameter for parameter in described["parameters"]}
    assert len(parameters) == len(described["parameters"])
    in_path = {name for place, name in parameters if place == "path"}
    assert in_path == set(re.findall(r"\{(\w+)\}", route.path))
    scopes = [scope for need in described.get("security", []) for scope in need["token"]]
    assert scopes == list(route.scopes())
    assert (("header", "Idempotency-Key") in parameters) is (route.method == "POST")
    needs_version = parameters.get(("header", "If-Match"), {}).get("required", False)
    assert needs_version is (route.path.rsplit("/", 1)[-1] in CONDITIONAL) is ("428" in described["responses"])
    assert ("401" in described["responses"]) is not route.public
    success = [status for status in described["responses"] if status < "400"]
    assert len(success) == 1
    assert {"X-Request-ID", "X-Correlation-ID"} <= described["responses"][success[0]]["headers"].keys()


def test_every_problem_has_a_place(document: dict[str, Any]) -> None:
    text = "".join(reply["description"] for reply in document["components"]["responses"].values())
    absent = {problem for problem in ProblemType if f"`{problem.slug}`" not in text}
    assert absent == {ProblemType.METHOD_NOT_ALLOWED}, "only $default answers that, and it is not described"


@pytest.mark.parametrize("kind", ProblemType)
def test_every_problem_is_as_described(kind: ProblemType, document: dict[str, Any]) -> None:
    HTTPStatus(kind.status)
    told = Problem(kind, "A_CODE", "Do this.", [FieldError("/field", "Too long.")])
    if kind is ProblemType.METHOD_NOT_ALLOWED:
        return
    place = next(route for route in DESCRIBED if str(kind.status) in operation(document, route)["responses"])
    headers = {"content-type": MEDIA_TYPE, "x-request-id": REQUEST_ID, "x-correlation-id": REQUEST_ID}
    headers |= {"cache-control": "no-store"} | ({"www-authenticate": "Bearer"} if kind.status == 401 else {})
    described = Described(document)
    described.check(place.method, place.path, kind.status, headers, told.body(REQUEST_ID).encode())
    assert described.seen == {(place.key, kind.status)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"status": 418}, "not listed"),
        ({"headers": {"content-type": "text/html"}}, "text/html"),
        ({"headers": {"x-request-id": "no uuid"}}, "x-request-id"),
        ({"headers": {"server": "secret/1.0"}}, "server"),
        ({"body": b'{"status":"ok","version":"1"}'}, "additional"),
        ({"body": b'{"status":"broken"}'}, "was expected"),
        ({"path": "/v1/nothing"}, "not described"),
    ],
)
def test_an_answer_that_is_not_as_described_is_seen(
    change: dict[str, Any], said: str, document: dict[str, Any]
) -> None:
    headers = {
        "content-type": "application/json",
        "x-request-id": REQUEST_ID,
        "x-correlation-id": REQUEST_ID,
        "cache-control": "no-store",
    } | change.get("headers", {})
    answer = {"path": "/v1/status", "status": 200, "body": b'{"status":"ok"}', **change, "headers": headers}
    with pytest.raises(NotDescribedError, match=re.compile(said, re.IGNORECASE)):
        Described(document).check("GET", **answer)


def test_an_answer_without_a_promised_header_is_seen(document: dict[str, Any]) -> None:
    with pytest.raises(NotDescribedError, match="missing"):
        Described(document).check("GET", "/v1/status", 200, {"content-type": "application/json"}, b'{"status":"ok"}')


def test_no_function_loads_what_only_describes() -> None:
    program = (
        f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(LAYER)!r}]\n"
        "import importlib.util as u\n"
        "from infra.routes import Function\n"
        "for f in Function:\n"
        f"    s = u.spec_from_file_location(f, {str(ROOT)!r} + '/functions/' + f + '/handler.py')\n"
        "    s.loader.exec_module(u.module_from_spec(s))\n"
        "print({m for m in sys.modules if m in ('keyholder.edge.answers', 'keyholder.edge.description')})\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "set()"
