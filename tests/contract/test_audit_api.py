"""Auditors through the API: filters and pages, proofs, searches, exports, reports; and that each reading is written."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from keyholder.audit import reading
from keyholder.cli.audit_verify import verify as verify_command
from keyholder.ledger.note import parse_vkey
from keyholder.ledger.receipts import Proof
from keyholder.vocabulary import DomainId
from tests.contract.api import Api, Fault
from tests.contract.settled import (
    DOMAIN,
    PEOPLE,
    PROJECT,
    Asked,
    Extract,
    domain_body,
    draft,
    expect,
    load_opt_outs,
    request_body,
)
from tests.unit.audit.fhir_profiles import REIDENTIFICATION, check_bundle

OUT = 1
"""The place of whoever opts out before the release."""
EVENTS = "/v1/audit/events"
SEARCHES = "/v1/audit/subject-searches"
EXPORTS = "/v1/audit/exports"


def listed(api: Api, limit: int, **query: str) -> list[dict[str, Any]]:
    """All pages of a listing; the ledger grows by an event with every page that is read."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = expect(api.get(EVENTS, "auditor", query={**query, **cursor, "limit": str(limit)}), 200).json
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}


@pytest.fixture
def released(cleared: Asked) -> Asked:
    """A request for three people, one of whom has opted out by now, released; nothing was published since."""
    load_opt_outs(cleared.api, OUT)
    expect(cleared.release(), 200)
    return cleared


@pytest.mark.parametrize("published", [False, True])
def test_events_are_found_by_any_condition(released: Asked, extract: Extract, published: bool) -> None:
    asked, api = released, released.api
    if published:
        assert api.sweep()["failed_views"] == 0
    expect(api.post(f"{asked.path}/withdraw", {}, "researcher"), 409)
    plain = api.events()
    size = len(plain)
    own = [index for index, event in enumerate(plain) if event["stream"] == f"request/{asked.id}"]
    about = [index for index, event in enumerate(plain) if event["data"].get("subject") == f"request/{asked.id}"]
    expected = {
        (("request", asked.id),): sorted(own + about),
        (("request", asked.id), ("decision", "approved")): [
            i for i in own if plain[i]["type"] in {"request.domain_approved", "request.approved"}
        ],
        (("type", "person.registered"),): [i for i in range(size) if plain[i]["type"] == "person.registered"],
        (("actor", extract.people["controller"]), ("domain", DOMAIN)): [
            i for i in own if plain[i]["actor"] == extract.people["controller"]
        ],
        (("decision", "refused"), ("since", plain[own[0]]["at"])): about,
        (("until", plain[0]["at"]),): [],
    }
    for conditions, indexes in expected.items():
        found = [item for item in listed(api, 3, **dict(conditions)) if item["index"] < size]
        assert [item["index"] for item in found] == indexes, conditions
    named = {item["stream"] for item in listed(api, 200, project=PROJECT)}
    assert {f"request/{asked.id}", f"project/{PROJECT}"} <= named


