"""How a call travels: HTTPS, one Idempotency-Key for a call and all its retries, and patience where it helps."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Protocol

import urllib3

from keyholder.client.problems import KeyholderError, NotYet, Unavailable, no_answer, problem_of

TIMEOUT_SECONDS = 35.0
"""API Gateway gives up after 30 seconds."""

LONGEST_WAIT_SECONDS = 30.0
DEFAULT_ATTEMPTS = 4
USER_AGENT = "keyholder-client/1"


class NoAnswerError(Exception):
    """The connection was lost or never made: the call may or may not have reached Keyholder."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Transport(Protocol):
    """Sends one HTTP request, once."""

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        """Raises `NoAnswerError`."""
        ...


class HttpsTransport:
    """urllib3 with the certificates checked against `ca_bundle` (or the system's), no redirects, no hidden retries."""

    def __init__(self, ca_bundle: str | None = None) -> None:
        retries = urllib3.Retry(total=False, redirect=False)
        self._pool = urllib3.PoolManager(
            cert_reqs="CERT_REQUIRED", ca_certs=ca_bundle, retries=retries, timeout=urllib3.Timeout(TIMEOUT_SECONDS)
        )

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        """Raises `NoAnswerError`."""
        try:
            reply = self._pool.request(method, url, headers=dict(headers), body=body, redirect=False)
        except urllib3.exceptions.HTTPError as fault:
            raise NoAnswerError(type(fault).__name__) from fault
        return Reply(reply.status, {name.lower(): value for name, value in reply.headers.items()}, reply.data)


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls one Keyholder as one person.

    `token` is asked before every attempt, so that a short-lived token can be renewed in between. `wait` takes seconds.
    """

    base_url: str
    token: Callable[[], str] = field(repr=False)
    transport: Transport = field(repr=False)
    attempts: int = DEFAULT_ATTEMPTS
    wait: Callable[[float], None] = field(default=time.sleep, repr=False)

    def __post_init__(self) -> None:
        if not self.base_url.startswith("https://"):
            raise ValueError("Keyholder's address starts with https://")
        if self.attempts < 1:
            raise ValueError("a call takes at least one attempt")

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        if_match: str | None = None,
        idempotency_key: str | None = None,
    ) -> Reply:
        """Sends a call until it is answered with anything but "later", or the attempts are used up.

        Raises `KeyholderError` for every answer of 400 or more.
        """
        key = (idempotency_key or str(uuid.uuid4())) if method == "POST" else None
        for attempt in range(1, self.attempts + 1):
            problem, after = self._attempt(method, path, body, if_match, key)
            if isinstance(problem, Reply):
                return problem
            if attempt == self.attempts or not isinstance(problem, Unavailable | NotYet):
                raise problem
            self.wait(_pause(after, attempt))
        raise AssertionError("unreachable")

    def _attempt(
        self, method: str, path: str, body: bytes | None, if_match: str | None, key: str | None
    ) -> tuple[Reply | KeyholderError, str | None]:
        headers = {
            "authorization": f"Bearer {self.token()}",
            "accept": "application/json, application/problem+json, application/octet-stream",
            "user-agent": USER_AGENT,
            "x-request-id": str(uuid.uuid4()),
        }
        if body is not None:
            headers["content-type"] = "application/json"
        if key is not None:
            headers["idempotency-key"] = key
        if if_match is not None:
            headers["if-match"] = if_match
        try:
            reply = self.transport.send(method, self.base_url.rstrip("/") + path, headers, body)
        except NoAnswerError:
            return no_answer(key), None
        if reply.status >= 300:
            return problem_of(reply.status, reply.body, reply.headers, key), reply.headers.get("retry-after")
        return reply, None


def _pause(retry_after: str | None, attempt: int) -> float:
    """Seconds to wait: what Retry-After says (RFC 9110: seconds or a date), else doubling from half a second."""
    if retry_after is not None:
        if retry_after.strip().isdigit():
            return min(float(retry_after), LONGEST_WAIT_SECONDS)
        try:
            seconds = parsedate_to_datetime(retry_after).timestamp() - time.time()
        except ValueError:
            seconds = 0.0
        if seconds > 0:
            return min(seconds, LONGEST_WAIT_SECONDS)
    backoff = 0.25 * float(1 << attempt) * (1 + random.random())  # noqa: S311 - jitter, not a secret
    return min(backoff, LONGEST_WAIT_SECONDS)
