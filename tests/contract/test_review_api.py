"""Review over the API: asking back, taking back, approving less, under conditions; and two people at once."""

from __future__ import annotations

from typing import Any

from tests.contract.api import Api
from tests.contract.settled import (
    DOMAIN,
    OTHER_DOMAIN,
    Asked,
    Extract,
    approved,
    expect,
    in_review,
    request_body,
    unread,
)

QUESTION = "Why is the date of birth needed beside the number?"
EARLIER = {"code": "destroy_earlier", "by": "2027-01-31"}


def resubmitted(asked: Asked, body: dict[str, Any]) -> None:
    """Written anew, submitted, checked, and opened by the controllers."""
    api = asked.api
    etag = asked.seen("researcher").etag
    expect(api.post(f"{asked.path}/save", body, "researcher", if_match=etag), 200)
    expect(api.post(f"{asked.path}/submit", {}, "researcher"), 200)
    assert api.deliver() == 1
    asked.opened()


def test_a_returned_request_is_answered_and_decided_afresh(api: Api, extract: Extract) -> None:
    asked = in_review(api, request_body(extract, 0, 1))
    first = asked.content_hash
    expect(asked.approve("controller"), 200)
    back = expect(asked.ask_back("second-controller", QUESTION), 200).json
    assert back["state"] == "returned"
    assert back["decisions"][0]["state"] == "void"
    assert back["decisions"][0]["ballots"] == []
    assert back["returned"]["void_votes"] == 1
    told = asked.seen("researcher").json
    (question,) = told["returned"]["questions"]
    content = expect(api.get(f"{asked.path}/content", "researcher"), 200).json
    assert content["comments"][question["sha256"]] == QUESTION
    resubmitted(asked, request_body(extract, 1, 2, justification="The date of birth is needed to tell twins apart."))
    assert asked.seen().json["revision"] == 2
    assert expect(asked.approve("controller", content_hash=first), 412).code == "OTHER_CONTENT"
    expect(asked.approve("controller"), 200)
    assert asked.state == "in_review"
    expect(asked.approve("second-controller"), 200)
    assert asked.state == "approved"
    assert [one["revision"] for one in api.get(f"{asked.path}/revisions", "controller").json["items"]] == [1, 2]
    changed = expect(api.get(f"{asked.path}/changes", "controller"), 200).json
    assert changed["records"] == [{"domain": DOMAIN, "before": 2, "after": 2, "added": 1, "removed": 1}]
    assert changed["justification"]["changed"]
    assert changed["justification"]["after"].endswith("twins apart.")
    assert changed["fields"] == []


def test_those_who_decide_do_not_see_what_is_being_written(api: Api, extract: Extract) -> None:
    asked = in_review(api, request_body(extract, 0))
    first = asked.content_hash
    expect(asked.ask_back("controller"), 200)
    etag = asked.seen("researcher").etag
    expect(api.post(f"{asked.path}/save", request_body(extract, 0, 1), "researcher", if_match=etag), 200)
    assert asked.seen("researcher").json["content_hash"] != first
    seen = asked.seen().json
    assert (seen["content_hash"], seen["records"]) == (first, {DOMAIN: 1})


def test_a_vote_is_taken_back(api: Api, extract: Extract) -> None:
    asked = in_review(api, request_body(extract))
    expect(asked.approve("controller"), 200)
    expect(asked.take_back("controller"), 200)
    expect(asked.approve("second-controller"), 200)
    assert asked.state == "in_review"
    assert expect(asked.take_back("controller"), 409).code == "NO_VOTE_TO_WITHDRAW"
    expect(asked.approve("controller"), 200)
    assert asked.state == "approved"
    assert expect(asked.take_back("controller"), 409).code == "WRONG_STATE"


def test_nothing_is_released_before_exactly_the_conditions_are_accepted(api: Api, extract: Extract) -> None:
    asked = in_review(api, request_body(extract, 0))
    expect(asked.approve("controller", less={"conditions": [EARLIER]}), 200)
    expect(asked.approve("second-controller", less={"conditions": [{"code": "most_retrievals", "times": 1}]}), 200)
    view = asked.seen("researcher").json
    assert view["state"] == "conditions_offered"
    assert [one["code"] for one in view["conditions"]["items"]] == ["destroy_earlier", "most_retrievals"]
    assert view["conditions"]["items"][0]["sentence"].startswith("The identifiers are destroyed by 31 January 2027")
    assert view["destroy_by_agreed"] == "2027-01-31"
    assert asked.release().status == 409
    assert expect(asked.accept("colleague"), 403).code == "NOT_THE_REQUESTER"
    assert expect(asked.accept(conditions_hash="0" * 64), 412).code == "OTHER_CONDITIONS"
    accepted = expect(asked.accept(), 200).json
    assert accepted["state"] == "approved"
    assert [one["type"] for one in accepted["receipts"]] == ["request.conditions_accepted", "request.approved"]
    expect(asked.release(), 200)
    assert expect(asked.release(), 409).code == "NO_RETRIEVALS_LEFT"


