"""One call of the API, checked at the door: who, what for, which version, which retry."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from keyholder.edge.problems import Problem, ProblemError, ProblemType
from keyholder.edge.tokens import Caller
from keyholder.ledger.log import IdempotencyKey

_KEY = re.compile(r'"?([\x21\x23-\x7e]{8,128})"?')
_ETAG = re.compile(r'(?:W/)?"(\d{1,9})"')


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler knows of the caller and the conditions of this call."""

    caller: Caller
    command: str
    """What was asked for, by the route: `requests_submit`."""
    trace: str
    """X-Request-ID: goes into every ledger event of this call."""
    now: datetime
    idempotency: IdempotencyKey | None
    if_match: int | None
    """The version in If-Match, or None where the header is absent."""

    def version(self) -> int:
        """The version the caller decided on. Raises `ProblemError` (428) where none was sent."""
        if self.if_match is None:
            raise ProblemError(Problem(ProblemType.IF_MATCH_MISSING))
        return self.if_match


def command_name(path: str) -> str:
    """A route's command as the ledger names it: its fixed path segments after the version."""
    return "_".join(segment for segment in path.replace("-", "_").split("/")[2:] if not segment.startswith("{"))


def request_id(headers: Mapping[str, str], name: str) -> str:
    """The caller's id where it is a UUID, else a fresh one: what goes into logs and events must not carry anything."""
    try:
        return str(uuid.UUID(headers.get(name, "")))
    except ValueError:
        return str(uuid.uuid4())


def idempotency_key(headers: Mapping[str, str], caller: Caller, route: str, path: str, body: bytes) -> IdempotencyKey:
    """The caller's key bound to the caller, and to the route and body it was first used for. Raises `ProblemError`."""
    found = _KEY.fullmatch(headers.get("idempotency-key", ""))
    if found is None:
        raise ProblemError(Problem(ProblemType.IDEMPOTENCY_KEY_MISSING))
    return IdempotencyKey(
        key=_digest(caller.issuer.encode(), caller.subject.encode(), found[1].encode()),
        body=_digest(route.encode(), path.encode(), body),
    )


def expected_version(headers: Mapping[str, str]) -> int | None:
    """The version named by If-Match (`W/"3"` or `"3"`). Raises `ProblemError` (412) for anything else."""
    value = headers.get("if-match")
    if value is None:
        return None
    found = _ETAG.fullmatch(value.strip())
    if found is None:
        raise ProblemError(Problem(ProblemType.STALE))
    return int(found[1])


def etag(version: int) -> str:
    """The ETag of a version."""
    return f'W/"{version}"'


def _digest(*parts: bytes) -> str:
    """SHA-256 over length-prefixed parts, so that no two lists of parts collide."""
    sha = hashlib.sha256()
    for part in parts:
        sha.update(len(part).to_bytes(8, "big"))
        sha.update(part)
    return sha.hexdigest()
