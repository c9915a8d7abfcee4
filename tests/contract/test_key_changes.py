"""The life of domain keys through the API: two operators, the ledger first, and what becomes of tokens and table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import boto3
import pytest

from keyholder.ledger.event import parse_rfc3339
from keyholder.pseudonyms.key_ring import KeyServiceError
from tests.contract.api import Answer, Api, Fault
from tests.contract.aws import REGION
from tests.contract.settled import (
    DOMAIN,
    ROTATION,
    Asked,
    Extract,
    approved,
    domain_body,
    draft,
    expect,
    in_review,
    load_opt_outs,
    project_body,
    request_body,
)

CHANGES = f"/v1/domains/{DOMAIN}/key-changes"
OWN = "own-2026"
ITEM = {"pk": {"S": f"domain/{DOMAIN}/nhs_number"}, "sk": {"S": "000001"}}


def wish(change: str, *versions: int, types: tuple[str, ...] = ("nhs_number",)) -> dict[str, Any]:
    return {"change": change, "identifier_types": list(types), "versions": list(versions), "reason": "routine"}


def proposed(api: Api, body: dict[str, Any], domain: str = DOMAIN) -> str:
    """The path of a new proposal."""
    made = expect(api.post(f"/v1/domains/{domain}/key-changes", body, "operator"), 201)
    return f"/v1/domains/{domain}/key-changes/{made.json['change_id']}"


def confirm(api: Api, path: str, who: str = "second-operator", **more: Any) -> Answer:
    return api.post(f"{path}/confirm", {}, who, **more)


def changed(api: Api, *wishes: dict[str, Any], domain: str = DOMAIN) -> None:
    """Each of them proposed and confirmed."""
    for body in wishes:
        expect(confirm(api, proposed(api, body, domain)), 200)


def unable_to_follow(api: Api) -> Fault:
    """The ledger is written, and the keys table can't be."""
    return Fault("UpdateItem", when=lambda params: params["TableName"] == api.names["KEYS_TABLE"])


def keys_of(api: Api, domain: str = DOMAIN) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = expect(api.get(f"/v1/domains/{domain}", "researcher"), 200).json["keys"]
    return found


def item(api: Api, version: int = 1, kind: str = "nhs_number", domain: str = DOMAIN) -> dict[str, Any]:
    """One wrapped key as the table has it."""
    (found,) = [
        each
        for each in api.items("KEYS_TABLE")
        if (each["pk"]["S"], each["sk"]["S"]) == (f"domain/{domain}/{kind}", f"{version:06d}")
    ]
    return found


def new_tokens(api: Api, extract: Extract, domain: str = DOMAIN) -> list[dict[str, Any]]:
    """The first three people's identifiers, pseudonymised anew."""
    rows = [{"row_id": f"new-{place}", "identifiers": one} for place, one in enumerate(extract.identifiers[:3])]
    answer = expect(api.post(f"/v1/domains/{domain}/pseudonyms", {"rows": rows}, "provider"), 200)
    found: list[dict[str, Any]] = answer.json["rows"]
    return found


def record(row: dict[str, Any]) -> dict[str, Any]:
    kinds = ("nhs_number", "date_of_birth")
    return {"row_id": row["row_id"], "pseudonyms": {kind: row["pseudonyms"][kind] for kind in kinds}}


def statuses(answer: Answer) -> list[str]:
    return [each["status"] for each in expect(answer, 200).json["items"]]


# -- what becomes of tokens -------------------------------------------------------------------------------------------


def test_after_a_rotation_new_tokens_have_the_new_version_and_old_ones_still_open(api: Api, extract: Extract) -> None:
    changed(api, ROTATION)
    made = new_tokens(api, extract)
    assert {(row["pseudonyms"]["nhs_number"][2:4], row["pseudonyms"]["date_of_birth"][2:4]) for row in made} == {
        ("02", "01")
    }
    answer = approved(api, request_body(extract, 0, 1, *map(record, made[:2]))).release()
    assert statuses(answer) == ["released"] * 4
    given = [each["identifiers"]["nhs_number"] for each in answer.json["items"]]
    assert given[:2] == given[2:] == [person["nhs_number"] for person in extract.identifiers[:2]]
    assert keys_of(api)["nhs_number"] == {"1": "reversible", "2": "active"}
    assert keys_of(api)["date_of_birth"] == {"1": "active"}


