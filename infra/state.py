"""What can be rebuilt or erased: tables, and the buckets beside the ledger."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.findings import accept

ADDRESS_MILLISECONDS = 15 * 60 * 1000
"""As long as `keyholder.extracts.files.ADDRESS_FOR` says."""

OPT_OUTS = "national-data-opt-outs/"
"""Where the answers of the opt-out service are in the choices bucket."""
OPT_OUT_CAP_DAYS = 20
"""How long one may be used; S3 counts from the day it was stored, to the end of the day."""


def _expire_after_a_day() -> s3.LifecycleRule:
    return s3.LifecycleRule(id="expire", expiration=Duration.days(1))


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)


class State(Construct):
    """Five tables and seven buckets.

    The tables hold hashes, codes and wrapped keys, never an identifier, so DynamoDB's own key is enough for them; that
    of contacts holds addresses of people who work here, each sealed by Keyholder before it gets there. What
    is in the buckets is encrypted by Keyholder before it gets there (content, outbox), to the recipient (results), or
    kept as keyed digests (choices); S3's own key is the second layer. Extracts are uploaded as they are, so that bucket
    has a KMS key of its own; files of records, until they are read, have that of what is asked for. The view bucket
    holds what is made from the ledger alone.
    """

    def __init__(self, scope: Construct, name: str, *, extract_key: kms.IKey, content_key: kms.IKey) -> None:
        super().__init__(scope, name)
        self.steps = self._table("Steps", expires=True)
        for index, when in (("pending", "pending_at"), ("due", "due_at")):
            self.steps.add_global_secondary_index(
                index_name=index,
                partition_key=_text(index),
                sort_key=_text(when),
                projection_type=dynamodb.ProjectionType.KEYS_ONLY,
            )
        self.keys = self._table("Keys", expires=False)
        self.counters = self._table("Counters", expires=True)
        self.notices = self._table("Notices", expires=True)
        self.contacts = self._table("Contacts", expires=True)
        self.content = self._bucket("Content")
        # Second lines: functions/mesh deletes both, earlier, and the ledger says so.
        self.choices = self._bucket(
            "Choices",
            s3.LifecycleRule(id="opt-outs-past-the-cap", prefix=OPT_OUTS, expiration=Duration.days(OPT_OUT_CAP_DAYS)),
        )
        self.outbox = self._bucket("Outbox", _expire_after_a_day())
        self.results = self._bucket("Results", _expire_after_a_day())
        self.extracts = self._bucket("Extracts", _expire_after_a_day(), key=extract_key)
        self._guard(self.extracts, extract_key)
        # What is asked for, before it is encrypted request by request: so under the key those keys are wrapped by.
        self.uploads = self._bucket("Uploads", _expire_after_a_day(), key=content_key)
        self._guard(self.uploads, content_key)
        self.view = self._bucket("View")

    def _table(self, name: str, *, expires: bool) -> dynamodb.Table:
        return dynamodb.Table(
            self,
            name,
            partition_key=_text("pk"),
            sort_key=_text("sk"),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            deletion_protection=True,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            removal_policy=RemovalPolicy.RETAIN,
            time_to_live_attribute="expires_at" if expires else None,
        )

    def _bucket(self, name: str, *rules: s3.LifecycleRule, key: kms.IKey | None = None) -> s3.Bucket:
        # Not versioned: what is erased here has to be gone, and a view can be made again.
        bucket = s3.Bucket(
            self,
            name,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=key,
            bucket_key_enabled=True if key else None,
            enforce_ssl=True,
            lifecycle_rules=[
                *rules,
                s3.LifecycleRule(id="abort-uploads", abort_incomplete_multipart_upload_after=Duration.days(1)),
            ],
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=RemovalPolicy.RETAIN,
        )
        accept(
            bucket,
            "AwsSolutions-S1",
            "Object-level access is recorded by CloudTrail data events; a server access log would keep object keys "
            "beyond their erasure.",
        )
        return bucket

    def _guard(self, bucket: s3.Bucket, key: kms.IKey) -> None:
        """No address that somebody was given is good for longer, and nothing is stored under another key."""
        for sid, actions, conditions in (
            (
                "OnlyFreshAddresses",
                ["s3:GetObject", "s3:PutObject"],
                {"NumericGreaterThan": {"s3:signatureAge": ADDRESS_MILLISECONDS}},
            ),
            (
                "OnlyThisKey",
                ["s3:PutObject"],
                {
                    "Null": {"s3:x-amz-server-side-encryption-aws-kms-key-id": "false"},
                    "StringNotEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": key.key_arn},
                },
            ),
            (
                "OnlyKms",
                ["s3:PutObject"],
                {
                    "Null": {"s3:x-amz-server-side-encryption": "false"},
                    "StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"},
                },
            ),
        ):
            bucket.add_to_resource_policy(
                iam.PolicyStatement(
                    sid=sid,
                    effect=iam.Effect.DENY,
                    principals=[iam.AnyPrincipal()],
                    actions=actions,
                    resources=[bucket.arn_for_objects("*")],
                    conditions=conditions,
                )
            )
