"""National data opt-outs from an approved request to the service's answer, through the functions' own handlers."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest

from infra.routes import Function
from keyholder.adapters.mesh_credentials import CredentialsError
from keyholder.ledger.log import LedgerUnavailableError
from keyholder.ledger.ports import StorageRefusedError
from keyholder.opt_outs.mailbox import MailboxUnavailableError
from keyholder.policy.choices import ChoicesUnavailableError
from tests.contract import test_ten_digits as ten
from tests.contract.api import Api, Fault
from tests.contract.aws import REGION
from tests.contract.settled import (
    DOMAIN,
    OPTED_OUT,
    PEOPLE,
    PROJECT,
    TYPE_1,
    UNCHECKED,
    Asked,
    Extract,
    approved,
    expect,
    project_body,
    request_body,
)

OPT_OUTS = "national-data-opt-outs/"


def forgotten(api: Api) -> None:
    """Nobody has an opt-out check."""
    s3, bucket = boto3.client("s3", REGION), api.names["CHOICES_BUCKET"]
    for key in api.keys("CHOICES_BUCKET"):
        if key.startswith(OPT_OUTS):
            s3.delete_object(Bucket=bucket, Key=key)


def listed(api: Api) -> None:
    """The round asks for the people of what is due, and `release` lists them."""
    assert api.ask_mesh()["listed"] == 1
    assert api.deliver() == 1


def asked_about(api: Api) -> list[str]:
    """The numbers on the newest list that was sent."""
    return api.mesh.sent[-1].body.decode().replace(",", "").split()


def counts(asked: Asked) -> dict[str, str]:
    released: dict[str, str] = expect(asked.release(), 200).json["counts"]
    return released


def registers(api: Api) -> list[str]:
    return [key.rpartition(".")[2] for key in api.keys("CHOICES_BUCKET") if key.startswith(OPT_OUTS)]


def test_an_approved_requests_people_are_asked_about_and_released_as_the_service_says(
    cleared: Asked, extract: Extract
) -> None:
    api = cleared.api
    forgotten(api)
    assert counts(cleared) == {"pending": "<10"}
    listed(api)
    (sealed,) = api.objects("OUTBOX_BUCKET").values()
    assert not [number for number in PEOPLE if number.encode() in sealed]
    api.clock.advance(minutes=10)
    assert api.ask_mesh()["sent"] == 1
    assert sorted(asked_about(api)) == sorted(PEOPLE[:3])
    assert not api.objects("OUTBOX_BUCKET"), "the numbers are gone"
    assert registers(api) == ["asked"]
    assert counts(cleared) == {"pending": "<10"}
    api.mesh.answer(api.mesh.sent[0], {PEOPLE[1]})
    api.clock.advance(minutes=10)
    done = api.ask_mesh()
    assert (done["jobs_created"], done["answered"], done["listed"]) == (1, 1, 0)
    assert registers(api) == ["mesh"]
    assert counts(cleared) == {"released": "<10", "not_available": "<10"}
    types = [name for name in api.types() if name.startswith("opt_out")]
    assert types == [
        "opt_outs.people_opened",
        "opt_outs.people_listed",
        "opt_out_check.asked",
        "opt_out_check.sent",
        "opt_out_check.job_created",
        "opt_out_check.answered",
    ]


def test_the_next_day_they_are_asked_about_again(cleared: Asked) -> None:
    api = cleared.api
    api.clock.advance(hours=16)
    listed(api)
    api.clock.advance(hours=1)
    assert api.ask_mesh()["sent"] == 1
    api.mesh.answer(api.mesh.sent[0])
    api.clock.advance(minutes=10)
    assert api.ask_mesh()["listed"] == 0
    api.clock.advance(hours=23)
    assert counts(cleared) == {"released": "<10"}, "on yesterday's answer"


def test_invariant_7_whoever_opted_out_is_asked_about_as_often_as_anybody(api: Api, extract: Extract) -> None:
    """Or the requester could tell them by whose answer stays pending."""
    asked = approved(api, request_body(extract, 0, OPTED_OUT, TYPE_1, UNCHECKED))
    listed(api)
    api.clock.advance(minutes=10)
    api.ask_mesh()
    assert asked_about(api) == [PEOPLE[UNCHECKED]], "the others were asked about today, whatever they chose"
    api.mesh.answer(api.mesh.sent[0])
    api.ask_mesh()
    api.clock.advance(days=1)
    listed(api)
    api.clock.advance(minutes=10)
    api.ask_mesh()
    assert asked_about(api) == sorted(PEOPLE[place] for place in (0, OPTED_OUT, TYPE_1, UNCHECKED))
    assert asked.state == "approved"


def test_nobody_is_asked_about_where_nothing_can_be_released(cleared: Asked) -> None:
    """Revoked after the message was sent: no pseudonym is opened."""
    api = cleared.api
    forgotten(api)
    assert api.ask_mesh()["listed"] == 1
    expect(cleared.revoke("controller"), 200)
    before = len(api.calls)
    assert api.deliver() == 1
    assert "Decrypt" not in api.calls[before:]
    assert not api.objects("OUTBOX_BUCKET")
    assert api.ask_mesh()["listed"] == 0
    assert not [name for name in api.types() if name.startswith("opt_out")]


def test_nobody_is_asked_about_whom_the_opt_out_does_not_concern(cleared: Asked, extract: Extract) -> None:
    """The committee exempted the flow, and the letter is on file: no pseudonym is opened."""
    api = cleared.api
    forgotten(api)
    body = project_body(extract.people)
    body["evidence"]["cag"] |= {"opt_out_condition": "exempt", "exemption_letter_on_file": True}
    expect(api.post("/v1/projects", body, "operator", if_match='W/"1"'), 201)
    assert api.ask_mesh()["listed"] == 1
    before = len(api.calls)
    assert api.deliver() == 1
    assert api.calls[before:].count("Decrypt") == 1, "the request's own content, and nothing else"
    event = api.events()[-1]
    assert (event["type"], event["data"]["people"]) == ("opt_outs.people_listed", 0)
    assert counts(cleared) == {"released": "<10"}
    assert PROJECT in json.dumps(body)


def test_ten_digits_nobody_made_are_not_asked_about(api: Api, extract: Extract) -> None:
    """FF1 opens any ten digits. The service would clean nothing of a list with a number it finds invalid."""
    rows = ten.registered(api, extract)
    forged = [
        {"row_id": f"{place}", "pseudonyms": {"nhs_number": f"{place * 7_654_321 + 1_000_000_000:010}"}}
        for place in range(120)
    ]
    forgotten(api)
    ten.approved(api, extract, ten.record(rows[0]), *forged)
    listed(api)
    api.clock.advance(minutes=10)
    api.ask_mesh()
    assert asked_about(api) == [PEOPLE[0]]


def test_only_the_records_that_the_approvers_left_in_are_opened(
    cleared: Asked, extract: Extract, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = cleared.api
    forgotten(api)
    rows = frozenset({extract.rows[0]["row_id"]})
    monkeypatch.setattr(api.assembly(Function.RELEASE).desk, "approved_rows", lambda *_: rows)
    listed(api)
    api.clock.advance(minutes=10)
    api.ask_mesh()
    assert asked_about(api) == [PEOPLE[0]]


def test_a_message_that_comes_twice_lists_once(cleared: Asked) -> None:
    api = cleared.api
    forgotten(api)
    message = json.dumps({"request": cleared.id, "list": "opt_outs"})
    for _ in range(2):
        boto3.client("sqs", REGION).send_message(QueueUrl=api.names["CHECKS_QUEUE_URL"], MessageBody=message)
    assert api.deliver() == 2
    assert len(api.objects("OUTBOX_BUCKET")) == 1
    assert api.types().count("opt_outs.people_listed") == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault("GenerateDataKey"),
        Fault("PutObject", when=lambda params: "outbox" in params["Bucket"]),
        Fault("Decrypt", when=lambda params: "domain" in json.dumps(params["EncryptionContext"])),
    ],
    ids=["no data key", "no outbox", "no domain key"],
)
def test_a_list_that_was_cut_short_is_made_again(cleared: Asked, fault: Fault) -> None:
    api = cleared.api
    forgotten(api)
    assert api.ask_mesh()["listed"] == 1
    with api.failing(fault):
        assert api.deliver() == 0
    assert not api.objects("OUTBOX_BUCKET")
    api.clock.advance(minutes=11)
    listed(api)
    assert len(api.objects("OUTBOX_BUCKET")) == 1


def test_invariant_2_without_the_ledger_nothing_is_listed_sent_or_put_to_use(cleared: Asked) -> None:
    api = cleared.api
    forgotten(api)
    journal = Fault("PutObject", when=lambda params: params["Key"].startswith("journal/"))
    assert api.ask_mesh()["listed"] == 1
    with api.failing(journal):
        assert api.deliver() == 0
        assert not api.objects("OUTBOX_BUCKET")
    api.clock.advance(minutes=11)
    listed(api)
    with api.failing(journal), pytest.raises(LedgerUnavailableError):
        api.ask_mesh()
    assert not api.mesh.sent
    api.clock.advance(minutes=10)
    assert api.ask_mesh()["sent"] == 1
    api.mesh.answer(api.mesh.sent[0], created=False)
    with api.failing(journal), pytest.raises(LedgerUnavailableError):
        api.ask_mesh()
    assert registers(api) == ["asked"]
    assert api.mesh.inbox, "what is not stored is not acknowledged"
    api.ask_mesh()
    assert registers(api) == ["mesh"]


def test_invariant_9_no_number_in_any_output(
    cleared: Asked, extract: Extract, capfd: pytest.CaptureFixture[str]
) -> None:
    api = cleared.api
    forgotten(api)
    listed(api)
    stored = [json.dumps(sorted(api.objects("OUTBOX_BUCKET"))), *_bodies(api)]
    api.clock.advance(minutes=10)
    api.ask_mesh()
    api.mesh.deliver(f"{PEOPLE[7]},\n".encode(), api.mesh.sent[0].local_id)
    api.mesh.deliver(f"{PEOPLE[0]},\n".encode(), PEOPLE[0])
    api.clock.advance(minutes=10)
    api.ask_mesh()
    api.mesh.fails["waiting"] = MailboxUnavailableError(PEOPLE[0])
    with pytest.raises(MailboxUnavailableError):
        api.ask_mesh()
    assert "MSH004" in api.logs()
    printed = capfd.readouterr()
    texts = [*stored, *_bodies(api), api.logs(), printed.out, printed.err, repr(api.items("STEPS_TABLE"))]
    tokens = [token for row in extract.rows for token in row["pseudonyms"].values()]
    assert not [canary for text in texts for canary in (*PEOPLE, *tokens) if canary in text]
    measured = [json.loads(line) for line in printed.out.splitlines() if "_aws" in line]
    assert {"OverdueOptOutChecks", "FailedOptOutChecks", "OptOutsGoingStale"} <= measured[-1].keys()


def _bodies(api: Api) -> list[str]:
    buckets = ("OUTBOX_BUCKET", "CHOICES_BUCKET", "LEDGER_BUCKET", "CONTENT_BUCKET")
    return [body.decode("latin-1") for bucket in buckets for body in api.objects(bucket).values()]


def test_answers_past_the_cap_are_deleted_and_the_ledger_says_so(api: Api) -> None:
    """Also where MESH is not connected: those that an operator loaded."""
    unconnected(api)
    api.clock.advance(days=20)
    assert api.ask_mesh() == {"removed": 0}
    before = set(api.keys("CHOICES_BUCKET"))
    api.clock.advance(days=1)
    assert api.ask_mesh() == {"removed": 1}
    (gone,) = before - set(api.keys("CHOICES_BUCKET"))
    event = api.events()[-1]
    assert gone == OPT_OUTS + event["stream"].removeprefix("register/")
    assert (event["type"], event["actor"]) == ("choices.removed", "system/opt_outs")
    assert not api.mesh.log
    assert "MSH002" in api.logs()


def unconnected(api: Api) -> None:
    house = api.assembly(Function.MESH)
    house.settings = replace(house.settings, mesh_mailbox="")


def test_what_can_t_be_removed_keeps_no_round_from_being_done(api: Api) -> None:
    api.clock.advance(days=21)
    with api.failing(Fault("DeleteObject")), pytest.raises(ChoicesUnavailableError):
        api.ask_mesh()
    assert api.mesh.log[0] == "handshake"
    assert "MSH005" in api.logs()


def test_one_round_at_a_time(api: Api) -> None:
    house = api.assembly(Function.MESH)
    inner: list[dict[str, Any]] = []

    class Meanwhile:
        """A mailbox whose opening takes so long that the next round begins."""

        def __enter__(self) -> Any:
            house.mailbox = lambda: nullcontext(api.mesh)  # type: ignore[method-assign]
            inner.append(api.ask_mesh())
            return api.mesh

        def __exit__(self, *_: object) -> None: ...

    house.mailbox = Meanwhile  # type: ignore[method-assign]
    assert "sent" in api.ask_mesh()
    assert inner == [{"removed": 0}]
    assert "MSH003" in api.logs()
    assert api.mesh.log.count("handshake") == 1


def test_a_round_that_died_gives_its_turn_up_after_six_minutes(api: Api) -> None:
    house = api.assembly(Function.MESH)
    given_back = Fault("UpdateItem", when=lambda params: "REMOVE holder" in params["UpdateExpression"])
    with api.failing(given_back), pytest.raises(StorageRefusedError):
        api.ask_mesh()
    assert "sent" not in api.ask_mesh()
    api.clock.advance(minutes=6, seconds=1)
    assert "sent" in api.ask_mesh()
    assert house.settings.mesh_mailbox == "X26KH0001"


def test_mesh_hears_of_us_once_a_day(api: Api) -> None:
    for _ in range(4):
        api.restarted()
        api.ask_mesh()
        api.clock.advance(hours=12)
    assert api.mesh.log.count("handshake") == 2
    assert timedelta(hours=12) * 4 == timedelta(days=2)


def test_the_credentials_are_read_when_a_round_begins_and_name_no_secret_in_a_fault(api: Api) -> None:
    """Until somebody puts real ones in, a round fails and says so."""
    house = api.assembly(Function.MESH)
    del house.mailbox
    secrets = boto3.client("secretsmanager", REGION)
    arn = secrets.create_secret(Name="mesh", SecretString="what the deployment generates")["ARN"]
    house.settings = replace(house.settings, mesh_secret_arn=arn)
    with pytest.raises(CredentialsError, match="JSON object"):
        api.ask_mesh()
    secret = {"password": "the-pass-word", "shared_key": 7}
    secrets.put_secret_value(SecretId=arn, SecretString=json.dumps(secret))
    with pytest.raises(CredentialsError, match="shared_key") as fault:
        api.ask_mesh()
    assert "the-pass-word" not in str(fault.value) + api.logs()
    assert DOMAIN not in api.logs()


def test_an_operator_sees_how_far_the_checks_are_and_nobody_in_them(cleared: Asked) -> None:
    api = cleared.api

    def seen() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = expect(api.get(f"/v1/choices/{OPT_OUTS[:-1]}", "operator"), 200).json["items"]
        return found

    (loaded,) = seen()
    assert (loaded["source"], loaded["state"], loaded["people"]) == ("loaded", "answered", len(PEOPLE) - 1)
    assert (loaded["performed_on"], loaded["usable_until"]) == ("2026-07-01", "2026-07-02")
    forgotten(api)
    listed(api)
    api.clock.advance(minutes=10)
    api.ask_mesh()
    newest, _ = seen()
    assert (newest["source"], newest["state"], newest["people"]) == ("mesh", "sent", 3)
    assert (newest["usable_until"], newest["overdue"], newest["why"]) == (None, False, None)
    api.clock.advance(hours=27)
    assert seen()[0]["overdue"]
    api.mesh.refuse(api.mesh.sent[0])
    api.ask_mesh()
    assert (seen()[0]["state"], seen()[0]["why"]) == ("ended", "error_line")
    api.clock.advance(days=19, hours=21)
    api.ask_mesh()
    assert [(one["source"], one["removed"]) for one in seen()] == [("mesh", True)], "three weeks are shown"
    assert api.get(f"/v1/choices/{OPT_OUTS[:-1]}", "researcher", claims={"scope": "keyholder/operate"}).status == 403
