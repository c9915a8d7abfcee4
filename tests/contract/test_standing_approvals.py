"""Standing approvals over the API: many releases of new pseudonyms within bounds that were approved once."""

from __future__ import annotations

from tests.contract import standing
from tests.contract.api import Api
from tests.contract.settled import OPTED_OUT, Extract, expect, load_opt_outs, request_body, unread


def test_a_week_of_requests_is_released_within_bounds_that_were_approved_once(api: Api, extract: Extract) -> None:
    path = standing.in_force(api)
    first = unread(api, request_body(extract, 0, OPTED_OUT))
    view = first.seen("researcher").json
    (usable,) = [one for one in view["allowed_commands"] if one["command"] == "use_standing_approval"]
    assert usable["allowed"], usable
    done = expect(standing.use(api, first, path), 200).json
    assert (done["state"], done["standing_approval"]) == ("approved", path.rpartition("/")[2])
    assert [one["type"] for one in done["receipts"]] == ["request.standing_approval_used", "request.approved"]
    (decision,) = done["decisions"]
    assert {ballot["content_hash"] for ballot in decision["ballots"]} == {first.content_hash}
    assert {ballot["person"] for ballot in decision["ballots"]} == {
        extract.people["controller"],
        extract.people["second-controller"],
    }
    items = expect(first.release(), 200).json["items"]
    assert [item["status"] for item in items] == ["released", "not_available"], "each person's choice is asked"
    second = unread(api, request_body(extract, 1, 2))
    assert expect(standing.use(api, second, path), 409).code == "STANDING_WEEK_SPENT"
    assert second.state == "in_review", "and the controllers can decide on it"
    api.clock.advance(days=7)
    load_opt_outs(api)
    expect(standing.use(api, second, path), 200)
    assert expect(second.release(), 200).json["counts"]["released"] == "<10"
    drawn = [event["data"]["records"] for event in api.events() if event["type"] == "standing.drawn"]
    assert drawn == [2, 2]
    shown = expect(api.get(path, "auditor"), 200).json
    assert (shown["requests"], shown["records_left_this_week"]) == (2, 1)


def test_one_controller_ends_it_and_with_it_every_release_under_it(api: Api, extract: Extract) -> None:
    path = standing.in_force(api)
    asked = unread(api, request_body(extract, 0))
    expect(standing.use(api, asked, path), 200)
    expect(standing.end(api, path), 200)
    assert expect(asked.release(), 409).code == "STANDING_OVER"
    another = unread(api, request_body(extract, 0))
    assert expect(standing.use(api, another, path), 409).code == "STANDING_OVER"
    assert "release.items_released" not in api.types()


def test_what_is_beyond_it_or_being_decided_is_the_controllers_own(api: Api, extract: Extract) -> None:
    path = standing.in_force(api, identifier_types=["nhs_number"])
    wider = unread(api, request_body(extract, 0))
    assert expect(standing.use(api, wider, path), 422).code == "BEYOND_STANDING_APPROVAL"
    path = standing.in_force(api)
    voted = unread(api, request_body(extract, 0)).opened()
    expect(voted.approve("controller"), 200)
    assert expect(standing.use(api, voted, path), 409).code == "BEING_DECIDED"
    assert expect(standing.use(api, voted, path, "colleague"), 403).code == "NOT_THE_REQUESTER"
    missing = f"{standing.PATH}/STA-{0:026}"
    assert expect(standing.use(api, unread(api, request_body(extract, 0)), missing), 404).code == "STANDING_UNKNOWN"


def test_it_takes_the_same_quorum_as_a_request(api: Api) -> None:
    path = standing.asked(api)
    assert expect(standing.approve(api, path, "controller-on-project"), 403).code == "ON_THE_PROJECT"
    expect(standing.approve(api, path, "controller"), 200)
    assert expect(standing.approve(api, path, "controller"), 409).code == "ALREADY_DECIDED"
    assert expect(standing.approve(api, path, "second-controller", claims={"acr": "AAL1"}), 401).code == "SIGN_IN_WEAK"
    assert expect(standing.approve(api, path, "second-controller", if_match='W/"1"'), 412).code == "STALE"
    expect(standing.approve(api, path, "second-controller"), 200)
    assert expect(api.post(standing.PATH, standing.TERMS, "controller", claims={"scope": "keyholder/request"}), 403)
    assert api.get(path, "operator").status == 404


def test_two_requests_at_once_do_not_share_what_is_left_of_a_week(api: Api, extract: Extract) -> None:
    path = standing.in_force(api)
    pair = [unread(api, request_body(extract, 0, 1)) for _ in range(2)]
    late, early = api.at_once(lambda: standing.use(api, pair[0], path), lambda: standing.use(api, pair[1], path))
    assert (early.status, late.status) == (200, 409), late.everything
    assert late.code == "STANDING_WEEK_SPENT"
    assert api.types().count("standing.drawn") == 1
    assert pair[0].state == "in_review"
