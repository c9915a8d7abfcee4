"""Requests by file through the API: declared, uploaded by a signed PUT, read off the queue, decided, released."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from datetime import timedelta

import boto3
import pyrage
import pytest
import requests

from tests.contract.api import Api, Fault
from tests.contract.aws import REGION
from tests.contract.request_files import KINDS, approved, declared, file_body, hand_in, sheet, stands
from tests.contract.settled import (
    DOMAIN,
    OPTED_OUT,
    OTHER_DOMAIN,
    PEOPLE,
    PROJECT,
    Extract,
    draft,
    expect,
    project_body,
    request_body,
)
from tests.contract.uploads import upload

KEY = "a-key-that-is-sent-twice"


def test_a_file_is_declared_uploaded_read_and_decided_on(api: Api, extract: Extract) -> None:
    body = sheet(extract, 0, 1, 1, 2).replace(b"row-1", b"again", 1)
    asked = draft(api, file_body(extract, body))
    early = api.post(f"{asked.path}/submit", {}, "researcher")
    assert (early.status, early.json["code"]) == (409, "FILE_NOT_READ")
    missing = hand_in(asked)
    assert (missing.status, missing.json["code"]) == (409, "FILE_NOT_UPLOADED")
    told = stands(asked)
    assert (told["stage"], told["given"], told["upload"]["method"]) == ("declared", [], "PUT")
    assert upload(told, body).status_code == 200
    assert upload(told, body).status_code == 412, "once"
    expect(hand_in(asked), 200)
    assert api.deliver() == 1
    told = stands(asked)
    assert (told["stage"], told["upload"], told["bad"], told["refused"]) == ("read", None, [], None)
    assert told["given"] == [{"domain": DOMAIN, "records": 4, "pseudonyms": 8, "distinct": 6, "repeated": 2}]
    assert asked.seen("researcher").json["records"] == {DOMAIN: 4}
    expect(api.post(f"{asked.path}/submit", {}, "researcher"), 200)
    assert api.deliver() == 1
    asked.opened()
    shown = expect(api.get(f"{asked.path}/content", "controller"), 200).json["content"]["file"]
    assert shown["sha256"] == hashlib.sha256(body).hexdigest(), "who decides can compare it with the file they know"
    records = expect(api.get(f"{asked.path}/records", "controller", query={"domain": DOMAIN, "cursor": "1"}), 200).json
    assert [record["row_id"] for record in records["items"]] == ["again", "row-1", "row-2"]
    wrong = asked.approve("controller", content_hash="0" * 64)
    assert wrong.status == 412
    expect(asked.approve("controller"), 200)
    expect(asked.approve("second-controller"), 200)
    assert asked.state == "approved"
    types = [kind for kind in api.types() if kind.startswith("request.file")]
    assert types == ["request.file_handed_in", "request.file_read"]


def test_what_came_as_a_file_is_released_off_the_queue_and_collected_from_an_address(
    api: Api, extract: Extract
) -> None:
    """The same outcomes as in a request with the same records in it, row by row; the hash is the ledger's."""
    own = pyrage.x25519.Identity.generate()
    asked = approved(api, extract, sheet(extract, 0, 1, OPTED_OUT), str(own.to_public()))
    begun = expect(asked.release(key=KEY), 200).json
    assert begun["running"] is True
    assert expect(asked.release(key=KEY), 200).json["release_id"] == begun["release_id"]
    collect = {"release_id": begun["release_id"]}
    assert api.post(f"{asked.path}/collect", collect, "researcher").status == 409, "it is not there yet"
    assert api.deliver() == 2, "asked for twice"
    (release,) = asked.seen("researcher").json["releases"]
    assert (release["failed"], release["finished_at"] is None) == (None, False)
    assert api.types().count("release.items_released") == 1
    collected = expect(api.post(f"{asked.path}/collect", collect, "researcher"), 200)
    where = collected.json
    sealed = requests.get(where["url"], timeout=5).content
    assert (len(sealed), hashlib.sha256(sealed).hexdigest()) == (where["bytes"], where["sha256"])
    assert where["sha256"] == release["result_sha256"]
    rows = list(csv.DictReader(io.StringIO(pyrage.decrypt(sealed, [own]).decode())))
    assert [(row["row_id"], row["status"]) for row in rows] == [
        ("row-0", "released"),
        ("row-1", "released"),
        (f"row-{OPTED_OUT}", "not_available"),
    ]
    assert [row["nhs_number"] for row in rows] == [PEOPLE[0], PEOPLE[1], ""]
    assert api.post(f"{asked.path}/collect", collect, "researcher").status == 409, "once"
    assert expect(asked.release(key=KEY), 200).json["running"] is False


