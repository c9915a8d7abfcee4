"""Each function is refused what it does not need, tried on the engine under the function's own role.

Every probe is answered before it changes anything: a write carries a condition that fails or a checksum that is wrong,
a message a delay nobody may ask for. What counts is whether the answer is "access denied".
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.embedded.stack import EmbeddedStack
from infra.permissions import Holding, allowed
from infra.routes import Function

DENIED = {"AccessDenied", "AccessDeniedException"}
KEY = "isolation-probe"
WRONG_CHECKSUM = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
CONTEXT = {"purpose": KEY}
ITEM = {"pk": {"S": KEY}, "sk": {"S": KEY}}


@dataclass(frozen=True)
class Place:
    """What a probe needs to know of the deployment."""

    environment: Mapping[str, str]
    wrapped: Mapping[str, bytes]
    stack: EmbeddedStack

    def __getitem__(self, name: str) -> str:
        return self.environment[name]


@dataclass(frozen=True)
class Probe:
    """One thing to try. `nobody` marks what the bucket's or the engine's own rules refuse to all functions."""

    name: str
    service: str
    action: str
    holding: Holding
    part: str
    call: Callable[[Any, Place], object]
    nobody: bool = False

    def expected(self, function: Function) -> bool:
        return not self.nobody and allowed(function, self.action, self.holding, self.part)


def _decrypt(name: str, holding: Holding) -> Probe:
    return Probe(
        f"decrypt with the {holding}",
        "kms",
        "kms:Decrypt",
        holding,
        "",
        lambda kms, place: kms.decrypt(
            CiphertextBlob=place.wrapped[name], KeyId=place[name], EncryptionContext=CONTEXT
        ),
    )


def _new_key(name: str, holding: Holding, *, seen: bool) -> Probe:
    action = "GenerateDataKey" if seen else "GenerateDataKeyWithoutPlaintext"
    method = "generate_data_key" if seen else "generate_data_key_without_plaintext"
    return Probe(
        f"{action} with the {holding}",
        "kms",
        f"kms:{action}",
        holding,
        "",
        lambda kms, place: getattr(kms, method)(KeyId=place[name], NumberOfBytes=64, EncryptionContext=CONTEXT),
    )


def _get(name: str, holding: Holding, key: str) -> Probe:
    return Probe(
        f"read {key} in the {holding}",
        "s3",
        "s3:GetObject",
        holding,
        f"/{key}",
        lambda s3, place: s3.get_object(Bucket=place[name], Key=key),
    )


def _put(name: str, holding: Holding, key: str, *, nobody: bool = False, how: str = "", **extra: object) -> Probe:
    return Probe(
        f"write {key} in the {holding}{how}",
        "s3",
        "s3:PutObject",
        holding,
        f"/{key}",
        lambda s3, place: s3.put_object(
            Bucket=place[name], Key=key, Body=b"probe", ChecksumSHA256=WRONG_CHECKSUM, **extra
        ),
        nobody,
    )


def _delete(name: str, holding: Holding, key: str, *, nobody: bool = False) -> Probe:
    return Probe(
        f"delete {key} in the {holding}",
        "s3",
        "s3:DeleteObject",
        holding,
        f"/{key}",
        lambda s3, place: s3.delete_object(Bucket=place[name], Key=key),
        nobody,
    )


def _list(name: str, holding: Holding, *, versions: bool = False) -> Probe:
    return Probe(
        f"list the {'versions' if versions else 'keys'} of the {holding}",
        "s3",
        "s3:ListBucketVersions" if versions else "s3:ListBucket",
        holding,
        "",
        lambda s3, place: (s3.list_object_versions if versions else s3.list_objects_v2)(Bucket=place[name], MaxKeys=1),
    )


def _item(name: str, holding: Holding, action: str, call: Callable[[Any, str], object]) -> Probe:
    return Probe(
        f"{action} on the {holding}",
        "dynamodb",
        f"dynamodb:{action}",
        holding,
        "",
        lambda dynamodb, place: call(dynamodb, place[name]),
    )


def _index(index: str) -> Probe:
    return Probe(
        f"query the index {index}",
        "dynamodb",
        "dynamodb:Query",
        Holding.STEPS,
        f"/index/{index}",
        lambda dynamodb, place: dynamodb.query(
            TableName=place["STEPS_TABLE"],
            IndexName=index,
            KeyConditionExpression="#index = :key",
            ExpressionAttributeNames={"#index": index},
            ExpressionAttributeValues={":key": {"S": KEY}},
        ),
    )


def _queue(name: str, holding: Holding, action: str) -> Probe:
    """A message with a delay, or as many, as nobody may ask for."""
    calls: Mapping[str, Callable[[Any, str], object]] = {
        "SendMessage": lambda sqs, url: sqs.send_message(QueueUrl=url, MessageBody=KEY, DelaySeconds=9999),
        "ReceiveMessage": lambda sqs, url: sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=99),
    }
    return Probe(
        f"{action} on the {holding}",
        "sqs",
        f"sqs:{action}",
        holding,
        "",
        lambda sqs, place: calls[action](sqs, place[name]),
    )


EXISTS = "attribute_exists(pk)"

PROBES: tuple[Probe, ...] = (
    _decrypt("DOMAIN_KEY_ARN", Holding.DOMAIN_KEY),
    _decrypt("DIGEST_KEY_ARN", Holding.DIGEST_KEY),
    _decrypt("TAG_KEY_ARN", Holding.TAG_KEY),
    _decrypt("CONTENT_KEY_ARN", Holding.CONTENT_KEY),
    _new_key("DOMAIN_KEY_ARN", Holding.DOMAIN_KEY, seen=True),
    _new_key("DOMAIN_KEY_ARN", Holding.DOMAIN_KEY, seen=False),
    _new_key("TAG_KEY_ARN", Holding.TAG_KEY, seen=False),
    _new_key("CONTENT_KEY_ARN", Holding.CONTENT_KEY, seen=True),
    _decrypt("OUTBOX_KEY_ARN", Holding.OUTBOX_KEY),
    _new_key("OUTBOX_KEY_ARN", Holding.OUTBOX_KEY, seen=True),
    Probe(
        "read the MESH credentials",
        "secretsmanager",
        "secretsmanager:GetSecretValue",
        Holding.MESH_SECRET,
        "",
        lambda secrets, place: secrets.get_secret_value(SecretId=place["MESH_SECRET_ARN"]),
    ),
    _decrypt("CONTACT_KEY_ARN", Holding.CONTACT_KEY),
    _item("CONTACTS_TABLE", Holding.CONTACTS, "GetItem", lambda db, table: db.get_item(TableName=table, Key=ITEM)),
    Probe(
        "put an event on the bus",
        "events",
        "events:PutEvents",
        Holding.EVENT_BUS,
        "",
        lambda events, place: events.put_events(
            Entries=[{"EventBusName": place["EVENT_BUS"], "Source": KEY, "DetailType": KEY, "Detail": "{}"}]
        ),
    ),
    Probe(
        "send a notice",
        "sesv2",
        "ses:SendEmail",
        Holding.SENDER,
        "",
        lambda ses, place: ses.send_email(
            FromEmailAddress=place["NOTICE_SENDER"],
            Destination={"ToAddresses": []},
            Content={"Simple": {"Subject": {"Data": KEY}, "Body": {"Text": {"Data": KEY}}}},
        ),
    ),
    _decrypt("EXTRACT_KEY_ARN", Holding.EXTRACT_KEY),
    _new_key("EXTRACT_KEY_ARN", Holding.EXTRACT_KEY, seen=True),
    Probe(
        "sign with the checkpoint key",
        "kms",
        "kms:Sign",
        Holding.CHECKPOINT_KEY,
        "",
        lambda kms, place: kms.sign(
            KeyId=place["CHECKPOINT_KEY_ARN"],
            Message=b"not a checkpoint",
            MessageType="RAW",
            SigningAlgorithm="ED25519_SHA_512",
        ),
    ),
    Probe(
        "disable the domain key",
        "kms",
        "kms:DisableKey",
        Holding.DOMAIN_KEY,
        "",
        lambda kms, place: kms.disable_key(KeyId=place["DOMAIN_KEY_ARN"]),
    ),
    _item("STEPS_TABLE", Holding.STEPS, "GetItem", lambda db, table: db.get_item(TableName=table, Key=ITEM)),
    _item(
        "STEPS_TABLE",
        Holding.STEPS,
        "PutItem",
        lambda db, table: db.put_item(TableName=table, Item=ITEM, ConditionExpression=EXISTS),
    ),
    _item(
        "STEPS_TABLE",
        Holding.STEPS,
        "DeleteItem",
        lambda db, table: db.delete_item(TableName=table, Key=ITEM, ConditionExpression=EXISTS),
    ),
    _item("STEPS_TABLE", Holding.STEPS, "Scan", lambda db, table: db.scan(TableName=table, Limit=1)),
    _index("pending"),
    _index("due"),
    _item("KEYS_TABLE", Holding.KEYS, "GetItem", lambda db, table: db.get_item(TableName=table, Key=ITEM)),
    _item(
        "KEYS_TABLE",
        Holding.KEYS,
        "PutItem",
        lambda db, table: db.put_item(TableName=table, Item=ITEM, ConditionExpression=EXISTS),
    ),
    _item(
        "KEYS_TABLE",
        Holding.KEYS,
        "UpdateItem",
        lambda db, table: db.update_item(
            TableName=table, Key=ITEM, UpdateExpression="REMOVE probe", ConditionExpression=EXISTS
        ),
    ),
    _item(
        "KEYS_TABLE",
        Holding.KEYS,
        "DeleteItem",
        lambda db, table: db.delete_item(TableName=table, Key=ITEM, ConditionExpression=EXISTS),
    ),
    _get("LEDGER_BUCKET", Holding.LEDGER, f"journal/{KEY}"),
    _list("LEDGER_BUCKET", Holding.LEDGER),
    _list("LEDGER_BUCKET", Holding.LEDGER, versions=True),
    _put("LEDGER_BUCKET", Holding.LEDGER, f"journal/{KEY}", IfNoneMatch="*"),
    _put("LEDGER_BUCKET", Holding.LEDGER, f"checkpoint/{KEY}", IfNoneMatch="*"),
    _put("LEDGER_BUCKET", Holding.LEDGER, f"journal/{KEY}", nobody=True, how=" over what may be there"),
    _put("LEDGER_BUCKET", Holding.LEDGER, f"elsewhere/{KEY}", nobody=True, IfNoneMatch="*"),
    _delete("LEDGER_BUCKET", Holding.LEDGER, f"journal/{KEY}", nobody=True),
    _get("CONTENT_BUCKET", Holding.CONTENT, KEY),
    _put("CONTENT_BUCKET", Holding.CONTENT, KEY),
    _delete("CONTENT_BUCKET", Holding.CONTENT, f"{KEY}-absent"),
    _get("CHOICES_BUCKET", Holding.CHOICES, f"national-data-opt-outs/{KEY}"),
    _get("CHOICES_BUCKET", Holding.CHOICES, f"type-1/{KEY}"),
    _put("CHOICES_BUCKET", Holding.CHOICES, f"national-data-opt-outs/{KEY}"),
    _put("CHOICES_BUCKET", Holding.CHOICES, f"links/{KEY}"),
    _delete("CHOICES_BUCKET", Holding.CHOICES, f"national-data-opt-outs/{KEY}-absent"),
    _delete("CHOICES_BUCKET", Holding.CHOICES, f"type-1/{KEY}-absent"),
    _delete("CHOICES_BUCKET", Holding.CHOICES, f"links/{KEY}-absent"),
    _list("CHOICES_BUCKET", Holding.CHOICES),
    _get("OUTBOX_BUCKET", Holding.OUTBOX, f"lists/{KEY}"),
    _put("OUTBOX_BUCKET", Holding.OUTBOX, f"lists/{KEY}"),
    _put("OUTBOX_BUCKET", Holding.OUTBOX, f"elsewhere/{KEY}"),
    _delete("OUTBOX_BUCKET", Holding.OUTBOX, f"lists/{KEY}-absent"),
    _list("OUTBOX_BUCKET", Holding.OUTBOX),
    _get("RESULTS_BUCKET", Holding.RESULTS, KEY),
    _put("RESULTS_BUCKET", Holding.RESULTS, KEY),
    _delete("RESULTS_BUCKET", Holding.RESULTS, f"{KEY}-absent"),
    _get("VIEW_BUCKET", Holding.VIEW, KEY),
    _put("VIEW_BUCKET", Holding.VIEW, KEY),
    _delete("VIEW_BUCKET", Holding.VIEW, f"{KEY}-absent"),
    _list("VIEW_BUCKET", Holding.VIEW),
    *(_get("EXTRACTS_BUCKET", Holding.EXTRACTS, f"{kind}/{KEY}") for kind in ("uploads", "parts", "elsewhere")),
    *(_put("EXTRACTS_BUCKET", Holding.EXTRACTS, f"{kind}/{KEY}") for kind in ("uploads", "parts", "elsewhere")),
    _delete("EXTRACTS_BUCKET", Holding.EXTRACTS, f"uploads/{KEY}-absent"),
    _delete("EXTRACTS_BUCKET", Holding.EXTRACTS, f"parts/{KEY}-absent"),
    _list("EXTRACTS_BUCKET", Holding.EXTRACTS),
    *(_get("UPLOADS_BUCKET", Holding.UPLOADS, f"{kind}/{KEY}") for kind in ("records", "elsewhere")),
    *(_put("UPLOADS_BUCKET", Holding.UPLOADS, f"{kind}/{KEY}") for kind in ("records", "elsewhere")),
    _list("UPLOADS_BUCKET", Holding.UPLOADS),
    *(
        _queue(name, holding, action)
        for name, holding in (
            ("CHECKS_QUEUE_URL", Holding.CHECKS_QUEUE),
            ("EXTRACTS_QUEUE_URL", Holding.EXTRACTS_QUEUE),
            ("FILES_QUEUE_URL", Holding.FILES_QUEUE),
            ("TELL_QUEUE_URL", Holding.TELL_QUEUE),
        )
        for action in ("SendMessage", "ReceiveMessage")
    ),
)

Tried = Mapping[tuple[Function, str], bool]


@pytest.fixture(scope="module")
def place(stack: EmbeddedStack) -> Iterator[Place]:
    """The deployment, with one object to read in every bucket but the ledger's, and a data key under every KMS key."""
    s3, kms = stack.admin("s3"), stack.admin("kms")
    # No function is told this key's name: the bucket has it.
    extract_key = kms.describe_key(KeyId="alias/keyholder/extract")["KeyMetadata"]["Arn"]
    environment = {**stack.deployed.environment, "EXTRACT_KEY_ARN": extract_key}
    objects = [
        (environment[bucket], prefix + KEY)
        for bucket, prefix in (
            ("CONTENT_BUCKET", ""),
            ("RESULTS_BUCKET", ""),
            ("VIEW_BUCKET", ""),
            ("OUTBOX_BUCKET", "lists/"),
            ("EXTRACTS_BUCKET", "uploads/"),
            ("EXTRACTS_BUCKET", "parts/"),
            ("EXTRACTS_BUCKET", "elsewhere/"),
            ("UPLOADS_BUCKET", "records/"),
            ("UPLOADS_BUCKET", "elsewhere/"),
            ("CHOICES_BUCKET", "national-data-opt-outs/"),
            ("CHOICES_BUCKET", "type-1/"),
        )
    ]
    for bucket, key in objects:
        s3.put_object(Bucket=bucket, Key=key, Body=b"probe")
    wrapped = {
        name: kms.generate_data_key_without_plaintext(
            KeyId=environment[name], NumberOfBytes=64, EncryptionContext=CONTEXT
        )["CiphertextBlob"]
        for name in (
            "DOMAIN_KEY_ARN",
            "DIGEST_KEY_ARN",
            "TAG_KEY_ARN",
            "CONTENT_KEY_ARN",
            "OUTBOX_KEY_ARN",
            "EXTRACT_KEY_ARN",
            "CONTACT_KEY_ARN",
        )
    }
    yield Place(environment, wrapped, stack)
    for bucket, key in objects:
        s3.delete_object(Bucket=bucket, Key=key)


