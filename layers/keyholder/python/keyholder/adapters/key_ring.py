"""Wrapped keys in DynamoDB, opened by KMS.

An item of the keys table is one wrapped key. KMS binds each to an encryption context that says what the key is for, so
that a wrapped key moved to another item opens nothing.

| pk | sk | key |
|---|---|---|
| `domain/<id>/<identifier type>` | version, six digits | 64 bytes, one version of a domain key |
| `digest` | `000001` | 32 bytes, the digest key |
| `tag` | the year | 32 bytes, one epoch's tag key |
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from keyholder.pseudonyms.key_ring import (
    DATA_KEY_LENGTH,
    DataKey,
    KeyGone,
    KeyServiceError,
    KeyUnavailableError,
    KeyVersionState,
    SecretKey,
)
from keyholder.pseudonyms.token import HIGHEST_KEY_VERSION
from keyholder.vocabulary import DomainId, IdentifierType

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef
    from mypy_boto3_kms import KMSClient

PURPOSE_KEY_LENGTH = 32

_SWITCHED_OFF = frozenset({"DisabledException", "KMSInvalidStateException", "KeyUnavailableException"})
_GONE = {KeyVersionState.RETIRED: KeyGone.RETIRED, KeyVersionState.DESTROYED: KeyGone.DESTROYED}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one wrapped key stands, and the encryption context it is bound to."""

    pk: str
    sk: str
    context: Mapping[str, str]

    def key(self) -> dict[str, AttributeValueTypeDef]:
        return {"pk": {"S": self.pk}, "sk": {"S": self.sk}}


def _domain_place(domain: DomainId, identifier_type: IdentifierType, version: int) -> _Place:
    context = {
        "keyholder:use": "domain-data",
        "keyholder:domain": domain,
        "keyholder:identifier_type": identifier_type.value,
        "keyholder:version": str(version),
    }
    return _Place(f"domain/{domain}/{identifier_type.value}", f"{version:06d}", context)


def _digest_place() -> _Place:
    return _Place("digest", "000001", {"keyholder:use": "digest"})


def _tag_place(epoch: int) -> _Place:
    return _Place("tag", f"{epoch:04d}", {"keyholder:use": "subject-tag", "keyholder:epoch": f"{epoch:04d}"})


