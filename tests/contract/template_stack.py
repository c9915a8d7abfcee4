"""The synthesised templates created with plain boto3 calls: the product in process, from its only description.

Every resource type, property and attribute of the templates is applied, or stands in `IGNORED` with the reason why it
means nothing here, or is an error. So what runs in these tests can't silently differ from what is deployed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

from infra.embedded.repairs import REPAIRS
from keyholder.ledger.note import vkey
from tests.contract.aws import REGION

ACCOUNT = "123456789012"
"""moto's own."""

KEYS_STACK = "KeyholderKeys"
STACK = "Keyholder"
WITNESS_STACK = "KeyholderWitness"

IGNORED: Mapping[tuple[str, str], str] = {
    ("AWS::Lambda::Function", "Architectures"): "the host's processor",
    ("AWS::Lambda::Function", "Description"): "text for people",
    ("AWS::Lambda::Function", "LoggingConfig"): "log lines are collected from the functions' loggers",
    ("AWS::Lambda::Function", "MemorySize"): "the host's memory",
    ("AWS::Lambda::Function", "Layers"): "the layers are on the path of the tests",
    ("AWS::Lambda::Function", "Role"): "moto can't judge our policies; tests/system tries each role on the engine",
    ("AWS::Lambda::Function", "Runtime"): "the host's interpreter",
    ("AWS::Lambda::Function", "Timeout"): "nothing here is slow enough to be cut off",
    ("AWS::Lambda::LayerVersion", "*"): "the layers are on the path of the tests",
    ("AWS::Lambda::Permission", "*"): "functions are called in process; tests/system tries the permissions",
    ("AWS::SNS::Topic", "DisplayName"): "text for people",
    ("AWS::ApiGatewayV2::Api", "Description"): "text for people",
    (
        "AWS::ApiGatewayV2::Stage",
        "AccessLogSettings",
    ): "no gateway runs, so none logs; tests/unit/infra reads the format",
    ("AWS::ApiGatewayV2::Stage", "DefaultRouteSettings"): "no gateway runs, so none throttles",
    ("AWS::ApiGatewayV2::Stage", "AutoDeploy"): "nothing is ever deployed twice",
}
"""(type, property) -> why it has no meaning in process. `*` stands for the whole type."""

UNUSED_PARAMETERS = {
    "BootstrapVersion": "only the rule on the age of `cdk bootstrap` reads it, and no rule is run here"
}

