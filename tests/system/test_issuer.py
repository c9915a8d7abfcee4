"""The development issuer behaves as an OpenID issuer, over TLS."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
import time
import urllib.request
from datetime import timedelta
from http.client import HTTPSConnection
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from infra.embedded.personas import PERSONAS, persona
from infra.embedded.stack import AUDIENCE, EmbeddedStack

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
REDIRECT = "http://127.0.0.1:8765/back"


class Browser:
    """A client of the issuer that follows nothing by itself."""

    def __init__(self, stack: EmbeddedStack) -> None:
        self.url = urlsplit(stack.issuer_url)
        self.trust = ssl.create_default_context(cafile=str(stack.ca_bundle))

    def call(
        self, method: str, path: str, form: dict[str, str] | None = None, host: str | None = None
    ) -> tuple[int, dict[str, str], Any]:
        connection = HTTPSConnection(self.url.hostname or "", self.url.port, context=self.trust, timeout=10)
        headers = {"host": host} if host else {}
        connection.request(method, path, urlencode(form) if form else None, headers)
        reply = connection.getresponse()
        raw = reply.read()
        connection.close()
        return reply.status, {name.lower(): value for name, value in reply.getheaders()}, json.loads(raw or b"null")

    def code(self, **changes: str) -> str:
        query = {
            "response_type": "code",
            "client_id": "console",
            "redirect_uri": REDIRECT,
            "scope": "openid keyholder/request",
            "state": "s1",
            "nonce": "n1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "login_hint": "researcher",
            **changes,
        }
        status, headers, _ = self.call("GET", "/authorize?" + urlencode(query))
        assert status == 302
        back = parse_qs(urlsplit(headers["location"]).query)
        assert back["state"] == ["s1"]
        return back["code"][0]

    def redeem(self, code: str, **changes: str) -> tuple[int, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": "console",
            "redirect_uri": REDIRECT,
            "code_verifier": VERIFIER,
            **changes,
        }
        status, _, answer = self.call("POST", "/token", form)
        return status, answer


@pytest.fixture(scope="module")
def browser(stack: EmbeddedStack) -> Browser:
    return Browser(stack)


@pytest.fixture(scope="module")
def keys(stack: EmbeddedStack, browser: Browser) -> KeySet:
    _, _, discovery = browser.call("GET", "/.well-known/openid-configuration")
    assert discovery["issuer"] == stack.issuer_url
    with urllib.request.urlopen(discovery["jwks_uri"], context=browser.trust) as reply:  # noqa: S310 - its own https
        published = json.loads(reply.read())
    assert not [key for key in published["keys"] if "d" in key]
    return KeySet.import_key_set(published)


@pytest.mark.parametrize("key", [who.key for who in PERSONAS])
def test_a_personas_access_token_is_as_rfc_9068_has_it(stack: EmbeddedStack, keys: KeySet, key: str) -> None:
    token = jwt.decode(stack.token(key), keys, algorithms=["ES256"])
    assert token.header["typ"] == "at+jwt"
    claims = token.claims
    assert set(claims) == {"iss", "sub", "aud", "client_id", "scope", "iat", "exp", "jti", "acr", "auth_time"}
    assert (claims["iss"], claims["sub"], claims["aud"]) == (stack.issuer_url, persona(key).subject, AUDIENCE)
    assert claims["scope"].split() == [str(scope) for scope in persona(key).scopes]
    assert claims["exp"] - claims["iat"] == 15 * 60
    assert claims["acr"] == "AAL3"
    assert abs(claims["auth_time"] - time.time()) < 60


def test_a_test_can_ask_for_a_weak_or_old_sign_in(stack: EmbeddedStack, keys: KeySet) -> None:
    weak = stack.token("controller", ["keyholder/decide"], acr="AAL1", signed_in=timedelta(hours=9))
    claims = jwt.decode(weak, keys, algorithms=["ES256"]).claims
    assert (claims["acr"], claims["scope"]) == ("AAL1", "keyholder/decide")
    assert 9 * 3600 <= time.time() - claims["auth_time"] < 9 * 3600 + 60


def test_a_code_with_its_verifier_gives_tokens_once(browser: Browser, keys: KeySet) -> None:
    code = browser.code()
    status, answer = browser.redeem(code)
    assert status == 200
    identity = jwt.decode(answer["id_token"], keys, algorithms=["ES256"]).claims
    assert (identity["aud"], identity["nonce"]) == ("console", "n1")
    assert identity["sub"] == persona("researcher").subject
    assert browser.redeem(code) == (400, {"error": "invalid_grant"})


@pytest.mark.parametrize(
    "changes",
    [{"code_verifier": "w" * 43}, {"redirect_uri": REDIRECT + "/elsewhere"}, {"client_id": "another"}],
)
def test_a_code_is_worth_nothing_to_somebody_else(browser: Browser, changes: dict[str, str]) -> None:
    assert browser.redeem(browser.code(), **changes) == (400, {"error": "invalid_grant"})


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"redirect_uri": "https://attacker.example/back"}, "invalid_request"),
        ({"login_hint": "nobody"}, "access_denied"),
        ({"response_type": "token"}, "unsupported_response_type"),
    ],
)
def test_no_code_without_pkce_loopback_and_a_persona(browser: Browser, changes: dict[str, str], error: str) -> None:
    query = {
        "response_type": "code",
        "redirect_uri": REDIRECT,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "login_hint": "researcher",
        **changes,
    }
    status, _, answer = browser.call("GET", "/authorize?" + urlencode(query))
    assert (status, answer) == (400, {"error": error})


def test_another_host_name_for_loopback_is_turned_away(browser: Browser) -> None:
    status, _, _ = browser.call("GET", "/jwks", host="attacker.example")
    assert status == 421


def test_an_unknown_grant_is_refused(browser: Browser) -> None:
    status, _, answer = browser.call("POST", "/token", {"grant_type": "password"})
    assert (status, answer) == (400, {"error": "unsupported_grant_type"})
