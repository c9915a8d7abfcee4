"""What can go wrong when asking Keyholder: one exception for each thing a caller would do differently next."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from keyholder.canonical import JsonObject, JsonValue


@dataclass(frozen=True, slots=True)
class ProblemDocument:
    """An RFC 9457 problem as the API answered it; `document` is the whole of it, for `--json`."""

    status: int
    title: str
    detail: str
    code: str | None
    advice: str | None
    errors: tuple[tuple[str, str], ...]
    """Pointer and rule of each wrong field."""
    request_id: str | None
    document: JsonObject = field(repr=False)

    @classmethod
    def parse(cls, status: int, body: bytes, headers: Mapping[str, str]) -> ProblemDocument:
        """Reads a problem; an answer that is none (a gateway's own, for example) becomes one without its text."""
        document = _object(body) if "json" in headers.get("content-type", "") else {}
        raw = document.get("errors")
        errors = tuple(
            (str(error.get("pointer", "")), str(error.get("detail", "")))
            for error in (raw if isinstance(raw, list | tuple) else ())
            if isinstance(error, Mapping)
        )
        return cls(
            status=status,
            title=_text(document.get("title")) or f"HTTP status {status}",
            detail=_text(document.get("detail")) or "",
            code=_text(document.get("code")),
            advice=_text(document.get("advice")),
            errors=errors,
            request_id=_text(document.get("request_id")) or headers.get("x-request-id"),
            document=document or {"title": f"HTTP status {status}", "status": status},
        )

    def sentence(self) -> str:
        """The problem in words, for people."""
        parts = [f"{self.title}.", self.advice or self.detail]
        said = self.advice or self.detail
        parts += [f"({pointer})" if rule == said else f"{pointer}: {rule}" for pointer, rule in self.errors]
        if self.code:
            parts.append(f"[{self.code}]")
        if self.request_id:
            parts.append(f"(request id {self.request_id})")
        return " ".join(part for part in parts if part)


class KeyholderError(Exception):
    """Anything that kept Keyholder from doing what was asked.

    `idempotency_key` is the key the call was sent with: sending the same call with it again is safe.
    """

    def __init__(self, problem: ProblemDocument, idempotency_key: str | None = None) -> None:
        super().__init__(problem.sentence())
        self.problem = problem
        self.idempotency_key = idempotency_key


class NotSignedIn(KeyholderError):  # noqa: N818 - reads as what happened, like the rest of its family
    """401: no token, or none that proves who calls."""


class Refused(KeyholderError):  # noqa: N818
    """403: known, and not allowed to do this."""


class NotFound(KeyholderError):  # noqa: N818
    """404, 405, 410: nothing there for this caller."""


class Changed(KeyholderError):  # noqa: N818
    """409, 412: somebody else was first, or the state does not allow it any more."""


class NotYet(KeyholderError):  # noqa: N818
    """409 of an earlier call with the same Idempotency-Key that is still running."""


class Invalid(KeyholderError):  # noqa: N818
    """400, 413, 415, 422, 428: what was sent is wrong; `problem.errors` names the fields."""


class Unavailable(KeyholderError):  # noqa: N818
    """429, 502 to 504, or no answer at all: nothing took effect that a retry with the same key would not find."""


class Failed(KeyholderError):  # noqa: N818
    """Any other status: a fault of the service."""


STILL_RUNNING = "still-running"


def problem_of(status: int, body: bytes, headers: Mapping[str, str], key: str | None) -> KeyholderError:
    """The exception of an answer with a status of 400 or more."""
    problem = ProblemDocument.parse(status, body, headers)
    if status == 409 and str(problem.document.get("type", "")).endswith(f"/{STILL_RUNNING}"):
        return NotYet(problem, key)
    return _OF_STATUS.get(status, Failed)(problem, key)


def no_answer(key: str | None) -> Unavailable:
    """The exception of a call that got no answer after every retry."""
    title = "Keyholder did not answer"
    detail = "Check the address, the network and the CA bundle, then try again."
    document: JsonObject = {"title": title, "status": 0, "detail": detail}
    return Unavailable(ProblemDocument(0, title, detail, None, None, (), None, document), key)


_OF_STATUS: Mapping[int, type[KeyholderError]] = {
    400: Invalid,
    401: NotSignedIn,
    403: Refused,
    404: NotFound,
    405: NotFound,
    409: Changed,
    410: NotFound,
    412: Changed,
    413: Invalid,
    415: Invalid,
    422: Invalid,
    428: Invalid,
    429: Unavailable,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}


def _object(body: bytes) -> JsonObject:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None
