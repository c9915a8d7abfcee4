"""The API's description (OpenAPI 3.1): generated from the functions' own routes and models, then completed.

What every route shares is added here once, from the same tables the functions use: the security scheme and scopes, the
conditional and idempotency headers, the successes of `answers`, and every status a route can really answer with.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any

from pydantic.json_schema import models_json_schema

from keyholder.edge.answers import SUCCESSES
from keyholder.edge.problems import MEDIA_TYPE, ProblemType, problem_uri
from keyholder.edge.routes import ANY, ROUTES, Function, Route, Scope
from keyholder.edge.service import AGE, JSON, Service

VERSION = "1.0.0"
SCHEMAS = "#/components/schemas/"
Document = dict[str, Any]

PROBLEM_SCHEMA: Mapping[str, object] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457. Every sentence is a constant; nothing a caller sent is repeated.",
    "required": ["type", "title", "status", "detail", "request_id"],
    "additionalProperties": False,
    "properties": {
        "type": {"type": "string", "enum": [problem_uri(problem) for problem in ProblemType]},
        "title": {"type": "string"},
        "status": {"type": "integer", "enum": sorted({problem.status for problem in ProblemType})},
        "detail": {"type": "string"},
        "request_id": {"type": "string", "format": "uuid"},
        "code": {"type": "string", "description": "The refusal's stable code."},
        "advice": {"type": "string", "description": "What would make it allowed, and who can do that."},
        "sign_in": {
            "type": "object",
            "description": "How to sign in again (RFC 9470), in the words of OpenID Connect's authorisation request.",
            "required": ["acr_values", "max_age"],
            "additionalProperties": False,
            "properties": {
                "acr_values": {"type": "array", "items": {"type": "string"}, "description": "Any of these will do."},
                "max_age": {"type": "integer", "description": "Seconds since the sign-in, at most."},
            },
        },
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "additionalProperties": False,
                "properties": {
                    "pointer": {"type": "string", "description": "RFC 6901, into the body or the query."},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}

GATEWAY_SCHEMA: Mapping[str, object] = {
    "type": "object",
    "title": "GatewayAnswer",
    "description": "API Gateway's own words, where a call did not reach Keyholder or its answer did not come back.",
    "required": ["message"],
    "properties": {"message": {"type": "string"}},
}

FROM_THE_GATEWAY: Mapping[int, str] = {
    413: "larger than API Gateway takes",
    429: "too many calls at once: wait a second, and send the same call with the same Idempotency-Key again",
    500: "a function failed to start",
    503: "a function did not answer in time: the same call with the same Idempotency-Key tells what became of it",
}
"""Statuses that API Gateway answers with by itself: without Keyholder's headers, and not as a problem."""

_HEADERS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "X-Request-ID": ("Yours where you sent a UUID, else a fresh one.", {"type": "string", "format": "uuid"}),
    "X-Correlation-ID": ("Yours where you sent a UUID, else a fresh one.", {"type": "string", "format": "uuid"}),
    "Cache-Control": ("Always `no-store`.", {"type": "string", "const": "no-store"}),
    "ETag": ("The version that this answer shows, for If-Match.", {"type": "string", "pattern": r'^W/"[0-9]+"$'}),
    "Content-Disposition": ("A name for the file.", {"type": "string"}),
    "Keyholder-Receipts": ("Base64 of a JSON list of `Receipt`: the hand-over's own.", {"type": "string"}),
    "WWW-Authenticate": (
        '`Bearer`; for a stronger or later sign-in with `error="insufficient_user_authentication"` (RFC 9470).',
        {"type": "string"},
    ),
}
_ON_EVERY_ANSWER = ("X-Request-ID", "X-Correlation-ID", "Cache-Control")
_RETRY_AFTER: Document = {"description": "Seconds to wait, where waiting helps.", "schema": {"type": "integer"}}
_MAY_SAY_WHEN = frozenset({409, 500, 503})

CONDITIONAL = frozenset(
    {"accept-conditions", "approve", "end", "let-through", "reject", "return", "revoke", "save", "withdraw-vote"}
)
"""Commands that name the version they were decided on (If-Match)."""
CONDITIONAL_AT_WILL = frozenset(
    {
        "submit",
        "withdraw",
        "discard",
        "release",
        "people",
        "projects",
        "contact",
        "remove",
        "key-changes",
        "changes",
        "stop",
        "rule-changes",
        "confirm",
        "declare",
        "recuse",
        "claim",
        "hand-back",
        "comment",
        "ask",
        "advise",
        "reply",
        "nudge",
        "hand-in-file",
        "use-standing-approval",
        "report-outcome",
        "take-over",
        "erase",
        "confirm-erasure",
        "withdraw-erasure",
        "review",
    }
)
"""Commands that take the version if they are told it; `people` and `projects` change what is registered with it."""

