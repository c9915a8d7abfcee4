"""The door of every function: one choke point that each call of the API passes before a handler sees it.

A handler registers a route by its entry in `ROUTES`; a route that is not listed there can't be registered, and a listed
route can't be reached without a verified token and its scope unless the list says it is public.
"""

from __future__ import annotations

import base64
import binascii
import inspect
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestUnsupportedContentType, RequestValidationError
from aws_lambda_powertools.utilities.typing import LambdaContext

from keyholder.edge.call import Call, command_name, expected_version, idempotency_key, request_id
from keyholder.edge.logs import Log, LogCode
from keyholder.edge.problems import MEDIA_TYPE, FieldError, Problem, ProblemError, ProblemType
from keyholder.edge.routes import Function, Route, routes_of
from keyholder.edge.tokens import Caller, IssuerUnreachableError, NotSignedInError
from keyholder.ledger.log import LedgerUnavailableError

JSON = "application/json"
AGE = "application/age"
_FIELD_NAME = re.compile(r"[a-z_]{1,30}")
MAX_BODY = 5_500_000
"""Bytes. Lambda refuses an event over 6 MB with an answer of its own; ours says what to do."""

Event = dict[str, Any]
Answer = dict[str, Any]
Handler = Callable[..., Response[Any]]


class Doorkeeper(Protocol):
    """Verifies tokens; made from the function's settings when the first call arrives."""

    def verify(self, authorization: str | None, now: datetime) -> Caller: ...


