"""The API's description (OpenAPI 3.1): generated from the functions' own routes and models, then completed.

What every route shares is added here once, from the same tables the functions use: the security scheme and scopes, the
conditional and idempotency headers, and the problem answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from keyholder.edge.problems import MEDIA_TYPE, ProblemType
from keyholder.edge.routes import ANY, ROUTES, Route, Scope
from keyholder.edge.service import Service

VERSION = "1.0.0"
Document = dict[str, Any]

PROBLEM_SCHEMA: Mapping[str, object] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457. Every sentence is a constant; nothing a caller sent is repeated.",
    "required": ["type", "title", "status", "detail", "request_id"],
    "additionalProperties": False,
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "code": {"type": "string", "description": "The refusal's stable code."},
        "advice": {"type": "string", "description": "What would make it allowed, and who can do that."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}

_EVERY_ROUTE: tuple[ProblemType, ...] = (ProblemType.FAULT,)
_TOKEN_ROUTES = (
    ProblemType.NOT_SIGNED_IN,
    ProblemType.FORBIDDEN,
    ProblemType.NOT_FOUND,
    ProblemType.LEDGER_UNAVAILABLE,
)
_COMMANDS = (
    ProblemType.NOT_JSON,
    ProblemType.CONFLICT,
    ProblemType.STALE,
    ProblemType.TOO_LARGE,
    ProblemType.NOT_SUPPORTED,
    ProblemType.INVALID,
)
CONDITIONAL = frozenset({"approve", "reject", "revoke", "save"})
"""Commands that name the version they were decided on (If-Match)."""


def describe(services: Iterable[Service]) -> Document:
    """The whole description, in the order of `ROUTES`."""
    parts = [_part(service) for service in services]
    schemas: Document = {}
    operations: dict[str, Document] = {}
    for part in parts:
        schemas.update(part.get("components", {}).get("schemas", {}))
        for path, methods in part["paths"].items():
            for method, operation in methods.items():
                operations[f"{method.upper()} {path}"] = operation
    used = {"Problem": PROBLEM_SCHEMA}
    paths: Document = {}
    for route in ROUTES:
        if route.key != ANY:
            paths.setdefault(route.path, {})[route.method.lower()] = _completed(route, operations[route.key])
    for name in sorted(_referenced(paths, schemas)):
        used[name] = schemas[name]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Keyholder",
            "version": VERSION,
            "summary": "A re-identification request service for health data in England",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": used, "securitySchemes": {"token": _security()}},
    }


def as_text(document: Document) -> str:
    """The form that is committed, served and compared."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _part(service: Service) -> Document:
    document: Document = json.loads(
        service.resolver.get_openapi_json_schema(title="Keyholder", version=VERSION, openapi_version="3.1.0")
    )
    return document


def _completed(route: Route, operation: Document) -> Document:
    done = deepcopy(operation)
    done["tags"] = [route.function.value]
    done["responses"] = {status: reply for status, reply in done.get("responses", {}).items() if status != "422"}
    for problem in _problems(route):
        done["responses"][str(problem.status)] = {
            "description": problem.title,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    done["responses"] = dict(sorted(done["responses"].items()))
    if not route.public:
        done["security"] = [{"token": [route.scope.value]}] if route.scope else [{"token": []}]
        done.setdefault("parameters", []).extend(_headers(route))
    return done


def _problems(route: Route) -> tuple[ProblemType, ...]:
    found = _EVERY_ROUTE
    if not route.public:
        found += _TOKEN_ROUTES
    if route.method == "POST":
        found += _COMMANDS
    elif "?" not in route.path and not route.public:
        found += (ProblemType.INVALID,)
    if route.path.rsplit("/", 1)[-1] in CONDITIONAL:
        found += (ProblemType.IF_MATCH_MISSING,)
    return found


def _headers(route: Route) -> list[Document]:
    names: list[tuple[str, str, bool]] = [
        ("X-Request-ID", "A UUID of yours; mirrored, and kept in the ledger events of this call.", False),
        ("X-Correlation-ID", "A UUID that ties several calls together; mirrored.", False),
    ]
    if route.method == "POST":
        names.append(("Idempotency-Key", "A fresh UUID; the same one when you retry.", True))
    if route.path.rsplit("/", 1)[-1] in CONDITIONAL:
        names.append(("If-Match", "The ETag of the version you decided on.", True))
    return [
        {"name": name, "in": "header", "required": required, "description": text, "schema": {"type": "string"}}
        for name, text, required in names
    ]


def _security() -> Document:
    return {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT (RFC 9068)",
        "description": "An access token of the configured OpenID issuer with one of the scopes: "
        + ", ".join(scope.value for scope in Scope),
    }


def _referenced(part: object, schemas: Document) -> set[str]:
    found: set[str] = set()
    waiting: list[object] = [part]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            name = str(node.get("$ref", "")).removeprefix("#/components/schemas/")
            if name in schemas and name not in found:
                found.add(name)
                waiting.append(schemas[name])
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
    return found