_COMMAND_STATUSES = frozenset({400, 412, 413, 415, 422})
_MAY_CONFLICT = frozenset(
    {Function.REQUESTS, Function.DECISIONS, Function.RELEASE, Function.PSEUDONYMISE, Function.REGISTRY}
)
"""Functions whose commands meet a state that does not allow them; the others only add to the ledger."""
_ALWAYS_NEW = frozenset(
    {
        "POST /v1/requests",
        "POST /v1/linkage-agreements",
        "POST /v1/people/{person_id}/contact",
        "POST /v1/standing-approvals",
        *(f"POST /v1/domains/{{domain_id}}/{new}" for new in ("pseudonyms", "rekeyings", "extracts")),
    }
)
"""Commands of theirs that only add all the same."""
_CHANGES_WHAT_IS_REGISTERED = frozenset({"POST /v1/people", "POST /v1/projects"})


def describe(services: Iterable[Service]) -> Document:
    """The whole description, in the order of `ROUTES`. Raises `ValueError` where two schemas have one name."""
    schemas, operations = _answer_schemas(), {}
    for part in map(_part, services):
        _merge(schemas, part.get("components", {}).get("schemas", {}))
        for path, methods in part["paths"].items():
            for method, operation in methods.items():
                operations[f"{method.upper()} {path}"] = operation
    paths: Document = {}
    for route in ROUTES:
        if route.key != ANY:
            paths.setdefault(route.path, {})[route.method.lower()] = _completed(route, operations[route.key])
    schemas.update(Problem=PROBLEM_SCHEMA, GatewayAnswer=GATEWAY_SCHEMA)
    responses = {_response_name(status): _unsuccessful(status) for status in _unsuccessful_statuses()}
    used = _referenced((paths, responses), schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Keyholder",
            "version": VERSION,
            "summary": "A re-identification request service for health data in England",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in dict.fromkeys(route.function.value for route in ROUTES)],
        "paths": paths,
        "components": {
            "schemas": {name: schemas[name] for name in sorted(used)},
            "responses": responses,
            "headers": {
                name: {"required": True, "description": text, "schema": dict(schema)}
                for name, (text, schema) in _HEADERS.items()
            },
            "securitySchemes": {"token": _security()},
        },
    }


def as_text(document: Document) -> str:
    """The form that is committed, served and compared."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def statuses(route: Route, *, takes_query: bool) -> frozenset[int]:
    """Every status but success that a listed route can answer with, the gateway's own included."""
    found = {429, 500, 503}
    if not route.public:
        found |= {401, 403}
    if route.method == "POST":
        found |= _COMMAND_STATUSES
        if route.function in _MAY_CONFLICT and route.key not in _ALWAYS_NEW:
            found.add(409)
    elif takes_query:
        found.add(422)
    if "{" in route.path or route.key in _CHANGES_WHAT_IS_REGISTERED:
        found.add(404)
    if _command(route) in CONDITIONAL:
        found.add(428)
    return frozenset(found)


def _part(service: Service) -> Document:
    document: Document = json.loads(
        service.resolver.get_openapi_json_schema(title="Keyholder", version=VERSION, openapi_version="3.1.0")
    )
    return document


def _answer_schemas() -> Document:
    models = dict.fromkeys(success.model for success in SUCCESSES.values() if success.model is not None)
    _, found = models_json_schema([(model, "validation") for model in models], ref_template=SCHEMAS + "{model}")
    schemas: Document = found["$defs"]
    return schemas


def _merge(known: Document, more: Document) -> None:
    for name, schema in more.items():
        if known.setdefault(name, schema) != schema:
            raise ValueError(f"two schemas are called {name}")


