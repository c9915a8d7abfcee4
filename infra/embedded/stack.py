"""The whole of Keyholder on this machine: engine, issuer and deployment, for as long as a `with` block lasts."""

from __future__ import annotations

import json
import shutil
import ssl
import tempfile
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import boto3

from infra.embedded.certificate import make_certificate
from infra.embedded.deploy import Deployed, deploy
from infra.embedded.dev_issuer import PERSONA_GRANT, STRONGEST, DevelopmentIssuer
from infra.embedded.engine import ACCOUNT, Engine
from infra.embedded.personas import persona
from infra.embedded.synthesise import synthesise
from infra.routes import Function

AUDIENCE = "keyholder-api"


@dataclass(frozen=True, slots=True)
class Message:
    """A notice that would have been sent: to whom, and its words."""

    to: str
    subject: str
    body: str


class EmbeddedStack:
    """Keyholder on loopback.

    Everything it writes is in `work`, a temporary folder unless given. `assembly` is a synthesised app to deploy
    instead of synthesising one; `at_once` is how many calls of functions run at a time.
    """

    def __init__(self, work: Path | None = None, assembly: Path | None = None, at_once: int | None = None) -> None:
        self._temporary = None if work else Path(tempfile.mkdtemp(prefix="keyholder-"))
        self.work = (work or self._temporary or Path()).resolve()
        self._assembly = assembly
        self._closing = ExitStack()
        self.work.mkdir(parents=True, exist_ok=True)
        certificate = make_certificate(self.work / "tls")
        self.ca_bundle = certificate.bundle
        self.engine = Engine(self.work, certificate, at_once)
        self.issuer = DevelopmentIssuer(certificate, AUDIENCE)
        self._trust = ssl.create_default_context(cafile=str(self.ca_bundle))
        self._sessions: dict[Function, boto3.Session] = {}
        self.deployed: Deployed

    def __enter__(self) -> Self:
        if self._temporary is not None:
            self._closing.callback(shutil.rmtree, self._temporary, ignore_errors=True)
        with self._closing:
            self._closing.callback(self.issuer.stop)
            self._closing.callback(self.engine.stop)
            self.issuer.start()
            self.engine.start()
            with ThreadPoolExecutor(1) as background:
                synthesised = background.submit(self._synthesised)
                self.engine.wait()
                assembly = synthesised.result()
            self.deployed = deploy(
                self.engine,
                assembly,
                issuer=self.issuer.url,
                audience=AUDIENCE,
                operator=persona("operator").subject,
            )
            self._closing = self._closing.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    def _synthesised(self) -> Path:
        return self._assembly or synthesise(self.work / "cdk.out")

    @property
    def base_url(self) -> str:
        """What goes before `/v1/…`: API Gateway's path form, so that no name has to resolve."""
        return f"{self.engine.url}/_aws/execute-api/{self.deployed.api_id}"

    @property
    def issuer_url(self) -> str:
        """The OpenID issuer, as tokens name it."""
        return self.issuer.url

    def token(
        self,
        key: str,
        scopes: Sequence[str] | None = None,
        *,
        acr: str = STRONGEST,
        signed_in: timedelta = timedelta(0),
    ) -> str:
        """An access token of a persona, got over HTTPS: with its own scopes, signed in strongly, `signed_in` ago."""
        form = {
            "grant_type": PERSONA_GRANT,
            "persona": key,
            "acr": acr,
            "auth_age": str(int(signed_in.total_seconds())),
        }
        if scopes is not None:
            form["scope"] = " ".join(scopes)
        request = urllib.request.Request(f"{self.issuer_url}/token", data=urlencode(form).encode())  # noqa: S310
        with urllib.request.urlopen(request, context=self._trust, timeout=10) as reply:  # noqa: S310
            token: str = json.loads(reply.read())["access_token"]
            return token

    def messages(self) -> tuple[Message, ...]:
        """Every notice so far, in order. The engine keeps what SES is asked to send, and sends nothing."""
        with urllib.request.urlopen(  # noqa: S310 - our own engine
            f"{self.engine.url}/_ministack/ses/messages", context=self._trust, timeout=10
        ) as reply:
            kept = json.loads(reply.read())["messages"].get(ACCOUNT, [])
        # The engine also keeps a message to nobody, which SES would refuse.
        return tuple(Message(to, one["Subject"], one["BodyText"]) for one in kept for to in one["To"][:1])

    def admin(self, service: str) -> Any:
        """A boto3 client as the account's root, to look inside or to break something on purpose."""
        return self.engine.client(service)

    def as_function(self, function: Function, service: str) -> Any:
        """A boto3 client under a function's own role, with the credentials a call of that function has."""
        if function not in self._sessions:
            self._sessions[function] = self._assume(function)
        return self.engine.client(service, self._sessions[function])

    def _assume(self, function: Function) -> boto3.Session:
        # The role trusts Lambda alone. On AWS that keeps everybody else out; the engine lets root in all the same.
        name = self.deployed.functions[function]
        role = self.admin("lambda").get_function_configuration(FunctionName=name)["Role"]
        answer = self.admin("sts").assume_role(RoleArn=role, RoleSessionName=f"as-{function}")["Credentials"]
        return self.engine.session(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])
