"""Wrapped keys in DynamoDB, opened by KMS.

An item of the keys table is one wrapped key. KMS binds each to an encryption context that says what the key is for, so
that a wrapped key moved to another item opens nothing.

| pk | sk | key |
|---|---|---|
| `domain/<id>/<identifier type>` | version, six digits | 64 bytes, one version of a domain key |
| `digest` | `000001` | 32 bytes, the digest key |
| `tag` | the year | 32 bytes, one epoch's tag key |

A domain may bring its controller's own KMS key, which then wraps its keys instead of the environment's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from keyholder.pseudonyms.key_ring import (
    DATA_KEY_LENGTH,
    ControllerKeyUnavailableError,
    DataKey,
    KeyGone,
    KeyServiceError,
    KeyUnavailableError,
    KeyVersionState,
    SecretKey,
)
from keyholder.pseudonyms.token import HIGHEST_KEY_VERSION
from keyholder.rebuilding.key_entries import DomainKey, Kept
from keyholder.registry.domains import Domain, KeyState
from keyholder.registry.key_changes import KeyName
from keyholder.vocabulary import DomainId, IdentifierType

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef
    from mypy_boto3_kms import KMSClient

PURPOSE_KEY_LENGTH = 32

_SWITCHED_OFF = frozenset({"DisabledException", "KMSInvalidStateException", "KeyUnavailableException"})
_WITHDRAWN = _SWITCHED_OFF | {"AccessDeniedException", "NotFoundException"}
"""What KMS says of a controller's own key that was switched off, taken away from Keyholder, or deleted."""
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

    def unwrap(
        self, place: _Place, wrapped: bytes | None, key_arn: str, length: int, off: AbstractSet[str] = _SWITCHED_OFF
    ) -> bytes:
        if not wrapped:
            raise KeyServiceError("an active item of the keys table holds no key")
        with _faults("Decrypt", off):
            opened = self._kms.decrypt(CiphertextBlob=wrapped, KeyId=key_arn, EncryptionContext=place.context)
        if len(opened["Plaintext"]) != length:
            raise KeyServiceError("a wrapped key has the wrong length")
        return opened["Plaintext"]

    def make(self, place: _Place, key_arn: str, length: int, off: AbstractSet[str] = _SWITCHED_OFF) -> bool:
        with _faults("GenerateDataKeyWithoutPlaintext", off):
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

    def retire(self, place: _Place) -> None:
        """An item that is not there is made, so that nothing can be made in its place; a destroyed one stays so."""
        retired, destroyed = KeyVersionState.RETIRED.value, KeyVersionState.DESTROYED.value
        with _faults("UpdateItem"), suppress(self._dynamodb.exceptions.ConditionalCheckFailedException):
            self._dynamodb.update_item(
                TableName=self._table,
                Key=place.key(),
                UpdateExpression="SET #state = :retired",
                ConditionExpression="attribute_not_exists(#state) OR #state <> :destroyed",
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues={":retired": {"S": retired}, ":destroyed": {"S": destroyed}},
            )

    def destroy(self, place: _Place) -> None:
        with _faults("UpdateItem"):
            self._dynamodb.update_item(
                TableName=self._table,
                Key=place.key(),
                UpdateExpression="SET #state = :destroyed REMOVE #wrapped",
                ExpressionAttributeNames={"#state": "state", "#wrapped": "wrapped"},
                ExpressionAttributeValues={":destroyed": {"S": KeyVersionState.DESTROYED.value}},
            )


class KeyShelf:
    """Implements `rebuilding.keys.KeyTable`: the keys table as a whole. It can open nothing, and makes nothing.

    Needs `dynamodb:Scan` and `UpdateItem` on the table, and no key of KMS.
    """

    def __init__(self, dynamodb: DynamoDBClient, kms: KMSClient, table: str) -> None:
        self._dynamodb = dynamodb
        self._keys = _WrappedKeys(dynamodb, kms, table)
        self._table = table

    def domain_keys(self) -> Iterator[tuple[DomainKey, Kept]]:
        """Every version that the table has."""
        for pk, sk, kept in self._items():
            kind, _, rest = pk.partition("/")
            domain, _, identifier_type = rest.rpartition("/")
            if kind == "domain":
                yield DomainKey(DomainId(domain), (IdentifierType(identifier_type), int(sk))), kept

    def digest_key(self) -> bool:
        """Whether there is a digest key that can be opened."""
        return any(pk == _digest_place().pk and _opens(kept) for pk, _, kept in self._items())

    def tag_keys(self) -> Iterator[int]:
        """The years whose tag keys can be opened."""
        return (int(sk) for pk, sk, kept in self._items() if pk == "tag" and _opens(kept))

    def retire(self, name: DomainKey) -> None:
        """It opens nothing any more."""
        self._keys.retire(_domain_place(name.domain, *name.key))

    def destroy(self, name: DomainKey) -> None:
        """Take the wrapped key away."""
        self._keys.destroy(_domain_place(name.domain, *name.key))

    def _items(self) -> Iterator[tuple[str, str, Kept]]:
        pages = iter(self._dynamodb.get_paginator("scan").paginate(TableName=self._table, ConsistentRead=True))
        while True:
            with _faults("Scan"):
                page = next(pages, None)
            if page is None:
                return
            for item in page["Items"]:
                state = KeyVersionState(item["state"]["S"])
                yield item["pk"]["S"], item["sk"]["S"], Kept(state, bool(item.get("wrapped", {}).get("B")))


