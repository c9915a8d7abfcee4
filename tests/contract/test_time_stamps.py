"""The witness's daily time-stamp: asked for over HTTP, kept beside the cosignature, verified offline."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from email.message import Message
from types import SimpleNamespace
from typing import Any
from unittest import mock
from urllib.error import URLError

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from infra.routes import ROOT
from keyholder.adapters import time_stamps
from keyholder.adapters.time_stamps import HttpTimeStampAuthority
from keyholder.adapters.witness_assembly import WitnessAssembly
from keyholder.edge.settings import WitnessSettings
from keyholder.timestamps.stamps import AuthorityUnreachableError, Trust, open_stamp
from tests.contract.api import CLOCK, Api, _load
from tests.contract.test_witness import Witness, witness
from tests.fakes.tsa import Authority

__all__ = ["witness"]

URL = "http://authority.test/stamp"
AUTHORITY = Authority()


class Reply:
    """What `urlopen` gives."""

    def __init__(self, body: bytes, kind: str = "application/timestamp-reply") -> None:
        self._body = body
        self.headers = Message()
        self.headers["content-type"] = kind

    def __enter__(self) -> Reply:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def read(self, size: int) -> bytes:
        return self._body[:size]


@pytest.fixture
def asked() -> Iterator[list[Any]]:
    """The requests that reach the authority."""
    requests: list[Any] = []

    def urlopen(request: Any, **_: object) -> Reply:
        requests.append(request)
        return Reply(AUTHORITY.answer_to(request.data, CLOCK.now))

    with mock.patch.object(time_stamps, "urlopen", urlopen):
        yield requests


def run(deployed: Witness, url: str = URL, root: bytes | None = None) -> dict[str, Any]:
    """What the schedule calls, with an authority named."""
    module = _load("witness", ROOT / "functions" / "witness", deployed.function.handler)
    der = AUTHORITY.root.public_bytes(Encoding.DER) if root is None else root
    settings = replace(
        WitnessSettings.of(deployed.function.environment), tsa_url=url, tsa_root=base64.b64encode(der).decode()
    )
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 600_000)
    with mock.patch.object(module, "witness_assembly", return_value=WitnessAssembly(settings)):
        answer: dict[str, Any] = module.handler({"source": "aws.events"}, context)
    return answer


def test_the_days_checkpoint_is_stamped_once_and_the_stamp_verifies(
    witness: Witness, api: Api, asked: list[Any]
) -> None:
    size = run(witness)["size"]
    run(witness)
    (request,) = asked
    assert (request.full_url, request.get_method()) == (URL, "POST")
    assert request.get_header("Content-type") == "application/timestamp-query"
    (key,) = witness.objects("stamped/")
    assert key == f"stamped/{size:020d}"
    stamp = open_stamp(witness.objects("stamped/")[key], Trust.read(AUTHORITY.pem()))
    assert stamp.covers(api.objects("LEDGER_BUCKET")[f"checkpoint/{size:020d}"])
    assert stamp.at == api.clock.now
    assert "WIT004" in api.logs()


@pytest.mark.parametrize(("url", "root"), [(URL, b"no certificate"), ("ftp://authority.test", None), (URL, None)])
def test_an_authority_that_gives_nothing_keeps_nothing_from_being_cosigned(
    witness: Witness, api: Api, capsys: pytest.CaptureFixture[str], url: str, root: bytes | None
) -> None:
    def urlopen(*_: object, **__: object) -> Reply:
        raise URLError("no route")

    with mock.patch.object(time_stamps, "urlopen", urlopen):
        size = run(witness, url, root)["size"]
    assert witness.newest().checkpoint.size == size
    assert witness.objects("stamped/") == {}
    assert '"StampFailures":[1.0]' in capsys.readouterr().out
    assert "WIT005" in api.logs()


def test_without_an_authority_nothing_is_asked_and_nothing_measured(
    witness: Witness, asked: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    witness.run()
    assert asked == []
    assert "StampFailures" not in capsys.readouterr().out


@pytest.mark.parametrize("reply", [Reply(b"x", "text/html"), URLError("x"), TimeoutError(), ValueError("x")])
def test_whatever_is_no_answer_is_one_thing(reply: Any) -> None:
    with (
        mock.patch.object(time_stamps, "urlopen", side_effect=[reply]),
        pytest.raises(AuthorityUnreachableError),
    ):
        HttpTimeStampAuthority(URL).answer(b"question")


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "ftp://authority.test", "http://"])
def test_an_authority_has_an_address_on_the_web(url: str) -> None:
    with pytest.raises(ValueError, match="http"):
        HttpTimeStampAuthority(url)