class Service:
    """One function's part of the API."""

    def __init__(self, function: Function, doorkeeper: Callable[[], Doorkeeper], now: Callable[[], datetime]) -> None:
        self.function = function
        self.resolver = APIGatewayHttpResolver(enable_validation=True)
        self.log = Log(function)
        self._routes = {route.key: route for route in routes_of(function)}
        self._doorkeeper = doorkeeper
        self._now = now
        self._call: Call | None = None
        self.resolver.exception_handler(RequestValidationError)(self._invalid)
        self.resolver.exception_handler(RequestUnsupportedContentType)(self._unsupported)
        self.resolver.not_found(self._absent)

    def route(self, method: str, path: str, *, status: int = 200, summary: str) -> Callable[[Handler], Handler]:
        """Registers a handler for a listed route. Raises `KeyError` for one that is not in `ROUTES`."""
        listed = self._routes[f"{method} {path}"]

        def register(handler: Handler) -> Handler:
            # Answers are made by us, not by callers: they are not parsed again on their way out.
            handler.__annotations__.pop("return", None)
            self.resolver.route(
                rule=listed.path.replace("{", "<").replace("}", ">"),
                method=listed.method,
                summary=summary,
                description=inspect.cleandoc(handler.__doc__ or ""),
                operation_id=handler.__name__,
                responses={status: {"description": summary}},
            )(handler)
            return handler

        return register

    @property
    def call(self) -> Call:
        """The call being answered. A function's environment answers one call at a time."""
        if self._call is None:
            raise RuntimeError("no call is being answered")
        return self._call

    def __call__(self, event: Event, context: LambdaContext) -> Answer:
        """Answers one HTTP API event (payload format 2.0)."""
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        trace = request_id(headers, "x-request-id")
        try:
            answer = self._answer(event, headers, trace, context)
        except ProblemError as known:
            answer = _problem(known.problem, trace)
        except LedgerUnavailableError as fault:
            self.log.fault(LogCode.LEDGER_UNAVAILABLE, fault, request_id=trace)
            answer = _problem(Problem(ProblemType.LEDGER_UNAVAILABLE, headers={"retry-after": "5"}), trace)
        except Exception as fault:  # noqa: BLE001 - the outermost edge: a fault becomes a 500 and one coded log line
            self.log.fault(LogCode.FAULT, fault, request_id=trace)
            answer = _problem(Problem(ProblemType.FAULT), trace)
        finally:
            self._call = None
        self._finish(answer, event, headers, trace)
        return answer

    def refuse(self, event: Event, known: ProblemError) -> Answer:
        """Answers an event with a problem, past every handler."""
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        trace = request_id(headers, "x-request-id")
        answer = _problem(known.problem, trace)
        self._finish(answer, event, headers, trace)
        return answer

    def _finish(self, answer: Answer, event: Event, headers: Mapping[str, str], trace: str) -> None:
        answer["headers"] = {
            **{name.lower(): value for name, value in (answer.get("headers") or {}).items()},
            "x-request-id": trace,
            "x-correlation-id": request_id(headers, "x-correlation-id"),
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
        }
        self.log.write(
            LogCode.ANSWERED, request_id=trace, route=self._known(event), status=int(answer.get("statusCode", 500))
        )

    def _known(self, event: Event) -> str:
        """The route's name for the log: the template of a listed route, never a path."""
        key = str(event.get("routeKey", ""))
        return key if key in self._routes else "unlisted"

    def _answer(self, event: Event, headers: Mapping[str, str], trace: str, context: LambdaContext) -> Answer:
        route = self._routes.get(str(event.get("routeKey", "")))
        if route is None:
            raise ProblemError(Problem(ProblemType.NOT_FOUND))
        if not route.public:
            self._call = self._admit(route, event, headers, trace)
        answer: Answer = self.resolver.resolve({**event, "headers": dict(headers)}, context)
        return answer

    def _admit(self, route: Route, event: Event, headers: Mapping[str, str], trace: str) -> Call:
        now = self._now()
        try:
            caller = self._doorkeeper().verify(headers.get("authorization"), now)
        except NotSignedInError:
            self.log.write(LogCode.NOT_SIGNED_IN, request_id=trace)
            raise ProblemError(Problem(ProblemType.NOT_SIGNED_IN, headers={"www-authenticate": "Bearer"})) from None
        except IssuerUnreachableError as fault:
            self.log.fault(LogCode.ISSUER_UNREACHABLE, fault, request_id=trace)
            raise ProblemError(Problem(ProblemType.UNAVAILABLE, headers={"retry-after": "5"})) from None
        if not route.allows(caller.scopes):
            raise ProblemError(Problem(ProblemType.SCOPE_MISSING))
        key = version = None
        if route.method == "POST":
            body = _body(event)
            if headers.get("content-type", "").split(";")[0].strip().lower() != JSON:
                raise ProblemError(Problem(ProblemType.NOT_SUPPORTED))
            if len(body) > MAX_BODY:
                raise ProblemError(too_large(route))
            _refuse_other_than_object(body)
            key = idempotency_key(headers, caller, route.key, str(event.get("rawPath", "")), body)
            version = expected_version(headers)
        return Call(caller, command_name(route.path), trace, now, key, version)

    def _invalid(self, fault: RequestValidationError) -> Response[str]:
        errors = [FieldError(_pointer(tuple(error["loc"])), _rule(str(error["type"]))) for error in fault.errors()]
        return _response(Problem(ProblemType.INVALID, errors=errors[:50]), self._trace())

    def _unsupported(self, _: RequestUnsupportedContentType) -> Response[str]:
        return _response(Problem(ProblemType.NOT_SUPPORTED), self._trace())

    def _absent(self, _: Exception) -> Response[str]:
        return _response(Problem(ProblemType.NOT_FOUND), self._trace())

    def _trace(self) -> str:
        return self._call.trace if self._call is not None else ""


def too_large(route: Route) -> Problem:
    """Which field of a body is too large, and what to do about it: the one that holds rows, or the whole of it."""
    pointer, advice = _ROWS.get(route.key, ("", ProblemType.TOO_LARGE.advice))
    return Problem(ProblemType.TOO_LARGE, advice=advice, errors=(FieldError(pointer, advice),))


