"""Holds an answer against the API's description: status, content type, headers and body must all be as listed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

Document = Mapping[str, Any]

UNTOLD = frozenset({"content-type", "content-length", "x-content-type-options"})
"""Headers that a description need not list (OpenAPI 3.1, 4.8.17: Content-Type shall be ignored there)."""

_FORMATS = FormatChecker(formats=("date", "uuid"))


@_FORMATS.checks("date-time")
def _rfc3339_in_utc(value: object) -> bool:
    return not isinstance(value, str) or (value.endswith("Z") and _is_moment(value))


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


class NotDescribedError(AssertionError):
    """An answer is not what the description says of its route."""


class Described:
    """A description, and which statuses of which routes were seen to keep it."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.seen: set[tuple[str, int]] = set()

    def routes(self) -> Iterator[tuple[str, Document]]:
        """Every operation by its route."""
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield f"{method.upper()} {path}", operation

    def listed(self) -> set[tuple[str, int]]:
        """Every status of every route."""
        return {(route, int(status)) for route, operation in self.routes() for status in operation["responses"]}

    def check(self, method: str, path: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Raises `NotDescribedError` saying in what the answer differs from its description."""
        route = self._route(method, path)
        if route is None:
            if status not in {404, 405}:
                raise NotDescribedError(f"{method} {path} is not described, and was answered with {status}")
            return
        operation = dict(self.routes())[route]
        if str(status) not in operation["responses"]:
            raise NotDescribedError(f"{route}: {status} is not listed: {body[:300]!r}")
        reply = self._resolved(operation["responses"][str(status)])
        self._check_headers(f"{route} {status}", reply.get("headers", {}), headers)
        self._check_body(f"{route} {status}", reply["content"], headers.get("content-type", ""), body)
        self.seen.add((route, status))

    def _check_headers(self, place: str, described: Document, sent: Mapping[str, str]) -> None:
        known = {name.lower(): self._resolved(header) for name, header in described.items()}
        for name in sent.keys() - known.keys() - UNTOLD:
            # Where the gateway may answer too, the headers of every answer of ours can't be promised.
            if name not in {"x-request-id", "x-correlation-id", "cache-control"}:
                raise NotDescribedError(f"{place}: the header {name} is not described")
        for name, header in known.items():
            if name in sent:
                value: object = int(sent[name]) if header["schema"]["type"] == "integer" else sent[name]
                self._check_value(f"{place}: the header {name}", header["schema"], value)
            elif header.get("required"):
                raise NotDescribedError(f"{place}: the header {name} is missing")

    def _check_body(self, place: str, content: Document, content_type: str, body: bytes) -> None:
        if content_type not in content:
            raise NotDescribedError(f"{place}: {content_type!r} is not described")
        if content_type.endswith("json"):
            self._check_value(place, content[content_type]["schema"], json.loads(body))

    def _check_value(self, place: str, schema: Document, value: object) -> None:
        whole = {**schema, "components": self.document["components"]}
        for fault in Draft202012Validator(whole, format_checker=_FORMATS).iter_errors(value):
            raise NotDescribedError(
                f"{place}: {fault.json_path}: {fault.message[:300]} {list(fault.context or ())!r:.900}"
            )

    def _resolved(self, part: Document) -> Document:
        while "$ref" in part:
            found: Any = self.document
            for name in str(part["$ref"]).removeprefix("#/").split("/"):
                found = found[name]
            part = found
        return part

    def _route(self, method: str, path: str) -> str | None:
        """The described route of a path: one without variables goes first."""
        for described in sorted(self.document["paths"], key=lambda known: known.count("{")):
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(described))
            if re.fullmatch(pattern, path) and method.lower() in self.document["paths"][described]:
                return f"{method} {described}"
        return None
