"""What connects to MESH: where the credentials are, the settings of a deployment, the schedule."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import CfnOutput, CfnParameter, Duration, RemovalPolicy, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.findings import accept

ROUND = Duration.minutes(10)


class Mesh(Construct):
    """The secret is made with a random value, which is no credential: somebody who has the real ones puts them in."""

    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(scope, name)
        self._parameters = _parameters(Stack.of(self))
        self.secret = secretsmanager.Secret(
            self,
            "Credentials",
            description="What proves to MESH who we are; docs/opt-outs.md says what to put in.",
            removal_policy=RemovalPolicy.RETAIN,
        )
        accept(
            self.secret,
            "AwsSolutions-SMG4",
            "Password, shared key and certificate are given by NHS England, who rotates them.",
        )
        CfnOutput(self, "MeshSecretArn", value=self.secret.secret_arn).override_logical_id("MeshSecretArn")

    @property
    def environment(self) -> Mapping[str, str]:
        """What functions are told of MESH; nothing of it is secret."""
        named = {name: parameter.value_as_string for name, parameter in self._parameters.items()}
        return {**named, "MESH_SECRET_ARN": self.secret.secret_arn}

    def call(self, function: lambda_.Function) -> None:
        """EventBridge calls it every ten minutes; what a failed call left, the next one does."""
        events.Rule(
            self,
            "Rounds",
            description="Removes what is past its time, asks the opt-out service over MESH, collects its answers.",
            schedule=events.Schedule.rate(ROUND),
            targets=[targets.LambdaFunction(function, retry_attempts=0)],
        )


def _parameters(stack: Stack) -> Mapping[str, CfnParameter]:
    """By the name of the function's setting."""
    mailbox = "[A-Z0-9]*"
    return {
        "MESH_URL": CfnParameter(
            stack,
            "MeshUrl",
            description="Where MESH is reached.",
            default="https://mesh-sync.spineservices.nhs.uk",
            allowed_pattern="https://.+",
        ),
        "MESH_MAILBOX": CfnParameter(
            stack,
            "MeshMailbox",
            description="Keyholder's own MESH mailbox; empty where MESH is not connected.",
            default="",
            allowed_pattern=mailbox,
        ),
        "MESH_RECIPIENT": CfnParameter(
            stack,
            "MeshRecipient",
            description="The mailbox of the Check for National Data Opt-outs service, as NHS England names it now.",
            default="",
            allowed_pattern=mailbox,
        ),
        "MESH_SENDERS": CfnParameter(
            stack,
            "MeshSenders",
            description="The mailboxes its answers come from, with spaces between; the recipient alone if empty.",
            default="",
            allowed_pattern="[A-Z0-9 ]*",
        ),
        "MESH_WORKFLOW": CfnParameter(
            stack,
            "MeshWorkflow",
            description="The workflow id of the service, both ways.",
            default="SPINE_NTT_UPHOLDING",
            allowed_pattern="[A-Z0-9_]+",
        ),
    }
