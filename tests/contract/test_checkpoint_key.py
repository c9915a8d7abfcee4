"""The checkpoint key in KMS (played by moto): what it signs verifies offline; and a whole ledger on AWS's services."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber

from keyholder.adapters.checkpoint_key import KmsCheckpointKey, vkey_of
from keyholder.adapters.steps import DynamoDbSteps
from keyholder.adapters.storage_faults import CLIENT_CONFIG
from keyholder.adapters.worm import S3Worm
from keyholder.ledger.committer import Log
from keyholder.ledger.event import NewEvent
from keyholder.ledger.journal import checkpoint_key
from keyholder.ledger.ledger import Ledger
from keyholder.ledger.log import Recorded
from keyholder.ledger.note import KeyKind, NoteError, open_checkpoint, parse_vkey
from keyholder.ledger.ports import StorageBusyError, StorageRefusedError, StorageUncertainError
from keyholder.vocabulary import ActorId, StreamId
from tests.contract.aws import BUCKET, REGION, TABLE, moto
from tests.contract.test_steps import _client as dynamodb_client
from tests.contract.test_steps import _table as create_table
from tests.contract.test_worm import _client as s3_client
from tests.fakes.ledger import ORIGIN, ManualClock
from tests.fakes.moto_ed25519 import ed25519_in_moto

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

SPECS = {KeyKind.ED25519: "ECC_NIST_EDWARDS25519", KeyKind.ECDSA_P256: "ECC_NIST_P256"}


@pytest.fixture
def kms() -> Iterator[KMSClient]:
    with moto(), ed25519_in_moto():
        yield boto3.client("kms", region_name=REGION, config=CLIENT_CONFIG)


def _key(kms: KMSClient, kind: KeyKind) -> str:
    spec: Any = SPECS[kind]
    return kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]


@pytest.mark.parametrize("kind", KeyKind)
def test_what_kms_signs_verifies_in_process(kms: KMSClient, kind: KeyKind) -> None:
    key = _key(kms, kind)
    verifier = parse_vkey(vkey_of(kms, key, ORIGIN))
    assert verifier.kind is kind
    signature = KmsCheckpointKey(kms, key, kind).sign(b"a checkpoint")
    assert verifier.verifies(b"a checkpoint", signature)
    assert not verifier.verifies(b"another one", signature)


@pytest.mark.parametrize("kind", KeyKind)
def test_a_whole_ledger_on_dynamodb_s3_and_kms(kms: KMSClient, kind: KeyKind) -> None:
    key = _key(kms, kind)
    verifier = parse_vkey(vkey_of(kms, key, ORIGIN))
    dynamodb, s3, clock = dynamodb_client(), s3_client(), ManualClock()
    create_table(dynamodb)

    def writer() -> Ledger:
        return Ledger(
            Log(ORIGIN, verifier),
            DynamoDbSteps(dynamodb, TABLE),
            S3Worm(s3, BUCKET, timedelta(days=1), clock),
            KmsCheckpointKey(kms, key, kind),
            clock,
        )

    recorded: list[Recorded] = []
    for number in range(1, 4):
        events = [NewEvent("test.done", {"number": number}), NewEvent("test.done", {"number": -number})]
        recorded.append(
            writer().record(StreamId("request/1"), 2 * number - 2, events, actor=ActorId("person/1"), trace="t")
        )
    assert [receipt.index for one in recorded for receipt in one.receipts] == [0, 1, 2, 3, 4, 5]
    reader = writer()
    assert reader.read(StreamId("request/1")) == tuple(event for one in recorded for event in one.events)
    assert [one.events for one in reader.proven(StreamId("request/1"))] == [one.events for one in recorded]
    stored = s3.get_object(Bucket=BUCKET, Key=checkpoint_key(6))["Body"].read()
    assert stored == recorded[-1].receipts[-1].checkpoint
    assert open_checkpoint(stored, ORIGIN, [verifier]).size == 6


def test_a_key_for_encryption_is_no_checkpoint_key(kms: KMSClient) -> None:
    rsa = kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    with pytest.raises(NoteError):
        vkey_of(kms, rsa, ORIGIN)


def test_the_message_itself_is_signed_never_a_digest(kms: KMSClient) -> None:
    sent: list[dict[str, Any]] = []
    kms.meta.events.register("provide-client-params.kms.Sign", lambda params, **_: sent.append(params))
    KmsCheckpointKey(kms, _key(kms, KeyKind.ED25519), KeyKind.ED25519).sign(b"a checkpoint")
    assert sent[0]["MessageType"] == "RAW"
    assert sent[0]["SigningAlgorithm"] == "ED25519_SHA_512"


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("ThrottlingException", 400, StorageBusyError),
        ("KMSInternalException", 500, StorageUncertainError),
        ("DependencyTimeoutException", 503, StorageUncertainError),
        ("DisabledException", 400, StorageRefusedError),
        ("KMSInvalidStateException", 400, StorageRefusedError),
        ("AccessDeniedException", 400, StorageRefusedError),
    ],
)
def test_what_kms_answers_is_told_apart(code: str, status: int, error: type[Exception]) -> None:
    client = boto3.client(
        "kms", region_name=REGION, aws_access_key_id="testing", aws_secret_access_key="testing", config=CLIENT_CONFIG
    )
    with Stubber(client) as stub:
        stub.add_client_error("sign", code, http_status_code=status)
        with pytest.raises(error):
            KmsCheckpointKey(client, "key", KeyKind.ED25519).sign(b"x")
