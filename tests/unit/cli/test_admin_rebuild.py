"""`keyholder admin rebuild`: looks without a plan, does with one, goes on until it is done, and says how it ended."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from click.testing import CliRunner, Result

from keyholder.adapters import rebuild_function
from keyholder.cli.main import cli
from keyholder.cli.session import Session

PLAN: dict[str, Any] = {
    "plan": "5f" * 16,
    "ledger": {"size": 7, "batches": 3, "root": "00"},
    "table": {"steps": {"missing": 2}},
    "pending": 0,
    "keys": {"lost_tag_years": [], "digest_lost": False},
    "views": {"objects": 4},
}
DONE = {"plan": "5f" * 16, "more": False, "changed": 2, "keys_shut": 0, "views": {"removed": 4, "batches": 4, "of": 4}}


@dataclass
class FakeLambda:
    """What the function answers, call after call; an exception is raised."""

    answers: list[Any]
    asked: list[Any] = field(default_factory=list)

    def invoke(self, *, FunctionName: str, Payload: bytes) -> Mapping[str, Any]:  # noqa: N803
        assert FunctionName == "the-function"
        self.asked.append(json.loads(Payload))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        failed = {"FunctionError": "Unhandled"} if "errorType" in answer else {}
        return {"Payload": io.BytesIO(json.dumps(answer).encode()), **failed}


def run(monkeypatch: pytest.MonkeyPatch, client: FakeLambda, *arguments: str) -> Result:
    monkeypatch.setattr(rebuild_function, "rebuild_client", lambda: client)
    command = ["--json", "admin", "rebuild", "--function", "the-function", *arguments]
    return CliRunner().invoke(cli, command, obj=Session({}))


def test_without_a_plan_it_looks_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    client = FakeLambda([PLAN])
    result = run(monkeypatch, client)
    assert result.exit_code == 0
    assert client.asked == [{}]
    assert json.loads(result.stdout) == PLAN
    assert f"--apply {PLAN['plan']}" in result.stderr
    assert "lost" not in result.stderr


def test_lost_keys_are_said_and_a_right_table_too(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = PLAN | {"table": {}, "keys": {"lost": ["gp-2026/nhs_number/1"]}}
    result = run(monkeypatch, FakeLambda([lost]))
    assert "Keys are lost" in result.stderr
    assert "is what the journal says" in result.stderr


def test_with_a_plan_it_goes_on_until_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    more = {"plan": PLAN["plan"], "more": True, "changed": 0}
    client = FakeLambda([more, more, DONE | {"views": {"removed": 4, "batches": 1, "of": 4}}])
    result = run(monkeypatch, client, "--apply", PLAN["plan"], "--drop-pending")
    assert result.exit_code == 0
    assert client.asked == [{"apply": PLAN["plan"], "drop_pending": True}] * 3
    assert "1 of 4 batches" in result.stderr


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        ({"refused": {"code": "EVENTS_PENDING", "advice": "Let the sweeper"}}, 3, "EVENTS_PENDING: Let the sweeper"),
        ({"not_whole": "journal/1: a delete marker"}, 6, "a delete marker"),
        ({"errorType": "TableChangedError", "errorMessage": "secret"}, 1, "TableChangedError"),
        (ClientError({"Error": {"Code": "AccessDenied", "Message": "secret"}}, "Invoke"), 1, "AccessDenied"),
        (ReadTimeoutError(endpoint_url="https://secret.test"), 1, "ReadTimeoutError"),
    ],
)
def test_how_it_ends_is_an_exit_code(monkeypatch: pytest.MonkeyPatch, answer: object, code: int, words: str) -> None:
    result = run(monkeypatch, FakeLambda([answer]), "--apply", PLAN["plan"])
    assert result.exit_code == code
    assert words in result.stderr
    assert "secret" not in result.stderr
    assert result.stdout == ""
