"""An OpenID issuer for development and tests: loopback only, no passwords, named personas.

What it does as a real one does: discovery, a key set, the authorisation code flow with PKCE, access tokens as RFC 9068
has them. What no real one does: a token for whoever is named (`grant_type=urn:keyholder:persona`), and a sign-in as
weak or as long ago as a test asks for.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
import secrets
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from infra.embedded.certificate import Certificate
from infra.embedded.personas import PERSONAS, Persona, persona

PERSONA_GRANT = "urn:keyholder:persona"
TOKEN_SECONDS = 15 * 60
CODE_SECONDS = 60
STRONGEST = "AAL3"
MAX_FORM_BYTES = 10_000
DEFAULT_CLIENT = "keyholder-cli"


class RefusedError(Exception):
    """An OAuth error, by its code."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """How somebody signed in: who, through which client, for which scopes, how strongly and when (epoch seconds)."""

    who: Persona
    client_id: str
    scopes: tuple[str, ...]
    acr: str
    auth_time: int
    nonce: str | None = None


@dataclass(frozen=True, slots=True)
class _Code:
    sign_in: SignIn
    redirect_uri: str
    challenge: str
    expires: float


class DevelopmentIssuer:
    """The issuer, in a thread of this process. `address` must be loopback; `port` 0 takes a free one.

    Raises `ValueError` for any other address: it gives a token to whoever asks.
    """

    def __init__(self, certificate: Certificate, audience: str, *, address: str = "127.0.0.1", port: int = 0) -> None:
        if not ipaddress.ip_address(address).is_loopback:
            raise ValueError("the development issuer serves loopback only")
        self.audience = audience
        self._key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, private=True, auto_kid=True)
        self._codes: dict[str, _Code] = {}
        issuer = self

        class Handler(_Handler):
            development_issuer = issuer

        self._server = ThreadingHTTPServer((address, port), Handler)
        self._server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(certificate.chain, certificate.key)
        # The handshake happens in the connection's own thread, so that nobody can hold up the others.
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.authority = f"{address}:{self._server.server_address[1]}"
        self.url = f"https://{self.authority}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True, name="development-issuer")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def discovery(self) -> dict[str, object]:
        """OpenID Connect Discovery 1.0."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", PERSONA_GRANT],
            "subject_types_supported": ["public"],
            "code_challenge_methods_supported": ["S256"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "authorization_response_iss_parameter_supported": True,
        }

    def key_set(self) -> Mapping[str, object]:
        """The public keys."""
        return KeySet([self._key]).as_dict(private=False)

    def authorise(self, query: Mapping[str, str]) -> str:
        """Where to send the browser back to, with a code for the persona in `login_hint`. Raises `RefusedError`."""
        if query.get("response_type") != "code":
            raise RefusedError("unsupported_response_type")
        if query.get("code_challenge_method") != "S256" or not query.get("code_challenge"):
            raise RefusedError("invalid_request")
        redirect_uri = query.get("redirect_uri", "")
        if urlsplit(redirect_uri).hostname not in {"127.0.0.1", "::1", "localhost"}:
            raise RefusedError("invalid_request")
        code = secrets.token_urlsafe(24)
        sign_in = _sign_in(query.get("login_hint", ""), query)
        self._codes[code] = _Code(sign_in, redirect_uri, query["code_challenge"], time.monotonic() + CODE_SECONDS)
        return redirect_uri + "?" + urlencode({"code": code, "state": query.get("state", ""), "iss": self.url})

    def exchange(self, form: Mapping[str, str]) -> dict[str, object]:
        """The token endpoint. Raises `RefusedError`."""
        match form.get("grant_type"):
            case "authorization_code":
                return self._answer(self._redeem(form))
            case "urn:keyholder:persona":
                return self._answer(_sign_in(form.get("persona", ""), form))
            case _:
                raise RefusedError("unsupported_grant_type")

    def _redeem(self, form: Mapping[str, str]) -> SignIn:
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or code.expires < time.monotonic() or code.redirect_uri != form.get("redirect_uri"):
            raise RefusedError("invalid_grant")
        if not hmac.compare_digest(_s256(form.get("code_verifier", "")), code.challenge):
            raise RefusedError("invalid_grant")
        if form.get("client_id", DEFAULT_CLIENT) != code.sign_in.client_id:
            raise RefusedError("invalid_grant")
        return code.sign_in

    def _answer(self, sign_in: SignIn) -> dict[str, object]:
        now = int(time.time())
        common = {"iss": self.url, "sub": sign_in.who.subject, "iat": now, "exp": now + TOKEN_SECONDS}
        how = {"acr": sign_in.acr, "auth_time": sign_in.auth_time}
        scope = " ".join(sign_in.scopes)
        access = {
            **common,
            **how,
            "aud": self.audience,
            "client_id": sign_in.client_id,
            "scope": scope,
            "jti": secrets.token_hex(16),
        }
        answer: dict[str, object] = {
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "scope": scope,
            "access_token": self._sign(access, "at+jwt"),
        }
        if "openid" in sign_in.scopes:
            nonce = {"nonce": sign_in.nonce} if sign_in.nonce else {}
            identity = {**common, **how, **nonce, "aud": sign_in.client_id, "name": sign_in.who.name}
            answer["id_token"] = self._sign(identity, "JWT")
        return answer

    def _sign(self, claims: Mapping[str, object], kind: str) -> str:
        return jwt.encode({"alg": "ES256", "kid": self._key.kid, "typ": kind}, dict(claims), self._key)