def test_a_retired_version_opens_nothing_and_a_destroyed_one_never_again(api: Api, extract: Extract) -> None:
    changed(api, ROTATION)
    asked = approved(api, request_body(extract, 0, 1, record(new_tokens(api, extract)[2])))
    changed(api, wish("retire", 1))
    assert statuses(asked.release()) == ["key_retired", "key_retired", "released"]
    assert item(api)["state"] == {"S": "retired"}
    assert "wrapped" in item(api)
    changed(api, wish("destroy", 1))
    assert statuses(asked.release()) == ["key_destroyed", "key_destroyed", "released"]
    assert item(api) == {**ITEM, "state": {"S": "destroyed"}}
    assert item(api, kind="postcode")["state"] == {"S": "active"}


def test_the_ledger_says_which_records_had_no_key(api: Api, extract: Extract) -> None:
    asked = approved(api, request_body(extract, 0))
    changed(api, ROTATION, wish("retire", 1), wish("destroy", 1))
    answer = expect(asked.release(), 200)
    assert answer.json["counts"] == {"key_destroyed": "<10"}
    for value in extract.identifiers[0].values():
        assert value not in answer.everything


# -- the ledger first, the table after --------------------------------------------------------------------------------


def test_a_retirement_holds_from_its_event_on_whatever_the_table_says(api: Api, extract: Extract) -> None:
    changed(api, ROTATION)
    asked, path = approved(api, request_body(extract, 0)), proposed(api, wish("retire", 1))
    with api.failing(unable_to_follow(api)):
        expect(confirm(api, path, key="a-retirement-cut-short"), 500)
    assert item(api)["state"] == {"S": "active"}
    api.restarted()
    assert statuses(asked.release()) == ["key_retired"]
    before = api.types()
    expect(confirm(api, path, key="a-retirement-cut-short"), 200)
    assert item(api)["state"] == {"S": "retired"}
    assert api.types()[: len(before)] == before
    assert "domain.key_changed" not in api.types()[len(before) :]


def test_a_destruction_cut_short_is_finished_by_any_other_operator(api: Api, extract: Extract) -> None:
    changed(api, ROTATION, wish("retire", 1))
    asked, path = approved(api, request_body(extract, 0)), proposed(api, wish("destroy", 1))
    with api.failing(unable_to_follow(api)):
        expect(confirm(api, path), 500)
    assert "wrapped" in item(api)
    assert statuses(asked.release()) == ["key_destroyed"]
    events = len(api.events())
    expect(confirm(api, path), 200)
    assert len(api.events()) == events
    assert "wrapped" not in item(api)


def test_a_rotation_cut_short_makes_no_token_until_it_is_finished(api: Api, extract: Extract) -> None:
    path = proposed(api, wish("rotate"))
    with api.failing(Fault("GenerateDataKeyWithoutPlaintext", "KMSInternalException", 500)):
        expect(confirm(api, path, key="a-rotation-cut-short"), 500)
    for row in new_tokens(api, extract):
        assert row["errors"] == {"nhs_number": "key_unknown"}
        assert "nhs_number" not in row["pseudonyms"]
    assert statuses(approved(api, request_body(extract, 0)).release()) == ["released"]
    expect(confirm(api, path, key="a-rotation-cut-short"), 200)
    assert new_tokens(api, extract)[0]["pseudonyms"]["nhs_number"][2:4] == "02"


