"""Standing approvals of the settled world, for the API's tests."""

from __future__ import annotations

from typing import Any

from tests.contract.api import Answer, Api
from tests.contract.settled import DOMAIN, PROJECT, Asked, expect

PATH = "/v1/standing-approvals"
TERMS: dict[str, Any] = {
    "project": PROJECT,
    "domains": [DOMAIN],
    "identifier_types": ["nhs_number", "date_of_birth"],
    "purpose": "research",
    "legal_basis": "s251_reg5",
    "recipient": "RX1",
    "most_records_a_week": 3,
    "until": "2026-12-31",
}


def asked(api: Api, who: str = "researcher", **terms: Any) -> str:
    """The path of a new one."""
    made = expect(api.post(PATH, {**TERMS, **terms}, who), 201)
    return f"{PATH}/{made.json['standing_approval_id']}"


def approve(api: Api, path: str, who: str, **more: Any) -> Answer:
    seen = expect(api.get(path, "controller"), 200)
    body = {"domain": DOMAIN, "terms_hash": seen.json["terms_hash"], "no_conflict_of_interest": True}
    return api.post(f"{path}/approve", body, who, **{"if_match": seen.etag, **more})


def in_force(api: Api, **terms: Any) -> str:
    path = asked(api, **terms)
    for who in ("controller", "second-controller"):
        last = expect(approve(api, path, who), 200)
    assert last.json["state"] == "in_force"
    return path


def end(api: Api, path: str, who: str = "second-controller") -> Answer:
    etag = expect(api.get(path, who), 200).etag
    return api.post(f"{path}/end", {"reason": "no_longer_needed"}, who, if_match=etag)


def use(api: Api, request: Asked, path: str, who: str = "researcher", **more: Any) -> Answer:
    body = {"standing_approval_id": path.rpartition("/")[2]}
    return api.post(f"{request.path}/use-standing-approval", body, who, **more)
