"""The witness's stack on the engine, under its own role, over the ledger of the deployed service.

In the same account, for the engine has no second one: that reading needs the bucket's consent too is judged in
`tests/unit/infra/test_guards.py`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.embedded.deploy import deploy_witness
from infra.embedded.personas import persona
from infra.embedded.stack import EmbeddedStack
from keyholder.client import Keyholder
from keyholder.client.problems import KeyholderError
from keyholder.ledger.cosignature import cosigner_vkey
from keyholder.ledger.cosigned import open_cosigned, policy_of

NAME = "witness.localhost"


@dataclass(frozen=True)
class Witness:
    stack: EmbeddedStack
    outputs: Mapping[str, str]

    def run(self) -> dict[str, Any]:
        lambda_ = self.stack.admin("lambda")
        answer = lambda_.invoke(FunctionName=self.outputs["WitnessFunction"], Payload=b"{}")
        body: dict[str, Any] = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, body
        return body


@pytest.fixture(scope="module")
def witness(stack: EmbeddedStack) -> Witness:
    """Its bucket under GOVERNANCE for a day."""
    environment = stack.deployed.environment
    parameters = {
        "LedgerBucket": environment["LEDGER_BUCKET"],
        "LedgerVkey": environment["LEDGER_VKEY"],
        "WitnessName": NAME,
        "LockMode": "GOVERNANCE",
        "RetentionDays": "1",
        "MinimumRetentionDays": "0",
    }
    return Witness(stack, deploy_witness(stack.engine, stack.work / "cdk.out", parameters))


def test_the_ledger_is_cosigned_by_a_function_that_can_only_read_it(witness: Witness) -> None:
    stack, s3 = witness.stack, witness.stack.admin("s3")
    operator = persona("operator")
    asked = Keyholder(stack.base_url, lambda: stack.token("operator"), str(stack.ca_bundle), attempts=1)
    with suppress(KeyholderError):  # where another test has registered them: the refusal is an event too
        asked.add_person(
            {
                "subject": operator.subject,
                "roles": [{"role": operator.role.value, "organisation": operator.organisation}],
                "accredited_until": "2099-12-31",
                "capacities": [],
            }
        )
    size = witness.run()["size"]
    assert size > 0
    note = s3.get_object(Bucket=witness.outputs["WitnessBucket"], Key=f"cosigned/{size:020d}")["Body"].read()
    public = stack.admin("kms").get_public_key(KeyId=witness.outputs["CosigningKeyArn"])["PublicKey"]
    policy = policy_of([stack.deployed.environment["LEDGER_VKEY"], cosigner_vkey(NAME, public)])
    assert open_cosigned(note, policy).checkpoint.size == size


def test_its_role_can_neither_write_the_ledger_nor_delete_its_own_copy(witness: Witness) -> None:
    stack = witness.stack
    answer = stack.admin("sts").assume_role(RoleArn=witness.outputs["WitnessRoleArn"], RoleSessionName="as-witness")
    keys = answer["Credentials"]
    session = stack.engine.session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    s3 = stack.engine.client("s3", session)
    ledger, own = stack.deployed.environment["LEDGER_BUCKET"], witness.outputs["WitnessBucket"]
    for attempt in (
        lambda: s3.put_object(Bucket=ledger, Key="journal/00000000000000000001", Body=b"x", IfNoneMatch="*"),
        lambda: s3.delete_object(Bucket=ledger, Key="journal/00000000000000000001"),
        lambda: s3.delete_object(Bucket=own, Key="seen/00000000000000000001"),
        lambda: s3.put_object(Bucket=own, Key="seen/00000000000000000001", Body=b"x"),
        lambda: s3.put_object(Bucket=own, Key="elsewhere/1", Body=b"x", IfNoneMatch="*"),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            attempt()
