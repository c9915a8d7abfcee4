"""What the ledger bucket's policy refuses, judged call by call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template as Assertions

from infra.embedded.condition_keys import lock_keys
from infra.ledger import LOCKED_SETTINGS, Ledger
from keyholder.adapters.worm import S3Worm
from tests.fakes.ledger import ManualClock
from tests.unit.infra.judge import Call, Statement, allowed_to_others, denied

BUCKET = "arn:aws:s3:::ledger"
KEY = f"{BUCKET}/journal/00000000000000000001"
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
DEPLOYMENT = "arn:aws:iam::111122223333:role/deployment"
WITNESS = "arn:aws:iam::444455556666:role/witness"
MINIMUM = 2921


def policy_with(**context: object) -> list[Statement]:
    """The bucket's policy as deployed with this context, its bucket and parameters named."""
    stack = Stack(App(context=context), "Stack")
    Ledger(stack, "Ledger", retention_days=MINIMUM + 1, minimum_days=MINIMUM)
    template = Assertions.from_stack(stack).to_json()
    (policy,) = [one for one in template["Resources"].values() if one["Type"] == "AWS::S3::BucketPolicy"]
    statements: list[Statement] = _named(policy["Properties"]["PolicyDocument"]["Statement"])
    return statements


def _named(value: Any) -> Any:
    if isinstance(value, list):
        return [_named(one) for one in value]
    if not isinstance(value, dict):
        return value
    if "Fn::GetAtt" in value:
        return BUCKET
    if "Fn::Join" in value:
        return "".join(map(str, _named(value["Fn::Join"][1])))
    if "Ref" in value:
        return {"AWS::Partition": "aws", "AWS::AccountId": "111122223333", "AWS::Region": "eu-west-2"}[value["Ref"]]
    return {name: _named(one) for name, one in value.items()}


@pytest.fixture(scope="module")
def policy() -> list[Statement]:
    return policy_with(deployment_role=DEPLOYMENT, witness_principal=WITNESS)


def _put(**changes: str | None) -> Call:
    """A PUT as the ledger's own adapter sends it, with some condition keys changed or absent (None)."""
    sent: dict[str, Any] = {}
    client = mock.Mock(put_object=lambda **arguments: sent.update(arguments))
    S3Worm(client, "ledger", timedelta(days=MINIMUM + 1), ManualClock(NOW)).put("journal/1", b"x")
    headers = {
        "If-None-Match": sent["IfNoneMatch"],
        "x-amz-object-lock-mode": sent["ObjectLockMode"],
        "x-amz-object-lock-retain-until-date": sent["ObjectLockRetainUntilDate"].isoformat(),
    }
    keys: dict[str, str | None] = {
        **lock_keys(headers, NOW + timedelta(seconds=5)),
        "s3:x-amz-server-side-encryption": sent["ServerSideEncryption"],
        **changes,
    }
    return Call("s3:PutObject", KEY, context={name: value for name, value in keys.items() if value is not None})


def test_the_ledgers_own_writes_reads_and_lists_pass(policy: list[Statement]) -> None:
    own = [
        _put(),
        Call("s3:PutObjectRetention", KEY, context=_put().context),
        Call("s3:GetObject", KEY),
        Call("s3:ListBucket", BUCKET),
        Call("s3:GetBucketPolicy", BUCKET),
    ]
    assert [denied(policy, call) for call in own] == [set()] * len(own)


