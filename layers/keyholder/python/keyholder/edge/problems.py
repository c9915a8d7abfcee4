"""Errors as `application/problem+json` (RFC 9457): what is wrong and what the caller does next, never about whom.

Every sentence here is a constant. Nothing a caller sent, and nothing read from storage, is ever put into a problem.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from keyholder.refusals import Refusal, RefusalKind, StepUp

MEDIA_TYPE = "application/problem+json"
DOCUMENTATION = "https://keyholder.example/problems/"


class ProblemType(Enum):
    """Every problem of the API: name, status, title, what to do next."""

    NOT_JSON = ("not-json", 400, "The body is not JSON", "Send one JSON object, encoded as UTF-8.")
    IDEMPOTENCY_KEY_MISSING = (
        "idempotency-key-missing",
        400,
        "An Idempotency-Key is needed",
        "Send a fresh UUID in the Idempotency-Key header of every POST, and the same one when you retry it.",
    )
    NOT_SIGNED_IN = (
        "not-signed-in",
        401,
        "Sign in first",
        "Send a current access token of the configured issuer as 'Authorization: Bearer …'.",
    )
    SIGN_IN_AGAIN = (
        "sign-in-again",
        401,
        "Sign in again for this",
        "Sign in as 'sign_in' and the WWW-Authenticate header say (RFC 9470), then send the same call again.",
    )
    SCOPE_MISSING = (
        "scope-missing",
        403,
        "The token does not cover this",
        "Sign in again and ask for the scope that this route names in the API description.",
    )
    NOT_A_MEMBER = (
        "not-a-member",
        403,
        "You are not registered with Keyholder",
        "Ask an operator of Keyholder to register you.",
    )
    FORBIDDEN = ("forbidden", 403, "You may not do this", "See 'advice' for who can.")
    NOT_FOUND = (
        "not-found",
        404,
        "There is nothing here for you",
        "Check the address. The API is described at /v1/openapi.json.",
    )
    METHOD_NOT_ALLOWED = (
        "method-not-allowed",
        405,
        "This address does not take that method",
        "See the Allow header of this answer.",
    )
    CONFLICT = (
        "conflict",
        409,
        "That can't be done in the present state",
        "Read the present state, then see 'advice'.",
    )
    STILL_RUNNING = (
        "still-running",
        409,
        "The first request with this Idempotency-Key is still running",
        "Wait as Retry-After says, then send the same request with the same key.",
    )
    STALE = (
        "stale",
        412,
        "It has changed since you read it",
        "Read it again, decide on what it says now, and send its new ETag in If-Match.",
    )
    TOO_LARGE = ("too-large", 413, "The body is too large", "Send fewer rows at a time.")
    NOT_SUPPORTED = (
        "unsupported-media-type",
        415,
        "Only application/json is read here",
        "Send JSON with 'Content-Type: application/json'.",
    )
    INVALID = ("invalid", 422, "A field is wrong", "See 'errors': each names the field and the rule.")
    RULE = ("rule", 422, "A rule does not allow this", "See 'code' and 'advice'.")
    KEY_REUSED = (
        "idempotency-key-reused",
        422,
        "This Idempotency-Key was used for another request",
        "Use a fresh key for a new request; use the old key only to repeat exactly the old one.",
    )
    IF_MATCH_MISSING = (
        "if-match-missing",
        428,
        "Say which version you decided on",
        "Send the ETag of the version you read in If-Match.",
    )
    FAULT = (
        "fault",
        500,
        "Keyholder failed",
        "Send the same request with the same Idempotency-Key again; tell the operators the request id.",
    )
    UNAVAILABLE = (
        "unavailable",
        503,
        "Something that Keyholder needs does not answer",
        "Nothing was handed out. Send the same request with the same Idempotency-Key again as Retry-After says.",
    )
    LEDGER_UNAVAILABLE = (
        "ledger-unavailable",
        503,
        "The ledger can't be written",
        "Nothing was handed out. Send the same request with the same Idempotency-Key again to learn what came of it.",
    )
    KEYS_UNAVAILABLE = (
        "keys-unavailable",
        503,
        "The domain's keys are not available",
        "Nothing was released. The domain's controllers or the operators can say whether the key was withdrawn.",
    )

    def __init__(self, slug: str, status: int, title: str, advice: str) -> None:
        self.slug = slug
        self.status = status
        self.title = title
        self.advice = advice


def problem_uri(problem: ProblemType) -> str:
    """The problem's `type` (RFC 9457): a name; nothing need answer there."""
    return DOCUMENTATION + problem.slug


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: its JSON pointer (RFC 6901) and a constant sentence."""

    pointer: str
    detail: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem answer. `code` is the refusal's stable code where a rule said no."""

    type: ProblemType
    code: str | None = None
    advice: str | None = None
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    sign_in: StepUp | None = None

    @classmethod
    def of(cls, refusal: Refusal) -> Problem:
        """The problem that tells a caller about a refusal."""
        errors = (FieldError(refusal.field, refusal.advice),) if refusal.field is not None else ()
        headers = {"www-authenticate": _challenge(refusal.step_up)} if refusal.kind is RefusalKind.SIGN_IN else {}
        return cls(_OF_KIND[refusal.kind], refusal.code, refusal.advice, errors, headers, refusal.step_up)

    def body(self, request_id: str) -> str:
        """The JSON text."""
        document: dict[str, object] = {
            "type": problem_uri(self.type),
            "title": self.type.title,
            "status": self.type.status,
            "detail": self.type.advice,
            "request_id": request_id,
        }
        if self.code is not None:
            document["code"] = self.code
        if self.advice is not None:
            document["advice"] = self.advice
        if self.errors:
            document["errors"] = [{"pointer": error.pointer, "detail": error.detail} for error in self.errors]
        if self.sign_in is not None:
            document["sign_in"] = {"acr_values": list(self.sign_in.acr_values), "max_age": self.sign_in.max_age}
        return json.dumps(document, ensure_ascii=False)


class ProblemError(Exception):
    """Carries a problem from deep inside a handler to its edge."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.type.slug)
        self.problem = problem


def _challenge(step_up: StepUp | None) -> str:
    """What a client hands on to the issuer to get a token that will do (RFC 9470, section 3)."""
    challenge = 'Bearer error="insufficient_user_authentication"'
    if step_up is None:
        return challenge
    return f'{challenge}, acr_values="{" ".join(step_up.acr_values)}", max_age="{step_up.max_age}"'


_OF_KIND = {
    RefusalKind.SIGN_IN: ProblemType.SIGN_IN_AGAIN,
    RefusalKind.FORBIDDEN: ProblemType.FORBIDDEN,
    RefusalKind.NOT_FOUND: ProblemType.NOT_FOUND,
    RefusalKind.CONFLICT: ProblemType.CONFLICT,
    RefusalKind.INVALID: ProblemType.RULE,
    RefusalKind.STALE: ProblemType.STALE,
}
