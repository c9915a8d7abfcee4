"""Everybody gets the receipts of their own acts, and nobody a leaf that is not theirs to read."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from keyholder.ledger.merkle import leaf_hash
from keyholder.ledger.note import parse_vkey
from keyholder.ledger.receipts import Proof
from tests.contract import linked, standing
from tests.contract.api import Answer, Api
from tests.contract.settled import OPTED_OUT, Asked, Extract, approved, draft, expect, request_body

KEY = "7d1f0b3e-52a6-4c1e-9b7e-0c8f2f6f8a01"
Receipt = Mapping[str, Any]


def proven(api: Api, receipts: Sequence[Receipt]) -> list[str]:
    """The types of what the receipts prove, each verified with nothing but the pinned key."""
    key = parse_vkey(api.names["LEDGER_VKEY"])
    assert receipts
    for receipt in receipts:
        proof = Proof.parse(receipt["receipt"].encode())
        assert proof.index == receipt["index"]
        if receipt["leaf"] is None:
            continue
        leaf = receipt["leaf"].encode()
        assert leaf_hash(leaf).hex() == receipt["leaf_hash"]
        proof.verify(leaf, key.name, [key])
        told = json.loads(leaf)
        assert (told["type"], told["number"]) == (receipt["type"], receipt["number"])
    return [receipt["type"] for receipt in receipts]


def leaves(receipts: Sequence[Receipt]) -> list[dict[str, Any]]:
    return [json.loads(receipt["leaf"]) for receipt in receipts if receipt["leaf"] is not None]


def receipts_of(asked: Asked, who: str) -> list[Receipt]:
    found: list[Receipt] = []
    cursor = "0"
    while True:
        page = expect(asked.api.get(f"{asked.path}/receipts", who, query={"cursor": cursor, "limit": "2"}), 200).json
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = str(page["next"])


def in_header(answer: Answer) -> list[Receipt]:
    found: list[Receipt] = json.loads(base64.b64decode(answer.headers["keyholder-receipts"]))
    return found


def test_every_command_on_a_request_answers_with_its_receipts(api: Api, extract: Extract) -> None:
    created = expect(api.post("/v1/requests", request_body(extract), "researcher"), 201)
    assert proven(api, created.json["receipts"]) == ["request.created", "request.saved"]
    asked = Asked(api, created.json["id"])
    saved = api.post(f"{asked.path}/save", request_body(extract), "researcher", if_match=created.etag)
    assert proven(api, expect(saved, 200).json["receipts"]) == ["request.saved"]
    submitted = expect(api.post(f"{asked.path}/submit", {}, "researcher"), 200)
    assert proven(api, submitted.json["receipts"]) == ["request.submitted"]
    api.deliver()
    declared = expect(asked.declare("controller"), 200)
    assert proven(api, declared.json["receipts"]) == ["request.no_conflict_declared"]
    expect(asked.declare("second-controller"), 200)
    first = expect(asked.approve("controller"), 200)
    assert proven(api, first.json["receipts"]) == ["request.domain_approved"]
    second = expect(asked.approve("second-controller"), 200)
    assert proven(api, second.json["receipts"]) == ["request.domain_approved", "request.approved"]
    for answer, who in ((created, "researcher"), (first, "controller"), (second, "second-controller")):
        assert {leaf["actor"] for leaf in leaves(answer.json["receipts"])} == {extract.people[who]}
    revoked = api.post(f"{asked.path}/revoke", {"reason": "other"}, "controller", if_match=asked.seen().etag)
    assert proven(api, expect(revoked, 200).json["receipts"]) == ["request.revoked"]
    gone = draft(api, request_body(extract))
    discarded = expect(api.post(f"{gone.path}/discard", {}, "researcher"), 200)
    assert proven(api, discarded.json["receipts"]) == ["request.discarded"]


def test_who_agrees_on_many_requests_or_two_domains_has_receipts_too(api: Api, extract: Extract) -> None:
    api.deliver()
    bounds = expect(api.post(standing.PATH, standing.TERMS, "researcher"), 201).json
    assert proven(api, bounds["receipts"]) == ["standing.asked"]
    path = f"{standing.PATH}/{bounds['standing_approval_id']}"
    for who in ("controller", "second-controller"):
        approved = expect(standing.approve(api, path, who), 200).json
        assert proven(api, approved["receipts"])[0] == "standing.approved"
        assert {leaf["actor"] for leaf in leaves(approved["receipts"])} == {extract.people[who]}
    ended = expect(standing.end(api, path), 200).json
    assert proven(api, ended["receipts"]) == ["standing.ended"]
    assert "receipts" not in api.get(path, "controller").json

    linked.linked(api)
    terms = expect(api.post(linked.AGREEMENTS, linked.TERMS, "controller", key=KEY), 201).json
    assert proven(api, terms["receipts"]) == ["linkage.proposed"]
    again = expect(api.post(linked.AGREEMENTS, linked.TERMS, "controller", key=KEY), 201).json
    assert leaves(again["receipts"]) == leaves(terms["receipts"])
    path = f"{linked.AGREEMENTS}/{terms['agreement_id']}"
    approved = expect(linked.approve(api, path, "one", linked.DOMAIN), 200).json
    assert proven(api, approved["receipts"]) == ["linkage.approved"]
    assert proven(api, expect(linked.end(api, path), 200).json["receipts"]) == ["linkage.ended"]


def test_a_repeated_command_answers_with_the_same_proof(api: Api, extract: Extract) -> None:
    answers = [api.post("/v1/requests", request_body(extract), "researcher", key="one-and-the-same") for _ in range(2)]
    first, again = (expect(answer, 201).json["receipts"] for answer in answers)
    assert [one["leaf"] for one in first] == [one["leaf"] for one in again]
    assert proven(api, again) == ["request.created", "request.saved"]


def test_a_release_is_proven_to_the_requester_without_anybody_s_tags(api: Api, extract: Extract) -> None:
    asked = approved(api, request_body(extract, 0, OPTED_OUT, delivery="file"))
    released = expect(asked.release(), 200)
    receipts = released.json["receipts"]
    assert proven(api, receipts) == ["request.release_authorised", "release.items_released", "release.finished"]
    assert [receipt["leaf"] is None for receipt in receipts] == [False, True, False]
    chunk = next(event for event in api.events() if event["type"] == "release.items_released")
    tags = [tag for tags in chunk["data"]["subjects"].values() for tag in tags]
    assert len(tags) == 2
    told = released.everything + asked.api.get(f"{asked.path}/receipts", "researcher").everything
    assert not any(tag in told for tag in tags)
    collected = asked.api.post(f"{asked.path}/collect", {"release_id": released.json["release_id"]}, "researcher")
    assert proven(api, in_header(expect(collected, 200))) == ["release.collected"]
    assert len(str(collected.headers)) < 8_000, "API Gateway takes 10,240 bytes of headers"


def test_everybody_reads_the_receipts_of_their_own_acts_alone(api: Api, extract: Extract) -> None:
    asked = approved(api, request_body(extract))
    expect(asked.release(), 200)
    own = {who: receipts_of(asked, who) for who in ("researcher", "controller", "second-controller")}
    assert proven(api, own["researcher"]) == [
        "request.created",
        "request.saved",
        "request.submitted",
        "request.release_authorised",
        "release.finished",
    ]
    said = "request.no_conflict_declared"
    assert proven(api, own["controller"]) == [said, "request.domain_approved"]
    assert proven(api, own["second-controller"]) == [said, "request.domain_approved", "request.approved"]
    for who, receipts in own.items():
        assert all(receipt["leaf"] for receipt in receipts)
        actors = {leaf["actor"] for leaf in leaves(receipts) if leaf["type"] != "release.finished"}
        assert actors == {extract.people[who]}


def test_an_auditor_has_the_receipts_of_every_event_and_reads_none_unlogged(api: Api, extract: Extract) -> None:
    asked = approved(api, request_body(extract))
    receipts = receipts_of(asked, "auditor")
    assert proven(api, receipts) == [event["type"] for event in api.events() if event["stream"].endswith(asked.id)]
    assert not leaves(receipts)
    assert api.events()[-1]["data"]["command"] == "read_requests_receipts"


def test_who_has_no_part_in_a_request_learns_nothing(reviewed: Asked) -> None:
    assert reviewed.api.get(f"{reviewed.path}/receipts", "provider").status == 404
    assert (
        reviewed.api.get(f"{reviewed.path}/receipts", "outsider", claims={"scope": "keyholder/request"}).status == 403
    )