def test_the_sweeper_finishes_what_was_cut_short_and_nobody_repeats_anything(api: Api, extract: Extract) -> None:
    """Both kinds of change end between ledger and table; other operators go on meanwhile."""
    changed(api, ROTATION)
    api.sweep()
    with api.failing(unable_to_follow(api)):
        expect(confirm(api, proposed(api, wish("retire", 1))), 500)
    assert item(api)["state"] == {"S": "active"}
    with api.failing(Fault("GenerateDataKeyWithoutPlaintext", "KMSInternalException", 500)):
        expect(confirm(api, proposed(api, wish("rotate", types=("date_of_birth",)))), 500)
    proposed(api, wish("rotate", types=("gp_local_patient_number",)))
    api.restarted()
    assert api.sweep()["followed"] == 1
    assert item(api)["state"] == {"S": "retired"}
    made = new_tokens(api, extract)[0]["pseudonyms"]
    assert (made["nhs_number"][2:4], made["date_of_birth"][2:4]) == ("02", "02")
    (noted,) = [event for event in api.events()[-3:] if event["type"] == "domain.keys_followed"]
    assert (noted["actor"], noted["stream"], noted["data"]) == ("system/sweeper", f"domain/{DOMAIN}", {})
    calls = len(api.calls)
    assert api.sweep()["followed"] == 0
    tag_keys = 2
    assert api.calls[calls:].count("GenerateDataKeyWithoutPlaintext") == tag_keys, "done is done"


def test_a_change_the_sweeper_can_t_finish_is_tried_again_and_keeps_nothing_else(api: Api, extract: Extract) -> None:
    asked = draft(api, request_body(extract, 0))
    expect(api.post(f"{asked.path}/submit", {}, "researcher"), 200)
    with api.failing(unable_to_follow(api)):
        changed_in_part = proposed(api, ROTATION)
        expect(confirm(api, changed_in_part), 200)
        expect(confirm(api, proposed(api, wish("retire", 1))), 500)
        api.clock.advance(minutes=5)
        with pytest.raises(KeyServiceError):
            api.sweep()
    assert api.deliver() == 2
    assert asked.state == "in_review"
    assert item(api)["state"] == {"S": "active"}
    assert api.sweep()["followed"] == 1
    assert item(api)["state"] == {"S": "retired"}


def test_a_key_that_comes_back_into_the_table_stays_shut(api: Api, extract: Extract) -> None:
    """As after the table was restored from an old copy."""
    asked, old = approved(api, request_body(extract, 0)), item(api)
    changed(api, ROTATION, wish("retire", 1), wish("destroy", 1))
    boto3.client("dynamodb", REGION).put_item(TableName=api.names["KEYS_TABLE"], Item=old)
    assert statuses(asked.release()) == ["key_destroyed"]
    assert statuses(approved(api, request_body(extract, 1)).release()) == ["key_destroyed"]


def test_a_key_the_ledger_does_not_know_opens_nothing(api: Api, extract: Extract) -> None:
    """Somebody put a wrapped key into the table without a step in the ledger."""
    expect(confirm(api, proposed(api, ROTATION)), 200)
    token = new_tokens(api, extract)[0]
    elsewhere = {**item(api, 2), "sk": {"S": "000003"}}
    boto3.client("dynamodb", REGION).put_item(TableName=api.names["KEYS_TABLE"], Item=elsewhere)
    assert token["pseudonyms"]["nhs_number"][2:4] == "02"
    assert new_tokens(api, extract)[0]["pseudonyms"]["nhs_number"][2:4] == "02"
    assert keys_of(api)["nhs_number"] == {"1": "reversible", "2": "active"}
    ring = api.assembly("release").key_ring
    assert ring.open(DOMAIN, "nhs_number", 3) == "unknown"  # type: ignore[arg-type]  # texts stand for themselves


