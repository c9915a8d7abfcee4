"""What the engine's CloudFormation leaves out, applied from the same template through the API, then read back.

Every property of a bucket or table in the template is either applied by the engine, or repaired here, or an error: a
property nobody handles would be a difference between what runs here and what runs on AWS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.embedded.engine import Engine, EngineError

APPLIED_BY_THE_ENGINE = {
    "AWS::S3::Bucket": {"ObjectLockEnabled", "PublicAccessBlockConfiguration", "VersioningConfiguration"},
    "AWS::DynamoDB::Table": {
        "AttributeDefinitions",
        "BillingMode",
        "DeletionProtectionEnabled",
        "GlobalSecondaryIndexes",
        "KeySchema",
    },
}


@dataclass(frozen=True, slots=True)
class Repair:
    """One property: how to set it on the named resource, and how to read it back in the same form."""

    service: str
    wanted: Callable[[Any], object]
    apply: Callable[[Any, str, Any], object]
    read: Callable[[Any, str], object]


def _lifecycle(configuration: Mapping[str, Any]) -> list[dict[str, object]]:
    return [_lifecycle_rule(rule) for rule in configuration["Rules"]]


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, object]:
    """CloudFormation's form of a rule in the API's form. Raises `EngineError` for one it does not know."""
    known = {"Id", "Status", "Prefix", "ExpirationInDays", "AbortIncompleteMultipartUpload"}
    if unknown := set(rule) - known:
        raise EngineError(f"a lifecycle rule has properties nobody applies: {sorted(unknown)}")
    api: dict[str, object] = {"ID": rule["Id"], "Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    if "ExpirationInDays" in rule:
        api["Expiration"] = {"Days": int(rule["ExpirationInDays"])}
    if "AbortIncompleteMultipartUpload" in rule:
        days = int(rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"])
        api["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": days}
    return api


def _encryption(configuration: Mapping[str, Any]) -> list[dict[str, object]]:
    """Rules in the API's form, from that of CloudFormation or of the API. What is not said is left out of both."""
    rules = configuration.get("ServerSideEncryptionConfiguration", configuration.get("Rules", []))
    return [_encryption_rule(rule) for rule in rules]


def _encryption_rule(rule: Mapping[str, Any]) -> dict[str, object]:
    default = rule.get("ServerSideEncryptionByDefault", rule.get("ApplyServerSideEncryptionByDefault"))
    key = {"KMSMasterKeyID": default["KMSMasterKeyID"]} if default.get("KMSMasterKeyID") else {}
    api: dict[str, object] = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": default["SSEAlgorithm"], **key}}
    return api | ({"BucketKeyEnabled": True} if rule.get("BucketKeyEnabled") else {})


def _lock(configuration: Mapping[str, Any]) -> dict[str, object]:
    rule = configuration["Rule"]["DefaultRetention"]
    return {
        "ObjectLockEnabled": configuration["ObjectLockEnabled"],
        "Rule": {"DefaultRetention": {"Mode": rule["Mode"], "Days": int(rule["Days"])}},
    }


REPAIRS: Mapping[str, Mapping[str, Repair]] = {
    "AWS::S3::Bucket": {
        "ObjectLockConfiguration": Repair(
            "s3",
            _lock,
            lambda s3, name, wanted: s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=wanted),
            lambda s3, name: s3.get_object_lock_configuration(Bucket=name)["ObjectLockConfiguration"],
        ),
        "BucketEncryption": Repair(
            "s3",
            _encryption,
            lambda s3, name, wanted: s3.put_bucket_encryption(
                Bucket=name, ServerSideEncryptionConfiguration={"Rules": wanted}
            ),
            lambda s3, name: _encryption(s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]),
        ),
        "LifecycleConfiguration": Repair(
            "s3",
            _lifecycle,
            lambda s3, name, wanted: s3.put_bucket_lifecycle_configuration(
                Bucket=name, LifecycleConfiguration={"Rules": wanted}
            ),
            lambda s3, name: s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"],
        ),
        "OwnershipControls": Repair(
            "s3",
            lambda controls: controls["Rules"],
            lambda s3, name, wanted: s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": wanted}),
            lambda s3, name: s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"],
        ),
    },
    "AWS::DynamoDB::Table": {
        "PointInTimeRecoverySpecification": Repair(
            "dynamodb",
            lambda specification: "ENABLED" if specification["PointInTimeRecoveryEnabled"] else "DISABLED",
            lambda dynamodb, name, wanted: dynamodb.update_continuous_backups(
                TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": wanted == "ENABLED"}
            ),
            lambda dynamodb, name: dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"][
                "PointInTimeRecoveryDescription"
            ]["PointInTimeRecoveryStatus"],
        ),
        "TimeToLiveSpecification": Repair(
            "dynamodb",
            lambda specification: specification["AttributeName"],
            lambda dynamodb, name, wanted: dynamodb.update_time_to_live(
                TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": wanted}
            ),
            lambda dynamodb, name: dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"][
                "AttributeName"
            ],
        ),
    },
}


def repair(
    engine: Engine,
    template: Mapping[str, Any],
    names: Mapping[str, str],
    parameters: Mapping[str, str],
    exports: Mapping[str, str],
) -> list[str]:
    """Apply and read back every property the engine leaves out; the list says which (`Logical.Property`).

    `names` gives logical ids their physical ones, `exports` what other stacks export. Raises `EngineError` for a
    property nobody handles or one that does not read back as it was set.
    """
    done = []
    for logical, resource in template["Resources"].items():
        kind = resource["Type"]
        if kind not in REPAIRS:
            continue
        for property_name, value in resource.get("Properties", {}).items():
            if property_name in APPLIED_BY_THE_ENGINE[kind]:
                continue
            if property_name not in REPAIRS[kind]:
                raise EngineError(f"{logical}.{property_name} is neither applied by the engine nor repaired")
            _one(engine, REPAIRS[kind][property_name], names[logical], _resolved(value, parameters, exports))
            done.append(f"{logical}.{property_name}")
    return done


def _one(engine: Engine, how: Repair, name: str, value: object) -> None:
    client = engine.client(how.service)
    wanted = how.wanted(value)
    how.apply(client, name, wanted)
    found = how.read(client, name)
    if found != wanted:
        raise EngineError(f"{name}: {found!r} where the template has {wanted!r}")


def _resolved(value: Any, parameters: Mapping[str, str], exports: Mapping[str, str]) -> Any:
    """`value` with parameters and imports replaced; no other intrinsic function occurs in what is repaired."""
    if isinstance(value, dict):
        if set(value) == {"Ref"}:
            return parameters[value["Ref"]]
        if set(value) == {"Fn::ImportValue"}:
            return exports[value["Fn::ImportValue"]]
        if any(key.startswith("Fn::") for key in value):
            raise EngineError("a repaired property uses an intrinsic function")
        return {key: _resolved(inner, parameters, exports) for key, inner in value.items()}
    if isinstance(value, list):
        return [_resolved(inner, parameters, exports) for inner in value]
    return value
