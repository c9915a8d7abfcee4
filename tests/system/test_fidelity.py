"""What the engine does as AWS does, as far as Keyholder stands on it; and, named as such, what it does not.

`pytest -v tests/system/test_fidelity.py` is the table: each test says what AWS does. The tests under "gaps" pin what
the engine gets wrong, so that an engine that gets it right is noticed, and the documentation with it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import ssl
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.error import HTTPError

import pytest
from botocore.exceptions import ClientError
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from infra.embedded.engine import REGION
from infra.embedded.stack import EmbeddedStack
from infra.routes import Function

CONTEXT = {"domain": "gp-2026", "type": "nhs_number"}


def refusal(call: Callable[[], object]) -> str:
    """The error code of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        call()
    code: str = caught.value.response["Error"]["Code"]
    return code


# --- S3 -------------------------------------------------------------------------------------------------------------


class Locked:
    """A scratch bucket with a COMPLIANCE default, and one object in it."""

    def __init__(self, s3: Any) -> None:
        self.s3 = s3
        self.name = f"fidelity-{secrets.token_hex(6)}"
        s3.create_bucket(
            Bucket=self.name,
            ObjectLockEnabledForBucket=True,
            CreateBucketConfiguration={"LocationConstraint": REGION},
        )
        s3.put_object_lock_configuration(
            Bucket=self.name,
            ObjectLockConfiguration={
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 10}},
            },
        )
        self.version = self.put("held")["VersionId"]

    def put(self, key: str, **extra: object) -> dict[str, Any]:
        answer: dict[str, Any] = self.s3.put_object(Bucket=self.name, Key=key, Body=b"1", **extra)
        return answer

    def retain(self, mode: str, days: int) -> None:
        until = datetime.now(UTC) + timedelta(days=days)
        self.s3.put_object_retention(
            Bucket=self.name,
            Key="held",
            VersionId=self.version,
            Retention={"Mode": mode, "RetainUntilDate": until},
        )


@pytest.fixture(scope="module")
def locked(stack: EmbeddedStack) -> Locked:
    return Locked(stack.admin("s3"))


def test_s3_refuses_a_conditional_put_on_a_key_that_exists(locked: Locked) -> None:
    locked.put("conditional", IfNoneMatch="*")
    assert refusal(lambda: locked.put("conditional", IfNoneMatch="*")) == "PreconditionFailed"


def test_s3_locks_by_default(locked: Locked) -> None:
    retention = locked.s3.get_object_retention(Bucket=locked.name, Key="held")["Retention"]
    assert retention["Mode"] == "COMPLIANCE"
    assert timedelta(days=9) < retention["RetainUntilDate"] - datetime.now(UTC) <= timedelta(days=10)


def test_s3_keeps_a_locked_version_from_being_deleted(locked: Locked) -> None:
    where = {"Bucket": locked.name, "Key": "held", "VersionId": locked.version}
    assert refusal(lambda: locked.s3.delete_object(**where)) == "AccessDenied"
    assert refusal(lambda: locked.s3.delete_object(**where, BypassGovernanceRetention=True)) == "AccessDenied"
    batch = {"Objects": [{"Key": "held", "VersionId": locked.version}]}
    (error,) = locked.s3.delete_objects(Bucket=locked.name, Delete=batch)["Errors"]
    assert error["Code"] == "AccessDenied"


@pytest.mark.parametrize(("mode", "days"), [("COMPLIANCE", 1), ("GOVERNANCE", 5000)])
def test_s3_shortens_or_weakens_no_retention(locked: Locked, mode: str, days: int) -> None:
    assert refusal(lambda: locked.retain(mode, days)) == "AccessDenied"


def test_s3_lengthens_retention(locked: Locked) -> None:
    locked.retain("COMPLIANCE", 20)


def test_s3_refuses_a_body_that_is_not_the_checksums(locked: Locked) -> None:
    other = base64.b64encode(hashlib.sha256(b"2").digest()).decode()
    assert refusal(lambda: locked.put("checksum", ChecksumSHA256=other)) in {"BadDigest", "InvalidRequest"}