def test_nothing_of_a_domain_that_rejected_leaves_with_a_file(api: Api, extract: Extract) -> None:
    """The other domain's records are in the result, without a word of whom they are about."""
    own = pyrage.x25519.Identity.generate()
    etag = expect(api.get(f"/v1/projects/{PROJECT}", "operator"), 200).etag
    project = {**project_body(extract.people), "domains": [DOMAIN, OTHER_DOMAIN]}
    expect(api.post("/v1/projects", project, "operator", if_match=etag), 201)
    lines = sheet(extract, 0, 1).decode().splitlines()
    theirs = ",".join(("theirs", *(extract.foreign[kind] for kind in KINDS)))
    whose = ("domain", DOMAIN, DOMAIN, OTHER_DOMAIN)
    body = "".join(f"{line},{name}\n" for line, name in zip([*lines, theirs], whose, strict=True)).encode()
    asked = declared(api, extract, body, str(own.to_public()), domains=[DOMAIN, OTHER_DOMAIN])
    expect(hand_in(asked), 200)
    api.deliver()
    assert {one["domain"]: one["records"] for one in stands(asked)["given"]} == {DOMAIN: 2, OTHER_DOMAIN: 1}
    expect(api.post(f"{asked.path}/submit", {}, "researcher"), 200)
    api.deliver()
    asked.opened()
    now = asked.seen()
    no = {"domain": OTHER_DOMAIN, "content_hash": now.json["content_hash"], "reason": "purpose_not_justified"}
    expect(api.post(f"{asked.path}/reject", no, "controller", if_match=now.etag), 200)
    expect(asked.approve("controller"), 200)
    expect(asked.approve("second-controller"), 200)
    assert asked.state == "approved"
    begun = expect(asked.release(), 200).json
    opened: list[str] = []
    watch = Fault("Decrypt", when=lambda params: bool(opened.append(json.dumps(params["EncryptionContext"]))))
    with api.failing(watch):
        api.deliver()
    assert any(DOMAIN in context for context in opened)
    assert not any(OTHER_DOMAIN in context for context in opened), "no key of the other domain is opened"
    where = expect(api.post(f"{asked.path}/collect", {"release_id": begun["release_id"]}, "researcher"), 200).json
    sealed = requests.get(where["url"], timeout=5).content
    rows = list(csv.DictReader(io.StringIO(pyrage.decrypt(sealed, [own]).decode())))
    found = [(row["row_id"], row["domain"], row["status"], row["nhs_number"]) for row in rows]
    assert found == [
        ("row-0", DOMAIN, "released", PEOPLE[0]),
        ("row-1", DOMAIN, "released", PEOPLE[1]),
        ("theirs", OTHER_DOMAIN, "not_approved", ""),
    ]


@pytest.mark.parametrize("nth", [1, 2])
def test_two_workers_at_once_hand_a_file_out_once(api: Api, extract: Extract, nth: int) -> None:
    """All of the second's work comes between what the first has read and what it is about to write."""
    asked = approved(api, extract, sheet(extract, 0, 1))
    for _ in range(2):
        expect(asked.release(key=KEY), 200)
    assert api.at_once(api.deliver, api.deliver, nth=nth) == [1, 1]
    (release,) = asked.seen("researcher").json["releases"]
    assert (release["failed"], release["finished_at"] is None) == (None, False)
    assert [api.types().count(f"release.{what}") for what in ("items_released", "finished", "failed")] == [1, 1, 0]
    (sealed,) = api.objects("RESULTS_BUCKET").values()
    assert hashlib.sha256(sealed).hexdigest() == release["result_sha256"]


def test_revoked_or_altered_nothing_of_a_file_leaves(api: Api, extract: Extract) -> None:
    asked = approved(api, extract, sheet(extract, 0, 1))
    expect(asked.release(), 200)
    expect(asked.revoke("controller"), 200)
    assert api.deliver() == 1
    assert api.objects("RESULTS_BUCKET") == {}
    other = approved(api, extract, sheet(extract, 0, 1))
    content = boto3.client("s3", REGION)
    names = [key for key in api.objects("CONTENT_BUCKET") if key.startswith(f"requests/{other.id}/")]
    expect(other.release(), 200)
    for name in names:
        if not name.endswith(("/key", f"/{other.content_hash}")):
            content.delete_object(Bucket=api.names["CONTENT_BUCKET"], Key=name)
    api.deliver()
    (release,) = other.seen("researcher").json["releases"]
    assert release["failed"] == "FAULT"
    assert api.objects("RESULTS_BUCKET") == {}
    assert "release.items_released" not in api.types()


