"""The witness: a stack for another account, which shares nothing with the others and is deployed alone.

Whoever administers the ledger's account must not administer this one: that is all a witness is for.
"""

from __future__ import annotations

import re
from pathlib import Path

from aws_cdk import CfnOutput, CfnParameter, Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.findings import accept
from infra.functions import ARCHITECTURE, ONE_RUNTIME, PART_OF_A_HOLDING, RUNTIME, layers_of, policy_statement
from infra.ledger import WriteOnceBucket
from infra.observability import Topic, measured
from infra.permissions import COSIGNED, WITNESS, WITNESS_KEYS, Holding
from infra.routes import ROOT
from keyholder.edge.measures import Measure

SERVICE = "witness"
ROUND = Duration.minutes(15)
UNSIGNED_SECONDS = 10 * 60
STAMP_ROUNDS = 24
PRINCIPAL_ARN = re.compile(r"arn:aws(-[a-z]+)*:iam::[0-9]{12}:(root|role/[\w+=,.@/-]{1,577})")


class WitnessStack(Stack):
    """A bucket that is written once, a key, a function on a schedule, and its alarms."""

    def __init__(self, scope: Construct, name: str, *, layers: Path) -> None:
        super().__init__(scope, name, description="Keyholder: a witness of its ledger, for another account.")
        parameters = _Parameters(self)
        self.copy = WriteOnceBucket(
            self,
            "Copy",
            retention_days=parameters.retention_days.value_as_number,
            minimum_days=parameters.minimum_retention_days.value_as_number,
            prefixes=WITNESS_KEYS,
            mode=parameters.lock_mode.value_as_string,
        )
        for number, reader in enumerate(cosignature_readers(self), 1):
            self.copy.let_read(reader, f"Reader{number}", COSIGNED)
        self.key = kms.Key(
            self,
            "CosigningKey",
            alias="alias/keyholder/witness",
            description="Cosigns checkpoints of a ledger that it has seen to be whole.",
            key_spec=kms.KeySpec.ECC_NIST_EDWARDS25519,
            key_usage=kms.KeyUsage.SIGN_VERIFY,
            removal_policy=RemovalPolicy.RETAIN,
        )
        function = self._function(layers, parameters)
        # One target, called once: what a failed call left, the next one does.
        events.Rule(
            self,
            "Witness",
            description="Verifies what is new in the ledger, keeps a copy, cosigns it.",
            schedule=events.Schedule.rate(ROUND),
            targets=[targets.LambdaFunction(function, retry_attempts=0)],
        )
        self._alarms(function)
        CfnOutput(self, "WitnessBucket", value=self.copy.bucket.bucket_name)
        CfnOutput(self, "CosigningKeyArn", value=self.key.key_arn)

    def _function(self, layers: Path, parameters: _Parameters) -> lambda_.Function:
        group = logs.LogGroup(self, "Logs", retention=logs.RetentionDays.ONE_YEAR, removal_policy=RemovalPolicy.RETAIN)
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description="What functions/witness may do; see infra/permissions.py.",
        )
        ledger = f"arn:{self.partition}:s3:::{parameters.ledger_bucket.value_as_string}"
        arns = {
            Holding.LOGS: (group.log_group_arn,),
            Holding.LEDGER: (ledger,),
            Holding.WITNESS: (self.copy.bucket.bucket_arn,),
            Holding.WITNESS_KEY: (self.key.key_arn,),
        }
        made = [policy_statement(statement, arns) for statement in WITNESS]
        policy = iam.Policy(self, "Policy", roles=[role], statements=[one for one in made if one is not None])
        for finding in self._stars():
            accept(policy, f"AwsSolutions-IAM5[Resource::{finding}]", PART_OF_A_HOLDING)
        function = lambda_.Function(
            self,
            "Function",
            architecture=ARCHITECTURE,
            code=lambda_.Code.from_asset(str(ROOT / "functions" / SERVICE), exclude=["**/__pycache__", "*.pyc"]),
            description="functions/witness",
            environment={
                "LEDGER_BUCKET": parameters.ledger_bucket.value_as_string,
                "LEDGER_VKEY": parameters.ledger_vkey.value_as_string,
                "WITNESS_BUCKET": self.copy.bucket.bucket_name,
                "WITNESS_NAME": parameters.witness_name.value_as_string,
                "WITNESS_KEY_ARN": self.key.key_arn,
                "WITNESS_RETENTION_DAYS": parameters.retention_days.value_as_string,
                "WITNESS_LOCK_MODE": parameters.lock_mode.value_as_string,
                "TSA_URL": parameters.tsa_url.value_as_string,
                "TSA_ROOT": parameters.tsa_root.value_as_string,
                "POWERTOOLS_SERVICE_NAME": SERVICE,
                "POWERTOOLS_LOG_LEVEL": "INFO",
            },
            handler="handler.handler",
            layers=layers_of(self, layers, "Timestamps"),
            log_group=group,
            memory_size=1024,
            role=role,
            runtime=RUNTIME,
            timeout=Duration.minutes(10),
        )
        accept(function, "AwsSolutions-L1", ONE_RUNTIME)
        function.node.add_dependency(policy)
        CfnOutput(
            self,
            "WitnessRoleArn",
            value=role.role_arn,
            description="The context value witness_principal of the ledger's stack.",
        )
        return function

    def _stars(self) -> set[str]:
        """The stars among the witness's resources as cdk-nag names them."""
        own = self.resolve(self.copy.bucket.bucket_arn)["Fn::GetAtt"][0]
        names = {Holding.LEDGER: "arn:<AWS::Partition>:s3:::<LedgerBucket>", Holding.WITNESS: f"<{own}.Arn>"}
        return {
            names[resource.holding] + resource.part
            for statement in WITNESS
            for resource in statement.resources
            if resource.part.endswith("*")
        }

    def _alarms(self, function: lambda_.Function) -> None:
        topic = Topic(self, "Wake")
        topic.wake(
            self,
            "WitnessErrors",
            "functions/witness ended in a fault: nothing was cosigned.",
            function.metric_errors(period=ROUND, statistic="Sum"),
        )
        topic.wake(
            self,
            "WitnessSilent",
            "The witness was not called for half an hour.",
            function.metric_invocations(period=ROUND, statistic="Sum"),
            periods=2,
            comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            missing=cloudwatch.TreatMissingData.BREACHING,
        )
        topic.wake(
            self,
            Measure.STAMP_FAILED.value,
            "No time-stamp was to be had for six hours.",
            measured(Measure.STAMP_FAILED, SERVICE, ROUND),
            periods=STAMP_ROUNDS,
        )
        for measure, threshold, description in (
            (Measure.WITNESS_DISAGREES, 1, "The ledger is not what the witness saw, or not what it must be."),
            (Measure.UNSIGNED, UNSIGNED_SECONDS, "The ledger's newest batch has had no checkpoint for ten minutes."),
        ):
            topic.wake(self, measure.value, description, measured(measure, SERVICE, ROUND), threshold=threshold)