def test_an_old_confirmation_repeated_brings_nothing_back(api: Api) -> None:
    rotation = proposed(api, wish("rotate"))
    expect(confirm(api, rotation, key="the-first-rotation"), 200)
    retirement = proposed(api, wish("retire", 1))
    expect(confirm(api, retirement, key="the-retirement"), 200)
    changed(api, wish("destroy", 1))
    for path, key in ((rotation, "the-first-rotation"), (retirement, "the-retirement")):
        expect(confirm(api, path, key=key), 200)
        expect(confirm(api, path), 200)
    assert item(api) == {**ITEM, "state": {"S": "destroyed"}}
    assert keys_of(api)["nhs_number"] == {"1": "destroyed", "2": "active"}


# -- two people -------------------------------------------------------------------------------------------------------


def test_nobody_confirms_their_own_and_nobody_but_operators_takes_part(api: Api) -> None:
    path, before = proposed(api, ROTATION), keys_of(api)
    assert expect(confirm(api, path, "operator"), 403).code == "OWN_KEY_CHANGE"
    operate = {"scope": "keyholder/operate"}
    for who in ("researcher", "controller", "auditor", "provider", "outsider"):
        for body, at in ((ROTATION, CHANGES), ({}, f"{path}/confirm"), ({}, f"{path}/withdraw")):
            assert expect(api.post(at, body, who, claims=operate), 403).code == "NOT_AN_OPERATOR"
    assert keys_of(api) == before
    refusals = [event for event in api.events() if event["type"] == "attempt.refused"]
    assert {event["data"]["subject"] for event in refusals} == {f"domain/{DOMAIN}"}
    assert {event["data"]["command"] for event in refusals} == {
        "propose_key_change",
        "confirm_key_change",
        "withdraw_key_change",
    }


@pytest.mark.parametrize("who", ["operator", "second-operator"])
def test_either_stops_it_and_then_nobody_carries_it_out(api: Api, who: str) -> None:
    path, before = proposed(api, ROTATION), keys_of(api)
    assert expect(api.post(f"{path}/withdraw", {}, who), 200).json["state"] == "withdrawn"
    assert expect(confirm(api, path), 409).code == "KEY_CHANGE_CLOSED"
    assert keys_of(api) == before


def test_a_proposal_is_shown_while_it_is_open_and_no_longer(api: Api) -> None:
    path = proposed(api, ROTATION)
    (shown,) = expect(api.get(f"/v1/domains/{DOMAIN}", "researcher"), 200).json["key_changes"]
    assert path.endswith(shown["change_id"])
    assert shown["keys"] == [{"identifier_type": kind, "version": 2} for kind in ("nhs_number", "postcode")]
    lasts = parse_rfc3339(shown["expires_at"]) - parse_rfc3339(shown["proposed_at"])
    assert lasts.total_seconds() == 24 * 3600
    api.clock.advance(hours=24, seconds=1)
    assert expect(api.get(f"/v1/domains/{DOMAIN}", "researcher"), 200).json["key_changes"] == []
    assert expect(confirm(api, path), 409).code == "KEY_CHANGE_EXPIRED"
    assert expect(api.post(f"{path}/withdraw", {}, "operator"), 409).code == "KEY_CHANGE_EXPIRED"
    assert "2" not in keys_of(api)["nhs_number"]


def test_every_step_is_in_the_ledger_with_who_took_it(api: Api, extract: Extract) -> None:
    first = len(api.events())
    changed(api, wish("rotate"), wish("retire", 1), wish("destroy", 1))
    steps = [(event["type"], event["actor"]) for event in api.events()[first:]]
    one, two = extract.people["operator"], extract.people["second-operator"]
    assert steps == [
        ("domain.key_change_proposed", one),
        ("domain.key_change_confirmed", two),
        ("domain.keys_made", two),
        *[
            ("domain.key_change_proposed", one),
            ("domain.key_change_confirmed", two),
            ("domain.key_changed", two),
        ]
        * 2,
    ]


def test_without_a_ledger_no_key_changes(api: Api) -> None:
    path, before = proposed(api, ROTATION), api.items("KEYS_TABLE")
    with api.failing(Fault("TransactWriteItems", "ServiceUnavailable", 503)):
        expect(confirm(api, path), 503)
    assert api.items("KEYS_TABLE") == before


