"""Who is calling: the access token proves it, and nothing else about them (RFC 9068, RFC 8725).

The token says who (`iss`, `sub`), for which API (`aud`), what the client was allowed to ask for (`scope`), and how
strongly and when the person signed in (`acr`, `auth_time`). What the person may do comes from Keyholder's own records.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

ALGORITHMS = ["ES256", "RS256", "PS256"]
"""Asymmetric ones only: an HMAC token made with a public key as its secret never verifies."""

LEEWAY = timedelta(seconds=30)
TYPES = {"at+jwt", "application/at+jwt", "JWT"}


class IssuerUnreachableError(Exception):
    """The issuer's keys could not be read, so nobody can be let in."""


class IssuerKeys(Protocol):
    """The signing keys an issuer publishes (its JWK set)."""

    def keys(self) -> KeySet:
        """Raises `IssuerUnreachableError`."""
        ...

    def refreshed(self) -> KeySet:
        """Read anew (the issuer may have rotated), at most once a minute."""
        ...


class NotSignedInError(Exception):
    """No token, or one that does not prove anything here."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A person (or machine) whose token verified."""

    issuer: str
    subject: str
    scopes: frozenset[str]
    assurance: str | None
    """`acr`: how strongly they signed in, for example `AAL2`."""
    signed_in_at: datetime | None
    """`auth_time`: when they last really signed in."""


@dataclass(frozen=True, slots=True)
class TokenVerifier:
    """Verifies access tokens of one issuer for one audience."""

    issuer: str
    audience: str
    keys: IssuerKeys

    def verify(self, authorization: str | None, now: datetime) -> Caller:
        """The caller of an Authorization header. Raises `NotSignedInError`, `IssuerUnreachableError`."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotSignedInError
        claims = self._claims(token.strip())
        moment = int(now.timestamp())
        if claims.get("iss") != self.issuer or self.audience not in _strings(claims.get("aud")):
            raise NotSignedInError
        expires, starts = _instant(claims.get("exp")), _instant(claims.get("nbf", claims.get("iat")))
        slack = int(LEEWAY.total_seconds())
        if expires is None or expires + slack <= moment or starts is None or starts - slack > moment:
            raise NotSignedInError
        subject = claims.get("sub")
        if not isinstance(subject, str) or not subject:
            raise NotSignedInError
        signed_in = _instant(claims.get("auth_time"))
        assurance = claims.get("acr")
        return Caller(
            issuer=self.issuer,
            subject=subject,
            scopes=frozenset(str(claims.get("scope", "")).split()),
            assurance=assurance if isinstance(assurance, str) else None,
            signed_in_at=datetime.fromtimestamp(signed_in, UTC) if signed_in is not None else None,
        )

    def _claims(self, token: str) -> Mapping[str, object]:
        try:
            return self._decoded(token, self.keys.keys())
        except NotSignedInError:
            return self._decoded(token, self.keys.refreshed())

    def _decoded(self, token: str, keys: KeySet) -> Mapping[str, object]:
        try:
            decoded = jwt.decode(token, keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError) as fault:
            raise NotSignedInError from fault
        if decoded.header.get("typ", "JWT") not in TYPES:
            raise NotSignedInError
        return decoded.claims


def _strings(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _instant(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