class _WrappedKeys:
    """The keys table and the KMS key that wraps: read an item, open what it holds."""

    def __init__(self, dynamodb: DynamoDBClient, kms: KMSClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._kms = kms
        self._table = table

    def read(self, place: _Place) -> tuple[KeyVersionState, bytes | None] | None:
        with _faults("GetItem"):
            item = self._dynamodb.get_item(TableName=self._table, Key=place.key(), ConsistentRead=True).get("Item")
        if item is None:
            return None
        state = item.get("state", {}).get("S")
        if state not in set(KeyVersionState):
            raise KeyServiceError("an item of the keys table has an unknown state")
        wrapped = item.get("wrapped", {}).get("B")
        return KeyVersionState(state), None if wrapped is None else bytes(wrapped)

    def unwrap(self, place: _Place, wrapped: bytes | None, key_arn: str, length: int) -> bytes:
        if not wrapped:
            raise KeyServiceError("an active item of the keys table holds no key")
        with _faults("Decrypt"):
            opened = self._kms.decrypt(CiphertextBlob=wrapped, KeyId=key_arn, EncryptionContext=place.context)
        if len(opened["Plaintext"]) != length:
            raise KeyServiceError("a wrapped key has the wrong length")
        return opened["Plaintext"]

    def make(self, place: _Place, key_arn: str, length: int) -> bool:
        with _faults("GenerateDataKeyWithoutPlaintext"):
            made = self._kms.generate_data_key_without_plaintext(
                KeyId=key_arn, NumberOfBytes=length, EncryptionContext=place.context
            )
        item = place.key() | {
            "wrapped": {"B": made["CiphertextBlob"]},
            "state": {"S": KeyVersionState.ACTIVE.value},
        }
        with _faults("PutItem"):
            try:
                self._dynamodb.put_item(
                    TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(pk)"
                )
            except self._dynamodb.exceptions.ConditionalCheckFailedException:
                return False
        return True


class KmsKeyRing:
    """`pseudonyms.key_ring.KeyRing` over the keys table: one GetItem and at most one KMS Decrypt for each `open`."""

    def __init__(self, dynamodb: DynamoDBClient, kms: KMSClient, *, table: str, domain_key_arn: str) -> None:
        self._keys = _WrappedKeys(dynamodb, kms, table)
        self._key_arn = domain_key_arn

    def open(self, domain: DomainId, identifier_type: IdentifierType, version: int) -> DataKey | KeyGone:
        """As the port says. A retired, destroyed or unknown version costs no KMS call."""
        place = _domain_place(domain, identifier_type, version)
        found = self._keys.read(place)
        if found is None:
            return KeyGone.UNKNOWN
        state, wrapped = found
        if state is not KeyVersionState.ACTIVE:
            return _GONE[state]
        return DataKey(self._keys.unwrap(place, wrapped, self._key_arn, DATA_KEY_LENGTH), version)


class PurposeKeys:
    """Opens the keys that are not a domain's: one GetItem and one KMS Decrypt for each call."""

    def __init__(
        self, dynamodb: DynamoDBClient, kms: KMSClient, *, table: str, digest_key_arn: str, tag_key_arn: str
    ) -> None:
        self._keys = _WrappedKeys(dynamodb, kms, table)
        self._digest_key_arn = digest_key_arn
        self._tag_key_arn = tag_key_arn

    def digest(self) -> SecretKey:
        """The key of the opt-out, Type 1, consent and row-link digests. Raises as `tag` does."""
        return self._open(_digest_place(), self._digest_key_arn)

    def tag(self, epoch: int) -> SecretKey:
        """The subject tag key of a year.

        Raises `KeyUnavailableError` where it was never made or is switched off, `KeyServiceError` for a fault.
        """
        return self._open(_tag_place(epoch), self._tag_key_arn)

    def _open(self, place: _Place, key_arn: str) -> SecretKey:
        found = self._keys.read(place)
        if found is None:
            raise KeyUnavailableError("the key has not been made")
        state, wrapped = found
        if state is not KeyVersionState.ACTIVE:
            raise KeyUnavailableError("the key is retired or destroyed")
        return SecretKey(self._keys.unwrap(place, wrapped, key_arn, PURPOSE_KEY_LENGTH))


class KeyMaker:
    """Makes keys without ever seeing one: KMS generates and wraps, the table keeps.

    Every method returns False, and changes nothing, where the key is there already; raises `KeyUnavailableError` or
    `KeyServiceError`.
    """

    def __init__(
        self,
        dynamodb: DynamoDBClient,
        kms: KMSClient,
        *,
        table: str,
        domain_key_arn: str,
        digest_key_arn: str,
        tag_key_arn: str,
    ) -> None:
        self._keys = _WrappedKeys(dynamodb, kms, table)
        self._domain_key_arn = domain_key_arn
        self._digest_key_arn = digest_key_arn
        self._tag_key_arn = tag_key_arn

    def make_domain_key(self, domain: DomainId, identifier_type: IdentifierType, version: int) -> bool:
        """One version of one identifier type's key in a domain. Raises `ValueError` for a version not in 1 to 1023."""
        if not 1 <= version <= HIGHEST_KEY_VERSION:
            raise ValueError("a key version is 1 to 1023")
        place = _domain_place(domain, identifier_type, version)
        return self._keys.make(place, self._domain_key_arn, DATA_KEY_LENGTH)

    def make_digest_key(self) -> bool:
        """The digest key; there is one."""
        return self._keys.make(_digest_place(), self._digest_key_arn, PURPOSE_KEY_LENGTH)

    def make_tag_key(self, epoch: int) -> bool:
        """The subject tag key of a year."""
        return self._keys.make(_tag_place(epoch), self._tag_key_arn, PURPOSE_KEY_LENGTH)


@contextmanager
def _faults(operation: str) -> Iterator[None]:
    """Turns botocore's errors into ours, which quote nothing that was sent or answered but the error's code."""
    code = None
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
    except BotoCoreError as error:
        code = type(error).__name__
    if code in _SWITCHED_OFF:
        raise KeyUnavailableError(f"{operation}: {code}") from None
    if code is not None:
        raise KeyServiceError(f"{operation}: {code}") from None