def test_what_every_approval_covers_is_released_and_nothing_tells_why_not(api: Api, extract: Extract) -> None:
    asked = in_review(api, request_body(extract, 0, 1, 2))
    expect(asked.approve("controller", less={"records": {"keep": ["row-0", "row-1"]}}), 200)
    refused = asked.approve("second-controller", less={"records": {"keep": ["row-2"]}})
    assert expect(refused, 422).code == "RECORDS_NOT_LEFT"
    unknown = asked.approve("second-controller", less={"records": {"keep": ["row-7"]}})
    assert expect(unknown, 422).code == "ROW_UNKNOWN"
    expect(asked.approve("second-controller", less={"records": {"leave_out": ["row-0"]}}), 200)
    assert asked.seen().json["decisions"][0]["records_left"] == 1
    told = asked.seen("researcher").json["decisions"][0]
    assert told["records_narrowed"]
    assert "records_left" not in told
    items = expect(asked.release(), 200).json["items"]
    assert [(item["row_id"], item["status"]) for item in items] == [
        ("row-0", "not_available"),
        ("row-1", "released"),
        ("row-2", "not_available"),
    ]
    (chunk,) = [event for event in api.events() if event["type"] == "release.items_released"]
    assert chunk["data"]["unresolved"] == {"RECORD_NOT_APPROVED": 2}
    assert not any("row-1" in str(event) for event in api.events())


def test_a_choice_that_is_lost_releases_nothing(api: Api, extract: Extract) -> None:
    asked = in_review(api, request_body(extract, 0, 1))
    expect(asked.approve("controller", less={"records": {"keep": ["row-0"]}}), 200)
    expect(asked.approve("second-controller"), 200)
    approvals = [event["data"] for event in api.events() if event["type"] == "request.domain_approved"]
    (chosen,) = [data["records"] for data in approvals if "records" in data]
    api.erase("CONTENT_BUCKET", f"requests/{asked.id}/{chosen['sha256']}")
    assert asked.release().status == 500
    assert "release.items_released" not in api.types()


def test_records_are_for_their_requester_and_who_decides_for_their_domain(api: Api, extract: Extract) -> None:
    asked = unread(api, request_body(extract, 0, 1))
    path, query = f"{asked.path}/records", {"domain": DOMAIN}
    assert expect(api.get(path, "controller", query=query), 403).code == "RECORDS_NOT_OPEN"
    asked.opened()
    for who in ("researcher", "controller"):
        items = expect(api.get(path, who, query=query), 200).json["items"]
        assert [item["row_id"] for item in items] == ["row-0", "row-1"]
        assert items[0]["pseudonyms"] == extract.record(0)["pseudonyms"]
    page = expect(api.get(path, "controller", query={**query, "limit": "1"}), 200).json
    assert (len(page["items"]), page["next"]) == (1, 1)
    for who in ("colleague", "auditor", "controller-on-project"):
        assert expect(api.get(path, who, query=query), 403).code == "RECORDS_NOT_OPEN"
    assert expect(api.get(path, "controller", query={"domain": OTHER_DOMAIN}), 403).code == "RECORDS_NOT_OPEN"
    expect(api.get(path, "operator", query=query), 404)


def test_two_people_at_once_have_one_outcome_and_are_told_so(api: Api, extract: Extract) -> None:
    asked = in_review(api, request_body(extract))
    etag = asked.seen().etag
    expect(asked.approve("controller", if_match=etag), 200)
    assert expect(asked.ask_back("second-controller", if_match=etag), 412).code
    assert [vote["vote"] for vote in asked.seen().json["decisions"][0]["ballots"]] == ["approve"]
    expect(asked.ask_back("second-controller"), 200)
    late = asked.approve("second-controller")
    assert expect(late, 409).code == "WRONG_STATE"


def test_a_revocation_after_a_release_says_by_when_to_destroy(api: Api, extract: Extract) -> None:
    asked = approved(api, request_body(extract, 0))
    expect(asked.release(), 200)
    expect(asked.revoke("controller"), 200)
    assert asked.seen("researcher").json["destruction_required_by"] == "2026-07-08"


def test_a_question_with_an_identifier_in_it_is_not_kept(api: Api, extract: Extract) -> None:
    asked = in_review(api, request_body(extract))
    number = extract.identifiers[0]["nhs_number"]
    refused = expect(asked.ask_back("controller", f"Who is {number}?"), 422)
    assert refused.json["errors"][0]["pointer"].startswith("/questions/0/text")
    assert number not in refused.everything
    assert asked.state == "in_review"