_TO_FILE = "Send at most 10,000 records in the request itself; declare a file (`file`) for up to 1,000,000 pseudonyms."
_ROWS = {
    "POST /v1/requests": ("/domains", _TO_FILE),
    "POST /v1/requests/{request_id}/save": ("/domains", _TO_FILE),
    "POST /v1/domains/{domain_id}/pseudonyms": ("/rows", "Send fewer rows at a time, or announce them as an extract."),
    "POST /v1/domains/{domain_id}/rekeyings": ("/rows", "Send fewer rows at a time."),
    "POST /v1/linkage-agreements/{agreement_id}/translations": ("/rows", "Send fewer rows at a time."),
}
"""The field that makes a body too large, by route."""


def nobody() -> Doorkeeper:
    """The doorkeeper of a function all of whose routes are public."""
    raise LookupError("this function has no route that asks for a token")


def answer(body: object, *, status: int = 200, version: int | None = None) -> Response[str]:
    """A JSON answer; `version` becomes its ETag."""
    headers = {} if version is None else {"etag": f'W/"{version}"'}
    return Response(status_code=status, content_type=JSON, body=json.dumps(body, ensure_ascii=False), headers=headers)


def _response(problem: Problem, trace: str) -> Response[str]:
    return Response(
        status_code=problem.type.status,
        content_type=MEDIA_TYPE,
        body=problem.body(trace),
        headers=dict(problem.headers),
    )


def _problem(problem: Problem, trace: str) -> Answer:
    return {
        "statusCode": problem.type.status,
        "headers": {**problem.headers, "content-type": MEDIA_TYPE},
        "body": problem.body(trace),
        "isBase64Encoded": False,
    }


def _body(event: Event) -> bytes:
    text = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(text).encode()
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ProblemError(Problem(ProblemType.NOT_JSON)) from None


def _refuse_other_than_object(body: bytes) -> None:
    """A command's body is one JSON object (RFC 8259); duplicate names are refused, for parsers differ on them."""
    try:
        parsed = json.loads(body, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise ProblemError(Problem(ProblemType.NOT_JSON)) from None
    if not isinstance(parsed, dict):
        raise ProblemError(Problem(ProblemType.NOT_JSON))


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _pointer(location: tuple[object, ...]) -> str:
    """A JSON pointer (RFC 6901) to the wrong field.

    A name that a caller made up may be anything, an identifier included: only what looks like one of our own field
    names is repeated, which no pseudonym or identifier does (they hold digits or are longer).
    """
    place = list(location[1:] if location and location[0] in {"body", "query", "path", "header"} else location)
    return "".join(f"/{part}" for part in place if isinstance(part, int) or _is_ours(str(part)))


def _is_ours(name: str) -> bool:
    return name == "sha256" or _FIELD_NAME.fullmatch(name) is not None


_RULES = {
    "missing": "This field is required.",
    "extra_forbidden": "This field is not known here.",
    "string_type": "Text is needed.",
    "int_type": "A whole number is needed.",
    "bool_type": "true or false is needed.",
    "enum": "Not one of the listed values.",
    "literal_error": "Not one of the listed values.",
    "string_too_long": "Too long.",
    "string_too_short": "Too short.",
    "string_pattern_mismatch": "Not in the format that the API description gives.",
    "too_long": "Too many items.",
    "too_short": "Too few items.",
    "greater_than_equal": "Too small.",
    "less_than_equal": "Too large.",
    "list_type": "A list is needed.",
    "dict_type": "An object is needed.",
    "date_from_datetime_parsing": "An ISO 8601 date is needed.",
    "date_parsing": "An ISO 8601 date is needed.",
    "datetime_parsing": "A date and time with its zone is needed (RFC 3339).",
    "timezone_aware": "A date and time with its zone is needed (RFC 3339).",
}


def _rule(kind: str) -> str:
    return _RULES.get(kind, "Not a value that the API description allows.")
