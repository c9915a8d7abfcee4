"""The templates created in process: everything applied, nothing silently dropped."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.routes import ROOT, ROUTES, Function
from keyholder.edge.settings import Settings
from keyholder.ledger.note import KeyKind, parse_vkey
from tests.contract import template_stack
from tests.contract.api import PARAMETERS, Api
from tests.contract.aws import REGION, moto
from tests.contract.template_stack import IGNORED, KEYS_STACK, STACK, TemplateError, deploy
from tests.fakes.moto_ed25519 import ed25519_in_moto


@pytest.fixture
def aws() -> Iterator[None]:
    with moto(), ed25519_in_moto():
        yield


def test_every_resource_of_both_templates_is_there(assembly: Path, aws: None) -> None:
    deployed = deploy(assembly, PARAMETERS)
    templates = [json.loads((assembly / f"{stack}.template.json").read_text()) for stack in (KEYS_STACK, STACK)]
    assert sum(deployed.counts.values()) == sum(len(template["Resources"]) for template in templates)
    assert {key: Function(name) for key, name in deployed.routes.items()} == {
        route.key: route.function for route in ROUTES
    }
    assert set(deployed.functions) == set(Function)
    assert sorted(deployed.feeds.values()) == ["notify", "pseudonymise", "release", "requests"]
    assert deployed.schedules == {"rate(1 minute)": ["sweeper", "watch"], "rate(10 minutes)": ["mesh"]}


def test_the_environment_is_complete_and_pins_the_key_that_signs(api: Api) -> None:
    for function in api.deployed.functions.values():
        settings = Settings.of(function.environment)
        assert parse_vkey(settings.ledger_vkey).kind is KeyKind.ED25519


def test_the_asset_that_is_deployed_is_the_handler_that_is_tested(api: Api) -> None:
    for name, function in api.deployed.functions.items():
        module, _ = function.handler.split(".")
        handler = (ROOT / "functions" / name / f"{module}.py").read_bytes()
        assert (function.asset / f"{module}.py").read_bytes() == handler


def expiry(api: Api, bucket: str) -> dict[str, int]:
    """After how many days objects under a prefix are deleted."""
    rules = boto3.client("s3", REGION).get_bucket_lifecycle_configuration(Bucket=api.names[bucket])["Rules"]
    return {rule["Filter"]["Prefix"]: rule["Expiration"]["Days"] for rule in rules if "Expiration" in rule}


def test_what_clouds_emulators_drop_is_applied(api: Api) -> None:
    s3, dynamodb = boto3.client("s3", REGION), boto3.client("dynamodb", REGION)
    ledger, steps = api.names["LEDGER_BUCKET"], api.names["STEPS_TABLE"]
    lock = s3.get_object_lock_configuration(Bucket=ledger)["ObjectLockConfiguration"]
    assert lock["Rule"]["DefaultRetention"] == {"Mode": "COMPLIANCE", "Days": 2922, "Years": 0}
    assert s3.get_bucket_versioning(Bucket=ledger)["Status"] == "Enabled"
    for name in (
        "LEDGER_BUCKET",
        "CONTENT_BUCKET",
        "CHOICES_BUCKET",
        "RESULTS_BUCKET",
        "EXTRACTS_BUCKET",
        "VIEW_BUCKET",
    ):
        blocked = s3.get_public_access_block(Bucket=api.names[name])["PublicAccessBlockConfiguration"]
        assert all(blocked.values())
    assert expiry(api, "RESULTS_BUCKET") == expiry(api, "OUTBOX_BUCKET") == {"": 1}
    assert expiry(api, "CHOICES_BUCKET") == {"national-data-opt-outs/": 20}
    backups = dynamodb.describe_continuous_backups(TableName=steps)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert dynamodb.describe_time_to_live(TableName=steps)["TimeToLiveDescription"]["AttributeName"] == "expires_at"
    assert dynamodb.describe_table(TableName=steps)["Table"]["DeletionProtectionEnabled"] is True


def test_the_statements_that_moto_can_t_judge_are_listed(api: Api) -> None:
    ledger = api.names["LEDGER_BUCKET"]
    left_out = {name for name in api.deployed.statements_left_out if name.startswith(ledger)}
    assert left_out == {
        f"{ledger}:{sid}"
        for sid in (
            "TLS",
            "OnlyNewKeys",
            "NotShorter",
            "OnlyThisLock",
            "OnlyS3Keys",
            "OnlyTheseKeys",
            "OnlyByDeployment",
        )
    }
    kept = json.loads(boto3.client("s3", REGION).get_bucket_policy(Bucket=ledger)["Policy"])["Statement"]
    assert {statement["Sid"] for statement in kept} == {
        "NeverDelete",
        "NeverUnlock",
        "NeverAroundPut",
        "NeverHold",
        "NeverShare",
    }


def test_every_exception_has_its_reason_and_is_needed(assembly: Path) -> None:
    templates = [json.loads(path.read_text()) for path in assembly.glob("*.template.json")]
    used = {
        (resource["Type"], name)
        for template in templates
        for resource in template["Resources"].values()
        for name in ("*", *resource.get("Properties", {}))
    }
    assert set(IGNORED) <= used
    assert all(len(reason) > 10 for reason in IGNORED.values())


def _new_type(template: dict[str, Any]) -> None:
    template["Resources"]["Strange"] = {"Type": "AWS::EC2::Instance", "Properties": {}}


def _new_property(template: dict[str, Any]) -> None:
    next(_of(template, "AWS::DynamoDB::Table"))["Properties"]["KinesisStreamSpecification"] = {"StreamArn": "arn"}


def _new_function(template: dict[str, Any]) -> None:
    next(_of(template, "AWS::Logs::LogGroup"))["Properties"]["RetentionInDays"] = {"Fn::If": ["Long", 365, 30]}


def _new_section(template: dict[str, Any]) -> None:
    template["Mappings"] = {}


def _new_condition(template: dict[str, Any]) -> None:
    next(_of(template, "AWS::S3::Bucket"))["Condition"] = "Never"


def _authorizer(template: dict[str, Any]) -> None:
    next(_of(template, "AWS::ApiGatewayV2::Route"))["Properties"]["AuthorizationType"] = "JWT"


def _batches(template: dict[str, Any]) -> None:
    next(_of(template, "AWS::Lambda::EventSourceMapping"))["Properties"]["BatchSize"] = 10


def _of(template: dict[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    return (resource for resource in template["Resources"].values() if resource["Type"] == kind)


@pytest.mark.parametrize(
    "change", [_new_type, _new_property, _new_function, _new_section, _new_condition, _authorizer, _batches]
)
def test_what_nobody_applies_is_an_error(assembly: Path, aws: None, tmp_path: Path, change: Any) -> None:
    for path in assembly.glob("*.template.json"):
        shutil.copy(path, tmp_path)
    template = json.loads((tmp_path / f"{STACK}.template.json").read_text())
    change(template)
    (tmp_path / f"{STACK}.template.json").write_text(json.dumps(template))
    with pytest.raises(TemplateError):
        deploy(tmp_path, PARAMETERS)


@pytest.mark.parametrize(
    ("name", "value"), [("TokenIssuer", "http://issuer.test"), ("BootstrapOperator", None), ("Unknown", "x")]
)
def test_parameters_are_held_to_their_form(assembly: Path, aws: None, name: str, value: str | None) -> None:
    parameters = {**PARAMETERS, name: value}
    given = {key: one for key, one in parameters.items() if one is not None}
    with pytest.raises(TemplateError):
        deploy(assembly, given)


def test_intrinsic_functions_are_carried_out(assembly: Path, tmp_path: Path, aws: None) -> None:
    alarm = {"Fn::Select": [1, {"Fn::Split": ["-", {"Fn::Sub": ["a-${What}${AWS::Region}-c", {"What": "x"}]}]}]}
    template = {"Resources": {}, "Outputs": {"One": {"Value": alarm}}}
    (tmp_path / "Small.template.json").write_text(json.dumps(template))
    stack = template_stack._Stack(tmp_path, "Small", {}, {}, template_stack.Deployed())
    stack.create()
    assert stack.outputs == {"One": "xeu"}
