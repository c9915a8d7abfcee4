"""The token issuer's public keys, read over HTTPS from its discovery document (OpenID Connect Discovery 1.0)."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from keyholder.edge.tokens import IssuerUnreachableError

KEEP = timedelta(minutes=10)
NOT_SOONER = timedelta(minutes=1)
TIMEOUT_SECONDS = 3
MAX_BYTES = 200_000


class HttpsIssuerKeys:
    """Keys of one issuer, kept for ten minutes, read anew at most once a minute when a token does not verify."""

    def __init__(self, issuer: str, now: Callable[[], datetime]) -> None:
        self._issuer = issuer.rstrip("/")
        self._now = now
        self._keys: KeySet | None = None
        self._read_at: datetime | None = None
        self._context = ssl.create_default_context()

    def keys(self) -> KeySet:
        """The keys as last read. Raises `IssuerUnreachableError`."""
        if self._keys is None or self._read_at is None or self._now() - self._read_at > KEEP:
            return self._read()
        return self._keys

    def refreshed(self) -> KeySet:
        """The keys, read anew unless that happened within the last minute. Raises `IssuerUnreachableError`."""
        if self._keys is not None and self._read_at is not None and self._now() - self._read_at < NOT_SOONER:
            return self._keys
        return self._read()

    def _read(self) -> KeySet:
        discovery = self._fetch(f"{self._issuer}/.well-known/openid-configuration")
        address = discovery.get("jwks_uri")
        if str(discovery.get("issuer", "")).rstrip("/") != self._issuer or not isinstance(address, str):
            raise IssuerUnreachableError
        try:
            keys = KeySet.import_key_set({"keys": _public(self._fetch(address).get("keys"))})
        except (JoseError, ValueError, TypeError) as fault:
            raise IssuerUnreachableError from fault
        self._keys, self._read_at = keys, self._now()
        return keys

    def _fetch(self, address: str) -> dict[str, object]:
        if urlsplit(address).scheme != "https":
            raise IssuerUnreachableError
        request = Request(address, headers={"accept": "application/json"})  # noqa: S310 - https was checked above
        try:
            with urlopen(request, timeout=TIMEOUT_SECONDS, context=self._context) as reply:  # noqa: S310
                document = json.loads(reply.read(MAX_BYTES))
        except (URLError, OSError, ValueError) as fault:
            raise IssuerUnreachableError from fault
        if not isinstance(document, dict):
            raise IssuerUnreachableError
        return document


def _public(keys: object) -> list[dict[str, str | list[str]]]:
    """Signing keys of asymmetric types only: a shared secret in a JWK set must never verify a token."""
    found = keys if isinstance(keys, list) else []
    return [
        key for key in found if isinstance(key, dict) and key.get("kty") in {"EC", "RSA"} and key.get("use") != "enc"
    ]
