"""The ledger's bucket: written once, never changed, never deleted."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.findings import accept
from infra.permissions import JOURNAL

LOCKED_SETTINGS = (
    "s3:PutBucketVersioning",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:PutEncryptionConfiguration",
    "s3:DeleteBucket",
)
"""Settings of the bucket that decide whether the ledger survives; CloudFormation makes them before the policy."""


class Ledger(Construct):
    """Object Lock in COMPLIANCE mode and a policy that closes what Object Lock leaves open.

    A delete marker is not protected by a lock, and after one `If-None-Match` succeeds again: so deleting is refused
    altogether, and so is writing a key without `If-None-Match`. SSE-S3 and not KMS: with KMS, losing a key would lose
    the log.
    """

    def __init__(self, scope: Construct, name: str, *, retention_days: float, minimum_days: float) -> None:
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
        accept(
            self.bucket,
            "AwsSolutions-S1",
            "Object-level access is recorded by CloudTrail data events; a server access log would be a second, "
            "deletable copy.",
        )
        self._guard(minimum_days)

    def _guard(self, minimum_days: float) -> None:
        everything = self.bucket.arn_for_objects("*")
        entries = [self.bucket.arn_for_objects(f"{prefix}*") for prefix in JOURNAL]
        self._deny(
            "NeverDelete",
            ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"],
            [everything],
        )
        self._deny("NeverUnlock", LOCKED_SETTINGS, [self.bucket.bucket_arn])
        self._deny("OnlyNewKeys", ["s3:PutObject"], [everything], {"Null": {"s3:if-none-match": "true"}})
        self._deny(
            "NotShorter",
            ["s3:PutObject", "s3:PutObjectRetention"],
            [everything],
            {"NumericLessThan": {"s3:object-lock-remaining-retention-days": minimum_days}},
        )
        self._deny(
            "OnlyCompliance",
            ["s3:PutObject", "s3:PutObjectRetention"],
            [everything],
            {"Null": {"s3:object-lock-mode": "false"}, "StringNotEquals": {"s3:object-lock-mode": "COMPLIANCE"}},
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
                sid="OnlyTheJournal",
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["s3:PutObject"],
                not_resources=entries,
            )
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