@pytest.fixture(scope="module")
def tried(place: Place) -> Tried:
    """Every probe under every function's role: whether it got past the policies."""
    answers = {}
    for function in Function:
        clients: dict[str, Any] = {}
        for probe in PROBES:
            if probe.service not in clients:
                clients[probe.service] = place.stack.as_function(function, probe.service)
            answers[function, probe.name] = not _denied(lambda p=probe, c=clients: p.call(c[p.service], place))
    return answers


def _denied(call: Callable[[], object]) -> bool:
    try:
        call()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        # A signature or token the engine does not know would look like a refusal of everything.
        assert code not in {"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch"}, code
        return code in DENIED
    return False


@pytest.mark.parametrize("function", list(Function))
def test_each_function_is_refused_what_it_does_not_need(tried: Tried, function: Function) -> None:
    got = {probe.name for probe in PROBES if tried[function, probe.name]}
    assert got == {probe.name for probe in PROBES if probe.expected(function)}


@pytest.mark.parametrize(
    ("probe", "functions"),
    [
        ("decrypt with the domain key", "release pseudonymise"),
        ("decrypt with the digest key", "release pseudonymise choices mesh"),
        ("decrypt with the outbox key", "mesh"),
        ("GenerateDataKey with the outbox key", "release"),
        ("read the MESH credentials", "mesh"),
        ("decrypt with the contact key", "notify"),
        ("GetItem on the contacts table", "registry notify"),
        ("put an event on the bus", "sweeper"),
        ("send a notice", "notify"),
        (f"write lists/{KEY} in the outbox bucket", "release"),
        (f"read lists/{KEY} in the outbox bucket", "mesh"),
        (f"delete national-data-opt-outs/{KEY}-absent in the choices bucket", "mesh"),
        (f"delete type-1/{KEY}-absent in the choices bucket", "choices"),
        ("decrypt with the tag key", "release audit"),
        ("decrypt with the content key", "requests decisions release"),
        ("decrypt with the extract key", "pseudonymise"),
        (f"read uploads/{KEY} in the extracts bucket", "pseudonymise"),
        (f"write uploads/{KEY} in the extracts bucket", "pseudonymise"),
        (f"delete uploads/{KEY}-absent in the extracts bucket", ""),
        (f"read parts/{KEY} in the extracts bucket", "pseudonymise"),
        (f"read records/{KEY} in the uploads bucket", "requests"),
        (f"write records/{KEY} in the uploads bucket", "requests"),
        ("GenerateDataKey with the domain key", ""),
        ("disable the domain key", ""),
        ("DeleteItem on the steps table", "rebuild"),
        ("UpdateItem on the keys table", "registry sweeper rebuild"),
        ("DeleteItem on the keys table", ""),
        ("Scan on the steps table", "rebuild"),
        (f"delete journal/{KEY} in the ledger bucket", ""),
        (f"write journal/{KEY} in the ledger bucket over what may be there", ""),
        (f"read {KEY} in the results bucket", "release"),
    ],
)
def test_only_these_functions_can(tried: Tried, probe: str, functions: str) -> None:
    """Written out again, so that a slip in the permissions table is not its own excuse."""
    assert {function.value for function in Function if tried[function, probe]} == set(functions.split())


