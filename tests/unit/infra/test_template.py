"""What is deployed, asked of the synthesised templates (cdk-nag passed, or there would be none)."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from infra.permissions import JOURNAL, Holding
from infra.routes import ROUTES, Function
from keyholder.edge.settings import Settings
from keyholder.policy.register_form import RegisterKind
from keyholder.policy.settings import DIRECT_CAP_DAYS
from keyholder.uploads.form import ADDRESS_FOR
from tests.unit.infra.template import Template, as_list, holding_of


def test_every_route_goes_to_its_function(template: Template) -> None:
    found = {}
    for route in template.of_type("AWS::ApiGatewayV2::Route").values():
        properties = route["Properties"]
        integration = properties["Target"]["Fn::Join"][1][1]["Ref"]
        uri = template.raw["Resources"][integration]["Properties"]["IntegrationUri"]
        found[properties["RouteKey"]] = uri["Fn::GetAtt"][0]
        # No authoriser: its 401 and 403 could not be problem+json. Each function verifies the token.
        assert properties["AuthorizationType"] == "NONE"
    assert found == {route.key: template.function(route.function)[0] for route in ROUTES}


def test_the_stage_is_throttled_and_its_log_names_no_path(template: Template) -> None:
    _, stage = template.one("AWS::ApiGatewayV2::Stage")
    properties = stage["Properties"]
    assert properties["DefaultRouteSettings"] == {"ThrottlingBurstLimit": 100, "ThrottlingRateLimit": 50}
    logged = set(json.loads(properties["AccessLogSettings"]["Format"]).values())
    assert "$context.routeKey" in logged
    telling = ("path", "query", "authorizer", "error", "header", "body")
    assert not [variable for variable in logged if any(word in variable.lower() for word in telling)]


@pytest.mark.parametrize("function", list(Function))
def test_every_function_is_told_the_same(template: Template, function: Function) -> None:
    _, resource = template.function(function)
    properties = resource["Properties"]
    settings = {field.name.upper() for field in fields(Settings)}
    assert set(properties["Environment"]["Variables"]) == settings | {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_LOG_LEVEL"}
    assert properties["Runtime"] == "python3.13"
    assert properties["Architectures"] == ["arm64"]
    # NHS England's client slows down nobody else's start.
    assert len(properties["Layers"]) == (3 if function is Function.MESH else 2)
    group = template.raw["Resources"][properties["LoggingConfig"]["LogGroup"]["Ref"]]
    assert group["Properties"]["RetentionInDays"] == 365


def test_people_get_an_answer_before_api_gateway_gives_up(template: Template) -> None:
    # These do work off a queue as well.
    workers = {Function.REQUESTS, Function.RELEASE, Function.PSEUDONYMISE}
    for function in {route.function for route in ROUTES} - workers:
        assert template.function(function)[1]["Properties"]["Timeout"] < 30


def test_the_ledger_is_locked_for_as_long_as_the_parameter_says(template: Template) -> None:
    _, bucket = template.one("AWS::S3::Bucket", "LedgerBucket")
    properties = bucket["Properties"]
    assert properties["ObjectLockEnabled"] is True
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    retention = {"Days": {"Ref": "LedgerRetentionDays"}, "Mode": "COMPLIANCE"}
    assert properties["ObjectLockConfiguration"]["Rule"] == {"DefaultRetention": retention}
    # SSE-S3: with a KMS key, deleting the key would destroy the log.
    (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert "LifecycleConfiguration" not in properties
    assert template.raw["Parameters"]["LedgerRetentionDays"]["Default"] == 2922
    assert template.raw["Parameters"]["LedgerMinimumRetentionDays"]["Default"] == 2921


def _ledger_guards(template: Template) -> dict[str, dict[str, object]]:
    (policy,) = [
        policy["Properties"]["PolicyDocument"]["Statement"]
        for policy in template.of_type("AWS::S3::BucketPolicy").values()
        if policy["Properties"]["Bucket"]["Ref"].startswith("LedgerBucket")
    ]
    for statement in policy:
        assert statement["Effect"] == "Deny"
        assert statement["Principal"] in ({"AWS": "*"}, "*")
    return {statement.get("Sid", "EnforceSsl"): statement for statement in policy}


def test_the_ledgers_policy_closes_what_object_lock_leaves_open(template: Template) -> None:
    guards = _ledger_guards(template)
    assert guards["OnlyNewKeys"]["Action"] == "s3:PutObject"
    assert guards["OnlyNewKeys"]["Condition"] == {"Null": {"s3:if-none-match": "true"}}
    assert set(as_list(guards["NotShorter"]["Action"])) == {"s3:PutObject", "s3:PutObjectRetention"}
    assert guards["NotShorter"]["Condition"] == {
        "NumericLessThan": {"s3:object-lock-remaining-retention-days": {"Ref": "LedgerMinimumRetentionDays"}}
    }
    assert guards["OnlyThisLock"]["Condition"] == {
        "Null": {"s3:object-lock-mode": "false"},
        "StringNotEquals": {"s3:object-lock-mode": "COMPLIANCE"},
    }
    elsewhere = guards["OnlyTheseKeys"]["NotResource"]
    assert [resource["Fn::Join"][1][1] for resource in as_list(elsewhere)] == [f"/{prefix}*" for prefix in JOURNAL]
    assert guards["EnforceSsl"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_every_bucket_is_private_encrypted_and_over_tls(template: Template) -> None:
    buckets = template.of_type("AWS::S3::Bucket")
    assert len(buckets) == 8
    tls = {
        policy["Properties"]["Bucket"]["Ref"]
        for policy in template.of_type("AWS::S3::BucketPolicy").values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}} and statement["Effect"] == "Deny"
    }
    assert tls == set(buckets)
    for bucket in buckets.values():
        properties = bucket["Properties"]
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert "BucketEncryption" in properties
        assert bucket["DeletionPolicy"] == "Retain"


def _expiry(template: Template, bucket: str) -> list[tuple[object, ...]]:
    """Rules of a bucket that delete: prefix, days, status."""
    _, found = template.one("AWS::S3::Bucket", bucket)
    rules = found["Properties"]["LifecycleConfiguration"]["Rules"]
    assert "VersioningConfiguration" not in found["Properties"]
    return [
        (rule.get("Prefix", ""), rule["ExpirationInDays"], rule["Status"])
        for rule in rules
        if "ExpirationInDays" in rule
    ]


@pytest.mark.parametrize("bucket", ["StateResults", "StateOutbox"])
def test_results_and_lists_of_numbers_are_gone_after_a_day(template: Template, bucket: str) -> None:
    assert _expiry(template, bucket) == [("", 1, "Enabled")]


def test_opt_outs_past_the_cap_are_deleted_by_the_bucket_too_and_nothing_else_is(template: Template) -> None:
    assert _expiry(template, "StateChoices") == [(f"{RegisterKind.OPT_OUTS}/", DIRECT_CAP_DAYS, "Enabled")]


def test_mesh_is_called_every_ten_minutes_and_off_unless_a_mailbox_is_named(template: Template) -> None:
    _, rule = template.one("AWS::Events::Rule", "MeshRounds")
    assert rule["Properties"]["ScheduleExpression"] == "rate(10 minutes)"
    assert [target["Arn"]["Fn::GetAtt"][0] for target in rule["Properties"]["Targets"]] == [
        template.function(Function.MESH)[0]
    ]
    parameters = template.raw["Parameters"]
    assert (parameters["MeshMailbox"]["Default"], parameters["MeshRecipient"]["Default"]) == ("", "")
    assert parameters["MeshUrl"]["AllowedPattern"] == "https://.+"


def test_no_function_is_told_a_credential(template: Template) -> None:
    _, mesh = template.function(Function.MESH)
    told = mesh["Properties"]["Environment"]["Variables"]
    for beginning, named in (("MeshCredentials", "MESH_SECRET_ARN"), ("NoticesNotify", "NOTIFY_SECRET_ARN")):
        secret, found = template.one("AWS::SecretsManager::Secret", beginning)
        assert (found["DeletionPolicy"], "SecretString" in found["Properties"]) == ("Retain", False)
        assert [name for name, value in told.items() if value == {"Ref": secret}] == [named]
    assert "resolve:secretsmanager" not in json.dumps(template.raw)


@pytest.mark.parametrize(
    ("name", "own_key"), [("StateExtracts", Holding.EXTRACT_KEY), ("StateUploads", Holding.CONTENT_KEY)]
)
def test_what_is_uploaded_is_gone_after_a_day_and_under_its_key(
    template: Template, name: str, own_key: Holding
) -> None:
    _, bucket = template.one("AWS::S3::Bucket", name)
    properties = bucket["Properties"]
    assert _expiry(template, name) == [("", 1, "Enabled")]
    # Without versions, so that what is written over is gone.
    assert not {"VersioningConfiguration", "ObjectLockConfiguration", "ObjectLockEnabled"} & set(properties)
    (encryption,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    key = encryption["ServerSideEncryptionByDefault"]
    assert key["SSEAlgorithm"] == "aws:kms"
    assert holding_of(key["KMSMasterKeyID"]) == (own_key, "")


@pytest.mark.parametrize("bucket", ["StateExtracts", "StateUploads"])
def test_an_address_is_good_for_a_quarter_of_an_hour_whoever_signed_it(template: Template, bucket: str) -> None:
    guards = {
        statement.get("Sid"): statement
        for policy in template.of_type("AWS::S3::BucketPolicy").values()
        if policy["Properties"]["Bucket"]["Ref"].startswith(bucket)
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    }
    assert {guards[sid]["Effect"] for sid in ("OnlyFreshAddresses", "OnlyThisKey", "OnlyKms")} == {"Deny"}
    assert guards["OnlyFreshAddresses"]["Condition"] == {
        "NumericGreaterThan": {"s3:signatureAge": int(ADDRESS_FOR.total_seconds() * 1000)}
    }
    assert set(guards["OnlyFreshAddresses"]["Action"]) == {"s3:GetObject", "s3:PutObject"}


def test_views_are_neither_locked_nor_versioned(template: Template) -> None:
    _, bucket = template.one("AWS::S3::Bucket", "StateView")
    assert not {"VersioningConfiguration", "ObjectLockConfiguration", "ObjectLockEnabled"} & set(bucket["Properties"])


def test_tables_can_be_restored_and_not_deleted(template: Template) -> None:
    for table in template.of_type("AWS::DynamoDB::Table").values():
        properties = table["Properties"]
        assert properties["DeletionProtectionEnabled"] is True
        assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert [(key["AttributeName"], key["KeyType"]) for key in properties["KeySchema"]] == [
            ("pk", "HASH"),
            ("sk", "RANGE"),
        ]
        assert table["DeletionPolicy"] == "Retain"


def test_steps_are_found_when_pending_and_when_due(template: Template) -> None:
    _, table = template.one("AWS::DynamoDB::Table", "StateSteps")
    indexes = {
        index["IndexName"]: [key["AttributeName"] for key in index["KeySchema"]]
        for index in table["Properties"]["GlobalSecondaryIndexes"]
    }
    assert indexes == {"pending": ["pending", "pending_at"], "due": ["due", "due_at"]}
    assert table["Properties"]["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


@pytest.mark.parametrize(
    ("what", "worker"),
    [("Checks", Function.RELEASE), ("Extracts", Function.PSEUDONYMISE), ("Files", Function.REQUESTS)],
)
def test_work_runs_off_its_queue_and_what_fails_is_kept(template: Template, what: str, worker: Function) -> None:
    queue_id, queue = template.one("AWS::SQS::Queue", f"{what}Queue")
    failed_id, _ = template.one("AWS::SQS::Queue", f"{what}Failed")
    worker_id, function = template.function(worker)
    assert queue["Properties"]["RedrivePolicy"] == {
        "deadLetterTargetArn": {"Fn::GetAtt": [failed_id, "Arn"]},
        "maxReceiveCount": 3,
    }
    assert queue["Properties"]["VisibilityTimeout"] == 6 * function["Properties"]["Timeout"]
    _, mapping = template.one("AWS::Lambda::EventSourceMapping", f"Functions{worker.capitalize()}")
    assert mapping["Properties"]["EventSourceArn"] == {"Fn::GetAtt": [queue_id, "Arn"]}
    assert mapping["Properties"]["FunctionName"] == {"Ref": worker_id}
    assert mapping["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_sweeper_and_watch_are_called_every_minute(template: Template) -> None:
    _, rule = template.one("AWS::Events::Rule", "Sweep")
    assert rule["Properties"]["ScheduleExpression"] == "rate(1 minute)"
    called = [target["Arn"]["Fn::GetAtt"][0] for target in rule["Properties"]["Targets"]]
    assert called == [template.function(function)[0] for function in (Function.SWEEPER, Function.WATCH)]


def test_keys_outlive_the_stack(keys_template: Template) -> None:
    keys = keys_template.of_type("AWS::KMS::Key")
    assert len(keys) == len(keys_template.of_type("AWS::KMS::Alias")) == 8
    for name, key in keys.items():
        assert (key["DeletionPolicy"], key["UpdateReplacePolicy"]) == ("Retain", "Retain")
        if name.startswith("CheckpointKey"):
            assert key["Properties"]["KeySpec"] == "ECC_NIST_EDWARDS25519"
            assert key["Properties"]["KeyUsage"] == "SIGN_VERIFY"
        else:
            assert key["Properties"]["EnableKeyRotation"] is True


def test_the_pinned_key_has_no_default(template: Template) -> None:
    for name in ("TokenIssuer", "LedgerOrigin", "LedgerVkey", "BootstrapOperator"):
        assert "Default" not in template.raw["Parameters"][name]


def test_cfn_lint_finds_nothing_else(assembly: Path) -> None:
    # W3005: CDK writes a dependency on a role beside a reference to it.
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--format", "json", "--ignore-checks", "W3005", "--"]
    done = subprocess.run(
        [*command, *map(str, sorted(assembly.glob("*.template.json")))], capture_output=True, text=True, check=False
    )
    assert (done.returncode, json.loads(done.stdout or "[]")) == (0, []), done.stdout + done.stderr