# -- calls sent twice, calls that are wrong ---------------------------------------------------------------------------


def test_every_call_is_carried_out_once(api: Api) -> None:
    def twice(path: str, body: dict[str, Any], who: str, status: int) -> Answer:
        key = f"once-and-again-{len(api.events())}"
        first = expect(api.post(path, body, who, key=key), status)
        events, table = api.events(), api.items("KEYS_TABLE")
        api.clock.advance(seconds=30)
        api.restarted()
        second = expect(api.post(path, body, who, key=key), status)
        assert (second.json, second.etag) == (first.json, first.etag)
        assert (api.events(), api.items("KEYS_TABLE")) == (events, table)
        return first

    for body in (ROTATION, wish("retire", 1), wish("destroy", 1)):
        change = twice(CHANGES, body, "operator", 201).json["change_id"]
        assert twice(f"{CHANGES}/{change}/confirm", {}, "second-operator", 200).json["state"] == "confirmed"
    change = twice(CHANGES, ROTATION, "operator", 201).json["change_id"]
    twice(f"{CHANGES}/{change}/withdraw", {}, "second-operator", 200)


def test_a_stale_version_is_refused(api: Api) -> None:
    path = proposed(api, ROTATION)
    assert expect(confirm(api, path, if_match='W/"2"'), 412).code == "STALE"
    now = expect(api.get(f"/v1/domains/{DOMAIN}", "operator"), 200).etag
    expect(confirm(api, path, if_match=now), 200)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({**ROTATION, "change": "burn"}, "/change"),
        ({**ROTATION, "reason": "because NHS number 9990000018 leaked"}, "/reason"),
        ({**ROTATION, "identifier_types": []}, "/identifier_types"),
        ({**ROTATION, "identifier_types": ["nhs_number", "nhs_number"]}, "/identifier_types"),
        ({**ROTATION, "versions": [2]}, "/versions"),
        (wish("retire"), "/versions"),
        (wish("retire", 0), "/versions/0"),
        (wish("retire", 1024), "/versions/0"),
        (wish("destroy", 1, 1), "/versions"),
        ({**ROTATION, "comment": "9990000018"}, "/comment"),
    ],
)
def test_bad_input_names_its_field_and_changes_nothing(api: Api, body: dict[str, Any], pointer: str) -> None:
    before = api.types().count("domain.key_change_proposed")
    answer = expect(api.post(CHANGES, body, "operator"), 422)
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
    assert "9990000018" not in answer.everything
    assert api.types().count("domain.key_change_proposed") == before


def test_what_is_not_there_is_not_found(api: Api) -> None:
    assert api.post("/v1/domains/none/key-changes", ROTATION, "operator").status == 404
    for command in ("confirm", "withdraw"):
        assert api.post(f"{CHANGES}/KCH-{'0' * 26}/{command}", {}, "operator").code == "KEY_CHANGE_UNKNOWN"


# -- a controller's own key -------------------------------------------------------------------------------------------


def with_own_key(api: Api, extract: Extract) -> str:
    """A domain that brings its controller's own KMS key, and a deployment that lets it; the key's ARN."""
    arn: str = boto3.client("kms", REGION).create_key()["KeyMetadata"]["Arn"]
    functions = {
        name: replace(function, environment={**function.environment, "CONTROLLER_KEY_ARNS": f"{arn}"})
        for name, function in api.deployed.functions.items()
    }
    api.deployed = replace(api.deployed, functions=functions)
    api.restarted()
    expect(api.post("/v1/domains", {**domain_body(OWN), "kms_key_arn": arn}, "operator"), 201)
    project = {**project_body(extract.people), "domains": [DOMAIN, OWN]}
    expect(api.post("/v1/projects", project, "operator", if_match='W/"1"'), 201)
    load_opt_outs(api)
    return arn


def own_request(api: Api, extract: Extract) -> Asked:
    records = [record(row) for row in new_tokens(api, extract, OWN)]
    return in_review(api, request_body(extract, domains=[{"domain": OWN, "records": records}]))