def test_s3_lets_a_delete_marker_hide_a_locked_object_and_its_key_be_put_again(locked: Locked) -> None:
    """Why the ledger's bucket refuses to delete anything, and its verifier lists versions."""
    locked.put("hidden", IfNoneMatch="*")
    locked.s3.delete_object(Bucket=locked.name, Key="hidden")
    locked.put("hidden", IfNoneMatch="*")
    listed = locked.s3.list_object_versions(Bucket=locked.name, Prefix="hidden")
    assert (len(listed["Versions"]), len(listed["DeleteMarkers"])) == (2, 1)


def test_s3_lists_a_key_as_soon_as_it_is_put(locked: Locked) -> None:
    locked.put("listed/00000000000000000001")
    keys = locked.s3.list_objects_v2(Bucket=locked.name, Prefix="listed/")["Contents"]
    assert [entry["Key"] for entry in keys] == ["listed/00000000000000000001"]


# --- KMS ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kms(stack: EmbeddedStack) -> Any:
    return stack.admin("kms")


@pytest.fixture(scope="module")
def symmetric(kms: Any) -> str:
    key: str = kms.create_key()["KeyMetadata"]["Arn"]
    return key


def test_kms_opens_a_data_key_only_in_its_context(kms: Any, symmetric: str) -> None:
    made = kms.generate_data_key(KeyId=symmetric, NumberOfBytes=64, EncryptionContext=CONTEXT)
    wrapped = made["CiphertextBlob"]
    opened = kms.decrypt(CiphertextBlob=wrapped, KeyId=symmetric, EncryptionContext=CONTEXT)["Plaintext"]
    assert opened == made["Plaintext"]
    for other in ({}, {**CONTEXT, "type": "postcode"}, {**CONTEXT, "more": "x"}):
        code = refusal(lambda o=other: kms.decrypt(CiphertextBlob=wrapped, KeyId=symmetric, EncryptionContext=o))
        assert code == "InvalidCiphertextException"


def test_kms_makes_a_key_nobody_sees(kms: Any, symmetric: str) -> None:
    answer = kms.generate_data_key_without_plaintext(KeyId=symmetric, NumberOfBytes=64, EncryptionContext=CONTEXT)
    assert "Plaintext" not in answer
    opened = kms.decrypt(CiphertextBlob=answer["CiphertextBlob"], EncryptionContext=CONTEXT)["Plaintext"]
    assert len(opened) == 64


@pytest.mark.parametrize(
    ("spec", "algorithm"), [("ECC_NIST_EDWARDS25519", "ED25519_SHA_512"), ("ECC_NIST_P256", "ECDSA_SHA_256")]
)
def test_kms_signs_what_verifies_without_kms(kms: Any, spec: str, algorithm: str) -> None:
    key = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    message = b"origin\n1\nroot\n"
    signature = kms.sign(KeyId=key, Message=message, MessageType="RAW", SigningAlgorithm=algorithm)["Signature"]
    public = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    _verify(public, signature, message)
    with pytest.raises(InvalidSignature):
        _verify(public, signature, message + b"x")


def _verify(public: object, signature: bytes, message: bytes) -> None:
    if isinstance(public, Ed25519PublicKey):
        public.verify(signature, message)
    else:
        assert isinstance(public, EllipticCurvePublicKey)
        public.verify(signature, message, ECDSA(SHA256()))


def test_kms_uses_no_key_that_is_disabled_or_to_be_deleted(kms: Any) -> None:
    """What makes a controller's key their kill switch."""
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    wrapped = kms.generate_data_key(KeyId=key, NumberOfBytes=64)["CiphertextBlob"]
    kms.disable_key(KeyId=key)
    assert refusal(lambda: kms.decrypt(CiphertextBlob=wrapped)) == "DisabledException"
    kms.enable_key(KeyId=key)
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert refusal(lambda: kms.decrypt(CiphertextBlob=wrapped)) == "KMSInvalidStateException"


# --- DynamoDB -------------------------------------------------------------------------------------------------------