def test_everything_is_listed_to_the_end_though_reading_adds_to_it(api: Api) -> None:
    before = len(api.events())
    items = listed(api, 50)
    assert [item["index"] for item in items] == list(range(before))
    assert len(api.events()) == before + -(-before // 50), "one event for each page"


def test_a_cursor_is_its_caller_s_and_its_filter_s(api: Api) -> None:
    query = {"type": "person.registered", "limit": "2"}
    page = expect(api.get(EVENTS, "auditor", query=query), 200).json
    cursor = page["next"]
    assert not any(word in cursor for word in ("person", "auditor", "index"))
    for wrong in (
        {"type": "person.changed", "cursor": cursor},
        {"cursor": cursor},
        {**query, "cursor": cursor[:-4] + "AAAA"},
        {**query, "cursor": "7"},
        {**query, "cursor": "=="},
    ):
        answer = api.get(EVENTS, "auditor", query=wrong)
        assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/cursor"), wrong
    roles = [{"role": "auditor", "organisation": "X26"}]
    expect(api.post("/v1/people", {"subject": "another auditor", "roles": roles}, "operator"), 201)
    claims = {"sub": "another auditor"}
    assert api.get(EVENTS, "auditor", query=query, claims=claims).status == 200
    assert api.get(EVENTS, "auditor", query={**query, "cursor": cursor}, claims=claims).status == 422
    assert api.get(EVENTS, "auditor", query={**query, "cursor": cursor}).status == 200


def test_request_lists_have_sealed_cursors_too(api: Api, extract: Extract) -> None:
    made = sorted(draft(api, request_body(extract, 0)).id for _ in range(2))
    page = expect(api.get("/v1/requests", "researcher", query={"limit": "1"}), 200).json
    assert page["next"] not in made[0]
    following = expect(api.get("/v1/requests", "researcher", query={"limit": "1", "cursor": page["next"]}), 200).json
    assert [item["id"] for item in (*page["items"], *following["items"])] == made
    other = api.get("/v1/requests", "researcher", query={"project": PROJECT, "cursor": page["next"]})
    assert other.status == 422


@pytest.mark.parametrize("published", [False, True])
def test_one_event_comes_with_a_proof_anybody_can_check(api: Api, published: bool) -> None:
    if published:
        api.sweep()
    size = len(api.events())
    ledger = api.assembly("audit").verifiers
    for index in (0, 5):
        shown = expect(api.get(f"{EVENTS}/{index}", "auditor"), 200).json
        proof = Proof.parse(shown["proof"].encode())
        proven = proof.verify(shown["leaf"].encode(), ledger[0].name, ledger)
        assert (proven.index, proven.checkpoint.size) == (index, shown["size"])
        assert json.loads(shown["leaf"])["data"] == shown["data"] == api.events()[index]["data"]
    if published:
        assert shown["size"] == size, "against the newest published checkpoint, and not that of its own batch"
    assert api.get(f"{EVENTS}/999999", "auditor").status == 404
    read = [event["data"]["index"] for event in api.events() if event["type"] == "audit.event_read"]
    assert read == [0, 5]


def test_a_search_tells_for_whom_and_what_and_how_sure_it_is(released: Asked, extract: Extract) -> None:
    asked, api = released, released.api
    answers = []
    for published in (False, True):
        if published:
            api.sweep()
        for proof in (False, True):
            body = {"nhs_number": PEOPLE[0], "reason": "subject_access_request", "proof": proof}
            answer = expect(api.post(SEARCHES, body, "auditor"), 200).json
            assert answer["proven"] is proof
            answers.append(answer["found"])
    assert all(found == answers[0] for found in answers)
    (hit,) = answers[0]
    assert hit == {
        **hit,
        "request": asked.id,
        "actor": extract.people["researcher"],
        "outcome": "S251_SUPPORTED",
        "disclosed": True,
        "domain": DOMAIN,
        "project": PROJECT,
        "organisation": "RX1",
        "purpose": "research",
        "legal_basis": "s251_reg5",
        "identifier_types": ["nhs_number", "date_of_birth"],
    }
    for number, disclosed in ((PEOPLE[OUT], [False]), (PEOPLE[6], [])):
        found = expect(api.post(SEARCHES, {"nhs_number": number, "reason": "complaint"}, "auditor"), 200).json["found"]
        assert [one["disclosed"] for one in found] == disclosed
    told = [event["data"] for event in api.events() if event["type"] == "audit.subject_searched"]
    assert [(one["reason"], one["proven"], one["found"]) for one in told[-3:]] == [
        ("subject_access_request", True, 1),
        ("complaint", False, 1),
        ("complaint", False, 0),
    ]


def test_a_search_reaches_every_domain_and_its_event_never_grows_too_large(
    released: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, search = released.api, {"nhs_number": PEOPLE[0], "reason": "complaint"}
    expect(api.post("/v1/domains", domain_body("a-2026"), "operator"), 201)
    monkeypatch.setattr(reading, "_DOMAINS_AT_ONCE", 1)
    assert len(expect(api.post(SEARCHES, search, "auditor"), 200).json["found"]) == 1
    many = {f"{number:032x}": DomainId(DOMAIN) for number in range(2_500)}
    monkeypatch.setattr(reading.Auditing, "_tags", lambda *_: many)
    assert expect(api.post(SEARCHES, search, "auditor"), 200).json["tags"] == sorted(many)
    told = [event for event in api.events() if event["type"] == "audit.subject_searched"][-3:]
    assert len({event["stream"] for event in told}) == 1
    assert [tag for event in told for tag in event["data"]["tags"]] == sorted(many)


def downloaded(api: Api, folder: Path) -> str:
    """The whole ledger as files, in the layout of the verifier; its pinned key as text."""
    begun = expect(api.post(EXPORTS, {}, "auditor"), 201).json
    path, versions, query = f"{EXPORTS}/{begun['export_id']}/objects", {}, {}
    while True:
        page = expect(api.get(path, "auditor", query=query), 200).json
        for item in page["items"]:
            (folder / item["key"]).parent.mkdir(parents=True, exist_ok=True)
            (folder / item["key"]).write_text(item["body"])
            versions[item["key"]] = item["versions"]
        if page["next"] is None:
            break
        query = {"cursor": page["next"]}
    (folder / "versions.json").write_text(json.dumps(versions))
    return str(begun["vkey"])


def test_a_download_proves_that_a_person_is_in_it_and_that_another_is_not(released: Asked, tmp_path: Path) -> None:
    api, key, tags = released.api, tmp_path / "key", tmp_path / "tags"
    searches = [
        expect(api.post(SEARCHES, {"nhs_number": number, "reason": "complaint"}, "auditor"), 200).json
        for number in (PEOPLE[0], PEOPLE[6])
    ]
    key.write_text(downloaded(api, tmp_path / "ledger"))
    for search, releases in zip(searches, (1, 0), strict=True):
        tags.write_text("\n".join(search["tags"]))
        options = ["--key", str(key), "--subject", str(tags), "--rules"]
        done = CliRunner().invoke(verify_command, [str(tmp_path / "ledger"), *options])
        *found, last = done.output.splitlines()
        assert (done.exit_code, len(found), len(search["found"])) == (0, releases, releases), done.output
        assert [int(line.split("\t")[0]) for line in found] == [hit["index"] for hit in search["found"]]
        assert last.endswith(f"the person is in {releases} release{'' if releases == 1 else 's'}")


def objects(api: Api, form: str, **conditions: str) -> list[str]:
    """The bodies of an export of events."""
    begun = expect(api.post(EXPORTS, {"format": form, "filter": conditions}, "auditor"), 201).json
    path, cursor, found = f"{EXPORTS}/{begun['export_id']}/objects", begun["first"], []
    while cursor is not None:
        page = expect(api.get(path, "auditor", query={"cursor": cursor}), 200).json
        found += [item["body"] for item in page["items"]]
        cursor = page["next"]
    return found


def test_events_are_exported_in_three_formats(released: Asked) -> None:
    asked, api = released, released.api
    plain = [(index, event) for index, event in enumerate(api.events()) if event["stream"] == f"request/{asked.id}"]
    lines = "".join(objects(api, "ndjson", request=asked.id)).splitlines()
    assert [json.loads(line) for line in lines] == [event for _, event in plain]
    rows = list(csv.DictReader(io.StringIO("".join(objects(api, "csv", request=asked.id)), newline="")))
    assert [(int(row["index"]), row["type"]) for row in rows] == [(index, event["type"]) for index, event in plain]
    resources = [one for body in objects(api, "fhir", request=asked.id) for one in check_bundle(json.loads(body))]
    people = [one for one in resources if REIDENTIFICATION in one.get("meta", {}).get("profile", ())]
    assert sorted(one["outcome"] for one in people) == ["0", "0", "4"]
    assert len(resources) == len(plain) - 1 + len(people)


def test_an_export_is_of_what_was_ordered_and_of_who_ordered_it(api: Api) -> None:
    begun = expect(api.post(EXPORTS, {"format": "csv", "filter": {"type": "person.registered"}}, "auditor"), 201).json
    other = expect(api.post(EXPORTS, {"format": "csv"}, "auditor"), 201).json
    ledger = expect(api.post(EXPORTS, {}, "auditor"), 201).json
    assert ledger["first"] is None
    path = f"{EXPORTS}/{begun['export_id']}/objects"
    assert api.get(path, "auditor", query={"cursor": other["first"]}).status == 422
    assert api.get(path, "auditor").status == 404, "events are not read as the ledger"
    assert api.get(f"{EXPORTS}/{ledger['export_id']}/objects", "auditor").status == 200
    assert api.post(EXPORTS, {"filter": {"type": "person.registered"}}, "auditor").code == "LEDGER_IS_WHOLE"
    assert api.post(EXPORTS, {"format": "csv", "filter": {"project": "p9991234567"}}, "auditor").code == "NOT_A_FILTER"


def test_a_report_counts_the_quarter(released: Asked) -> None:
    api = released.api
    before = expect(api.get("/v1/audit/reports/2026-Q3", "auditor"), 200).json
    api.sweep()
    after = expect(api.get("/v1/audit/reports/2026-Q3", "auditor"), 200).json
    assert {**after, "size": 0} == {**before, "size": 0}
    assert (after["complete"], after["submitted"]["by_purpose"]) == (False, {"research": 1})
    assert after["decided"]["by_outcome"] == {"approved": 1}
    assert after["records_withheld"] == {"by_reason": {"NDOO_OPTED_OUT": "<10"}, "total": "suppressed"}
    empty = expect(api.get("/v1/audit/reports/2025-Q1", "auditor"), 200).json
    assert (empty["complete"], empty["submitted"]["total"], empty["time_to_decide"]["median_minutes"]) == (
        True,
        0,
        None,
    )
    assert api.get("/v1/audit/reports/2026-Q5", "auditor").status == 404


def test_each_reading_is_written_before_it_is_answered(released: Asked, extract: Extract) -> None:
    asked, api = released, released.api
    page = expect(api.get(EVENTS, "auditor", query={"request": asked.id, "limit": "5"}), 200).json
    last = api.events()[-1]
    assert (last["type"], last["actor"]) == ("audit.events_read", extract.people["auditor"])
    assert set(last["data"]) == {"filter", "begin", "size", "count"}
    assert (last["data"]["count"], last["data"]["size"]) == (len(page["items"]), page["size"])
    assert asked.id not in json.dumps(last)
    begun = expect(api.post(EXPORTS, {"format": "csv", "filter": {"request": asked.id}}, "auditor"), 201).json
    assert asked.id not in json.dumps(api.events()[-1])
    whole = expect(api.post(EXPORTS, {}, "auditor"), 201).json
    paths = [
        (EVENTS, {"request": asked.id}),
        (f"{EVENTS}/3", {}),
        ("/v1/audit/reports/2026-Q3", {}),
        ("/v1/audit/volume-reports/2026-11", {}),
        ("/v1/audit/consistency", {"first": str(page["size"])}),
        (f"{EXPORTS}/{begun['export_id']}/objects", {"cursor": begun["first"]}),
        (f"{EXPORTS}/{whole['export_id']}/objects", {}),
    ]
    for path, query in paths:
        with api.failing(Fault("TransactWriteItems", "ServiceUnavailable", 503)):
            refused = api.get(path, "auditor", query=query)
        assert refused.status == 503, path
        assert "items" not in refused.json
        before = len(api.events())
        expect(api.get(path, "auditor", query=query), 200)
        assert [event["type"].partition(".")[0] for event in api.events()[before:]] == ["audit"], path


def test_what_an_auditor_reads_where_others_work_is_written_too(released: Asked, extract: Extract) -> None:
    asked, api = released, released.api
    readings: dict[tuple[str, str], dict[str, str]] = {
        (asked.path, f"request/{asked.id}"): {},
        (f"{asked.path}/content", f"request/{asked.id}"): {},
        (f"{asked.path}/conversation", f"request/{asked.id}"): {},
        (f"{asked.path}/receipts", f"request/{asked.id}"): {},
        (f"{asked.path}/revisions", f"request/{asked.id}"): {},
        (f"{asked.path}/texts", f"request/{asked.id}"): {},
        ("/v1/requests", f"domain/{DOMAIN}"): {"domain": DOMAIN},
        ("/v1/standing-approvals", f"project/{PROJECT}"): {"project": PROJECT},
        ("/v1/emergency-accesses", f"domain/{DOMAIN}"): {"domain": DOMAIN},
        (f"/v1/domains/{DOMAIN}/linkage-agreements", f"domain/{DOMAIN}"): {},
    }
    for (path, subject), query in readings.items():
        with api.failing(Fault("TransactWriteItems", "ServiceUnavailable", 503)):
            assert api.get(path, "auditor", query=query).status == 503, path
        before = len(api.events())
        expect(api.get(path, "auditor", query=query), 200)
        (noted,) = api.events()[before:]
        assert (noted["type"], noted["actor"]) == ("audit.record_read", extract.people["auditor"]), path
        assert noted["data"]["subject"] == subject, path
    assert [one["data"]["count"] for one in api.events()[-4:]] == [1, 0, 0, 0]
    found = listed(api, 50, request=asked.id, type="audit.record_read")
    assert len(found) == 6, "a reading answers to the request that was read"
    before = len(api.events())
    for who in ("researcher", "controller", "second-controller"):
        expect(api.get(asked.path, who), 200)
        expect(api.get(f"{asked.path}/receipts", who), 200)
    assert len(api.events()) == before, "who has a part in a request reads it at work"


def test_what_somebody_may_not_read_is_written(released: Asked) -> None:
    asked, api = released, released.api
    refusals = {
        (asked.path, "provider"): "UNKNOWN_REQUEST",
        (f"{asked.path}/records", "auditor"): "RECORDS_NOT_OPEN",
        ("/v1/requests/9991234567", "researcher"): "UNKNOWN_REQUEST",
    }
    for (path, who), code in refusals.items():
        before = len(api.events())
        assert api.get(path, who, query={"domain": DOMAIN} if "records" in path else None).code == code
        (noted,) = api.events()[before:]
        assert (noted["type"], noted["data"]["code"]) == ("attempt.refused", code)
        assert "9991234567" not in json.dumps(noted)


def test_only_auditors_read(api: Api) -> None:
    scope = {"scope": "keyholder/audit"}
    paths: dict[str, dict[str, str]] = {
        EVENTS: {},
        f"{EVENTS}/0": {},
        "/v1/audit/reports/2026-Q3": {},
        "/v1/audit/volume-reports/2026-11": {},
        "/v1/audit/consistency": {"first": "3"},
    }
    for path, query in paths.items():
        answer = api.get(path, "operator", query=query, claims=scope)
        assert (answer.status, answer.code) == (403, "NOT_AN_AUDITOR")
        assert api.events()[-1]["type"] == "attempt.refused"


def test_the_pinned_key_of_an_export_is_the_ledger_s(api: Api) -> None:
    begun = expect(api.post(EXPORTS, {}, "auditor"), 201).json
    assert parse_vkey(begun["vkey"]) == api.assembly("audit").verifiers[0]
