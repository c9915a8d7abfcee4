"""Buckets that are written once, never changed, never deleted; the ledger's is one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.findings import accept
from infra.permissions import JOURNAL

LOCKED_SETTINGS = (
    "s3:DeleteBucket",
    "s3:PutBucketAcl",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:PutReplicationConfiguration",
)
"""Settings of the bucket that decide whether the ledger survives and who sees it.

CloudFormation makes them before the policy, and never again: what is refused here is refused to it too.
"""

AROUND_PUT = (
    "s3:ReplicateObject",
    "s3:ReplicateDelete",
    "s3:ReplicateTags",
    "s3:ObjectOwnerOverrideToBucketOwner",
)
"""How replication from another bucket writes: a second version or a delete marker, and no condition on PUT is asked."""

ACCESS = ("s3:PutObjectAcl", "s3:PutObjectVersionAcl")

POLICY = ("s3:PutBucketPolicy", "s3:DeleteBucketPolicy")

READ_OBJECTS = ("s3:GetObject",)
READ_NAMES = ("s3:ListBucket", "s3:ListBucketVersions")
"""What a witness in another account may do, and nothing else."""

ROLE_ARN = re.compile(r"arn:aws(-[a-z]+)*:iam::[0-9]{12}:role/[\w+=,.@/-]{1,577}")


class WriteOnceBucket(Construct):
    """Object Lock and a policy that closes what Object Lock leaves open.

    A delete marker is not protected by a lock, and after one `If-None-Match` succeeds again: so deleting is refused
    altogether, and so is writing a key without `If-None-Match`. SSE-S3 and not KMS: with KMS, losing a key would lose
    the log. `prefixes` are those a key may begin with.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        retention_days: float,
        minimum_days: float,
        prefixes: Sequence[str],
        mode: str = "COMPLIANCE",
    ) -> None:
        super().__init__(scope, name)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            object_lock_enabled=True,
            object_lock_default_retention=s3.ObjectLockRetention.compliance(Duration.days(1)),
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=RemovalPolicy.RETAIN,
            versioned=True,
        )
        resource = self.bucket.node.default_child
        if not isinstance(resource, s3.CfnBucket):
            raise TypeError("the bucket is not a CloudFormation bucket")
        # CDK's Duration takes no CloudFormation parameter, so the days are set on the resource itself.
        resource.add_property_override("ObjectLockConfiguration.Rule.DefaultRetention.Days", retention_days)
        resource.add_property_override("ObjectLockConfiguration.Rule.DefaultRetention.Mode", mode)
        accept(
            self.bucket,
            "AwsSolutions-S1",
            "Object-level access is recorded by CloudTrail data events; a server access log would be a second, "
            "deletable copy.",
        )
        self._guard(minimum_days, mode, self.objects(prefixes))
        self._guard_the_guards()

    def objects(self, prefixes: Sequence[str]) -> list[str]:
        """The ARNs of the objects whose keys begin so."""
        return [self.bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes]

    def let_read(self, who: str, sid: str, prefixes: Sequence[str]) -> None:
        """Reading only, for one principal of another account."""
        for about, actions, resources in (
            ("Reads", READ_OBJECTS, self.objects(prefixes)),
            ("Lists", READ_NAMES, [self.bucket.bucket_arn]),
        ):
            self.bucket.add_to_resource_policy(
                iam.PolicyStatement(
                    sid=sid + about, principals=[iam.ArnPrincipal(who)], actions=list(actions), resources=resources
                )
            )

    def _guard(self, minimum_days: float, mode: str, entries: Sequence[str]) -> None:
        everything = self.bucket.arn_for_objects("*")
        self._deny(
            "NeverDelete",
            ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"],
            [everything],
        )
        self._deny("NeverUnlock", LOCKED_SETTINGS, [self.bucket.bucket_arn])
        self._deny("NeverAroundPut", AROUND_PUT, [everything])
        # A legal hold can be taken off again; who has to keep entries for longer extends their retention.
        self._deny("NeverHold", ["s3:PutObjectLegalHold"], [everything])
        self._deny("NeverShare", ACCESS, [everything])
        self._deny("OnlyNewKeys", ["s3:PutObject"], [everything], {"Null": {"s3:if-none-match": "true"}})
        self._deny(
            "NotShorter",
            ["s3:PutObject", "s3:PutObjectRetention"],
            [everything],
            {"NumericLessThan": {"s3:object-lock-remaining-retention-days": minimum_days}},
        )
        self._deny(
            "OnlyThisLock",
            ["s3:PutObject", "s3:PutObjectRetention"],
            [everything],
            {"Null": {"s3:object-lock-mode": "false"}, "StringNotEquals": {"s3:object-lock-mode": mode}},
        )
        self._deny(
            "OnlyS3Keys",
            ["s3:PutObject"],
            [everything],
            {
                "Null": {"s3:x-amz-server-side-encryption": "false"},
                "StringNotEquals": {"s3:x-amz-server-side-encryption": "AES256"},
            },
        )
        self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="OnlyTheseKeys",
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["s3:PutObject"],
                not_resources=list(entries),
            )
        )

    def _guard_the_guards(self) -> None:
        """The policy itself is changed by the deployment's role alone, so that a change is a change of this file.

        AWS leaves the account's root user a way in, whatever the policy says; the alarm on changes tells of both.
        """
        self._deny(
            "OnlyByDeployment",
            POLICY,
            [self.bucket.bucket_arn],
            {"ArnNotEquals": {"aws:PrincipalArn": deployment_role(self)}},
        )

    def _deny(
        self,
        sid: str,
        actions: Sequence[str],
        resources: Sequence[str],
        conditions: dict[str, dict[str, object]] | None = None,
    ) -> None:
        self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid=sid,
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=list(actions),
                resources=list(resources),
                conditions=conditions,
            )
        )


class Ledger(WriteOnceBucket):
    """The ledger's bucket: COMPLIANCE, which nobody can shorten. The context value `witness_principal` may read it."""

    def __init__(self, scope: Construct, name: str, *, retention_days: float, minimum_days: float) -> None:
        super().__init__(scope, name, retention_days=retention_days, minimum_days=minimum_days, prefixes=JOURNAL)
        witness = witness_principal(self)
        if witness is not None:
            self.let_read(witness, "Witness", JOURNAL)


def deployment_role(scope: Construct) -> str:
    """The role that CloudFormation deploys with: the context value `deployment_role`, or that of `cdk bootstrap`."""
    given = scope.node.try_get_context("deployment_role")
    if given is not None:
        return _role(given, "deployment_role")
    return f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/cdk-hnb659fds-cfn-exec-role-{Aws.ACCOUNT_ID}-{Aws.REGION}"


def witness_principal(scope: Construct) -> str | None:
    """The witness's role, in its own account: the context value `witness_principal`."""
    given = scope.node.try_get_context("witness_principal")
    return None if given is None else _role(given, "witness_principal")


def _role(given: object, name: str) -> str:
    """Raises `ValueError` for anything but the ARN of one role: a star or an account would let more people in."""
    if not isinstance(given, str) or not ROLE_ARN.fullmatch(given):
        raise ValueError(f"{name} is the ARN of a role, arn:aws:iam::<account>:role/<name>")
    return given