def _sign_in(key: str, asked: Mapping[str, str]) -> SignIn:
    """A sign-in as the persona `key`: `acr` and `auth_age` (seconds ago) weaken it, `scope` narrows or widens it."""
    try:
        who = persona(key)
    except KeyError as cause:
        raise RefusedError("access_denied") from cause
    age = asked.get("auth_age", "0")
    if not age.isdecimal():
        raise RefusedError("invalid_request")
    return SignIn(
        who=who,
        client_id=asked.get("client_id", DEFAULT_CLIENT),
        scopes=tuple(asked["scope"].split()) if "scope" in asked else tuple(who.scopes),
        acr=asked.get("acr", STRONGEST),
        auth_time=int(time.time()) - int(age),
        nonce=asked.get("nonce"),
    )


def _s256(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


class _Handler(BaseHTTPRequestHandler):
    """HTTP in front of the issuer."""

    development_issuer: DevelopmentIssuer
    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's own name
        """Nothing: an access log would hold codes."""

    def do_GET(self) -> None:
        if not self._from_here():
            return
        parts = urlsplit(self.path)
        match parts.path:
            case "/.well-known/openid-configuration":
                self._send(200, self.development_issuer.discovery())
            case "/jwks":
                self._send(200, self.development_issuer.key_set())
            case "/authorize":
                self._authorise(dict(parse_qsl(parts.query)))
            case "/personas":
                self._send(200, [_public(known) for known in PERSONAS])
            case _:
                self._send(404, {"error": "not_found"})

    def do_POST(self) -> None:
        if not self._from_here():
            return
        length = self.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_FORM_BYTES:
            self.close_connection = True
            self._send(413, {"error": "invalid_request"})
            return
        form = dict(parse_qsl(self.rfile.read(int(length)).decode(errors="replace")))
        if urlsplit(self.path).path != "/token":
            self._send(404, {"error": "not_found"})
            return
        try:
            self._send(200, self.development_issuer.exchange(form))
        except RefusedError as refused:
            self._send(400, {"error": str(refused)})

    def _authorise(self, query: Mapping[str, str]) -> None:
        if "login_hint" not in query:
            self._send(200, {"add": "&login_hint=", "personas": [known.key for known in PERSONAS]})
            return
        try:
            location = self.development_issuer.authorise(query)
        except RefusedError as refused:
            self._send(400, {"error": str(refused)})
            return
        self._send(302, None, location)

    def _from_here(self) -> bool:
        """A page elsewhere whose name was made to point at loopback still sends its own name."""
        if self.headers.get("host") == self.development_issuer.authority:
            return True
        self.close_connection = True
        self._send(421, {"error": "invalid_request"})
        return False

    def _send(self, status: int, body: object, location: str | None = None) -> None:
        raw = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("cache-control", "no-store")
        self.send_header("content-length", str(len(raw)))
        if location is not None:
            self.send_header("location", location)
        self.end_headers()
        self.wfile.write(raw)


def _public(known: Persona) -> dict[str, object]:
    return {"persona": known.key, "sub": known.subject, "name": known.name, "scope": " ".join(known.scopes)}