_RESOURCE = {"Type", "Properties", "Metadata", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy"}
_STACK = {"Description", "Parameters", "Resources", "Outputs", "Rules"}
_VARIABLE = re.compile(r"\$\{([^}!]+)\}")

Properties = dict[str, Any]
Made = tuple[str, dict[str, Any]]
"""What `Ref` gives, and what `Fn::GetAtt` gives by attribute."""


class TemplateError(Exception):
    """The templates hold something that nobody applies."""


@dataclass(frozen=True)
class DeployedFunction:
    """A Lambda function of the template."""

    name: str
    arn: str
    handler: str
    asset: Path
    environment: Mapping[str, str]


@dataclass
class Deployed:
    """What was created, beyond what moto holds."""

    functions: dict[str, DeployedFunction] = field(default_factory=dict)
    """By POWERTOOLS_SERVICE_NAME: the name of the folder in `functions/`."""
    routes: dict[str, str] = field(default_factory=dict)
    """Route key (`POST /v1/requests`, `$default`) -> function."""
    feeds: dict[str, str] = field(default_factory=dict)
    """Queue URL -> function."""
    schedules: dict[str, list[str]] = field(default_factory=dict)
    """Schedule expression -> functions."""
    patterns: list[dict[str, Any]] = field(default_factory=list)
    """Event patterns whose events go to the topic of alarms."""
    statements_left_out: list[str] = field(default_factory=list)
    """Sid of every bucket policy statement that moto could not judge."""
    counts: dict[str, int] = field(default_factory=dict)
    """Resources by type."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What all functions are told."""
        return self.functions["release"].environment


def deploy(assembly: Path, parameters: Mapping[str, str]) -> Deployed:
    """Both stacks, with the checkpoint key's public half pinned. Raises `TemplateError`."""
    deployed, exports = Deployed(), {}
    keys = _Stack(assembly, KEYS_STACK, {}, exports, deployed)
    keys.create()
    public_key = boto3.client("kms", REGION).get_public_key(KeyId=keys.outputs["CheckpointKeyArn"])["PublicKey"]
    known = {**parameters, "LedgerVkey": vkey(parameters["LedgerOrigin"], public_key)}
    _Stack(assembly, STACK, known, exports, deployed).create()
    return deployed


def deploy_witness(assembly: Path, parameters: Mapping[str, str]) -> tuple[Deployed, Mapping[str, str]]:
    """The witness's stack and its outputs; in the same account, for moto knows no other. Raises `TemplateError`."""
    deployed = Deployed()
    stack = _Stack(assembly, WITNESS_STACK, parameters, {}, deployed)
    stack.create()
    return deployed, stack.outputs


class _Stack:
    """One template being created."""

    def __init__(
        self, assembly: Path, name: str, parameters: Mapping[str, str], exports: dict[str, Any], deployed: Deployed
    ) -> None:
        self._assembly = assembly
        self._name = name
        self._template = json.loads((assembly / f"{name}.template.json").read_text())
        self._parameters = self._checked(parameters)
        self._exports = exports
        self._deployed = deployed
        self._made: dict[str, Made] = {}
        self._under_way: list[str] = []
        self._integrations: dict[str, str] = {}
        self.outputs: dict[str, Any] = {}

    def create(self) -> None:
        """Every resource, each after those it refers to; then the outputs."""
        if unknown := set(self._template) - _STACK:
            raise TemplateError(f"{self._name}: nobody reads {sorted(unknown)}")
        for logical in self._template["Resources"]:
            self._ensure(logical)
        for name, output in self._template.get("Outputs", {}).items():
            self.outputs[name] = self._resolve(output["Value"])
            if "Export" in output:
                self._exports[output["Export"]["Name"]] = self.outputs[name]

    def _checked(self, given: Mapping[str, str]) -> dict[str, str]:
        """The parameters' values. Raises `TemplateError` for one that is missing, unknown or not in its form."""
        declared = self._template.get("Parameters", {})
        if unknown := set(given) - set(declared):
            raise TemplateError(f"no such parameters: {sorted(unknown)}")
        values = {}
        for name, spec in declared.items():
            if name in UNUSED_PARAMETERS:
                continue
            value = given.get(name, spec.get("Default"))
            if value is None or not re.fullmatch(spec.get("AllowedPattern", ".*"), str(value)):
                raise TemplateError(f"the parameter {name} is missing or not in its form")
            values[name] = str(value)
        return values

    def _resolve(self, value: Any) -> Any:
        """`value` with its intrinsic functions carried out. Raises `TemplateError` for one that is not known."""
        if isinstance(value, list):
            return [self._resolve(one) for one in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Ref" or name.startswith("Fn::"):
                return self._intrinsic(name, argument)
        return {name: self._resolve(one) for name, one in value.items()}

    def _intrinsic(self, name: str, argument: Any) -> Any:
        functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._reference,
            "Fn::GetAtt": lambda a: self._attribute(*(a.split(".", 1) if isinstance(a, str) else a)),
            "Fn::Join": lambda a: a[0].join(str(self._resolve(part)) for part in self._resolve(a[1])),
            "Fn::Sub": self._substitute,
            "Fn::Select": lambda a: self._resolve(a[1])[int(a[0])],
            "Fn::Split": lambda a: str(self._resolve(a[1])).split(a[0]),
            "Fn::ImportValue": lambda a: self._exports[self._resolve(a)],
        }
        if name not in functions:
            raise TemplateError(f"{self._name}: nobody carries out {name}")
        return functions[name](argument)

    def _reference(self, name: str) -> Any:
        pseudo = {
            "AWS::AccountId": ACCOUNT,
            "AWS::Region": REGION,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": self._name,
        }
        if name in pseudo:
            return pseudo[name]
        return self._parameters[name] if name in self._parameters else self._ensure(name)[0]

    def _attribute(self, logical: str, attribute: str) -> Any:
        return self._ensure(logical)[1][attribute]

    def _substitute(self, argument: Any) -> str:
        text, local = (argument, {}) if isinstance(argument, str) else argument

        def replaced(found: re.Match[str]) -> str:
            name = found[1]
            if name in local:
                return str(self._resolve(local[name]))
            return str(self._attribute(*name.split(".", 1)) if "." in name else self._reference(name))

        return _VARIABLE.sub(replaced, text)

    def _ensure(self, logical: str) -> Made:
        """The resource, made if it is not there yet, with all that it depends on."""
        if logical in self._made:
            return self._made[logical]
        if logical in self._under_way:
            raise TemplateError(f"{logical} needs itself")
        resource = self._template["Resources"][logical]
        kind = resource["Type"]
        if unknown := set(resource) - _RESOURCE:
            raise TemplateError(f"{logical}: nobody reads {sorted(unknown)}")
        self._under_way.append(logical)
        for needed in resource.get("DependsOn", []):
            self._ensure(needed)
        self._made[logical] = self._make(kind, logical, resource.get("Properties", {}))
        self._under_way.pop()
        self._deployed.counts[kind] = self._deployed.counts.get(kind, 0) + 1
        return self._made[logical]

    def _make(self, kind: str, logical: str, properties: Properties) -> Made:
        if (kind, "*") in IGNORED:
            return logical, {}
        creator = CREATORS.get(kind)
        if creator is None:
            raise TemplateError(f"{kind} ({logical}): neither created nor in IGNORED")
        left = {name: self._resolve(value) for name, value in properties.items() if (kind, name) not in IGNORED}
        made = creator(self, _physical(logical), left)
        if left:
            raise TemplateError(f"{kind} ({logical}): neither applied nor in IGNORED: {sorted(left)}")
        return made

    # Creators take out of `left` what they apply.

    def key(self, _: str, left: Properties) -> Made:
        kms = boto3.client("kms", REGION)
        rotates = left.pop("EnableKeyRotation", False)
        made = kms.create_key(
            Policy=json.dumps(left.pop("KeyPolicy")),
            KeySpec=left.pop("KeySpec", "SYMMETRIC_DEFAULT"),
            KeyUsage=left.pop("KeyUsage", "ENCRYPT_DECRYPT"),
            Description=left.pop("Description", ""),
        )["KeyMetadata"]
        if rotates:
            kms.enable_key_rotation(KeyId=made["KeyId"])
        return made["KeyId"], {"Arn": made["Arn"], "KeyId": made["KeyId"]}

    def alias(self, _: str, left: Properties) -> Made:
        name = left.pop("AliasName")
        # moto knows a key by its id alone here (kms/responses.py: create_alias).
        boto3.client("kms", REGION).create_alias(AliasName=name, TargetKeyId=left.pop("TargetKeyId").rsplit("/", 1)[-1])
        return name, {}

    def bucket(self, name: str, left: Properties) -> Made:
        s3 = boto3.client("s3", REGION)
        s3.create_bucket(
            Bucket=name,
            ObjectLockEnabledForBucket=left.pop("ObjectLockEnabled", False),
            CreateBucketConfiguration={"LocationConstraint": REGION},
        )
        if "VersioningConfiguration" in left:
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=left.pop("VersioningConfiguration"))
        if "PublicAccessBlockConfiguration" in left:
            blocked = left.pop("PublicAccessBlockConfiguration")
            s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=blocked)
        self._set("AWS::S3::Bucket", s3, name, left)
        return name, {"Arn": f"arn:aws:s3:::{name}"}

    def bucket_policy(self, name: str, left: Properties) -> Made:
        """Without the statements that have a condition.

        moto 5.2.5 evaluates bucket policies and takes no notice of conditions (iam/access_control.py: a condition it
        has no value for denies): the denial of PUTs without If-None-Match would refuse every PUT, and that of
        unencrypted connections every call. It also knows no NotResource, and denies everywhere (same place).
        `tests/unit/infra` reads these statements, and tests/system tries them.
        """
        bucket, document = left.pop("Bucket"), left.pop("PolicyDocument")
        kept = [one for one in document["Statement"] if "Condition" not in one and "NotResource" not in one]
        self._deployed.statements_left_out.extend(
            f"{bucket}:{one.get('Sid', 'TLS')}" for one in document["Statement"] if one not in kept
        )
        if kept:
            boto3.client("s3", REGION).put_bucket_policy(
                Bucket=bucket, Policy=json.dumps({**document, "Statement": kept})
            )
        return name, {}

    def table(self, name: str, left: Properties) -> Made:
        dynamodb = boto3.client("dynamodb", REGION)
        arguments = {
            argument: left.pop(argument)
            for argument in (
                "AttributeDefinitions",
                "BillingMode",
                "DeletionProtectionEnabled",
                "GlobalSecondaryIndexes",
                "KeySchema",
            )
            if argument in left
        }
        made = dynamodb.create_table(TableName=name, **arguments)["TableDescription"]
        self._set("AWS::DynamoDB::Table", dynamodb, name, left)
        return name, {"Arn": made["TableArn"]}

    def _set(self, kind: str, client: Any, name: str, left: Properties) -> None:
        """What the embedded engine's CloudFormation leaves out is set here in the same way, and read back."""
        for property_name in [one for one in left if one in REPAIRS[kind]]:
            how, value = REPAIRS[kind][property_name], left.pop(property_name)
            wanted = how.wanted(value)
            how.apply(client, name, wanted)
            found = how.read(client, name)
            if not _agrees(found, wanted):
                raise TemplateError(f"{name}: {property_name} reads back as {found!r}")

    def queue(self, name: str, left: Properties) -> Made:
        sqs = boto3.client("sqs", REGION)
        attributes = {
            "MessageRetentionPeriod": str,
            "RedrivePolicy": json.dumps,
            "SqsManagedSseEnabled": lambda on: str(on).lower(),
            "VisibilityTimeout": str,
        }
        wanted = {key: to_text(left.pop(key)) for key, to_text in attributes.items() if key in left}
        url = sqs.create_queue(QueueName=name, Attributes=wanted)["QueueUrl"]
        return url, {"Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}", "QueueName": name}

    def queue_policy(self, name: str, left: Properties) -> Made:
        document = json.dumps(left.pop("PolicyDocument"))
        for url in left.pop("Queues"):
            boto3.client("sqs", REGION).set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
        return name, {}

    def log_group(self, name: str, left: Properties) -> Made:
        logs = boto3.client("logs", REGION)
        logs.create_log_group(logGroupName=name)
        logs.put_retention_policy(logGroupName=name, retentionInDays=left.pop("RetentionInDays"))
        return name, {"Arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}:*"}

    def role(self, name: str, left: Properties) -> Made:
        trust = json.dumps(left.pop("AssumeRolePolicyDocument"))
        made = boto3.client("iam", REGION).create_role(
            RoleName=name, AssumeRolePolicyDocument=trust, Description=left.pop("Description", "")
        )
        return name, {"Arn": made["Role"]["Arn"]}

    def policy(self, _: str, left: Properties) -> Made:
        """Kept to be read; moto takes no notice of the resources of most services (core/responses.py: call_action)."""
        name, document = left.pop("PolicyName"), json.dumps(left.pop("PolicyDocument"))
        for role in left.pop("Roles"):
            boto3.client("iam", REGION).put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=document)
        return name, {}

    def function(self, name: str, left: Properties) -> Made:
        environment = left.pop("Environment")["Variables"]
        made = DeployedFunction(
            name=name,
            arn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}",
            handler=left.pop("Handler"),
            asset=self._assembly / f"asset.{left.pop('Code')['S3Key'].removesuffix('.zip')}",
            environment={key: str(value) for key, value in environment.items()},
        )
        self._deployed.functions[environment["POWERTOOLS_SERVICE_NAME"]] = made
        return name, {"Arn": made.arn}

    def event_source(self, name: str, left: Properties) -> Made:
        queue = left.pop("EventSourceArn").rsplit(":", 1)[-1]
        url = boto3.client("sqs", REGION).get_queue_url(QueueName=queue)["QueueUrl"]
        # What `Api.deliver` does: one message a call, and only the reported ones come again.
        if (left.pop("BatchSize"), left.pop("FunctionResponseTypes")) != (1, ["ReportBatchItemFailures"]):
            raise TemplateError(f"{name}: messages are delivered in another way here")
        self._deployed.feeds[url] = self._service(left.pop("FunctionName"))
        return name, {}

    def rule(self, name: str, left: Properties) -> Made:
        events, targets = boto3.client("events", REGION), left.pop("Targets")
        bus = {"EventBusName": left.pop("EventBusName")} if "EventBusName" in left else {}
        schedule, pattern = left.pop("ScheduleExpression", ""), left.pop("EventPattern", None)
        made = events.put_rule(
            Name=name,
            **({"EventPattern": json.dumps(pattern)} if pattern else {"ScheduleExpression": schedule}),
            State=left.pop("State"),
            Description=left.pop("Description", ""),
            **bus,
        )
        events.put_targets(Rule=name, Targets=targets, **bus)
        if bus:
            return f"{bus['EventBusName']}|{name}", {"Arn": made["RuleArn"]}
        if pattern:
            self._deployed.patterns.append(pattern)
        else:
            self._deployed.schedules[schedule] = [self._service(target["Arn"]) for target in targets]
        return name, {"Arn": made["RuleArn"]}

    def event_bus(self, _: str, left: Properties) -> Made:
        name = left.pop("Name")
        made = boto3.client("events", REGION).create_event_bus(Name=name, Description=left.pop("Description"))
        return name, {"Arn": made["EventBusArn"], "Name": name}

    def secret(self, name: str, left: Properties) -> Made:
        """Whatever it generates is no credential; a test puts its own in."""
        left.pop("GenerateSecretString")
        secrets = boto3.client("secretsmanager", REGION)
        arn = secrets.create_secret(Name=name, Description=left.pop("Description"), SecretString="none")["ARN"]
        return arn, {"Id": arn}

    def topic(self, name: str, left: Properties) -> Made:
        attributes = {"KmsMasterKeyId": left.pop("KmsMasterKeyId")}
        arn = boto3.client("sns", REGION).create_topic(Name=name, Attributes=attributes)["TopicArn"]
        return arn, {"TopicArn": arn, "TopicName": name}

    def topic_policy(self, name: str, left: Properties) -> Made:
        document = json.dumps(left.pop("PolicyDocument"))
        for arn in left.pop("Topics"):
            boto3.client("sns", REGION).set_topic_attributes(
                TopicArn=arn, AttributeName="Policy", AttributeValue=document
            )
        return name, {}

    def alarm(self, name: str, left: Properties) -> Made:
        boto3.client("cloudwatch", REGION).put_metric_alarm(AlarmName=name, **left)
        left.clear()
        return name, {"Arn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"}

    def api(self, name: str, left: Properties) -> Made:
        if left.pop("ProtocolType") != "HTTP":
            raise TemplateError("events are made for an HTTP API")
        left.pop("Name")
        return name, {"ApiEndpoint": f"https://{name}.execute-api.{REGION}.amazonaws.com"}

    def integration(self, name: str, left: Properties) -> Made:
        left.pop("ApiId")
        if (left.pop("IntegrationType"), left.pop("PayloadFormatVersion")) != ("AWS_PROXY", "2.0"):
            raise TemplateError(f"{name}: events are made in payload format 2.0")
        self._integrations[name] = self._service(left.pop("IntegrationUri"))
        return name, {}

    def route(self, name: str, left: Properties) -> Made:
        left.pop("ApiId")
        if left.pop("AuthorizationType") != "NONE":
            raise TemplateError(f"{name}: nobody plays an authorizer")
        self._deployed.routes[left.pop("RouteKey")] = self._integrations[left.pop("Target").rsplit("/", 1)[-1]]
        return name, {}

    def stage(self, name: str, left: Properties) -> Made:
        left.pop("ApiId")
        if left.pop("StageName") != "$default":
            raise TemplateError("another stage would stand in every path")
        return name, {}

    def _service(self, function: str) -> str:
        """The folder's name of a function given by name or ARN."""
        return next(service for service, one in self._deployed.functions.items() if function in {one.name, one.arn})


