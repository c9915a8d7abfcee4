"""The Lambda functions: one for each folder of `functions/`, each with its own role and its own log group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.findings import accept
from infra.permissions import PERMISSIONS, Holding, Statement
from infra.routes import ROOT, Function

RUNTIME = lambda_.Runtime.PYTHON_3_13
ARCHITECTURE = lambda_.Architecture.ARM_64


@dataclass(frozen=True, slots=True)
class Size:
    """Memory in MB (CPU follows it: one core at 1,769 MB) and the longest a call may take, in seconds."""

    memory: int
    seconds: int


# API Gateway gives up after 30 s, so whatever only people wait for ends before that.
# Whoever reads a request with all its releases reads their chunks: 35 MB for each million people, three times at most.
SERVES_PEOPLE = Size(memory=1769, seconds=29)
SIZES: Mapping[Function, Size] = {
    # Reads files of records off a queue: a million rows take about a minute, and no call waits for them.
    Function.REQUESTS: Size(memory=1769, seconds=300),
    Function.DECISIONS: SERVES_PEOPLE,
    # Releases files of up to a million pseudonyms off a queue; what somebody waits for takes a second.
    Function.RELEASE: Size(memory=1769, seconds=900),
    # Works on large extracts off a queue: a million rows take about a minute, and no call waits for them.
    Function.PSEUDONYMISE: Size(memory=1769, seconds=900),
    Function.AUDIT: SERVES_PEOPLE,
    Function.REGISTRY: SERVES_PEOPLE,
    Function.CHOICES: Size(memory=1769, seconds=29),
    Function.MESH: Size(memory=1769, seconds=300),
    Function.SWEEPER: Size(memory=1769, seconds=50),
    # Its queue hands it one event; the messages of one event go out one after the other.
    Function.NOTIFY: Size(memory=1769, seconds=60),
    Function.WATCH: Size(memory=512, seconds=50),
    # Verifies the whole ledger, and remembers where each step stands: as large and as long as any account allows.
    Function.REBUILD: Size(memory=3008, seconds=900),
    Function.SERVICE: Size(memory=512, seconds=10),
}

PART_OF_A_HOLDING = "The star stands for the keys under one prefix of one bucket, as infra/permissions.py lists them."
ONE_RUNTIME = (
    "The newest runtime the locked dependencies were tested and compiled with; a newer one is a change of its own."
)


class Functions(Construct):
    """All functions, by name.

    `layers` holds what `build_layers` made: `keyholder/`, `dependencies/` and `mesh/`. `arns` gives every holding its
    ARN, but for the log group and the controllers' own keys, of which there are as many as `controller_keys`.
    `environment` is the same for all: a name is no permission.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        layers: Path,
        arns: Mapping[Holding, str],
        controller_keys: Sequence[str],
        environment: Mapping[str, str],
    ) -> None:
        super().__init__(scope, name)
        self._arns = {holding: (arn,) for holding, arn in arns.items()} | {
            Holding.CONTROLLER_KEYS: tuple(controller_keys)
        }
        self._environment = environment
        self._layers = layers_of(self, layers)
        # NHS England's client and what it needs: no other function starts slower for it.
        self._mesh_layer = _layer(self, "Mesh", layers / "mesh")
        self.functions = {function: self._function(function) for function in Function}

    def _function(self, function: Function) -> lambda_.Function:
        scope = Construct(self, function.capitalize())
        group = logs.LogGroup(scope, "Logs", retention=logs.RetentionDays.ONE_YEAR, removal_policy=RemovalPolicy.RETAIN)
        role = iam.Role(
            scope,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"What functions/{function} may do; see infra/permissions.py.",
        )
        arns = {**self._arns, Holding.LOGS: (group.log_group_arn,)}
        statements = [policy_statement(statement, arns) for statement in PERMISSIONS[function]]
        policy = iam.Policy(
            scope,
            "Policy",
            roles=[role],
            statements=[statement for statement in statements if statement is not None],
        )
        for finding in self._stars(function):
            accept(policy, f"AwsSolutions-IAM5[Resource::{finding}]", PART_OF_A_HOLDING)
        size = SIZES[function]
        resource = lambda_.Function(
            scope,
            "Function",
            architecture=ARCHITECTURE,
            code=lambda_.Code.from_asset(str(ROOT / "functions" / function), exclude=["**/__pycache__", "*.pyc"]),
            description=f"functions/{function}",
            environment={**self._environment, "POWERTOOLS_SERVICE_NAME": function, "POWERTOOLS_LOG_LEVEL": "INFO"},
            handler="handler.handler",
            layers=[*self._layers, self._mesh_layer] if function is Function.MESH else self._layers,
            log_group=group,
            memory_size=size.memory,
            role=role,
            runtime=RUNTIME,
            timeout=Duration.seconds(size.seconds),
        )
        accept(resource, "AwsSolutions-L1", ONE_RUNTIME)
        resource.node.add_dependency(policy)
        return resource

    def _stars(self, function: Function) -> set[str]:
        """The stars among a function's resources as cdk-nag names them: `<LogicalId.Arn>/journal/*`."""
        stars = set()
        for statement in PERMISSIONS[function]:
            for resource in statement.resources:
                if resource.part.endswith("*"):
                    (arn,) = self._arns[resource.holding]
                    logical_id = Stack.of(self).resolve(arn)["Fn::GetAtt"][0]
                    stars.add(f"<{logical_id}.Arn>{resource.part}")
        return stars


def layers_of(scope: Construct, folder: Path, *more: str) -> list[lambda_.LayerVersion]:
    """The layers of every function, and `more` that one has. Raises `FileNotFoundError` where they are not built."""
    return [_layer(scope, name, folder / name.lower()) for name in ("Keyholder", "Dependencies", *more)]


def _layer(scope: Construct, name: str, folder: Path) -> lambda_.LayerVersion:
    if not (folder / "python").is_dir():
        raise FileNotFoundError(f"the layer {name} is not built: run python -m infra.build_layers")
    return lambda_.LayerVersion(
        scope,
        f"{name}Layer",
        code=lambda_.Code.from_asset(str(folder)),
        compatible_architectures=[ARCHITECTURE],
        compatible_runtimes=[RUNTIME],
    )


def policy_statement(statement: Statement, arns: Mapping[Holding, Sequence[str]]) -> iam.PolicyStatement | None:
    """The statement with its resources named; None where there is none to name."""
    named = [arn + resource.part for resource in statement.resources for arn in arns[resource.holding]]
    if not named:
        return None
    return iam.PolicyStatement(sid=statement.sid, actions=list(statement.actions), resources=named)