def approve_own(asked: Asked) -> Asked:
    for who in ("controller", "second-controller"):
        body = {"domain": OWN, "content_hash": asked.content_hash, "no_conflict_of_interest": True}
        expect(asked.api.post(f"{asked.path}/approve", body, who, if_match=asked.seen().etag), 200)
    return asked


def test_an_own_key_wraps_and_opens_and_no_other_does(api: Api, extract: Extract) -> None:
    used: list[tuple[str, str]] = []
    watch = [
        Fault(operation, when=lambda params, name=operation: bool(used.append((name, params["KeyId"]))))  # type: ignore[misc]  # bound at once
        for operation in ("Decrypt", "GenerateDataKeyWithoutPlaintext")
    ]
    with api.failing(*watch):
        arn = with_own_key(api, extract)
        answer = approve_own(own_request(api, extract)).release()
    assert statuses(answer) == ["released"] * 3
    assert used.count(("GenerateDataKeyWithoutPlaintext", arn)) == 5
    assert ("Decrypt", arn) in used
    assert ("Decrypt", api.names["DOMAIN_KEY_ARN"]) not in used
    assert expect(api.get(f"/v1/domains/{OWN}", "researcher"), 200).json["kms_key_arn"] == arn
    assert expect(api.get(f"/v1/domains/{DOMAIN}", "researcher"), 200).json["kms_key_arn"] is None
    changed(api, ROTATION, domain=OWN)
    assert new_tokens(api, extract, OWN)[0]["pseudonyms"]["nhs_number"][2:4] == "02"


@pytest.mark.parametrize(
    "code", ["DisabledException", "KMSInvalidStateException", "AccessDeniedException", "NotFoundException"]
)
def test_with_its_own_key_switched_off_or_withdrawn_nothing_of_a_domain_opens(
    api: Api, extract: Extract, code: str
) -> None:
    arn = with_own_key(api, extract)
    asked, other = approve_own(own_request(api, extract)), approved(api, request_body(extract, 0))
    rows = {"rows": [{"row_id": "1", "identifiers": {"nhs_number": extract.identifiers[0]["nhs_number"]}}]}
    off = [
        Fault(operation, code, 400, when=lambda params: params["KeyId"] == arn)
        for operation in ("Decrypt", "GenerateDataKeyWithoutPlaintext")
    ]
    path = proposed(api, ROTATION, OWN)
    with api.failing(*off):
        for answer in (
            asked.release(),
            api.post(f"/v1/domains/{OWN}/pseudonyms", rows, "provider"),
            confirm(api, path),
        ):
            assert expect(answer, 503).json["type"].endswith("/keys-unavailable")
            assert answer.headers["retry-after"]
            assert extract.identifiers[0]["nhs_number"] not in answer.everything
        assert statuses(other.release()) == ["released"]
    failed = [event for event in api.events() if event["type"] == "release.failed"]
    assert [(event["stream"], event["data"]["code"]) for event in failed] == [
        (f"request/{asked.id}", "KEYS_UNAVAILABLE")
    ]
    assert statuses(asked.release()) == ["released"] * 3
    expect(confirm(api, path), 200)


def submitted(api: Api, extract: Extract) -> Asked:
    """A request for the domain with its own key, handed in and not yet checked."""
    records = [record(row) for row in new_tokens(api, extract, OWN)]
    asked = draft(api, request_body(extract, domains=[{"domain": OWN, "records": records}]))
    expect(api.post(f"{asked.path}/submit", {}, "researcher"), 200)
    return asked


def off(arn: str, code: str = "DisabledException") -> Fault:
    return Fault("Decrypt", code, 400, when=lambda params: params["KeyId"] == arn)


