"""The API in process: events of API Gateway made from the template's routes, and each function's own handler.

Everything below the handlers is the product's: the token is verified with a real key, the adapters talk to moto.
What is played: the gateway, the clock, the issuer's key set, and the deliveries of the queue and the schedule.
"""

from __future__ import annotations

import base64
import copy
import importlib.util
import io
import json
import logging
import os
import pickle
import re
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock
from urllib.parse import unquote, urlencode

import boto3
from botocore.exceptions import ClientError
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from moto.backends import get_backend
from moto.s3 import models as s3_models
from moto.s3.models import FakeDeleteMarker

from infra.embedded.personas import PERSONAS
from infra.routes import ROOT
from keyholder.adapters import assembly as assembly_module
from keyholder.adapters.assembly import Assembly
from keyholder.adapters.clock import SystemClock
from keyholder.edge.settings import Settings
from keyholder.edge.tokens import TokenVerifier
from tests.contract.aws import REGION, moto
from tests.contract.template_stack import ACCOUNT, Deployed, deploy
from tests.fakes.mesh import OURS, SERVICE, FakeMailbox
from tests.fakes.moto_direct import answer_directly
from tests.fakes.moto_ed25519 import ed25519_in_moto

ISSUER = "https://issuer.test"
AUDIENCE = "keyholder-api"
SENDER = "notices@keyholder.test"
PARAMETERS = {
    "TokenIssuer": ISSUER,
    "LedgerOrigin": "keyholder.test/ledger",
    "BootstrapOperator": PERSONAS[0].subject,
    "NoticeChannel": "ses",
    "NoticeSender": SENDER,
    "NoticeIdentity": "keyholder.test",
    "ConsoleUrl": "https://keyholder.test/console",
    "MeshMailbox": OURS,
    "MeshRecipient": SERVICE,
}
MORNING = datetime(2026, 7, 1, 9, tzinfo=UTC)
"""When every test begins."""

SUBJECTS = {persona.key: persona.subject for persona in PERSONAS}
SCOPES = {persona.key: " ".join(persona.scopes) for persona in PERSONAS}


class FrozenClock:
    """Stands still until somebody moves it; waiting moves it."""

    def __init__(self) -> None:
        self.now = MORNING

    def advance(self, **parts: float) -> None:
        """By a `timedelta` of these parts."""
        self.now += timedelta(**parts)


CLOCK = FrozenClock()
"""One for the process: handlers take hold of `SystemClock().now` when they are imported."""


@dataclass(frozen=True)
class Answer:
    """What a caller gets."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def etag(self) -> str:
        return self.headers["etag"]

    @property
    def code(self) -> str | None:
        """The refusal's code in a problem."""
        return self.json.get("code")

    @property
    def everything(self) -> str:
        """Status, headers and body as one text to search."""
        return f"{self.status}\n{json.dumps(dict(self.headers))}\n{self.body.decode(errors='replace')}"


@dataclass(frozen=True)
class Fault:
    """Calls of AWS that fail: of one operation, where `when` says so of its parameters."""

    operation: str
    error: str = "AccessDenied"
    status: int = 403
    when: Callable[[Mapping[str, Any]], bool] = lambda _: True


