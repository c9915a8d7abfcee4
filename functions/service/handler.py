"""What needs no sign-in: the API's description, whether it answers, and what to say to an address that is not there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from keyholder.adapters.clock import SystemClock
from keyholder.edge.problems import Problem, ProblemError, ProblemType
from keyholder.edge.routes import ANY, ROUTES, Function
from keyholder.edge.service import JSON, Service, answer, nobody

DESCRIPTION = Path(__file__).with_name("openapi.json")

service = Service(Function.SERVICE, nobody, SystemClock().now)


@service.route("GET", "/v1/openapi.json", summary="The description of this API (OpenAPI 3.1)")
def describe_api() -> Response[str]:
    """As generated from the code; the tests compare it with what is served."""
    return Response(status_code=200, content_type=JSON, body=DESCRIPTION.read_text(encoding="utf-8"))


@service.route("GET", "/v1/status", summary="Whether the API answers")
def show_status() -> Response[str]:
    """Says nothing about versions or people."""
    return answer({"status": "ok"})


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The function's entry."""
    if event.get("routeKey") == ANY:
        return service.refuse(event, _no_such_route(str(event.get("rawPath", ""))))
    return service(event, context)


def _no_such_route(path: str) -> ProblemError:
    """405 with Allow where the path is known under other methods (RFC 9110, 15.5.6), else 404."""
    methods = sorted({route.method for route in ROUTES if route.key != ANY and _pattern(route.path).fullmatch(path)})
    if methods:
        return ProblemError(Problem(ProblemType.METHOD_NOT_ALLOWED, headers={"allow": ", ".join(methods)}))
    return ProblemError(Problem(ProblemType.NOT_FOUND))


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{[a-z_]+\\\}", "[^/]+", re.escape(path)))