@pytest.mark.parametrize(
    ("call", "by"),
    [
        (Call("s3:DeleteObject", KEY), "NeverDelete"),
        (Call("s3:DeleteObjectVersion", KEY), "NeverDelete"),
        (Call("s3:BypassGovernanceRetention", KEY), "NeverDelete"),
        (Call("s3:PutObjectLegalHold", KEY), "NeverHold"),
        (Call("s3:PutObjectAcl", KEY), "NeverShare"),
        (Call("s3:PutObjectVersionAcl", KEY), "NeverShare"),
        # Replication into the bucket: a second version or a delete marker, past every condition on PUT.
        (Call("s3:ReplicateObject", KEY), "NeverAroundPut"),
        (Call("s3:ReplicateDelete", KEY), "NeverAroundPut"),
        # An unconditional PUT; also a part of a multipart upload or a copy, which carry no condition either.
        (_put(**{"s3:if-none-match": None}), "OnlyNewKeys"),
        (_put(**{"s3:object-lock-remaining-retention-days": str(MINIMUM - 1)}), "NotShorter"),
        (_put(**{"s3:object-lock-mode": "GOVERNANCE"}), "OnlyThisLock"),
        (_put(**{"s3:x-amz-server-side-encryption": "aws:kms"}), "OnlyS3Keys"),
        (
            Call("s3:PutObjectRetention", KEY, context={"s3:object-lock-remaining-retention-days": "1"}),
            "NotShorter",
        ),
        (Call("s3:PutObjectRetention", KEY, context={"s3:object-lock-mode": "GOVERNANCE"}), "OnlyThisLock"),
        (Call("s3:PutObject", f"{BUCKET}/elsewhere/1", context=_put().context), "OnlyTheseKeys"),
        (Call("s3:GetObject", KEY, context={"aws:SecureTransport": "false"}), "EnforceSsl"),
        *((Call(action, BUCKET), "NeverUnlock") for action in LOCKED_SETTINGS),
        *((Call(action, BUCKET, DEPLOYMENT), "NeverUnlock") for action in LOCKED_SETTINGS),
        (Call("s3:PutBucketPolicy", BUCKET), "OnlyByDeployment"),
        (Call("s3:DeleteBucketPolicy", BUCKET), "OnlyByDeployment"),
    ],
    ids=str,
)
def test_what_is_refused_and_by_what(policy: list[Statement], call: Call, by: str) -> None:
    assert denied(policy, call) == {by}


def test_a_deployment_can_change_the_policy(policy: list[Statement]) -> None:
    assert not denied(policy, Call("s3:PutBucketPolicy", BUCKET, DEPLOYMENT))
    bootstrap = "arn:aws:iam::111122223333:role/cdk-hnb659fds-cfn-exec-role-111122223333-eu-west-2"
    assert not denied(policy_with(), Call("s3:PutBucketPolicy", BUCKET, bootstrap))
    assert denied(policy_with(), Call("s3:PutBucketPolicy", BUCKET, DEPLOYMENT)) == {"OnlyByDeployment"}


def test_the_witness_reads_and_nobody_else_is_let_in(policy: list[Statement]) -> None:
    reads = [
        ("s3:GetObject", KEY),
        ("s3:GetObject", f"{BUCKET}/checkpoint/00000000000000000001"),
        ("s3:ListBucket", BUCKET),
        ("s3:ListBucketVersions", BUCKET),
    ]
    for action, resource in reads:
        assert allowed_to_others(policy, Call(action, resource, WITNESS))
        assert not denied(policy, Call(action, resource, WITNESS))
        assert not allowed_to_others(policy, Call(action, resource))
        assert not allowed_to_others(policy_with(), Call(action, resource, WITNESS))
    for action in ("s3:PutObject", "s3:PutObjectRetention", "s3:DeleteObject", "s3:GetObjectAcl"):
        assert not allowed_to_others(policy, Call(action, KEY, WITNESS))
    assert {one["Sid"] for one in policy if one["Effect"] == "Allow"} == {"WitnessReads", "WitnessLists"}


@pytest.mark.parametrize("name", ["deployment_role", "witness_principal"])
@pytest.mark.parametrize(
    "given", ["*", "", "444455556666", "arn:aws:iam::444455556666:root", "arn:aws:iam::*:role/x", []]
)
def test_only_the_arn_of_one_role_is_taken(name: str, given: object) -> None:
    with pytest.raises(ValueError, match=name):
        policy_with(**{name: given})