def _opens(kept: Kept) -> bool:
    return kept.wrapped and kept.state is KeyVersionState.ACTIVE


class KmsKeyRing:
    """`pseudonyms.ledger_keys.WrappedKeys` over the keys table: one GetItem and at most one Decrypt for each `open`.

    It knows what the table says; what the ledger says of a version is asked before (`LedgerKeyRing`).
    """

    def __init__(self, dynamodb: DynamoDBClient, kms: KMSClient, *, table: str, domain_key_arn: str) -> None:
        self._keys = _WrappedKeys(dynamodb, kms, table)
        self._key_arn = domain_key_arn

    def open(
        self, domain: DomainId, identifier_type: IdentifierType, version: int, own_key: str | None = None
    ) -> DataKey | KeyGone:
        """As the port says. A retired, destroyed or unknown version costs no KMS call."""
        place = _domain_place(domain, identifier_type, version)
        found = self._keys.read(place)
        if found is None:
            return KeyGone.UNKNOWN
        state, wrapped = found
        if state is not KeyVersionState.ACTIVE:
            return _GONE[state]
        key_arn, off = _wrapping(self._key_arn, own_key)
        with _controllers(own_key):
            return DataKey(self._keys.unwrap(place, wrapped, key_arn, DATA_KEY_LENGTH, off), version)


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

    Every `make_` method returns False, and changes nothing, where the key is there already. All methods raise
    `KeyUnavailableError` or `KeyServiceError`.
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

    def make_domain_key(
        self, domain: DomainId, identifier_type: IdentifierType, version: int, own_key: str | None = None
    ) -> bool:
        """One version of one identifier type's key in a domain. Raises `ValueError` for a version not in 1 to 1023."""
        if not 1 <= version <= HIGHEST_KEY_VERSION:
            raise ValueError("a key version is 1 to 1023")
        place = _domain_place(domain, identifier_type, version)
        key_arn, off = _wrapping(self._domain_key_arn, own_key)
        with _controllers(own_key):
            return self._keys.make(place, key_arn, DATA_KEY_LENGTH, off)

    def follow(self, domain: Domain, keys: Iterable[KeyName]) -> None:
        """Bring these versions in the table to what the ledger says of them. Repeatable: it finishes a half one."""
        for identifier_type, version in keys:
            place = _domain_place(domain.id, identifier_type, version)
            match domain.key_state((identifier_type, version)):
                case KeyState.DESTROYED:
                    self._keys.destroy(place)
                case KeyState.RETIRED:
                    self._keys.retire(place)
                case KeyState.ACTIVE | KeyState.REVERSIBLE:
                    self.make_domain_key(domain.id, identifier_type, version, domain.kms_key_arn)

    def make_digest_key(self) -> bool:
        """The digest key; there is one."""
        return self._keys.make(_digest_place(), self._digest_key_arn, PURPOSE_KEY_LENGTH)

    def make_tag_key(self, epoch: int) -> bool:
        """The subject tag key of a year."""
        return self._keys.make(_tag_place(epoch), self._tag_key_arn, PURPOSE_KEY_LENGTH)


def _wrapping(domain_key_arn: str, own_key: str | None) -> tuple[str, AbstractSet[str]]:
    """The KMS key that wraps a domain's keys, and which of KMS's answers mean that it is not to be had."""
    return (domain_key_arn, _SWITCHED_OFF) if own_key is None else (own_key, _WITHDRAWN)


@contextmanager
def _controllers(own_key: str | None) -> Iterator[None]:
    """Says of a key that is not to be had that it is the controller's own, where it is."""
    try:
        yield
    except KeyUnavailableError as error:
        if own_key is None:
            raise
        raise ControllerKeyUnavailableError(*error.args) from None


@contextmanager
def _faults(operation: str, off: AbstractSet[str] = _SWITCHED_OFF) -> Iterator[None]:
    """Turns botocore's errors into ours, which quote nothing that was sent or answered but the error's code."""
    code = None
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
    except BotoCoreError as error:
        code = type(error).__name__
    if code in off:
        raise KeyUnavailableError(f"{operation}: {code}") from None
    if code is not None:
        raise KeyServiceError(f"{operation}: {code}") from None
