"""The policy's settings through the API: two people, the ledger first, and what the next release does."""

from __future__ import annotations

import copy
import itertools
import json
from typing import Any

import pytest

from keyholder.policy.book import PolicyBook
from keyholder.policy.changes import PolicyState
from keyholder.policy.settings import STATED
from keyholder.registry.carrying_out import Entry
from tests.contract.api import Answer, Api, Fault
from tests.contract.settled import Asked, Extract, approved, expect, load_opt_outs, request_body

POLICY = "/v1/policy"
CHANGES = "/v1/policy/changes"


def settings(api: Api, **changes: Any) -> dict[str, Any]:
    """Those in force with fields changed."""
    found: dict[str, Any] = copy.deepcopy(expect(api.get(POLICY, "researcher"), 200).json["settings"])
    found["freshness"] |= {"direct_days": changes.pop("direct_days", found["freshness"]["direct_days"])}
    return {**found, **changes}


def proposed(api: Api, body: dict[str, Any], reason: str = "guidance_changed") -> str:
    """The path of a new proposal."""
    made = expect(api.post(CHANGES, {"settings": body, "reason": reason}, "operator"), 201)
    return f"{CHANGES}/{made.json['change_id']}"


def confirm(api: Api, path: str, who: str = "controller", **more: Any) -> Answer:
    return api.post(f"{path}/confirm", {}, who, **more)


@pytest.fixture
def asked(api: Api, extract: Extract) -> Asked:
    """An approved request whose opt-out check is five days old."""
    load_opt_outs(api)
    found = approved(api, request_body(extract, 0, 1))
    api.clock.advance(days=5)
    return found


def statuses(asked: Asked) -> list[str]:
    return [item["status"] for item in expect(asked.release(), 200).json["items"]]


def test_a_change_is_in_force_for_the_next_release_and_can_be_taken_back(api: Api, asked: Asked) -> None:
    before = expect(api.get(POLICY, "auditor"), 200).json
    assert statuses(asked) == ["pending", "pending"]
    path = proposed(api, settings(api, direct_days=20))
    assert expect(api.get(POLICY, "auditor"), 200).json["policy_hash"] == before["policy_hash"]
    expect(confirm(api, path), 200)
    changed = expect(api.get(POLICY, "auditor"), 200).json
    assert changed["settings"]["freshness"]["direct_days"] == 20
    assert changed["policy_hash"] != before["policy_hash"]
    assert statuses(asked) == ["released", "released"]
    back = proposed(api, before["settings"], "rollback")
    expect(confirm(api, back, "second-controller"), 200)
    assert expect(api.get(POLICY, "auditor"), 200).json["policy_hash"] == before["policy_hash"]
    assert statuses(asked) == ["pending", "pending"]


def test_every_decision_names_the_policy_it_was_given_under(api: Api, asked: Asked) -> None:
    first = expect(api.get(POLICY, "operator"), 200).json["policy_hash"]
    statuses(asked)
    expect(confirm(api, proposed(api, settings(api, direct_days=6))), 200)
    second = expect(api.get(POLICY, "operator"), 200).json["policy_hash"]
    statuses(asked)
    named = [event["data"]["policy_hash"] for event in api.events() if event["type"] == "request.release_authorised"]
    assert named == [first, second]


def test_a_change_between_permission_and_hand_over_gives_nothing(
    api: Api, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The permission in the ledger names the policy it was given under; under another one nothing leaves."""
    load_opt_outs(api)
    content_hash = asked.content_hash
    read, reads = PolicyBook.entry, itertools.count()

    def another_in_the_end(book: PolicyBook) -> Entry[PolicyState]:
        return read(book) if next(reads) == 0 else Entry(PolicyState(STATED), 2)

    monkeypatch.setattr(PolicyBook, "entry", another_in_the_end)
    answer = expect(asked.release(content_hash=content_hash), 409)
    assert answer.code == "POLICY_CHANGED"
    assert api.events()[-1]["data"]["code"] == "POLICY_CHANGED"
    assert "release.items_released" not in api.types()
    monkeypatch.undo()
    assert statuses(asked) == ["released", "released"]


def test_who_may_do_what(api: Api, extract: Extract) -> None:
    body = {"settings": settings(api, direct_days=3), "reason": "review"}
    for who in ("controller", "researcher", "auditor", "outsider"):
        assert api.post(CHANGES, body, who, claims={"scope": "keyholder/operate"}).status == 403
    path = proposed(api, body["settings"])
    for who in ("operator", "second-operator", "researcher", "auditor", "outsider"):
        assert confirm(api, path, who, claims={"scope": "keyholder/decide"}).status == 403
    assert confirm(api, path, "operator").status == 403
    for command, scope in (("withdraw", "keyholder/operate"), ("stop", "keyholder/decide")):
        refused = api.post(f"{path}/{command}", {}, "researcher", claims={"scope": scope})
        assert refused.code == "NOT_A_STOPPER"
    assert expect(api.get(path, "researcher"), 200).json["state"] == "open"
    expect(api.post(f"{path}/stop", {}, "controller"), 200)
    assert confirm(api, path).code == "POLICY_CHANGE_CLOSED"
    for where in (POLICY, path):
        assert api.get(where, "outsider").status == 403


def test_caps_and_wrong_fields_are_named(api: Api) -> None:
    good = settings(api)
    flow = {**good["exempt_flows"][0], "purpose": "research"}
    wrong: list[tuple[dict[str, Any], str]] = [
        ({**good, "exempt_flows": [flow]}, "EXEMPTION_NEEDS_PROJECT"),
        ({**good, "exempt_flows": [{**flow, "purpose": "marketing", "project": "heart-2026"}]}, "PURPOSE_NEVER_EXEMPT"),
        ({**good, "exempt_flows": [{**flow, "project": "nobody"}]}, "PROJECT_UNKNOWN"),
        (good, "POLICY_UNCHANGED"),
    ]
    for body, code in wrong:
        assert api.post(CHANGES, {"settings": body, "reason": "review"}, "operator").code == code
    for path, value in (("freshness", {**good["freshness"], "direct_days": 21}), ("matrix", []), ("exempt_flows", 1)):
        answer = api.post(CHANGES, {"settings": {**good, path: value}, "reason": "review"}, "operator")
        assert answer.status == 422
        assert path in json.dumps(answer.json) or "settings" in json.dumps(answer.json)
    assert "policy.change_proposed" not in api.types()


def test_without_a_ledger_no_settings_change_and_nothing_is_decided(api: Api, asked: Asked) -> None:
    path, content_hash = proposed(api, settings(api, direct_days=20)), asked.content_hash
    with api.failing(Fault("TransactWriteItems", "ServiceUnavailable", 503)):
        assert confirm(api, path).status == 503
    assert expect(api.get(POLICY, "operator"), 200).json["settings"]["freshness"]["direct_days"] == 1
    unread = Fault("Query", "InternalServerError", 500, when=lambda params: "policy/settings" in str(params))
    with api.failing(unread):
        assert asked.release(content_hash=content_hash).status >= 500
    assert "release.items_released" not in api.types()


def test_a_repeated_proposal_is_one(api: Api) -> None:
    body = {"settings": settings(api, direct_days=2), "reason": "review"}
    first = expect(api.post(CHANGES, body, "operator", key="twice-the-same-key"), 201).json
    assert expect(api.post(CHANGES, body, "operator", key="twice-the-same-key"), 201).json == first
    assert api.types().count("policy.change_proposed") == 1
