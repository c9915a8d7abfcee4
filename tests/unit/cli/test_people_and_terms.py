"""`keyholder terms`, `admin person confirm`, `review approve --factor`: what each command sends."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from keyholder.cli.main import cli
from keyholder.cli.session import Session
from tests.unit.client.fake_api import URL, FakeApi, ok, problem, view

SETTINGS = {"KEYHOLDER_URL": URL, "KEYHOLDER_TOKEN": "token"}
HASH = "ab" * 32
REQUESTER = {
    "document": "requester",
    "version": 3,
    "sha256": HASH,
    "accepted_version": None,
    "current": False,
    "text": "# Words to read",
}
APPROVER = {**REQUESTER, "document": "approver", "version": 1}


def run(api: FakeApi, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--json", *arguments], obj=Session(SETTINGS, api))


def test_terms_are_shown_with_their_words_where_one_is_named() -> None:
    api = FakeApi([ok({"items": [REQUESTER, APPROVER]})] * 2)
    every = run(api, "terms", "show")
    assert [one["document"] for one in json.loads(every.stdout)] == ["requester", "approver"]
    assert "Words to read" not in every.output
    one = run(api, "terms", "show", "approver")
    assert "# Words to read" in one.stderr
    assert [(found["version"], found["current"]) for found in json.loads(one.stdout)] == [(1, False)]


def test_terms_are_accepted_by_the_hash_that_was_read() -> None:
    api = FakeApi([ok({"items": [REQUESTER, APPROVER]}), ok({**REQUESTER, "current": True})])
    result = run(api, "terms", "accept", "requester", "--sha256", HASH)
    assert result.exit_code == 0, result.stderr
    asked = api.asked[1]
    assert (asked.method, asked.path) == ("POST", "/v1/terms/accept")
    assert asked.body == {"document": "requester", "version": 3, "sha256": HASH}


def test_terms_that_are_not_there_are_not_accepted() -> None:
    api = FakeApi([ok({"items": [APPROVER]})])
    assert run(api, "terms", "accept", "requester", "--sha256", HASH).exit_code == 2
    assert len(api.asked) == 1


def test_who_has_to_sign_in_again_gets_the_exit_code_of_that() -> None:
    api = FakeApi([ok({"items": [REQUESTER]}), problem(401, "sign-in-again", code="SIGN_IN_OLD")])
    result = run(api, "terms", "accept", "requester", "--sha256", HASH)
    assert result.exit_code == 4
    assert json.loads(result.stderr)["code"] == "SIGN_IN_OLD"


def test_a_second_person_confirms_roles() -> None:
    api = FakeApi([ok({"person_id": "person/abc", "awaiting": []})])
    result = run(api, "admin", "person", "confirm", "person/abc", "--role", "controller:X26", "--role", "auditor:RX1")
    assert result.exit_code == 0, result.stderr
    ((asked),) = api.asked
    assert (asked.method, asked.path) == ("POST", "/v1/people/abc/confirm")
    assert asked.body == {
        "roles": [{"role": "controller", "organisation": "X26"}, {"role": "auditor", "organisation": "RX1"}]
    }


@pytest.mark.parametrize("role", ["controller", "controller:", "king:X26"])
def test_a_role_that_is_none_is_a_usage_error(role: str) -> None:
    api = FakeApi([])
    assert run(api, "admin", "person", "confirm", "person/abc", "--role", role).exit_code == 2


def test_an_approval_may_name_the_place_it_fills() -> None:
    api = FakeApi([ok(view()), ok(view())])
    arguments = ["--domain", "gp-2026", "--content-hash", HASH, "--no-conflict-of-interest"]
    place = ["--factor", "caldicott_guardian", "--organisation", "X26"]
    result = run(api, "review", "approve", "REQ-1", *arguments, *place)
    assert result.exit_code == 0, result.stderr
    assert api.asked[1].body == {
        "domain": "gp-2026",
        "content_hash": HASH,
        "no_conflict_of_interest": True,
        "factor": "caldicott_guardian",
        "organisation": "X26",
    }


@pytest.mark.parametrize(
    ("factor", "exit_code"), [("caldicott_guardian=1", 0), ("controller=1", 2), ("caldicott_guardian", 2), ("x=1", 2)]
)
def test_a_domain_is_registered_with_who_has_to_agree(factor: str, exit_code: int) -> None:
    api = FakeApi([ok({"domain_id": "gp-2026"}, 201)])
    arguments = ["gp-2026", "--controller", "X26", "--dataset", "gp", "--factor", factor]
    assert run(api, "admin", "domain", "add", *arguments).exit_code == exit_code
    if exit_code == 0:
        body = api.asked[0].body
        assert isinstance(body, dict)
        assert body["factors"] == {"caldicott_guardian": 1}
