"""Deciding in somebody's place over the API: named, confirmed, used, told, ended."""

from __future__ import annotations

from tests.contract import delegated
from tests.contract.api import Api
from tests.contract.delegated import DELEGATE, DELEGATOR
from tests.contract.settled import DOMAIN, Asked, Extract, expect, request_body, unread


def _approve(asked: Asked, who: str, **more: object) -> object:
    seen = asked.seen(who)
    body = {
        "domain": DOMAIN,
        "content_hash": seen.json["content_hash"],
        "no_conflict_of_interest": True,
        "factor": "controller",
        **more,
    }
    return asked.api.post(f"{asked.path}/approve", body, who, if_match=seen.etag)


def test_somebody_decides_in_the_place_of_who_is_away_and_counts_as_one(api: Api, extract: Extract) -> None:
    path = delegated.named(api, extract)
    name = path.rpartition("/")[2]
    waiting = expect(api.get(path, DELEGATE), 200).json
    assert (waiting["state"], waiting["in_force"]) == ("waiting", False)
    assert api.get(path, "second-controller").status == 404
    assert expect(api.post(f"{path}/confirm", {}, DELEGATOR), 403).code == "OWN_DELEGATION"
    old = {"auth_time": int(api.clock.now.timestamp()) - 3600}
    assert expect(api.post(f"{path}/confirm", {}, "operator", claims=old), 401).code == "SIGN_IN_OLD"
    expect(api.post(f"{path}/confirm", {}, "operator"), 200)
    (mine,) = expect(api.get("/v1/me", DELEGATE), 200).json["delegations"]
    assert (mine["delegation_id"], mine["in_force"]) == (name, True)

    asked = unread(api, request_body(extract, 0)).opened()
    expect(asked.declare(DELEGATE), 200)
    listed = [one for one in asked.seen(DELEGATE).json["allowed_commands"] if one["command"] == "approve"]
    assert [one["delegation"] for one in listed if one["allowed"]] == [name]
    assert expect(_approve(asked, DELEGATE), 403).code == "FACTOR_NOT_NEEDED"
    done = expect(_approve(asked, DELEGATE, delegation=name), 200).json
    (ballot,) = done["decisions"][0]["ballots"]
    assert ballot["delegation"] == {"delegation_id": name, "in_place_of": extract.people[DELEGATOR]}
    assert expect(_approve(asked, DELEGATOR), 409).code == "COUNTS_ONCE"
    assert expect(_approve(asked, "second-controller"), 200).json["state"] == "approved"
    expect(api.post(f"{path}/withdraw", {}, DELEGATOR), 200)
    expect(asked.release(), 200)
    other = unread(api, request_body(extract, 1))
    assert expect(_approve(other, DELEGATE, delegation=name), 403).code == "DELEGATION_NOT_IN_FORCE"
    given = [one for one in api.events() if one["type"] == "request.domain_approved" and "delegation" in one["data"]]
    assert [one["data"]["approver"] for one in given] == [extract.people[DELEGATE]]