class _Parameters:
    """What the witness knows of the ledger, and what differs from one witness to the next."""

    def __init__(self, stack: Stack) -> None:
        self.ledger_bucket = CfnParameter(
            stack,
            "LedgerBucket",
            description="The ledger's bucket.",
            allowed_pattern="[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        )
        self.ledger_vkey = CfnParameter(
            stack,
            "LedgerVkey",
            description="The ledger's public key (C2SP vkey) as its people gave it to you; its name is the origin.",
            allowed_pattern="[^\\s+]+\\+[0-9a-f]{8}\\+[A-Za-z0-9+/=]+",
        )
        self.witness_name = CfnParameter(
            stack,
            "WitnessName",
            description="The name this witness signs with (C2SP), a URL without its scheme.",
            allowed_pattern="[^\\s+]+",
        )
        self.retention_days = CfnParameter(
            stack,
            "RetentionDays",
            type="Number",
            description="How long nobody can delete what the witness has written.",
            default=8 * 365 + 2,
            min_value=1,
        )
        self.minimum_retention_days = CfnParameter(
            stack,
            "MinimumRetentionDays",
            type="Number",
            description="One less than RetentionDays.",
            default=8 * 365 + 1,
            min_value=0,
        )
        self.tsa_url = CfnParameter(
            stack,
            "TsaUrl",
            description="A time-stamp authority (RFC 3161) that stamps a checkpoint a day; empty for none.",
            default="",
            allowed_pattern="(https?://.+)?",
        )
        self.tsa_root = CfnParameter(
            stack,
            "TsaRoot",
            description="Its root certificate: the lines of the PEM file between the two that frame it, joined.",
            default="",
            allowed_pattern="[A-Za-z0-9+/=]*",
        )
        self.lock_mode = CfnParameter(
            stack,
            "LockMode",
            description="GOVERNANCE is for trying things out: who may bypass it can delete.",
            default="COMPLIANCE",
            allowed_values=["COMPLIANCE", "GOVERNANCE"],
        )


def cosignature_readers(scope: Construct) -> tuple[str, ...]:
    """Roles or accounts that may read cosigned checkpoints: the context value `cosignature_readers`, by default none.

    A list, or one text with commas between. Raises `ValueError`.
    """
    given = scope.node.try_get_context("cosignature_readers") or []
    readers = tuple(one.strip() for one in (given.split(",") if isinstance(given, str) else given))
    if not all(PRINCIPAL_ARN.fullmatch(reader) for reader in readers):
        raise ValueError("cosignature_readers holds ARNs of roles or accounts, arn:aws:iam::<account>:root")
    return readers