class Table:
    """A scratch table with an index."""

    def __init__(self, dynamodb: Any) -> None:
        self.dynamodb = dynamodb
        self.name = f"fidelity-{secrets.token_hex(6)}"
        dynamodb.create_table(
            TableName=self.name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "pending", "pending_at")
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "pending",
                    "KeySchema": [
                        {"AttributeName": "pending", "KeyType": "HASH"},
                        {"AttributeName": "pending_at", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
        )

    def put(self, key: str, **more: str) -> dict[str, Any]:
        item = {name: {"S": value} for name, value in {"pk": key, "sk": "0", **more}.items()}
        return {"TableName": self.name, "Item": item}

    def there(self, key: str) -> bool:
        where = {"pk": {"S": key}, "sk": {"S": "0"}}
        return "Item" in self.dynamodb.get_item(TableName=self.name, Key=where, ConsistentRead=True)


@pytest.fixture(scope="module")
def table(stack: EmbeddedStack) -> Iterator[Table]:
    made = Table(stack.admin("dynamodb"))
    yield made
    made.dynamodb.delete_table(TableName=made.name)


NEW = {"ConditionExpression": "attribute_not_exists(pk)"}


def test_dynamodb_puts_a_key_once(table: Table) -> None:
    table.dynamodb.put_item(**table.put("once"), **NEW)
    assert refusal(lambda: table.dynamodb.put_item(**table.put("once"), **NEW)) == "ConditionalCheckFailedException"


def test_dynamodb_writes_all_of_a_transaction_or_nothing(table: Table) -> None:
    table.dynamodb.put_item(**table.put("taken"))
    both = [{"Put": {**table.put("free"), **NEW}}, {"Put": {**table.put("taken"), **NEW}}]
    with pytest.raises(ClientError) as caught:
        table.dynamodb.transact_write_items(TransactItems=both)
    assert caught.value.response["Error"]["Code"] == "TransactionCanceledException"
    reasons = [reason["Code"] for reason in caught.value.response["CancellationReasons"]]
    assert reasons == ["None", "ConditionalCheckFailed"]
    assert not table.there("free")


def test_dynamodb_applies_a_transaction_once_for_its_client_token(table: Table) -> None:
    token = secrets.token_hex(8)

    def add(number: int) -> None:
        update = {
            "TableName": table.name,
            "Key": {"pk": {"S": "counter"}, "sk": {"S": "0"}},
            "UpdateExpression": "ADD applied :number",
            "ExpressionAttributeValues": {":number": {"N": str(number)}},
        }
        table.dynamodb.transact_write_items(ClientRequestToken=token, TransactItems=[{"Update": update}])

    add(1)
    add(1)
    found = table.dynamodb.get_item(TableName=table.name, Key={"pk": {"S": "counter"}, "sk": {"S": "0"}})
    assert found["Item"]["applied"] == {"N": "1"}
    assert refusal(lambda: add(2)) == "IdempotentParameterMismatchException"


def test_dynamodb_indexes_only_what_has_the_indexs_keys(table: Table) -> None:
    table.dynamodb.put_item(**table.put("indexed", pending="P", pending_at="2"))
    table.dynamodb.put_item(**table.put("earlier", pending="P", pending_at="1"))
    table.dynamodb.put_item(**table.put("not-indexed"))
    query = {
        "TableName": table.name,
        "IndexName": "pending",
        "KeyConditionExpression": "pending = :p",
        "ExpressionAttributeValues": {":p": {"S": "P"}},
    }
    assert [item["pk"]["S"] for item in table.dynamodb.query(**query)["Items"]] == ["earlier", "indexed"]
    assert refusal(lambda: table.dynamodb.query(**query, ConsistentRead=True)) == "ValidationException"


def test_dynamodb_refuses_values_an_expression_does_not_use(table: Table) -> None:
    unused = {"ExpressionAttributeValues": {":unused": {"S": "x"}}}
    assert refusal(lambda: table.dynamodb.put_item(**table.put("unused"), **NEW, **unused)) == "ValidationException"


# --- IAM, SQS, API Gateway ------------------------------------------------------------------------------------------


def test_iam_turns_away_wrong_credentials(stack: EmbeddedStack) -> None:
    stranger = stack.engine.session("AKIA0000000000000000", "not the secret")
    code = refusal(lambda: stack.engine.client("dynamodb", stranger).list_tables())
    assert code in {"UnrecognizedClientException", "InvalidClientTokenId"}


def test_sts_tells_a_function_its_own_role(stack: EmbeddedStack) -> None:
    arn = stack.as_function(Function.AUDIT, "sts").get_caller_identity()["Arn"]
    assert ":assumed-role/Keyholder-FunctionsAuditRole" in arn


def test_sqs_moves_what_fails_to_the_other_queue(stack: EmbeddedStack) -> None:
    sqs = stack.admin("sqs")
    name = secrets.token_hex(6)
    failed = sqs.create_queue(QueueName=f"failed-{name}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=failed, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "2"})
    queue = sqs.create_queue(
        QueueName=f"queue-{name}", Attributes={"VisibilityTimeout": "0", "RedrivePolicy": redrive}
    )["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="x")
    received = [len(sqs.receive_message(QueueUrl=queue).get("Messages", [])) for _ in range(3)]
    assert received == [1, 1, 0]
    assert len(sqs.receive_message(QueueUrl=failed)["Messages"]) == 1


def test_api_gateway_hands_every_request_to_a_function(stack: EmbeddedStack) -> None:
    trust = ssl.create_default_context(cafile=str(stack.ca_bundle))
    with pytest.raises(HTTPError) as caught:
        urllib.request.urlopen(f"{stack.base_url}/v1/nowhere", context=trust)  # noqa: S310 - https, just made
    with caught.value as answer:
        assert answer.code == 404
        # API Gateway's own 404 is application/json with a fixed body.
        assert answer.headers["content-type"].startswith("application/problem+json")


def test_functions_are_reached_over_tls_only(stack: EmbeddedStack) -> None:
    with pytest.raises(OSError, match=r"verify failed|CERTIFICATE"):
        urllib.request.urlopen(f"{stack.base_url}/v1/status", context=ssl.create_default_context())  # noqa: S310


# --- gaps: not as AWS -----------------------------------------------------------------------------------------------


def test_gap_kms_notices_no_tampering(kms: Any, symmetric: str) -> None:
    """AWS: InvalidCiphertextException. So Keyholder authenticates whatever it wraps itself (AES-GCM, AES-SIV)."""
    made = kms.generate_data_key(KeyId=symmetric, NumberOfBytes=64, EncryptionContext=CONTEXT)
    blob = made["CiphertextBlob"]
    tampered = blob[:-1] + bytes([blob[-1] ^ 1])
    assert kms.decrypt(CiphertextBlob=tampered, EncryptionContext=CONTEXT)["Plaintext"] != made["Plaintext"]


def test_gap_s3_tells_who_may_not_list_that_a_key_is_missing(stack: EmbeddedStack) -> None:
    """AWS: AccessDenied, for want of s3:ListBucket. So code that asks whether a key is there needs that permission."""
    name = f"fidelity-{secrets.token_hex(6)}"
    stack.admin("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    iam = stack.admin("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    read = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}
    iam.put_role_policy(
        RoleName=name, PolicyName=name, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [read]})
    )
    answer = stack.admin("sts").assume_role(RoleArn=role["Role"]["Arn"], RoleSessionName=name)["Credentials"]
    session = stack.engine.session(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])
    s3 = stack.engine.client("s3", session)
    assert refusal(lambda: s3.list_objects_v2(Bucket=name)) == "AccessDenied"
    assert refusal(lambda: s3.get_object(Bucket=name, Key="absent")) == "NoSuchKey"