class IssuerKey:
    """The key set of the issuer, and the key that signs its tokens (ES256)."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": "one", "alg": "ES256", "use": "sig"})

    def keys(self) -> KeySet:
        return KeySet([self.key])

    def refreshed(self) -> KeySet:
        return self.keys()


@cache
def issuer() -> IssuerKey:
    """One for the process: making a key takes longer than a request."""
    return IssuerKey()


@dataclass
class Api:
    """The deployed product, its outside world, and what the test may do to both."""

    deployed: Deployed
    clock: FrozenClock = CLOCK
    faults: list[Fault] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    """Operations that AWS was asked for, in order: `PutObject`, `Decrypt`, …"""
    mesh: FakeMailbox = field(default_factory=FakeMailbox)
    """What functions/mesh speaks to; tests/mesh has NHS Digital's own server."""
    _assemblies: dict[str, Assembly] = field(default_factory=dict)

    # -- people ---------------------------------------------------------------------------------------------------

    def token(self, who: str, **claims: Any) -> str:
        """A signed access token of a persona; `claims` take the place of the usual ones, None leaves one out."""
        moment = int(self.clock.now.timestamp())
        usual = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": SUBJECTS[who],
            "scope": SCOPES[who],
            "iat": moment,
            "exp": moment + 600,
            "auth_time": moment,
            "acr": "AAL2",
            **claims,
        }
        known = {name: value for name, value in usual.items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": "one", "typ": "at+jwt"}, known, issuer().key)

    # -- calls ----------------------------------------------------------------------------------------------------

    def get(self, path: str, who: str | None = None, **more: Any) -> Answer:
        return self.request("GET", path, who, **more)

    def post(self, path: str, body: Any = None, who: str | None = None, **more: Any) -> Answer:
        """A POST with a fresh Idempotency-Key unless `key` is given (None leaves it out)."""
        return self.request("POST", path, who, body={} if body is None else body, **more)

    def request(
        self,
        method: str,
        path: str,
        who: str | None = None,
        *,
        body: Any = None,
        raw: bytes | None = None,
        key: str | None = "",
        if_match: str | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        claims: Mapping[str, Any] | None = None,
    ) -> Answer:
        """One call: the route as API Gateway picks it, the function's handler, its answer."""
        sent = {"content-type": "application/json"} if method == "POST" else {}
        if who is not None:
            sent["authorization"] = f"Bearer {self.token(who, **(claims or {}))}"
        if method == "POST" and key is not None:
            sent["idempotency-key"] = key or str(uuid.uuid4())
        if if_match is not None:
            sent["if-match"] = if_match
        sent |= {name.lower(): value for name, value in (headers or {}).items()}
        content = raw if raw is not None else (b"" if body is None else json.dumps(body).encode())
        event = self._event(method, path, sent, query or {}, content)
        return _answer(self.invoke(self.deployed.routes[event["routeKey"]], event))

    def _event(
        self, method: str, path: str, headers: Mapping[str, str], query: Mapping[str, str], body: bytes
    ) -> dict[str, Any]:
        """Payload format 2.0 (API Gateway developer guide, 'AWS Lambda proxy integrations for HTTP APIs')."""
        route, parameters = self._route(method, path)
        try:
            text, encoded = body.decode(), False
        except UnicodeDecodeError:
            text, encoded = base64.b64encode(body).decode(), True
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": route,
            "rawPath": path,
            "rawQueryString": urlencode(query),
            "headers": dict(headers),
            "requestContext": {
                "accountId": ACCOUNT,
                "apiId": "api",
                "domainName": "api.test",
                "domainPrefix": "api",
                "requestId": str(uuid.uuid4()),
                "routeKey": route,
                "stage": "$default",
                "time": self.clock.now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
                "timeEpoch": int(self.clock.now.timestamp() * 1000),
                "http": {
                    "method": method,
                    "path": path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "192.0.2.1",
                    "userAgent": "",
                },
            },
            "isBase64Encoded": encoded,
        }
        if text:
            event["body"] = text
        if query:
            event["queryStringParameters"] = dict(query)
        if parameters:
            event["pathParameters"] = parameters
        return event

    def _route(self, method: str, path: str) -> tuple[str, dict[str, str]]:
        """The most specific route: a literal segment goes before a variable one, `$default` takes the rest."""
        for route in sorted(self.deployed.routes, key=lambda key: key.count("{")):
            if route == "$default":
                continue
            verb, pattern = route.split(" ")
            found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern), path)
            if found and verb == method:
                return route, {name: unquote(value) for name, value in found.groupdict().items()}
        return "$default", {}

    def deliver(self) -> int:
        """Hand what is in the queues to the function they feed, one message a call; how many were done with.

        Those that only tell people are not counted.

        A message that fails is left out of sight, as it would be until its visibility time-out.
        """
        sqs, done = boto3.client("sqs", REGION), 0
        for url, function in self.deployed.feeds.items():
            while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1).get("Messages"):
                record = {
                    "messageId": messages[0]["MessageId"],
                    "receiptHandle": messages[0]["ReceiptHandle"],
                    "body": messages[0]["Body"],
                    "attributes": {},
                    "messageAttributes": {},
                    "eventSource": "aws:sqs",
                    "awsRegion": REGION,
                }
                answer = self.invoke(function, {"Records": [record]})
                if not answer["batchItemFailures"]:
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=messages[0]["ReceiptHandle"])
                    done += function != "notify"
        return done

    def sweep(self) -> dict[str, int]:
        """What the schedule calls once a minute."""
        return self._scheduled("sweeper")

    def watch(self) -> dict[str, float]:
        """What the schedule calls once a minute too: what was measured."""
        return self._scheduled("watch")

    def ask_mesh(self) -> dict[str, Any]:
        """What the schedule calls every ten minutes."""
        return self._scheduled("mesh", "rate(10 minutes)")

    def _scheduled(self, function: str, rate: str = "rate(1 minute)") -> dict[str, Any]:
        assert function in self.deployed.schedules[rate]
        return self.invoke(function, {"source": "aws.events"})

    def rebuild(self, seconds: int = 900, **event: Any) -> dict[str, Any]:
        """What an operator calls with credentials of AWS; `seconds` are left of the function's time."""
        return self.invoke("rebuild", event, seconds)

    def invoke(self, function: str, event: Mapping[str, Any], seconds: int = 29) -> dict[str, Any]:
        """The function's handler, as Lambda calls it. The event and the answer travel as JSON."""
        module = _handlers(self.deployed)[function]
        with mock.patch.object(module, "assembly", partial(self.assembly, function), create=True):
            context = SimpleNamespace(
                function_name=function,
                memory_limit_in_mb=1024,
                invoked_function_arn=self.deployed.functions[function].arn,
                aws_request_id=str(uuid.uuid4()),
                get_remaining_time_in_millis=lambda: 1_000 * seconds,
            )
            answer: dict[str, Any] = json.loads(json.dumps(module.handler(json.loads(json.dumps(event)), context)))
        return answer

    def assembly(self, function: str) -> Assembly:
        """The parts of one function, from the template's environment; each function has its own, as on Lambda."""
        if function not in self._assemblies:
            made = Assembly(Settings.of(self.deployed.functions[function].environment))
            made.tokens = TokenVerifier(made.settings.token_issuer, made.settings.token_audience, issuer())
            made.mailbox = lambda: nullcontext(self.mesh)  # type: ignore[method-assign] - the one thing that is played
            self._assemblies[function] = made
        return self._assemblies[function]

    def restarted(self) -> None:
        """As if every function's environment were new: nothing that was kept in memory is left."""
        self._assemblies.clear()

    @contextmanager
    def elsewhere(self) -> Iterator[None]:
        """Within this, calls meet another environment of each function: how two calls at once meet on Lambda."""
        here, loaded = self._assemblies, dict(_LOADED)
        self._assemblies = {}
        _LOADED.clear()
        _LOADED.update(_ELSEWHERE)
        try:
            yield
        finally:
            _ELSEWHERE.update(_LOADED)
            _LOADED.clear()
            _LOADED.update(loaded)
            self._assemblies = here

    def at_once(self, first: Callable[[], Answer], second: Callable[[], Answer], *, nth: int = 1) -> list[Answer]:
        """Two calls at the same time: all of the second, in another environment, comes between what the first read
        and what it is about to write (its `nth` transaction). The answers, the first's first."""
        answers: list[Answer] = []
        seen: list[str] = []

        def meanwhile(_: Mapping[str, Any]) -> bool:
            seen.append("")
            if len(seen) == nth:
                with self.elsewhere():
                    answers.append(second())
            return False

        with self.failing(Fault("TransactWriteItems", when=meanwhile)):
            answers.insert(0, first())
        assert len(answers) == 2, "the first never came to write"
        return answers

    # -- what the outside world does ------------------------------------------------------------------------------

    def on_call(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        """Counts a call of AWS, and fails it where the test asks for that."""
        self.calls.append(model.name)
        for fault in self.faults:
            if fault.operation == model.name and fault.when(params):
                error = {"Error": {"Code": fault.error, "Message": "played by a test"}}
                raise ClientError({**error, "ResponseMetadata": {"HTTPStatusCode": fault.status}}, model.name)  # type: ignore[arg-type]

    @contextmanager
    def failing(self, *faults: Fault) -> Iterator[None]:
        """Within this, these calls of AWS fail."""
        self.faults.extend(faults)
        try:
            yield
        finally:
            for fault in faults:
                self.faults.remove(fault)

    @property
    def names(self) -> Mapping[str, str]:
        """Names of tables, buckets and queues, as the functions are told."""
        return self.deployed.environment

    def logs(self) -> str:
        """What the functions have logged since the test began."""
        return _LOGGED.getvalue()

    # -- what is stored -------------------------------------------------------------------------------------------

    def objects(self, setting: str) -> dict[str, bytes]:
        """The objects of a bucket: `LEDGER_BUCKET`, `CONTENT_BUCKET`, …"""
        stored = _backend("s3").buckets[self.names[setting]].keys
        return {key: stored[key].value for key in self.keys(setting)}

    def keys(self, setting: str) -> list[str]:
        """The names of a bucket's objects."""
        stored = _backend("s3").buckets[self.names[setting]].keys
        return sorted(key for key, latest in stored.items() if not isinstance(latest, FakeDeleteMarker))

    def erase(self, setting: str, key: str) -> None:
        """An object is gone."""
        boto3.client("s3", REGION).delete_object(Bucket=self.names[setting], Key=key)

    def items(self, setting: str) -> list[dict[str, Any]]:
        """The items of a table: `STEPS_TABLE` or `KEYS_TABLE`."""
        pages = boto3.client("dynamodb", REGION).get_paginator("scan").paginate(TableName=self.names[setting])
        return [item for page in pages for item in page["Items"]]

    def events(self) -> list[dict[str, Any]]:
        """Every event of the journal, in order."""
        journal = {key: body for key, body in self.objects("LEDGER_BUCKET").items() if key.startswith("journal/")}
        lines = [line for key in sorted(journal) for line in journal[key].splitlines()[1:] if line]
        return [json.loads(line) for line in lines]

    def types(self) -> list[str]:
        """The types of all events, in order."""
        return [event["type"] for event in self.events()]


def _answer(raw: Mapping[str, Any]) -> Answer:
    body = raw.get("body") or ""
    content = base64.b64decode(body) if raw.get("isBase64Encoded") else body.encode()
    headers = {name.lower(): str(value) for name, value in (raw.get("headers") or {}).items()}
    headers |= {
        name.lower(): ", ".join(map(str, values)) for name, values in (raw.get("multiValueHeaders") or {}).items()
    }
    return Answer(int(raw["statusCode"]), headers, content)


# -- the process ------------------------------------------------------------------------------------------------------

_LOGGED = io.StringIO()
_LOADED: dict[str, ModuleType] = {}
_ELSEWHERE: dict[str, ModuleType] = {}
_CLIENTS: dict[tuple[str, int], Any] = {}
_IN_USE: list[Api] = []


def _handlers(deployed: Deployed) -> Mapping[str, ModuleType]:
    """Every function's handler, each imported once for the process under a name of its own."""
    for name, function in deployed.functions.items():
        if name not in _LOADED:
            _LOADED[name] = _load(name, ROOT / "functions" / name, function.handler)
    return _LOADED


def _load(name: str, folder: Path, handler: str) -> ModuleType:
    """The module as Lambda would import it, told its name by the environment; its logger writes to `_LOGGED`."""
    module_name = f"keyholder_function_{name}"
    with mock.patch.dict(os.environ, {"POWERTOOLS_SERVICE_NAME": name}):
        spec = importlib.util.spec_from_file_location(module_name, folder / f"{handler.split('.', maxsplit=1)[0]}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        spec.loader.exec_module(module)
    streams = [known for known in logging.getLogger(name).handlers if isinstance(known, logging.StreamHandler)]
    assert streams, "nothing logs, so nothing could be searched"
    for known in streams:
        known.setStream(_LOGGED)
    return module


def _client(service: str, *, config: Any = None) -> Any:
    """One client of a kind for the process: making one takes longer than a request. Its calls go past the test."""
    found = _CLIENTS.get((service, id(config)))
    if found is None:
        found = _CLIENTS[service, id(config)] = boto3.client(service, REGION, config=config)
        found.meta.events.register(f"provide-client-params.{service}.*", _called)
        if service == "dynamodb":
            answer_directly(found)
    return found


def _called(**arguments: Any) -> None:
    _IN_USE[-1].on_call(**arguments)


@dataclass(frozen=True)
class Snapshot:
    """What moto held at one moment. Its state is a few dictionaries, so a test starts in some milliseconds.

    Pickled, because moto empties every object that was ever made when it ends (s3/models.py: FakeKey.dispose).
    """

    deployed: Deployed
    tables: bytes
    buckets: bytes
    keys: Any
    queues: Any
    buses: Any
    now: datetime
    known: Mapping[str, Any] = field(default_factory=dict)
    """What whoever made it has to say about it."""


def snapshot(api: Api, known: Mapping[str, Any] | None = None) -> Snapshot:
    """The present state. Messages in queues are left out."""
    moment = {
        "tables": _backend("dynamodb").tables,
        "buckets": _backend("s3").buckets,
    }
    queues = dict(_backend("sqs").queues)
    pickled = {name: pickle.dumps(held) for name, held in moment.items()}
    keys, buses = copy.deepcopy(_backend("kms").keys), dict(_backend("events").event_buses)
    held = {"keys": keys, "queues": queues, "buses": buses}
    return Snapshot(api.deployed, **pickled, **held, now=api.clock.now, known=known or {})


def _now(_: SystemClock) -> datetime:
    return CLOCK.now


def _now_without_zone() -> datetime:
    return CLOCK.now.replace(tzinfo=None)


def _wait(_: SystemClock, duration: timedelta) -> None:
    CLOCK.now += duration


@contextmanager
def running(start: Snapshot | Path) -> Iterator[Api]:
    """The product in process within this: deployed from the synthesised `start`, or as a snapshot has it."""
    with (
        mock.patch.object(SystemClock, "now", _now),
        mock.patch.object(SystemClock, "wait", _wait),
        # Objects are dated by the clock of the test: an audit compares the bucket's times with the ledger's.
        mock.patch.object(s3_models, "utcnow", _now_without_zone),
        mock.patch.object(assembly_module, "boto3", SimpleNamespace(client=_client)),
        moto(),
        ed25519_in_moto(),
    ):
        CLOCK.now = start.now if isinstance(start, Snapshot) else MORNING
        api = Api(_restored(start) if isinstance(start, Snapshot) else deploy(start, PARAMETERS))
        _LOGGED.seek(0)
        _LOGGED.truncate()
        _IN_USE.append(api)
        try:
            yield api
        finally:
            _IN_USE.pop()


def _restored(start: Snapshot) -> Deployed:
    buckets = pickle.loads(start.buckets)  # noqa: S301 - made by this process
    _backend("dynamodb").tables.update(pickle.loads(start.tables))  # noqa: S301
    _backend("kms").keys.update(copy.deepcopy(start.keys))
    _backend("s3").buckets.update(buckets)
    # moto finds a bucket's account in a register of all accounts (s3/models.py: bucket_accounts).
    get_backend("s3").bucket_accounts.update(dict.fromkeys(buckets, ("aws", ACCOUNT)))
    _backend("sqs").queues.update(start.queues)
    _backend("events").event_buses.update(start.buses)
    # A queue holds a lock and can't be copied, and PurgeQueue is allowed once a minute: emptied by hand.
    for queue in start.queues.values():
        queue._messages, queue._pending_messages = [], set()
    return start.deployed


def _backend(service: str) -> Any:
    return get_backend(service)[ACCOUNT]["aws" if service == "s3" else REGION]  # type: ignore[arg-type]