def test_with_its_own_key_switched_off_the_checks_wait_and_say_so(api: Api, extract: Extract) -> None:
    arn = with_own_key(api, extract)
    asked = submitted(api, extract)
    with api.failing(off(arn)):
        assert api.deliver() == 1, "the message was left to the dead letters"
        for who in ("researcher", "controller"):
            seen = asked.seen(who).json
            assert (seen["state"], seen["checks_held"]) == ("submitted", "KEYS_UNAVAILABLE")
        for _ in range(3):
            api.clock.advance(minutes=3)
            assert api.sweep()["asked"] == 1
            assert api.deliver() == 1
    held = [event["data"]["code"] for event in api.events() if event["type"] == "request.checks_held"]
    assert held == ["KEYS_UNAVAILABLE"], "once, however often they are tried"
    api.clock.advance(minutes=3)
    assert api.sweep()["asked"] == 1
    assert api.deliver() == 1
    seen = asked.seen("researcher").json
    assert (seen["state"], seen["checks_held"]) == ("in_review", None)
    assert statuses(approve_own(asked.opened()).release()) == ["released"] * 3


def test_a_request_whose_checks_wait_can_be_withdrawn(api: Api, extract: Extract) -> None:
    arn = with_own_key(api, extract)
    asked = submitted(api, extract)
    with api.failing(off(arn, "AccessDeniedException")):
        assert api.deliver() == 1
        etag = asked.seen("researcher").etag
        expect(api.post(f"{asked.path}/withdraw", {}, "researcher", if_match=etag), 200)
    seen = asked.seen("researcher").json
    assert (seen["state"], seen["checks_held"]) == ("withdrawn", None)


def test_with_the_environments_key_switched_off_the_checks_are_a_fault(api: Api, extract: Extract) -> None:
    """Nobody may do that to Keyholder, so it ends among the dead letters, whose alarm wakes somebody up."""
    asked = draft(api, request_body(extract, 0))
    expect(api.post(f"{asked.path}/submit", {}, "researcher"), 200)
    with api.failing(off(api.names["DOMAIN_KEY_ARN"])):
        assert api.deliver() == 0
    assert (asked.seen("researcher").json["state"], asked.seen("researcher").json["checks_held"]) == ("submitted", None)


def test_a_key_change_waits_for_the_controllers_own_key_without_an_alarm(api: Api, extract: Extract) -> None:
    arn = with_own_key(api, extract)
    path = proposed(api, ROTATION, OWN)
    unable = Fault(
        "GenerateDataKeyWithoutPlaintext", "DisabledException", 400, when=lambda given: given["KeyId"] == arn
    )
    with api.failing(unable):
        expect(confirm(api, path), 503)
        assert api.sweep()["followed"] == 0
    assert "key_unknown" in new_tokens(api, extract, OWN)[0]["errors"].values()
    assert api.sweep()["followed"] == 1
    assert new_tokens(api, extract, OWN)[0]["pseudonyms"]["nhs_number"][2:4] == "02"


def test_the_environments_key_refused_is_a_fault_of_ours(api: Api, extract: Extract) -> None:
    asked = approved(api, request_body(extract, 0))
    arn = api.names["DOMAIN_KEY_ARN"]
    with api.failing(Fault("Decrypt", "AccessDeniedException", 400, when=lambda params: params["KeyId"] == arn)):
        assert asked.release().status == 500


@pytest.mark.parametrize(
    ("arn", "code"),
    [
        ("arn:aws:kms:eu-west-2:111122223333:key/0a1b2c3d-0000-4000-8000-0123456789ab", "KMS_KEY_NOT_CONFIGURED"),
        ("arn:aws:kms:eu-west-2:111122223333:alias/mine", None),
        ("*", None),
    ],
)
def test_a_domain_brings_no_key_that_the_deployment_does_not_name(api: Api, arn: str, code: str | None) -> None:
    answer = expect(api.post("/v1/domains", {**domain_body(OWN), "kms_key_arn": arn}, "operator"), 422)
    assert answer.code == code
    assert [error["pointer"] for error in answer.json["errors"]] == ["/kms_key_arn"]
    assert api.get(f"/v1/domains/{OWN}", "operator").status == 404