def test_everything_but_the_service_can_write_into_the_journal(tried: Tried) -> None:
    writers = {function for function in Function if tried[function, f"write journal/{KEY} in the ledger bucket"]}
    assert writers == set(Function) - {Function.SERVICE, Function.WATCH, Function.NOTIFY}


@pytest.mark.parametrize(
    ("lock", "refused"),
    [
        ({"ObjectLockMode": "COMPLIANCE", "days": 2922}, False),
        ({"ObjectLockMode": "COMPLIANCE", "days": 2000}, True),
        ({"ObjectLockMode": "GOVERNANCE", "days": 2922}, True),
    ],
)
def test_no_writer_can_lock_for_less(place: Place, lock: dict[str, Any], refused: bool) -> None:
    s3 = place.stack.as_function(Function.REQUESTS, "s3")
    until = datetime.now(UTC) + timedelta(days=lock["days"])
    write: Callable[[], object] = lambda: s3.put_object(  # noqa: E731 - one call, tried and judged
        Bucket=place["LEDGER_BUCKET"],
        Key=f"journal/{KEY}",
        Body=b"probe",
        ChecksumSHA256=WRONG_CHECKSUM,
        IfNoneMatch="*",
        ObjectLockMode=lock["ObjectLockMode"],
        ObjectLockRetainUntilDate=until,
    )
    assert _denied(write) is refused


def test_no_probe_left_anything_in_the_ledger(tried: Tried, place: Place) -> None:
    assert tried
    listed = place.stack.admin("s3").list_object_versions(Bucket=place["LEDGER_BUCKET"], Prefix=f"journal/{KEY}")
    assert not listed.get("Versions")
    assert not listed.get("DeleteMarkers")
