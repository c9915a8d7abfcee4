"""Linkage through the product: two domains' controllers agree, providers translate, and nobody sees an identifier."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.api import Answer, Api, Fault, Snapshot, running
from tests.contract.linked import AGREEMENTS, KINDS, TARGET, TERMS, YES, approve, end, in_force, proposed
from tests.contract.settled import (
    DOMAIN,
    OPTED_OUT,
    TYPE_1,
    UNCHECKED,
    Extract,
    expect,
    in_review,
    load_type_1,
    project_body,
    request_body,
)


@pytest.fixture
def api(linked_snapshot: Snapshot) -> Iterator[Api]:
    """The settled world with a second domain, and an agreement that is in force."""
    with running(linked_snapshot) as running_api:
        yield running_api


@pytest.fixture
def path(linked_snapshot: Snapshot) -> str:
    """Where the agreement is."""
    return str(linked_snapshot.known["path"])


def translate(api: Api, path: str, *rows: dict[str, Any], who: str = "provider", **more: Any) -> Answer:
    return api.post(f"{path}/translations", {"rows": list(rows)}, who, **more)


def sent(extract: Extract, place: int) -> dict[str, Any]:
    return extract.record(place)


def found(answer: Answer) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = expect(answer, 200).json["rows"]
    return rows


def test_columns_of_two_domains_join_and_the_source_is_not_asked_again_for_a_release(
    api: Api, path: str, extract: Extract
) -> None:
    rows = found(translate(api, path, *(sent(extract, place) for place in (0, 1))))
    assert [set(row["statuses"].values()) for row in rows] == [{"translated"}] * 2
    identifiers = {"row_id": "own", "identifiers": extract.identifiers[0]}
    own = expect(api.post(f"/v1/domains/{TARGET}/pseudonyms", {"rows": [identifiers]}, "provider"), 200).json["rows"][0]
    assert rows[0]["pseudonyms"] == {kind: own["pseudonyms"][kind] for kind in KINDS}
    project = {**project_body(extract.people), "domains": [TARGET]}
    expect(api.post("/v1/projects", project, "operator", if_match='W/"1"'), 201)
    records = [{"row_id": row["row_id"], "pseudonyms": row["pseudonyms"]} for row in rows]
    body = request_body(extract, domains=[{"domain": TARGET, "records": records[1:]}])
    released = released_from(api, body, TARGET)
    assert released == [{kind: extract.identifiers[1][kind] for kind in KINDS}]


def released_from(api: Api, body: dict[str, Any], domain: str) -> list[dict[str, str]]:
    """What a request for one domain hands out once its controllers approved it."""
    asked = in_review(api, body)
    for who in ("controller", "second-controller"):
        approval = {"domain": domain, "content_hash": asked.content_hash, "no_conflict_of_interest": True}
        expect(api.post(f"{asked.path}/approve", approval, who, if_match=asked.seen().etag), 200)
    return [one.get("identifiers", {}) for one in expect(asked.release(), 200).json["items"]]


def test_who_chose_not_to_be_linked_looks_like_a_pseudonym_nobody_knows(api: Api, path: str, extract: Extract) -> None:
    foreign = {"row_id": "foreign", "pseudonyms": {kind: extract.foreign[kind] for kind in KINDS}}
    places = (0, OPTED_OUT, TYPE_1, UNCHECKED)
    rows = found(translate(api, path, *(sent(extract, place) for place in places), foreign))
    released, *withheld = [{name: row[name] for name in ("statuses", "pseudonyms")} for row in rows]
    assert set(released["statuses"].values()) == {"translated"}
    nothing = {"statuses": dict.fromkeys(KINDS, "not_available"), "pseudonyms": {}}
    assert withheld == [nothing] * 4
    outcome = next(event for event in api.events() if event["type"] == "linkage.translated")
    assert outcome["data"]["withheld"] == {
        "NDOO_OPTED_OUT": 1,
        "TYPE1_ACTIVE": 1,
        "NDOO_CHECK_MISSING": 1,
        "PSEUDONYM_UNKNOWN": 1,
    }


def test_people_of_both_are_those_whom_the_target_has(api: Api, extract: Extract) -> None:
    rows = [{"row_id": "1", "identifiers": {"nhs_number": extract.identifiers[1]["nhs_number"]}}]
    expect(api.post(f"/v1/domains/{TARGET}/pseudonyms", {"rows": rows}, "provider"), 200)
    path = in_force(api, covers="people_of_both")
    before = api.keys("CHOICES_BUCKET")
    rows = found(translate(api, path, *(sent(extract, place) for place in (0, 1, 2))))
    assert [set(row["statuses"].values()) for row in rows] == [{"not_available"}, {"translated"}, {"not_available"}]
    assert api.keys("CHOICES_BUCKET") == before


def test_one_opening_of_each_key_of_either_domain_after_the_leave_is_proven(
    api: Api, path: str, extract: Extract
) -> None:
    opened: list[tuple[str, str]] = []

    def seen(params: Any) -> bool:
        context = params["EncryptionContext"]
        if context["keyholder:use"] == "domain-data":
            assert api.types()[-1] == "linkage.translation_authorised"
            opened.append((context["keyholder:domain"], context["keyholder:identifier_type"]))
        return False

    rows = [{**sent(extract, place), "row_id": f"{copy}-{place}"} for copy in range(60) for place in (0, 1)]
    with api.failing(Fault("Decrypt", when=seen)):
        assert len(found(translate(api, path, *rows))) == 120
    kinds = ("date_of_birth", "nhs_number")
    assert sorted(opened) == sorted((domain, kind) for domain in (DOMAIN, TARGET) for kind in kinds)


def test_two_people_of_each_domain_and_a_fifth_who_proposed(api: Api) -> None:
    path = proposed(api)
    assert expect(approve(api, path, "controller", DOMAIN), 403).code == "OWN_PROPOSAL"
    for who, domain in YES[:3]:
        assert expect(approve(api, path, who, domain), 200).json["state"] == "proposed"
        assert expect(approve(api, path, who, TARGET), 409).code == "ALREADY_APPROVED"
    assert expect(translate(api, path, {"row_id": "1", "pseudonyms": {"nhs_number": "x"}}), 409).code == (
        "AGREEMENT_NOT_IN_FORCE"
    )
    assert expect(approve(api, path, "provider", TARGET, claims={"scope": "keyholder/decide"}), 403).code == (
        "NOT_A_CONTROLLER"
    )
    last = expect(approve(api, path, "four", TARGET), 200).json
    assert last["state"] == "in_force"
    assert [(one["domain"], one["organisation"]) for one in last["approvals"]] == [
        (DOMAIN, "RX1"),
        (DOMAIN, "X26"),
        (TARGET, "RX1"),
        (TARGET, "X26"),
    ]
    refused = [event["data"] for event in api.events() if event["type"] == "attempt.refused"]
    assert {(one["command"], one["subject"]) for one in refused} == {
        ("approve_linkage", path.replace(AGREEMENTS, "linkage")),
        ("translate", path.replace(AGREEMENTS, "linkage")),
    }


def test_a_stale_version_or_other_terms_are_refused(api: Api) -> None:
    path = proposed(api)
    assert approve(api, path, "one", DOMAIN, if_match=None).status == 428
    assert expect(approve(api, path, "one", DOMAIN, if_match='W/"9"'), 412).code == "STALE"
    body = {"domain": DOMAIN, "terms_hash": "0" * 64, "no_conflict_of_interest": True}
    assert expect(api.post(f"{path}/approve", body, "one", if_match='W/"1"'), 412).code == "OTHER_TERMS"
    assert api.post(f"{path}/end", {"reason": "other"}, "one").status == 428
    weak = approve(api, path, "one", DOMAIN, claims={"acr": "AAL1"})
    assert (weak.status, weak.code) == (401, "SIGN_IN_WEAK")
    assert expect(api.get(path, "one"), 200).json["approvals"] == []


@pytest.mark.parametrize("who", ["controller", "four"])
def test_any_one_controller_stops_it_at_once(api: Api, path: str, extract: Extract, who: str) -> None:
    expect(translate(api, path, sent(extract, 0), key="the-first-call"), 200)
    ended = expect(end(api, path, who), 200).json
    assert (ended["state"], ended["ended"]["reason"]) == ("ended", "no_longer_needed")
    for key in ("the-first-call", "another-call"):
        assert expect(translate(api, path, sent(extract, 0), key=key), 409).code == "AGREEMENT_OVER"


def test_an_agreement_is_read_by_those_whom_it_concerns_and_by_nobody_else(api: Api, path: str) -> None:
    domains = f"/v1/domains/{TARGET}/linkage-agreements"
    for who in ("controller", "one", "provider", "auditor"):
        assert expect(api.get(path, who), 200).json["terms"]["most_tokens"] == 1_000
        assert len(expect(api.get(domains, who), 200).json["items"]) == 1
    for who in ("researcher", "operator"):
        assert api.get(path, who).status == 404
        assert expect(api.get(domains, who), 200).json["items"] == []
    assert api.get(path, "outsider").status == 403
    # Ids are in the order of time, and two of one moment in none.
    api.clock.advance(seconds=1)
    proposed(api)
    first = expect(api.get(domains, "one", query={"limit": "1"}), 200).json
    assert [one["agreement_id"] for one in first["items"]] == [path.rsplit("/", 1)[-1]]
    rest = expect(api.get(domains, "one", query={"limit": "1", "cursor": first["next"]}), 200).json
    assert (len(rest["items"]), rest["next"]) == (1, None)
    assert api.get(domains, "controller", query={"cursor": first["next"]}).status == 422, "a cursor is its caller's"


def test_every_call_is_carried_out_once(api: Api, extract: Extract) -> None:
    def twice(call: Any) -> Answer:
        first = call()
        before = api.events()
        api.restarted()
        again = call()
        assert (again.status, again.json) == (first.status, first.json)
        assert api.events() == before
        return expect(first, first.status)

    made = twice(lambda: api.post(AGREEMENTS, TERMS, "controller", key="propose-it-once"))
    path = f"{AGREEMENTS}/{made.json['agreement_id']}"
    for who, domain in YES:
        etag = expect(api.get(path, who), 200).etag
        twice(lambda: approve(api, path, who, domain, key=f"approve-it-{who}", if_match=etag))  # noqa: B023
    twice(lambda: translate(api, path, sent(extract, 0), key="translate-it-once"))
    assert expect(api.get(path, "one"), 200).json["tokens_used"] == 2
    etag = expect(api.get(path, "one"), 200).etag
    twice(lambda: api.post(f"{path}/end", {"reason": "other"}, "one", key="end-it-once", if_match=etag))


def test_no_more_than_was_agreed_and_until_its_last_day(api: Api, extract: Extract) -> None:
    path = in_force(api, most_tokens=5)
    assert expect(translate(api, path, *(sent(extract, place) for place in (0, 1, 2))), 409).code == "TOKENS_SPENT"
    expect(translate(api, path, sent(extract, 0), sent(extract, 1)), 200)
    assert expect(translate(api, path, sent(extract, 2)), 409).code == "TOKENS_SPENT"
    api.clock.advance(days=184)
    assert expect(translate(api, path, sent(extract, 2)), 409).code == "AGREEMENT_OVER"
    assert expect(api.get(path, "one"), 200).json["state"] == "expired"


def test_a_choice_made_meanwhile_counts_at_the_next_call(api: Api, path: str, extract: Extract) -> None:
    (row,) = found(translate(api, path, sent(extract, 0), key="before-the-choice"))
    assert set(row["statuses"].values()) == {"translated"}
    load_type_1(api, 0)
    (row,) = found(translate(api, path, sent(extract, 0)))
    assert set(row["statuses"].values()) == {"not_available"}
    assert expect(translate(api, path, sent(extract, 0), key="before-the-choice"), 409).code == "CHOICES_CHANGED"


@pytest.mark.parametrize("domain", [DOMAIN, TARGET])
def test_keys_or_registers_that_are_not_to_be_had_are_said_so_and_in_the_ledger(
    api: Api, path: str, extract: Extract, domain: str
) -> None:
    bucket = api.names["CHOICES_BUCKET"]
    off = Fault(
        "Decrypt",
        "DisabledException",
        400,
        when=lambda params: params["EncryptionContext"].get("keyholder:domain") == domain,
    )
    with api.failing(off):
        answer = translate(api, path, sent(extract, 0), key="again-and-again")
    assert expect(answer, 503).json["type"].endswith("/keys-unavailable")
    with api.failing(Fault("ListObjectsV2", "SlowDown", 503, when=lambda params: params["Bucket"] == bucket)):
        answer = translate(api, path, sent(extract, 0), key="again-and-again")
    assert expect(answer, 503).json["type"].endswith("/unavailable")
    failed = [event["data"]["code"] for event in api.events() if event["type"] == "attempt.failed"]
    assert failed == ["KEYS_UNAVAILABLE", "CHOICES_UNAVAILABLE"]
    assert set(found(translate(api, path, sent(extract, 0), key="again-and-again"))[0]["statuses"].values()) == {
        "translated"
    }
    assert expect(api.get(path, "one"), 200).json["tokens_used"] == 2


def test_bad_terms_name_their_field(api: Api) -> None:
    bad: list[tuple[dict[str, Any], str | None, str | None]] = [
        ({"purpose": "insurance"}, "PURPOSE_PROHIBITED", None),
        ({"to_domain": DOMAIN}, "SAME_DOMAIN", "/to_domain"),
        ({"carried_out_by": "ABC"}, "CARRIER_CONTROLS_NEITHER", "/carried_out_by"),
        ({"until": "2026-06-30"}, "UNTIL_OUT_OF_RANGE", "/until"),
        ({"most_tokens": 0}, None, "/most_tokens"),
        ({"purpose": "because of 9990000018"}, None, "/purpose"),
        ({"note": "9990000018"}, None, "/note"),
    ]
    for terms, code, pointer in bad:
        answer = api.post(AGREEMENTS, {**TERMS, **terms}, "controller")
        assert answer.status in {403, 422}, terms
        assert answer.code == code, terms
        assert [error["pointer"] for error in answer.json.get("errors", [])] == ([pointer] if pointer else [])
        assert "9990000018" not in answer.everything
    assert api.types().count("linkage.proposed") == 1


def test_without_a_ledger_nothing_is_agreed_or_translated(api: Api, path: str, extract: Extract) -> None:
    before = (api.objects("LEDGER_BUCKET").keys(), api.keys("CHOICES_BUCKET"))
    with api.failing(Fault("TransactWriteItems", "ServiceUnavailable", 503)):
        for answer in (
            api.post(AGREEMENTS, TERMS, "controller"),
            end(api, path),
            translate(api, path, sent(extract, 0)),
        ):
            assert expect(answer, 503).headers["retry-after"] == "5"
            assert not any(value in answer.everything for value in extract.rows[0]["pseudonyms"].values())
    assert (api.objects("LEDGER_BUCKET").keys(), api.keys("CHOICES_BUCKET")) == before
