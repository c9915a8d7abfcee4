"""The witness's stack: alone, in another account, with nothing it does not need."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import App, Stack

from infra.permissions import WITNESS, WITNESS_KEYS, Holding
from infra.witness import cosignature_readers
from tests.unit.infra.template import Template, as_list

NAMES = {"Logs": Holding.LOGS, "CopyBucket": Holding.WITNESS, "CosigningKey": Holding.WITNESS_KEY}


def _resource(found: Any) -> tuple[Holding, str]:
    if "Fn::GetAtt" in found:
        logical = found["Fn::GetAtt"][0]
        (holding,) = [holding for name, holding in NAMES.items() if logical.startswith(name)]
        return holding, ""
    parts = found["Fn::Join"][1]
    if isinstance(parts[0], dict):
        return _resource(parts[0])[0], parts[1]
    assert parts[:4] == ["arn:", {"Ref": "AWS::Partition"}, ":s3:::", {"Ref": "LedgerBucket"}]
    return Holding.LEDGER, "".join(parts[4:])


def test_the_deployed_policy_is_the_table(witness_template: Template) -> None:
    _, policy = witness_template.one("AWS::IAM::Policy")
    deployed = [
        (
            statement["Sid"],
            set(as_list(statement["Action"])),
            {_resource(resource) for resource in as_list(statement["Resource"])},
            set(statement) - {"Sid", "Effect", "Action", "Resource"},
        )
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]
    written = [
        (one.sid, set(one.actions), {(resource.holding, resource.part) for resource in one.resources}, set())
        for one in WITNESS
    ]
    assert deployed == written


def test_of_the_ledger_it_can_only_read() -> None:
    about_the_ledger = {
        action
        for statement in WITNESS
        for action in statement.actions
        if any(resource.holding is Holding.LEDGER for resource in statement.resources)
    }
    assert about_the_ledger == {"s3:GetObject", "s3:ListBucket", "s3:ListBucketVersions"}


def test_it_is_deployed_alone(witness_template: Template, template: Template, keys_template: Template) -> None:
    assert "Fn::ImportValue" not in json.dumps(witness_template.raw)
    exported = [one for one in (template, keys_template) if "Witness" in json.dumps(one.raw.get("Outputs", {}))]
    assert not exported
    without_default = {name for name, spec in witness_template.raw["Parameters"].items() if "Default" not in spec}
    assert without_default == {"LedgerBucket", "LedgerVkey", "WitnessName"}


def test_its_copy_is_guarded_like_the_ledger(witness_template: Template, template: Template) -> None:
    def guards(of: Template, bucket: str) -> dict[str, Any]:
        (found,) = [
            policy["Properties"]["PolicyDocument"]["Statement"]
            for policy in of.of_type("AWS::S3::BucketPolicy").values()
            if policy["Properties"]["Bucket"]["Ref"].startswith(bucket)
        ]
        return {one.get("Sid", "TLS"): one for one in found}

    copy, ledger = guards(witness_template, "CopyBucket"), guards(template, "LedgerBucket")
    assert set(copy) == set(ledger)
    elsewhere = copy["OnlyTheseKeys"]["NotResource"]
    assert [resource["Fn::Join"][1][1] for resource in elsewhere] == [f"/{prefix}*" for prefix in WITNESS_KEYS]
    assert copy["OnlyThisLock"]["Condition"]["StringNotEquals"] == {"s3:object-lock-mode": {"Ref": "LockMode"}}
    _, bucket = witness_template.one("AWS::S3::Bucket")
    assert bucket["Properties"]["ObjectLockConfiguration"]["Rule"] == {
        "DefaultRetention": {"Days": {"Ref": "RetentionDays"}, "Mode": {"Ref": "LockMode"}}
    }
    assert witness_template.raw["Parameters"]["LockMode"]["Default"] == "COMPLIANCE"
    assert bucket["DeletionPolicy"] == "Retain"


def test_its_key_signs_and_outlives_the_stack(witness_template: Template) -> None:
    _, key = witness_template.one("AWS::KMS::Key", "CosigningKey")
    assert (key["Properties"]["KeySpec"], key["Properties"]["KeyUsage"]) == ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY")
    assert key["DeletionPolicy"] == "Retain"


def test_it_is_called_every_quarter_of_an_hour_and_missed_after_two(witness_template: Template) -> None:
    _, rule = witness_template.one("AWS::Events::Rule", "Witness")
    assert rule["Properties"]["ScheduleExpression"] == "rate(15 minutes)"
    _, silent = witness_template.one("AWS::CloudWatch::Alarm", "WitnessSilent")
    assert (silent["Properties"]["Period"], silent["Properties"]["EvaluationPeriods"]) == (900, 2)
    assert silent["Properties"]["TreatMissingData"] == "breaching"


READERS = ["arn:aws:iam::111122223333:root", "arn:aws:iam::444455556666:role/auditor"]


def _stack(readers: object) -> Stack:
    return Stack(App(context={"cosignature_readers": readers}), "Stack")


@pytest.mark.parametrize("given", [READERS, ", ".join(READERS)], ids=["a list", "a text"])
def test_readers_are_roles_or_accounts(given: object) -> None:
    assert cosignature_readers(_stack(given)) == tuple(READERS)
    assert cosignature_readers(_stack([])) == ()


@pytest.mark.parametrize("given", ["*", ["arn:aws:iam::*:root"], "arn:aws:iam::111122223333:user/x"])
def test_nobody_else_reads(given: object) -> None:
    with pytest.raises(ValueError, match="cosignature_readers"):
        cosignature_readers(_stack(given))
