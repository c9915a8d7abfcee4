"""People are told, from the ledger over EventBridge, the queue and SES: once, the right ones, and only ids."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from moto.backends import get_backend

from tests.contract.api import ACCOUNT, SENDER, Api, Fault
from tests.contract.aws import REGION
from tests.contract.settled import Extract, expect, in_review, request_body

KEYS = ("researcher", "controller", "second-controller", "operator")


def _sent(api: Api) -> list[tuple[str, str, str]]:
    """To whom, subject and text of every message SES took."""
    return [(one.destinations["ToAddresses"][0], one.subject, one.body) for one in _box()]


def _box() -> list[Any]:
    return get_backend("ses")[ACCOUNT][REGION].sent_messages


def _reachable(api: Api, extract: Extract) -> None:
    boto3.client("sesv2", REGION).create_email_identity(EmailIdentity="keyholder.test")
    for key in KEYS:
        path = f"/v1/people/{extract.people.get(key, '').removeprefix('person/')}/contact"
        if key in extract.people:
            expect(api.post(path, {"email": f"{key}@trust.test"}, "operator"), 200)
    _tell(api)
    _box().clear()


def _tell(api: Api) -> None:
    api.sweep()
    api.deliver()


def test_who_must_decide_is_told_once_and_the_others_that_it_is_decided(api: Api, extract: Extract) -> None:
    _reachable(api, extract)
    asked = in_review(api, request_body(extract))
    _tell(api)
    wanted = [one for one in _sent(api) if one[1].startswith("A request waits for your decision")]
    assert {to for to, _, _ in wanted} == {"controller@trust.test", "second-controller@trust.test"}
    assert len(wanted) == 2
    request = asked.path.rsplit("/", 1)[-1]
    assert all(f"https://keyholder.test/console/requests/{request}" in text for _, _, text in wanted)
    assert all("Please decide on it by " in text for _, _, text in wanted)

    _box().clear()
    expect(asked.reject("controller", "Not for this purpose."), 200)
    _tell(api)
    told = {(to, subject.partition(":")[0]) for to, subject, _ in _sent(api)}
    assert told == {
        ("second-controller@trust.test", "Decided"),
        ("researcher@trust.test", "A request is rejected"),
    }


def test_what_is_delivered_again_is_not_sent_again(api: Api, extract: Extract) -> None:
    _reachable(api, extract)
    in_review(api, request_body(extract))
    _tell(api)
    first = len(_sent(api))
    assert first
    # The note of how far it came gets lost: everything that is news is announced again.
    boto3.client("dynamodb", REGION).delete_item(
        TableName=api.names["NOTICES_TABLE"], Key={"pk": {"S": "announced"}, "sk": {"S": "batch"}}
    )
    assert api.sweep()["announced"] > 10
    api.deliver()
    assert len(_sent(api)) == first


def test_what_can_t_be_sent_comes_again_and_keeps_nobody_else(api: Api, extract: Extract) -> None:
    _reachable(api, extract)
    in_review(api, request_body(extract))
    to_one = Fault("SendEmail", "TooManyRequestsException", 429, lambda call: "second" in str(call["Destination"]))
    with api.failing(to_one):
        _tell(api)
    assert {to for to, _, _ in _sent(api)} == {"controller@trust.test", "researcher@trust.test"}
    assert '"code":"NOT004"' in api.logs()
    assert "trust.test" not in api.logs()
    api.clock.advance(minutes=3)
    for message in _left(api):
        api.invoke("notify", {"Records": [{"messageId": "1", "body": message}]})
    assert sorted(to for to, _, _ in _sent(api)) == [
        "controller@trust.test",
        "researcher@trust.test",
        "second-controller@trust.test",
    ]


def _left(api: Api) -> list[str]:
    """Bodies of the messages that are out of sight, as SQS would deliver them again."""
    queues = get_backend("sqs")[ACCOUNT][REGION].queues
    (queue,) = [queue for name, queue in queues.items() if "noticestellqueue" in name]
    return [message.body for message in queue._messages]


def test_an_event_on_the_bus_is_ids_and_states(api: Api, extract: Extract) -> None:
    """Somebody else's queue hears all; nothing in it is more than an id, a state or a time."""
    sqs, events = boto3.client("sqs", REGION), boto3.client("events", REGION)
    url = sqs.create_queue(QueueName="listener")["QueueUrl"]
    bus = api.names["EVENT_BUS"]
    events.put_rule(Name="all", EventBusName=bus, EventPattern=json.dumps({"source": ["keyholder"]}))
    target = {"Id": "1", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:listener"}
    events.put_targets(Rule="all", EventBusName=bus, Targets=[target])
    asked = in_review(api, request_body(extract))
    api.sweep()
    heard = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        heard += [json.loads(message["Body"]) for message in messages]
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    events.remove_targets(Rule="all", EventBusName=bus, Ids=["1"])
    events.delete_rule(Name="all", EventBusName=bus)
    sqs.delete_queue(QueueUrl=url)
    own = [one["detail"] for one in heard if one["detail"]["stream"].endswith(asked.path.rsplit("/", 1)[-1])]
    assert [(one["type"], one["state"]) for one in own][:4] == [
        ("request.created", "draft"),
        ("request.saved", "draft"),
        ("request.submitted", "submitted"),
        ("request.checks_recorded", "in_review"),
    ]
    fields = {"v", "stream", "number", "type", "at", "index", "state"}
    assert {name for one in heard for name in one["detail"]} == fields
    assert [one["detail"]["index"] for one in heard] == sorted(one["detail"]["index"] for one in heard)


def test_a_bus_that_takes_nothing_loses_nothing(api: Api, extract: Extract) -> None:
    _reachable(api, extract)
    in_review(api, request_body(extract))
    with api.failing(Fault("PutEvents", "InternalException", 500)), pytest.raises(Exception, match="InternalException"):
        api.sweep()
    assert not _sent(api)
    _tell(api)
    assert len(_sent(api)) == 3


def test_an_address_is_sealed_never_shown_and_erased(api: Api, extract: Extract) -> None:
    person = extract.people["researcher"].removeprefix("person/")
    boto3.client("sesv2", REGION).create_email_identity(EmailIdentity="keyholder.test")
    path, address = f"/v1/people/{person}/contact", "rosa.example@trust.test"
    assert api.get(path, "operator").status == 404
    first = expect(api.post(path, {"email": address}, "operator"), 200)
    assert (first.json["channel"], first.json["by"]) == ("email", extract.people.get("operator", first.json["by"]))
    assert expect(api.get(path, "researcher"), 200).json == first.json
    assert api.get(path, "second-controller").status == 403
    assert api.post(path, {"email": address}, "researcher").status == 403
    assert api.post(path, {"email": "no address"}, "operator").code == "NOT_AN_ADDRESS"
    everything = json.dumps([*api.items("CONTACTS_TABLE"), *api.events()], default=str) + api.logs() + first.everything
    assert "rosa" not in everything

    # A change is told to both addresses; a repeated call of the first one brings nothing back.
    key = "the-same-key-again"
    expect(api.post(path, {"email": "new@trust.test"}, "operator", key=key), 200)
    _tell(api)
    told = [to for to, subject, _ in _sent(api) if "address" in subject]
    assert set(told) == {address, "new@trust.test"}
    expect(api.post(f"{path}/remove", {}, "operator"), 200)
    expect(api.post(path, {"email": "new@trust.test"}, "operator", key=key), 200)
    assert all("sealed" not in item for item in api.items("CONTACTS_TABLE"))
    assert expect(api.get(path, "operator"), 200).json["channel"] is None
    assert api.post(f"{path}/remove", {}, "operator").code == "NO_ADDRESS"
    assert SENDER not in api.logs()