def test_gap_s3_suspends_versioning_of_a_locked_bucket(stack: EmbeddedStack) -> None:
    """AWS: InvalidBucketState. The ledger's own policy refuses it to everybody but the engine's root."""
    scratch = Locked(stack.admin("s3"))
    scratch.s3.put_bucket_versioning(Bucket=scratch.name, VersioningConfiguration={"Status": "Suspended"})


def test_gap_root_stands_outside_bucket_policies(stack: EmbeddedStack) -> None:
    """AWS: root of the account is refused by a Deny like anybody else."""
    s3 = stack.admin("s3")
    name = f"fidelity-{secrets.token_hex(6)}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{name}/*"}
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    s3.put_object(Bucket=name, Key="written", Body=b"all the same")


def test_gap_cloudformation_leaves_properties_out(stack: EmbeddedStack) -> None:
    """AWS: applies every property. Here these are applied from the template after the deployment, and read back."""
    left_out = {name.split(".")[1] for name in stack.deployed.repaired}
    assert left_out == {
        "BucketEncryption",
        "LifecycleConfiguration",
        "ObjectLockConfiguration",
        "OwnershipControls",
        "PointInTimeRecoverySpecification",
        "TimeToLiveSpecification",
    }


def test_the_ledgers_lock_is_the_templates(stack: EmbeddedStack) -> None:
    bucket = stack.deployed.environment["LEDGER_BUCKET"]
    lock = stack.admin("s3").get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    assert lock == {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 2922}},
    }
