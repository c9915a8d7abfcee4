"""Large extracts through the API: announced, uploaded by a signed PUT, made off the queue, downloaded, gone."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from typing import Any

import boto3
import requests

from tests.contract.api import Answer, Api, Fault
from tests.contract.aws import REGION
from tests.contract.settled import (
    DOMAIN,
    OTHER_DOMAIN,
    PEOPLE,
    TYPE_1,
    Asked,
    Extract,
    expect,
    in_review,
    load_opt_outs,
    request_body,
)
from tests.contract.uploads import KEYS, announcement, sheet, upload


def announced(api: Api, body: bytes, domain: str = DOMAIN, **other: Any) -> Any:
    return expect(api.post(f"/v1/domains/{domain}/extracts", announcement(body, **other), "provider"), 201).json


def started(api: Api, body: bytes, domain: str = DOMAIN) -> str:
    """Announced, uploaded, and said to be."""
    told = announced(api, body, domain)
    assert upload(told, body).status_code == 200
    path = f"/v1/extracts/{told['extract_id']}"
    assert expect(api.post(f"{path}/start", {}, "provider"), 200).json["status"] == "queued"
    return path


def seen(api: Api, path: str) -> Any:
    return expect(api.get(path, "provider"), 200).json


def downloaded(answer: Answer) -> list[dict[str, str]]:
    text = b""
    for part in answer.json["parts"]:
        body = requests.get(part["url"], timeout=5).content
        assert (len(body), hashlib.sha256(body).hexdigest()) == (part["bytes"], part["sha256"])
        text += body
    return list(csv.DictReader(io.StringIO(text.decode(), newline="")))


def test_a_file_becomes_the_pseudonyms_that_its_rows_have(api: Api, extract: Extract) -> None:
    path = started(api, sheet(extract))
    assert api.deliver() == 1
    now = seen(api, path)
    assert (now["status"], now["rows_done"], now["kept"]) == ("made", len(PEOPLE), ["result"])
    assert now["counts"]["refused"] == {"type_1_opt_out": 1}
    rows = downloaded(expect(api.post(f"{path}/collect", {}, "provider"), 200))
    assert [row["row_id"] for row in rows] == [f"row-{place}" for place in range(len(PEOPLE)) if place != TYPE_1]
    for row in rows:
        known = extract.rows[int(row["row_id"].removeprefix("row-"))]["pseudonyms"]
        assert row["patient_id_deid"] == known["nhs_number"]
        assert row["postcode_deid"] == known["postcode"]
        assert (row["lsoa"], row["faults"]) == (f"E0100000{row['row_id'][-1]}", "")
    types = [kind for kind in api.types() if kind.startswith("extract.")]
    assert types == [f"extract.{kind}" for kind in ("announced", "queued", "started", "made", "erased", "collected")]


def test_the_upload_is_gone_as_soon_as_there_is_a_result_and_its_address_takes_no_other(
    api: Api, extract: Extract
) -> None:
    body = sheet(extract)
    told = announced(api, body)
    assert upload(told, body).status_code == 200
    assert upload(told, body).status_code == 412, "once"
    expect(api.post(f"/v1/extracts/{told['extract_id']}/start", {}, "provider"), 200)
    assert any(number in str(api.objects("EXTRACTS_BUCKET")) for number in PEOPLE)
    api.deliver()
    stored = api.objects("EXTRACTS_BUCKET")
    assert not any(number.encode() in content for content in stored.values() for number in PEOPLE)
    assert stored[f"uploads/{told['extract_id']}"] == b""
    assert f"announcements/{told['extract_id']}" not in stored
    assert upload(told, body).status_code == 412, "and never again"


def test_the_address_is_for_that_file_and_under_the_extracts_key(api: Api, extract: Extract) -> None:
    body = sheet(extract)
    told = announced(api, body)
    signed = told["upload"]["url"].split("X-Amz-SignedHeaders=")[1].split("&")[0].split("%3B")
    assert set(signed) >= {"content-length", "x-amz-checksum-sha256", "if-none-match", "host"}
    assert told["upload"]["headers"]["content-length"] == str(len(body))
    checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
    assert told["upload"]["headers"]["x-amz-checksum-sha256"] == checksum
    assert f".s3.{REGION}." in told["upload"]["url"]
    assert "X-Amz-Expires=900" in told["upload"]["url"]
    assert upload(told, body).status_code == 200
    s3, bucket = boto3.client("s3", REGION), api.names["EXTRACTS_BUCKET"]
    found = s3.head_object(Bucket=bucket, Key=f"uploads/{told['extract_id']}")
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    key = rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", key)


def test_row_links_of_a_file_release_its_identifiers_and_no_others(api: Api, extract: Extract) -> None:
    """A postcode goes out with its own person's number, and not with another's; as for rows of a call."""
    domain = {
        "domain_id": "file-2026",
        "controllers": ["RX1", "X26"],
        "identifier_types": list(KEYS),
        "source_dataset": "gp",
    }
    expect(api.post("/v1/domains", domain, "operator"), 201)
    project = api.get("/v1/projects/heart-2026", "operator")
    changed = {name: value for name, value in project.json.items() if name not in {"id", "former_members"}}
    changed |= {"project_id": "heart-2026", "domains": [DOMAIN, "file-2026"]}
    expect(api.post("/v1/projects", changed, "operator", if_match=project.etag), 201)
    path = started(api, sheet(extract), "file-2026")
    api.deliver()
    rows = downloaded(expect(api.post(f"{path}/collect", {}, "provider"), 200))
    own = {"nhs_number": rows[0]["patient_id_deid"], "date_of_birth": rows[0]["date_of_birth_deid"]}
    mixed = {"nhs_number": rows[0]["patient_id_deid"], "date_of_birth": rows[1]["date_of_birth_deid"]}
    load_opt_outs(api, 7)
    body = request_body(extract)
    records = [{"row_id": "own", "pseudonyms": own}, {"row_id": "mixed", "pseudonyms": mixed}]
    body["domains"] = [{"domain": "file-2026", "records": records}]
    asked = approved_for(api, body)
    items = expect(asked.release(), 200).json["items"]
    assert [item["status"] for item in items] == ["released", "not_available"]
    assert items[0]["identifiers"]["date_of_birth"] == extract.identifiers[0]["date_of_birth"]


def approved_for(api: Api, body: dict[str, Any]) -> Asked:
    """Approved for the domain of files by one controller of each organisation."""
    asked = in_review(api, body)
    for who in ("controller", "second-controller"):
        now = asked.seen(who)
        decision = {"domain": "file-2026", "content_hash": now.json["content_hash"], "no_conflict_of_interest": True}
        expect(api.post(f"{asked.path}/approve", decision, who, if_match=now.etag), 200)
    return asked


def test_another_file_than_announced_is_refused_with_nothing_made(api: Api, extract: Extract) -> None:
    """S3 takes no such file; where there is one all the same, its hash is found wrong before anything is made."""
    body = sheet(extract)
    told = announced(api, body)
    boto3.client("s3", REGION).put_object(
        Bucket=api.names["EXTRACTS_BUCKET"], Key=f"uploads/{told['extract_id']}", Body=body.replace(b"SW1A", b"SW1B")
    )
    path = f"/v1/extracts/{told['extract_id']}"
    expect(api.post(f"{path}/start", {}, "provider"), 200)
    links = api.keys("CHOICES_BUCKET")
    api.deliver()
    now = seen(api, path)
    assert (now["status"], now["code"], now["kept"]) == ("refused", "HASH_DIFFERS", [])
    assert api.keys("CHOICES_BUCKET") == links
    assert api.keys("EXTRACTS_BUCKET") == [f"uploads/{told['extract_id']}"]
    assert api.post(f"{path}/collect", {}, "provider").code == "EXTRACT_GONE"


def test_kms_is_called_once_for_each_column_and_the_digest_key(api: Api, extract: Extract) -> None:
    path = started(api, sheet(extract))
    api.calls.clear()
    api.deliver()
    assert seen(api, path)["status"] == "made"
    assert api.calls.count("Decrypt") == len(KEYS) + 1
    assert not api.calls.count("GenerateDataKey")


def test_a_lost_message_and_a_lost_worker_are_found_by_the_sweeper(api: Api, extract: Extract) -> None:
    path = started(api, sheet(extract))
    sqs, url = boto3.client("sqs", REGION), api.names["EXTRACTS_QUEUE_URL"]
    sqs.purge_queue(QueueUrl=url)
    assert api.deliver() == 0
    api.sweep()
    assert api.deliver() == 0, "it may still be on its way"
    api.clock.advance(minutes=1)
    assert api.sweep()["asked"] == 1
    with api.failing(Fault("PutObject", when=lambda call: str(call["Key"]).startswith("parts/"))):
        assert api.deliver() == 0
    assert seen(api, path)["status"] == "running"
    api.clock.advance(minutes=3)
    assert api.sweep()["asked"] == 1
    assert api.deliver() == 1
    assert seen(api, path)["status"] == "made"
    assert api.sweep()["asked"] == 0
    api.clock.advance(hours=24)
    assert api.sweep()["asked"] == 1
    api.deliver()
    assert (seen(api, path)["status"], seen(api, path)["kept"]) == ("expired", [])
    api.clock.advance(hours=24)
    assert api.sweep()["asked"] == 0


def test_a_message_delivered_twice_makes_one_result(api: Api, extract: Extract) -> None:
    path = started(api, sheet(extract))
    queue = boto3.client("sqs", REGION)
    body = json.dumps({"extract": path.rsplit("/", 1)[-1]})
    for _ in range(3):
        queue.send_message(QueueUrl=api.names["EXTRACTS_QUEUE_URL"], MessageBody=body)
    assert api.deliver() == 4
    assert api.types().count("extract.made") == 1
    assert seen(api, path)["status"] == "made"


def test_the_store_that_does_not_answer_is_503_and_nothing_happens(api: Api, extract: Extract) -> None:
    body = announcement(sheet(extract))
    with api.failing(Fault("PutObject", when=lambda call: str(call["Key"]).startswith("announcements/"))):
        answer = api.post(f"/v1/domains/{DOMAIN}/extracts", body, "provider")
    assert (answer.status, answer.headers["retry-after"]) == (503, "30")
    assert "extract.announced" not in api.types()


def test_invariant_2_what_can_t_be_logged_is_not_announced(api: Api, extract: Extract) -> None:
    body = announcement(sheet(extract))
    with api.failing(Fault("TransactWriteItems", "ServiceUnavailable", 503)):
        answer = api.post(f"/v1/domains/{DOMAIN}/extracts", body, "provider")
    assert answer.status == 503
    assert "upload" not in answer.everything


def test_discarded_nothing_is_kept(api: Api, extract: Extract) -> None:
    path = started(api, sheet(extract))
    api.deliver()
    answer = expect(api.post(f"{path}/collect", {}, "provider"), 200)
    done = expect(api.post(f"{path}/discard", {}, "provider"), 200).json
    assert (done["status"], done["kept"]) == ("discarded", [])
    assert api.keys("EXTRACTS_BUCKET") == [f"uploads/{path.rsplit('/', 1)[-1]}"]
    assert requests.get(answer.json["parts"][0]["url"], timeout=5).status_code in {403, 404}
    assert api.post(f"{path}/discard", {}, "provider").code == "ALREADY_OVER"


def test_an_extract_is_nobody_elses(api: Api, extract: Extract) -> None:
    path = started(api, sheet(extract))
    api.deliver()
    claims = {"scope": "keyholder/provide"}
    for who, status in (("controller", 404), ("operator", 404), ("outsider", 403)):
        assert api.get(path, who, claims=claims).status == status
        for command in ("start", "collect", "discard"):
            assert api.post(f"{path}/{command}", {}, who, claims=claims).status == status
    refused = [event["data"] for event in api.events() if event["type"] == "attempt.refused"]
    assert {
        "command": "collect_extract",
        "code": "EXTRACT_UNKNOWN",
        "subject": path[4:].replace("s/", "/", 1),
    } in refused


def test_another_domain_gets_other_pseudonyms(api: Api, extract: Extract) -> None:
    made = []
    for domain in (DOMAIN, OTHER_DOMAIN):
        path = started(api, sheet(extract), domain)
        api.deliver()
        rows = downloaded(expect(api.post(f"{path}/collect", {}, "provider"), 200))
        made.append({row["patient_id_deid"] for row in rows})
    assert not made[0] & made[1]


def test_the_bucket_is_empty_of_patients_whatever_went_wrong(api: Api, extract: Extract) -> None:
    """Every way an extract can end."""
    body = sheet(extract)
    paths = [f"/v1/extracts/{announced(api, body)['extract_id']}", started(api, body), started(api, body)]
    expect(api.post(f"{paths[1]}/discard", {}, "provider"), 200)
    with api.failing(Fault("Decrypt", "KMSInvalidStateException", 400)):
        api.deliver()
    api.clock.advance(hours=7)
    api.sweep()
    api.deliver()
    assert [seen(api, path)["status"] for path in paths] == ["expired", "discarded", "failed"]
    for content in api.objects("EXTRACTS_BUCKET").values():
        assert not any(number.encode() in content for number in PEOPLE)
