"""Two domains whose controllers agree on linkage, for the API's tests: more people, a target domain, an agreement."""

from __future__ import annotations

from typing import Any

from tests.contract.api import SCOPES, SUBJECTS, Answer, Api
from tests.contract.settled import DOMAIN, domain_body, expect, ready

AGREEMENTS = "/v1/linkage-agreements"
TARGET = "linked-2026"
KINDS = ("nhs_number", "date_of_birth")
TERMS = {
    "from_domain": DOMAIN,
    "to_domain": TARGET,
    "identifier_types": list(KINDS),
    "covers": "everybody",
    "purpose": "planning_commissioning",
    "legal_basis": "s251_reg5",
    "carried_out_by": "RX1",
    "most_tokens": 1_000,
    "until": "2026-12-31",
}
YES = (("one", DOMAIN), ("two", DOMAIN), ("three", TARGET), ("four", TARGET))
"""Who approves for which domain: a controller of each organisation for each."""

SUBJECTS.update({name: f"66600000000{number}" for number, (name, _) in enumerate(YES, 1)})
SCOPES.update({name: SCOPES["controller"] for name, _ in YES})


def linked(api: Api) -> None:
    """A target domain, and a controller of each organisation for either domain."""
    expect(api.post("/v1/domains", domain_body(TARGET), "operator"), 201)
    for place, (name, _) in enumerate(YES):
        body = {
            "subject": SUBJECTS[name],
            "roles": [{"role": "controller", "organisation": ("RX1", "X26")[place % 2]}],
        }
        ready(api, name, expect(api.post("/v1/people", body, "operator"), 201).json["person_id"])


def proposed(api: Api, who: str = "controller", **terms: Any) -> str:
    """The path of a new proposal."""
    made = expect(api.post(AGREEMENTS, {**TERMS, **terms}, who), 201)
    return f"{AGREEMENTS}/{made.json['agreement_id']}"


def approve(api: Api, path: str, who: str, domain: str, **more: Any) -> Answer:
    seen = expect(api.get(path, "controller"), 200)
    body = {"domain": domain, "terms_hash": seen.json["terms_hash"], "no_conflict_of_interest": True}
    return api.post(f"{path}/approve", body, who, **{"if_match": seen.etag, **more})


def end(api: Api, path: str, who: str = "three") -> Answer:
    etag = expect(api.get(path, who), 200).etag
    return api.post(f"{path}/end", {"reason": "no_longer_needed"}, who, if_match=etag)


def in_force(api: Api, **terms: Any) -> str:
    path = proposed(api, **terms)
    for who, domain in YES:
        last = expect(approve(api, path, who, domain), 200)
    assert last.json["state"] == "in_force"
    return path