CREATORS: Mapping[str, Callable[[_Stack, str, Properties], Made]] = {
    "AWS::ApiGatewayV2::Api": _Stack.api,
    "AWS::ApiGatewayV2::Integration": _Stack.integration,
    "AWS::ApiGatewayV2::Route": _Stack.route,
    "AWS::ApiGatewayV2::Stage": _Stack.stage,
    "AWS::CloudWatch::Alarm": _Stack.alarm,
    "AWS::DynamoDB::Table": _Stack.table,
    "AWS::Events::EventBus": _Stack.event_bus,
    "AWS::Events::Rule": _Stack.rule,
    "AWS::IAM::Policy": _Stack.policy,
    "AWS::IAM::Role": _Stack.role,
    "AWS::KMS::Alias": _Stack.alias,
    "AWS::KMS::Key": _Stack.key,
    "AWS::Lambda::EventSourceMapping": _Stack.event_source,
    "AWS::Lambda::Function": _Stack.function,
    "AWS::Logs::LogGroup": _Stack.log_group,
    "AWS::S3::Bucket": _Stack.bucket,
    "AWS::S3::BucketPolicy": _Stack.bucket_policy,
    "AWS::SecretsManager::Secret": _Stack.secret,
    "AWS::SNS::Topic": _Stack.topic,
    "AWS::SNS::TopicPolicy": _Stack.topic_policy,
    "AWS::SQS::Queue": _Stack.queue,
    "AWS::SQS::QueuePolicy": _Stack.queue_policy,
}


def _physical(logical: str) -> str:
    """A name that every service takes: short, lower case."""
    return f"keyholder-{logical.lower()}"[:63]


def _agrees(found: Any, wanted: Any) -> bool:
    """Whether what reads back is what was set; moto adds fields of its own (`Years: 0`, an empty `Tags`)."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(_agrees(found.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(_agrees, found, wanted))
    return bool(found == wanted)
