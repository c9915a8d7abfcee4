"""Tokens prove who is calling, and only tokens that really do."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from keyholder.edge.tokens import NotSignedInError, TokenVerifier

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ISSUER = "https://issuer.example"
AUDIENCE = "keyholder"


class Published:
    """An issuer whose keys change when they are read anew."""

    def __init__(self, *generations: KeySet) -> None:
        self._generations = list(generations)

    def keys(self) -> KeySet:
        return self._generations[0]

    def refreshed(self) -> KeySet:
        if len(self._generations) > 1:
            self._generations.pop(0)
        return self._generations[0]


def new_key() -> ECKey:
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, private=True)
    key.ensure_kid()
    return key


def claims(**changes: object) -> dict[str, object]:
    issued = int(NOW.timestamp())
    return {
        "iss": ISSUER,
        "sub": "555021935107",
        "aud": AUDIENCE,
        "iat": issued,
        "exp": issued + 900,
        "scope": "openid keyholder/request",
        "acr": "AAL3",
        "auth_time": issued - 60,
    } | changes


def bearer(key: ECKey, **changes: object) -> str:
    header = {"alg": "ES256", "kid": key.kid, "typ": "at+jwt"}
    return "Bearer " + jwt.encode(header, {k: v for k, v in claims(**changes).items() if v is not None}, key)


def verifier(*generations: KeySet) -> TokenVerifier:
    return TokenVerifier(ISSUER, AUDIENCE, Published(*generations))


def test_a_good_token_names_its_caller() -> None:
    key = new_key()
    caller = verifier(KeySet([key])).verify(bearer(key), NOW)
    assert (caller.issuer, caller.subject) == (ISSUER, "555021935107")
    assert "keyholder/request" in caller.scopes
    assert caller.assurance == "AAL3"
    assert caller.signed_in_at == NOW - timedelta(seconds=60)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"aud": "another-api"},
        {"aud": ["another-api"]},
        {"aud": None},
        {"exp": int(NOW.timestamp()) - 31},
        {"exp": None},
        {"iat": int(NOW.timestamp()) + 31},
        {"nbf": int(NOW.timestamp()) + 31},
        {"sub": ""},
        {"sub": None},
        {"sub": 7},
    ],
)
def test_a_token_with_a_wrong_claim_proves_nothing(changes: dict[str, object]) -> None:
    key = new_key()
    with pytest.raises(NotSignedInError):
        verifier(KeySet([key])).verify(bearer(key, **changes), NOW)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "Bearer not.a.token", "Bearer a.b.c"])
def test_no_token_proves_nothing(header: str | None) -> None:
    with pytest.raises(NotSignedInError):
        verifier(KeySet([new_key()])).verify(header, NOW)


def test_another_key_proves_nothing() -> None:
    with pytest.raises(NotSignedInError):
        verifier(KeySet([new_key()])).verify(bearer(new_key()), NOW)


def test_a_changed_token_proves_nothing() -> None:
    key = new_key()
    head, body, signature = bearer(key).split(".")
    other = bearer(key, sub="somebody-else").split(".")[1]
    assert other != body
    with pytest.raises(NotSignedInError):
        verifier(KeySet([key])).verify(".".join((head, other, signature)), NOW)


def test_an_unsigned_token_and_a_shared_secret_prove_nothing() -> None:
    key = new_key()
    forged = by_hand({"alg": "HS256", "kid": key.kid}, key.as_pem(private=False))
    unsigned = by_hand({"alg": "none", "kid": key.kid}, None)
    for token in (forged, unsigned):
        with pytest.raises(NotSignedInError):
            verifier(KeySet([key])).verify(f"Bearer {token}", NOW)


def by_hand(header: dict[str, object], secret: bytes | None) -> str:
    """A token no library would make: signed with the public key as a shared secret, or not at all (RFC 8725, 2.1)."""
    parts = [urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims())]
    tag = hmac.digest(secret, b".".join(parts), "sha256") if secret else b""
    return b".".join([*parts, urlsafe_b64encode(tag).rstrip(b"=")]).decode()


def test_a_rotated_key_is_read_anew() -> None:
    old, new = new_key(), new_key()
    assert verifier(KeySet([old]), KeySet([new])).verify(bearer(new), NOW).subject == "555021935107"