def _completed(route: Route, operation: Document) -> Document:
    done = deepcopy(operation)
    done["tags"] = [route.function.value]
    takes_query = any(parameter["in"] == "query" for parameter in done.get("parameters", ()))
    (success,) = (int(status) for status in done["responses"] if int(status) < 400)
    replies = {success: _successful(route, done["summary"])}
    replies |= {
        status: {"$ref": f"#/components/responses/{_response_name(status)}"}
        for status in statuses(route, takes_query=takes_query)
    }
    done["responses"] = {str(status): replies[status] for status in sorted(replies)}
    if not route.public:
        done["security"] = [{"token": [scope.value]} for scope in route.scopes()]
    done.setdefault("parameters", []).extend(_parameters(route))
    return done


def _successful(route: Route, summary: str) -> Document:
    success = SUCCESSES[route.key]
    names = [*_ON_EVERY_ANSWER, *(["ETag"] if success.versioned else [])]
    content: Document = {}
    if success.model is None or success.or_age:
        names.extend(("Content-Disposition", "Keyholder-Receipts"))
        content[AGE] = {"schema": {"description": "A file encrypted with age (age-encryption.org/v1)."}}
    if success.model is not None:
        content[JSON] = {"schema": {"$ref": SCHEMAS + success.model.__name__}}
    return {"description": summary, "headers": _header_references(names), "content": content}


def _unsuccessful_statuses() -> list[int]:
    return sorted({problem.status for problem in ProblemType if problem is not ProblemType.METHOD_NOT_ALLOWED} | {429})


def _unsuccessful(status: int) -> Document:
    problems = [problem for problem in ProblemType if problem.status == status]
    told = [f"`{problem.slug}`: {problem.title}." for problem in problems]
    content: Document = {}
    headers: Document = {}
    if problems:
        names = [*_ON_EVERY_ANSWER, *(["WWW-Authenticate"] if status == 401 else [])]
        headers = _header_references(names)
        content[MEDIA_TYPE] = {"schema": {"$ref": SCHEMAS + "Problem"}}
    if status in FROM_THE_GATEWAY:
        told.append(f"From API Gateway: {FROM_THE_GATEWAY[status]}.")
        content[JSON] = {"schema": {"$ref": SCHEMAS + "GatewayAnswer"}}
        # Its answers have none of our headers, so none can be promised.
        headers = {}
    if status in _MAY_SAY_WHEN:
        headers["Retry-After"] = _RETRY_AFTER
    reply: Document = {"description": "\n".join(told)}
    return reply | ({"headers": headers} if headers else {}) | {"content": content}


def _response_name(status: int) -> str:
    return f"Status{status}"


def _header_references(names: Iterable[str]) -> Document:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _command(route: Route) -> str:
    return route.path.rsplit("/", 1)[-1] if route.method == "POST" else ""


def _parameters(route: Route) -> Iterator[Document]:
    uuid = {"type": "string", "format": "uuid"}
    yield _header("X-Request-ID", "Mirrored, and kept in the ledger events of this call.", uuid)
    yield _header("X-Correlation-ID", "Ties several calls together; mirrored.", uuid)
    if route.method == "POST":
        key = {"type": "string", "minLength": 8, "maxLength": 130}
        yield _header("Idempotency-Key", "A fresh UUID; the same one when you retry.", key, required=True)
    version = {"type": "string", "pattern": r'^(W/)?"[0-9]{1,9}"$'}
    if _command(route) in CONDITIONAL:
        yield _header("If-Match", "The ETag of the version you decided on.", version, required=True)
    elif _command(route) in CONDITIONAL_AT_WILL:
        yield _header("If-Match", "The ETag of the version you read.", version)


def _header(name: str, text: str, schema: Mapping[str, object], *, required: bool = False) -> Document:
    return {"name": name, "in": "header", "required": required, "description": text, "schema": dict(schema)}


def _security() -> Document:
    return {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT (RFC 9068)",
        "description": "An access token of the configured OpenID issuer with one of the scopes: "
        + ", ".join(scope.value for scope in Scope),
    }


def _referenced(part: object, schemas: Document) -> set[str]:
    """The names of the schemas that `part` needs, and those that they need."""
    found: set[str] = set()
    waiting: list[object] = [part]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            name = str(node.get("$ref", ""))
            if name.startswith(SCHEMAS) and name.removeprefix(SCHEMAS) not in found:
                found.add(name.removeprefix(SCHEMAS))
                waiting.append(schemas[name.removeprefix(SCHEMAS)])
            waiting.extend(node.values())
        elif isinstance(node, list | tuple):
            waiting.extend(node)
    return found
