"""The witness as it is deployed and called, over a ledger that the product wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import boto3
import pytest

from infra.routes import ROOT
from keyholder.adapters import witness_assembly
from keyholder.adapters.witness_assembly import WitnessAssembly
from keyholder.edge.settings import WitnessSettings
from keyholder.ledger.cosignature import cosigner_vkey
from keyholder.ledger.cosigned import Cosigned, open_cosigned, policy_of
from keyholder.witness.witnessing import WitnessDisagreesError
from tests.contract.api import Api, Fault, _client, _load
from tests.contract.aws import REGION
from tests.contract.settled import Extract, expect, request_body
from tests.contract.template_stack import DeployedFunction, deploy_witness


@dataclass
class Witness:
    """The deployed witness of the settled world's ledger."""

    api: Api
    function: DeployedFunction
    outputs: Mapping[str, str]

    @property
    def bucket(self) -> str:
        return self.outputs["WitnessBucket"]

    def run(self, seconds: int = 600) -> dict[str, Any]:
        """What the schedule calls, in a new environment."""
        module = _load("witness", ROOT / "functions" / "witness", self.function.handler)
        house = WitnessAssembly(WitnessSettings.of(self.function.environment))
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: 1000 * seconds)
        with mock.patch.object(module, "witness_assembly", return_value=house):
            answer: dict[str, Any] = module.handler({"source": "aws.events"}, context)
        return answer

    def objects(self, prefix: str = "") -> dict[str, bytes]:
        s3 = boto3.client("s3", REGION)
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        return {key: s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in keys}

    def newest(self) -> Cosigned:
        """The newest cosigned checkpoint, held against both pinned keys."""
        public = boto3.client("kms", REGION).get_public_key(KeyId=self.outputs["CosigningKeyArn"])["PublicKey"]
        policy = policy_of([self.api.names["LEDGER_VKEY"], cosigner_vkey("witness.test", public)])
        cosigned = self.objects("cosigned/")
        return open_cosigned(cosigned[max(cosigned)], policy)


@pytest.fixture
def witness(api: Api, assembly: Path) -> Iterator[Witness]:
    deployed, outputs = deploy_witness(
        assembly,
        {
            "LedgerBucket": api.names["LEDGER_BUCKET"],
            "LedgerVkey": api.names["LEDGER_VKEY"],
            "WitnessName": "witness.test",
        },
    )
    assert deployed.schedules == {"rate(15 minutes)": ["witness"]}
    with mock.patch.object(witness_assembly, "boto3", SimpleNamespace(client=_client)):
        yield Witness(api, deployed.functions["witness"], outputs)


def _measured(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "CloudWatchMetrics" in line]
    found: dict[str, Any] = json.loads(line)
    return found


def test_the_ledger_is_copied_and_cosigned_and_again_when_it_has_grown(
    witness: Witness, extract: Extract, capsys: pytest.CaptureFixture[str]
) -> None:
    api = witness.api
    answer = witness.run()
    ledger = api.objects("LEDGER_BUCKET")
    assert {key: body for key, body in witness.objects().items() if key in ledger} == ledger
    assert witness.newest().checkpoint.size == answer["size"] == len(api.events())
    assert _measured(capsys)["WitnessDisagreements"] == [0.0]
    expect(api.post("/v1/requests", request_body(extract), "researcher"), 201)
    assert witness.run()["size"] > answer["size"]
    found = witness.newest()
    assert found.checkpoint.size == len(api.events())
    assert found.cosignatures[0].at == api.clock.now.replace(microsecond=0)
    assert "WIT001" in api.logs()


def test_what_the_witness_writes_is_locked(witness: Witness) -> None:
    witness.run()
    s3 = boto3.client("s3", REGION)
    for key in witness.objects():
        head = s3.head_object(Bucket=witness.bucket, Key=key)
        assert head["ObjectLockMode"] == "COMPLIANCE"
        assert (head["ObjectLockRetainUntilDate"] - witness.api.clock.now).days == 2922


@pytest.mark.parametrize("what", ["a second version", "a delete marker"])
def test_a_ledger_that_was_touched_is_not_cosigned(
    witness: Witness, extract: Extract, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    api, s3 = witness.api, boto3.client("s3", REGION)
    witness.run()
    before = witness.objects("cosigned/")
    expect(api.post("/v1/requests", request_body(extract), "researcher"), 201)
    s3.delete_bucket_policy(Bucket=api.names["LEDGER_BUCKET"])
    key = max(key for key in api.keys("LEDGER_BUCKET") if key.startswith("journal/"))
    if what == "a second version":
        s3.put_object(Bucket=api.names["LEDGER_BUCKET"], Key=key, Body=api.objects("LEDGER_BUCKET")[key])
    else:
        s3.delete_object(Bucket=api.names["LEDGER_BUCKET"], Key=key)
    capsys.readouterr()
    with pytest.raises(WitnessDisagreesError):
        witness.run()
    assert _measured(capsys)["WitnessDisagreements"] == [1.0]
    assert "WIT002" in api.logs()
    assert key in api.logs()
    assert witness.objects("cosigned/") == before


def test_a_ledger_that_can_t_be_read_is_not_cosigned(witness: Witness) -> None:
    ledger = witness.api.names["LEDGER_BUCKET"]
    with (
        witness.api.failing(Fault("GetObject", when=lambda call: call["Bucket"] == ledger)),
        pytest.raises(Exception, match="AccessDenied"),
    ):
        witness.run()
    assert "WIT003" in witness.api.logs()
    assert not witness.objects("cosigned/")


def test_a_crash_before_publishing_is_made_good(witness: Witness) -> None:
    with (
        witness.api.failing(Fault("PutObject", when=lambda call: str(call["Key"]).startswith("cosigned/"))),
        pytest.raises(Exception, match="AccessDenied"),
    ):
        witness.run()
    assert not witness.objects("cosigned/")
    assert witness.run()["batches"] == 0
    assert witness.newest().checkpoint.size == len(witness.api.events())


def test_a_lock_mode_that_s3_does_not_have_is_refused(witness: Witness) -> None:
    environment = {**witness.function.environment, "WITNESS_LOCK_MODE": "NONE"}
    with pytest.raises(ValueError, match="lock mode"):
        WitnessAssembly(WitnessSettings.of(environment))