def test_the_upload_is_under_the_contents_key_for_that_file_alone_and_gone_once_it_was_read(
    api: Api, extract: Extract
) -> None:
    body = sheet(extract, 0, 1)
    asked = draft(api, file_body(extract, body))
    told = stands(asked)
    signed = told["upload"]["url"].split("X-Amz-SignedHeaders=")[1].split("&")[0].split("%3B")
    assert set(signed) >= {"content-length", "x-amz-checksum-sha256", "if-none-match", "host"}
    checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
    assert told["upload"]["headers"]["x-amz-checksum-sha256"] == checksum
    assert "X-Amz-Expires=900" in told["upload"]["url"]
    assert upload(told, body).status_code == 200
    ((key, stored),) = api.objects("UPLOADS_BUCKET").items()
    assert stored == body
    found = boto3.client("s3", REGION).head_object(Bucket=api.names["UPLOADS_BUCKET"], Key=key)
    assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", api.names["CONTENT_KEY_ARN"])
    expect(hand_in(asked), 200)
    api.deliver()
    assert api.objects("UPLOADS_BUCKET") == {key: b""}
    assert upload(told, body).status_code == 412, "and never again"
    tokens = [token.encode() for token in extract.record(0)["pseudonyms"].values()]
    for name in ("CONTENT_BUCKET", "LEDGER_BUCKET"):
        assert not any(token in stored for stored in api.objects(name).values() for token in tokens), name


def test_another_file_than_declared_keeps_the_draft_and_names_the_field(api: Api, extract: Extract) -> None:
    body = sheet(extract, 0, 1)
    asked = draft(api, file_body(extract, body))
    key = f"records/{asked.id}/{asked.seen('researcher').json['content_hash']}"
    other = bytes(reversed(body))
    # The store itself refuses what is not declared; here it is put there past the address.
    boto3.client("s3", REGION).put_object(Bucket=api.names["UPLOADS_BUCKET"], Key=key, Body=other)
    expect(hand_in(asked), 200)
    api.deliver()
    told = stands(asked)
    assert (told["stage"], told["refused"]["code"], told["refused"]["field"]) == (
        "refused",
        "FILE_HASH_DIFFERS",
        "/file/sha256",
    )
    seen = asked.seen("researcher")
    assert (seen.json["state"], seen.json["records"]) == ("draft", {DOMAIN: 0})
    expect(api.post(f"{asked.path}/save", file_body(extract, body), "researcher", if_match=seen.etag), 200)
    assert upload(stands(asked), body).status_code == 200
    expect(hand_in(asked), 200)
    api.deliver()
    expect(api.post(f"{asked.path}/submit", {}, "researcher"), 200)


def test_a_declaration_that_can_not_be_is_refused_with_its_field(api: Api, extract: Extract) -> None:
    body = sheet(extract, 0)
    for wrong, pointer in (
        ({"bytes": 0}, "/file/bytes"),
        ({"sha256": "AB"}, "/file/sha256"),
        ({"domains": []}, "/file/domains"),
        ({"format": "xlsx"}, "/file/format"),
    ):
        answer = api.post("/v1/requests", file_body(extract, body, **wrong), "researcher")
        assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, pointer)
    both = {**request_body(extract), "file": file_body(extract, body)["file"]}
    answer = api.post("/v1/requests", both, "researcher")
    assert (answer.status, answer.json["code"]) == (422, "RECORDS_OR_FILE")
    inline = {**file_body(extract, body), "delivery": "inline"}
    answer = api.post("/v1/requests", inline, "researcher")
    assert (answer.status, answer.json["code"], answer.json["errors"][0]["pointer"]) == (
        422,
        "FILE_TO_FILE",
        "/delivery",
    )


def test_a_message_that_got_lost_is_sent_again_and_nobody_else_sees_the_address(api: Api, extract: Extract) -> None:
    asked = declared(api, extract, sheet(extract, 0))
    for who in ("colleague", "controller", "auditor", "operator"):
        assert api.get(f"{asked.path}/file", who).status in {403, 404}, who
    expect(hand_in(asked), 200)
    sqs = boto3.client("sqs", REGION)
    sqs.purge_queue(QueueUrl=api.names["FILES_QUEUE_URL"])
    assert api.deliver() == 0
    api.clock.now += timedelta(minutes=7)
    api.sweep()
    assert api.deliver() >= 1
    assert stands(asked)["stage"] == "read"
