"""Wrapped keys on DynamoDB and KMS, played by moto in process: what is asked of KMS, and what binds a wrapped key.

moto holds a wrapped key to its encryption context and to the KMS key that wrapped it. It does not refuse a disabled
key, so KMS's refusals are played by botocore's own stub.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber
from moto import mock_aws

from keyholder.adapters.key_ring import KeyMaker, KmsKeyRing, PurposeKeys
from keyholder.pseudonyms.key_ring import DataKey, KeyGone, KeyServiceError, KeyUnavailableError, OpenedKeys, SecretKey
from keyholder.registry.domains import CareOrigin, Domain, KeyState, SourceDataset
from keyholder.vocabulary import DomainId, IdentifierType, OrganisationCode

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

DOMAIN = DomainId("gp-2026")
TABLE = "keys"
NHS_NUMBER = IdentifierType.NHS_NUMBER
POSTCODE = IdentifierType.POSTCODE
OFFLINE = Config(retries={"total_max_attempts": 1}, region_name="eu-west-2")


@dataclass
class World:
    """An empty keys table, three KMS keys, and a count of the calls that were made."""

    dynamodb: DynamoDBClient
    kms: KMSClient
    domain_key_arn: str
    digest_key_arn: str
    tag_key_arn: str
    calls: Counter[str] = field(default_factory=Counter)
    sent: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ring(self) -> KmsKeyRing:
        return KmsKeyRing(self.dynamodb, self.kms, table=TABLE, domain_key_arn=self.domain_key_arn)

    @property
    def purposes(self) -> PurposeKeys:
        return PurposeKeys(
            self.dynamodb,
            self.kms,
            table=TABLE,
            digest_key_arn=self.digest_key_arn,
            tag_key_arn=self.tag_key_arn,
        )

    @property
    def maker(self) -> KeyMaker:
        return KeyMaker(
            self.dynamodb,
            self.kms,
            table=TABLE,
            domain_key_arn=self.domain_key_arn,
            digest_key_arn=self.digest_key_arn,
            tag_key_arn=self.tag_key_arn,
        )

    def item(self, pk: str, sk: str) -> dict[str, Any]:
        found = self.dynamodb.get_item(TableName=TABLE, Key={"pk": {"S": pk}, "sk": {"S": sk}})
        return dict(found["Item"])

    def put(self, pk: str, sk: str, **attributes: Any) -> None:
        self.dynamodb.put_item(TableName=TABLE, Item={"pk": {"S": pk}, "sk": {"S": sk}, **attributes})

    def count(self, params: dict[str, Any], model: Any, **_: object) -> None:
        self.calls[model.name] += 1
        if model.service_model.service_name == "kms":
            self.sent.append(dict(params))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        dynamodb = boto3.client("dynamodb", config=OFFLINE)
        kms = boto3.client("kms", config=OFFLINE)
        dynamodb.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        domain_key, digest_key, tag_key = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(3))
        made = World(dynamodb, kms, domain_key, digest_key, tag_key)
        for service, client in (("kms", kms), ("dynamodb", dynamodb)):
            client.meta.events.register(f"provide-client-params.{service}.*", made.count)
        yield made


def _data_key(answer: DataKey | KeyGone) -> DataKey:
    assert isinstance(answer, DataKey)
    return answer


def test_a_made_key_opens_to_the_same_64_bytes_every_time(world: World) -> None:
    assert world.maker.make_domain_key(DOMAIN, NHS_NUMBER, 1)
    first, second = (_data_key(world.ring.open(DOMAIN, NHS_NUMBER, 1)) for _ in range(2))
    assert first.material == second.material
    assert (first.version, len(first.material)) == (1, 64)


def test_every_domain_type_and_version_has_a_key_of_its_own(world: World) -> None:
    names = [
        (domain, kind, version)
        for domain in (DOMAIN, DomainId("gp-2025"))
        for kind in IdentifierType
        for version in (1, 2)
    ]
    assert all(world.maker.make_domain_key(*name) for name in names)
    assert len({bytes(_data_key(world.ring.open(*name)).material) for name in names}) == len(names)


def test_a_key_is_never_made_over_another(world: World) -> None:
    assert world.maker.make_domain_key(DOMAIN, NHS_NUMBER, 1)
    assert world.maker.make_digest_key()
    assert world.maker.make_tag_key(2026)
    before = world.dynamodb.scan(TableName=TABLE)["Items"]
    assert not world.maker.make_domain_key(DOMAIN, NHS_NUMBER, 1)
    assert not world.maker.make_digest_key()
    assert not world.maker.make_tag_key(2026)
    assert world.dynamodb.scan(TableName=TABLE)["Items"] == before


def test_making_a_key_never_shows_it(world: World) -> None:
    world.maker.make_domain_key(DOMAIN, NHS_NUMBER, 1)
    assert world.calls == {"GenerateDataKeyWithoutPlaintext": 1, "PutItem": 1}
    assert set(world.item("domain/gp-2026/nhs_number", "000001")) == {"pk", "sk", "wrapped", "state"}


@pytest.mark.parametrize("version", [0, 1024])
def test_no_key_is_made_that_no_token_could_name(world: World, version: int) -> None:
    with pytest.raises(ValueError, match="1 to 1023"):
        world.maker.make_domain_key(DOMAIN, NHS_NUMBER, version)
    assert not world.calls


def test_opening_costs_one_read_and_one_kms_call_and_names_what_it_opens(world: World) -> None:
    world.maker.make_domain_key(DOMAIN, NHS_NUMBER, 12)
    world.calls.clear()
    world.sent.clear()
    world.ring.open(DOMAIN, NHS_NUMBER, 12)
    assert world.calls == {"GetItem": 1, "Decrypt": 1}
    [decrypt] = world.sent
    assert decrypt["KeyId"] == world.domain_key_arn
    assert decrypt["EncryptionContext"] == {
        "keyholder:use": "domain-data",
        "keyholder:domain": "gp-2026",
        "keyholder:identifier_type": "nhs_number",
        "keyholder:version": "12",
    }


def test_a_request_opens_each_key_once_whatever_the_number_of_uses(world: World) -> None:
    for kind in (NHS_NUMBER, POSTCODE):
        world.maker.make_domain_key(DOMAIN, kind, 1)
    world.calls.clear()
    with OpenedKeys(world.ring) as keys:
        for _ in range(100):
            keys.open(DOMAIN, NHS_NUMBER, 1)
            keys.open(DOMAIN, POSTCODE, 1)
    assert world.calls == {"GetItem": 2, "Decrypt": 2}


@pytest.mark.parametrize(
    "name",
    [(DomainId("gp-2025"), NHS_NUMBER, 1), (DOMAIN, POSTCODE, 1), (DOMAIN, NHS_NUMBER, 2)],
    ids=["another domain", "another type", "another version"],
)
def test_a_wrapped_key_moved_to_another_place_does_not_open(
    world: World, name: tuple[DomainId, IdentifierType, int]
) -> None:
    world.maker.make_domain_key(DOMAIN, NHS_NUMBER, 1)
    stolen = world.item("domain/gp-2026/nhs_number", "000001")
    domain, kind, version = name
    world.put(f"domain/{domain}/{kind.value}", f"{version:06d}", wrapped=stolen["wrapped"], state=stolen["state"])
    with pytest.raises(KeyServiceError, match=r"^Decrypt: InvalidCiphertextException$"):
        world.ring.open(*name)


def test_a_purpose_key_does_not_open_as_another(world: World) -> None:
    world.maker.make_tag_key(2026)
    stolen = world.item("tag", "2026")
    world.put("tag", "2027", wrapped=stolen["wrapped"], state=stolen["state"])
    world.put("digest", "000001", wrapped=stolen["wrapped"], state=stolen["state"])
    with pytest.raises(KeyServiceError):
        world.purposes.tag(2027)
    with pytest.raises(KeyServiceError):
        world.purposes.digest()


def test_a_key_wrapped_by_another_kms_key_does_not_open(world: World) -> None:
    world.maker.make_domain_key(DOMAIN, NHS_NUMBER, 1)
    ring = KmsKeyRing(world.dynamodb, world.kms, table=TABLE, domain_key_arn=world.digest_key_arn)
    with pytest.raises(KeyServiceError):
        ring.open(DOMAIN, NHS_NUMBER, 1)


@pytest.mark.parametrize(
    ("state", "wrapped", "gone"),
    [
        ("destroyed", None, KeyGone.DESTROYED),
        ("destroyed", b"left over", KeyGone.DESTROYED),
        ("retired", b"kept", KeyGone.RETIRED),
    ],
)
def test_a_retired_or_destroyed_version_is_gone_and_asks_nothing_of_kms(
    world: World, state: str, wrapped: bytes | None, gone: KeyGone
) -> None:
    attributes: dict[str, Any] = {"state": {"S": state}} | ({"wrapped": {"B": wrapped}} if wrapped else {})
    world.put("domain/gp-2026/nhs_number", "000001", **attributes)
    assert world.ring.open(DOMAIN, NHS_NUMBER, 1) is gone
    assert "Decrypt" not in world.calls


def test_an_unknown_version_is_gone_and_asks_nothing_of_kms(world: World) -> None:
    assert world.ring.open(DOMAIN, NHS_NUMBER, 1) is KeyGone.UNKNOWN
    assert world.calls == {"GetItem": 1}


@pytest.mark.parametrize(
    "attributes",
    [{}, {"state": {"S": "open"}}, {"state": {"S": "active"}}, {"state": {"N": "1"}, "wrapped": {"B": b"x"}}],
)
def test_an_item_that_makes_no_sense_is_a_fault(world: World, attributes: dict[str, Any]) -> None:
    world.put("domain/gp-2026/nhs_number", "000001", **attributes)
    with pytest.raises(KeyServiceError):
        world.ring.open(DOMAIN, NHS_NUMBER, 1)


def test_a_key_of_the_wrong_length_is_a_fault(world: World) -> None:
    world.maker.make_domain_key(DOMAIN, NHS_NUMBER, 1)
    world.sent.clear()
    world.ring.open(DOMAIN, NHS_NUMBER, 1)
    short = world.kms.encrypt(
        KeyId=world.domain_key_arn, Plaintext=bytes(32), EncryptionContext=world.sent[0]["EncryptionContext"]
    )["CiphertextBlob"]
    world.put("domain/gp-2026/nhs_number", "000001", state={"S": "active"}, wrapped={"B": short})
    with pytest.raises(KeyServiceError, match="wrong length"):
        world.ring.open(DOMAIN, NHS_NUMBER, 1)


def test_purpose_keys_are_32_bytes_each_their_own_and_hide(world: World) -> None:
    world.maker.make_digest_key()
    for epoch in (2026, 2027):
        world.maker.make_tag_key(epoch)
    world.calls.clear()
    world.sent.clear()
    keys = [world.purposes.digest(), world.purposes.tag(2026), world.purposes.tag(2027)]
    assert [len(key.material) for key in keys] == [32, 32, 32]
    assert len({bytes(key.material) for key in keys}) == 3
    assert all(type(key) is SecretKey and repr(key) == "SecretKey(hidden)" for key in keys)
    assert world.calls == {"GetItem": 3, "Decrypt": 3}
    assert [(call["KeyId"], call["EncryptionContext"]) for call in world.sent] == [
        (world.digest_key_arn, {"keyholder:use": "digest"}),
        (world.tag_key_arn, {"keyholder:use": "subject-tag", "keyholder:epoch": "2026"}),
        (world.tag_key_arn, {"keyholder:use": "subject-tag", "keyholder:epoch": "2027"}),
    ]


def test_a_purpose_key_that_is_not_there_is_unavailable(world: World) -> None:
    with pytest.raises(KeyUnavailableError):
        world.purposes.digest()
    world.put("tag", "2026", state={"S": "destroyed"})
    with pytest.raises(KeyUnavailableError):
        world.purposes.tag(2026)


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("AccessDeniedException", KeyServiceError),
        ("ThrottlingException", KeyServiceError),
        ("DisabledException", KeyUnavailableError),
        ("KMSInvalidStateException", KeyUnavailableError),
        ("KeyUnavailableException", KeyUnavailableError),
    ],
)
def test_what_kms_refuses_is_a_fault_that_says_its_code_and_no_more(
    world: World, code: str, fault: type[Exception]
) -> None:
    world.maker.make_domain_key(DOMAIN, NHS_NUMBER, 1)
    with Stubber(world.kms) as stub:
        stub.add_client_error("decrypt", code, "a message that may name keys and people")
        with pytest.raises(fault, match=f"^Decrypt: {code}$") as raised:
            world.ring.open(DOMAIN, NHS_NUMBER, 1)
    assert raised.value.__suppress_context__


def test_a_kms_that_cannot_be_reached_is_a_fault(world: World) -> None:
    world.maker.make_domain_key(DOMAIN, NHS_NUMBER, 1)

    def unreachable(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://kms.invalid")

    world.kms.meta.events.register("before-call.kms.Decrypt", unreachable)
    with pytest.raises(KeyServiceError, match=r"^Decrypt: EndpointConnectionError$"):
        world.ring.open(DOMAIN, NHS_NUMBER, 1)


def test_a_table_that_is_not_there_is_a_fault(world: World) -> None:
    world.dynamodb.delete_table(TableName=TABLE)
    with pytest.raises(KeyServiceError, match=r"^GetItem: ResourceNotFoundException$"):
        world.ring.open(DOMAIN, NHS_NUMBER, 1)
    with pytest.raises(KeyServiceError, match=r"^PutItem: ResourceNotFoundException$"):
        world.maker.make_domain_key(DOMAIN, NHS_NUMBER, 1)


# -- a version that is retired or destroyed ---------------------------------------------------------------------------

DOMAIN_ITEM = ("domain/gp-2026/nhs_number", "000001")


def known(state: KeyState, own_key: str | None = None) -> Domain:
    """The domain as the ledger has it, with one key version."""
    return Domain(
        DOMAIN,
        (OrganisationCode("X26"),),
        (NHS_NUMBER,),
        SourceDataset.GP,
        CareOrigin.ENGLAND_PUBLIC,
        kms_key_arn=own_key,
        keys={NHS_NUMBER: {1: state}},
    )


@pytest.mark.parametrize("last", [KeyState.RETIRED, KeyState.DESTROYED])
@pytest.mark.parametrize("made", [True, False], ids=["made", "never made"])
def test_the_table_follows_the_ledger_and_a_repetition_changes_nothing(
    world: World, last: KeyState, made: bool
) -> None:
    if made:
        world.maker.make_domain_key(DOMAIN, NHS_NUMBER, 1)
    for _ in range(2):
        world.maker.follow(known(last), [(NHS_NUMBER, 1)])
        item = world.item(*DOMAIN_ITEM)
        assert item["state"] == {"S": last.value}
        assert ("wrapped" in item) is (made and last is KeyState.RETIRED)
        assert not world.maker.make_domain_key(DOMAIN, NHS_NUMBER, 1), "nothing is made where a key was"
        assert world.ring.open(DOMAIN, NHS_NUMBER, 1) == last.value


def test_a_destroyed_version_is_not_retired_by_a_late_step(world: World) -> None:
    world.maker.make_domain_key(DOMAIN, NHS_NUMBER, 1)
    for state in (KeyState.DESTROYED, KeyState.RETIRED, KeyState.ACTIVE, KeyState.REVERSIBLE):
        world.maker.follow(known(state), [(NHS_NUMBER, 1)])
        assert world.item(*DOMAIN_ITEM)["state"] == {"S": "destroyed"}
        assert "wrapped" not in world.item(*DOMAIN_ITEM)


def test_only_the_versions_that_are_named_follow(world: World) -> None:
    domain = replace(known(KeyState.DESTROYED), keys={NHS_NUMBER: {1: KeyState.DESTROYED, 2: KeyState.ACTIVE}})
    world.maker.make_domain_key(DOMAIN, NHS_NUMBER, 1)
    world.maker.follow(domain, [(NHS_NUMBER, 2), (POSTCODE, 1)])
    assert world.item(*DOMAIN_ITEM)["state"] == {"S": "active"}
    assert isinstance(world.ring.open(DOMAIN, NHS_NUMBER, 2), DataKey)
    assert world.ring.open(DOMAIN, POSTCODE, 1) is KeyGone.UNKNOWN


# -- a controller's own KMS key ---------------------------------------------------------------------------------------


def test_an_own_key_wraps_and_opens_instead_of_the_environments(world: World) -> None:
    own = world.kms.create_key()["KeyMetadata"]["Arn"]
    world.maker.follow(known(KeyState.ACTIVE, own), [(NHS_NUMBER, 1)])
    assert isinstance(world.ring.open(DOMAIN, NHS_NUMBER, 1, own), DataKey)
    assert {call["KeyId"] for call in world.sent if "KeyId" in call} == {own}
    with pytest.raises(KeyServiceError):
        world.ring.open(DOMAIN, NHS_NUMBER, 1)


@pytest.mark.parametrize(
    "code",
    [
        "DisabledException",
        "KMSInvalidStateException",
        "KeyUnavailableException",
        "AccessDeniedException",
        "NotFoundException",
    ],
)
def test_an_own_key_that_is_switched_off_or_withdrawn_is_unavailable(world: World, code: str) -> None:
    own = world.kms.create_key()["KeyMetadata"]["Arn"]
    world.maker.make_domain_key(DOMAIN, NHS_NUMBER, 1, own)
    with Stubber(world.kms) as stub:
        stub.add_client_error("decrypt", code, "a message that may name keys and people")
        with pytest.raises(KeyUnavailableError, match=f"^Decrypt: {code}$"):
            world.ring.open(DOMAIN, NHS_NUMBER, 1, own)
        stub.add_client_error("generate_data_key_without_plaintext", code, "a message")
        with pytest.raises(KeyUnavailableError, match=f"^GenerateDataKeyWithoutPlaintext: {code}$"):
            world.maker.make_domain_key(DOMAIN, NHS_NUMBER, 2, own)


@pytest.mark.parametrize("code", ["ThrottlingException", "KMSInternalException"])
def test_an_own_key_that_stumbles_is_a_fault(world: World, code: str) -> None:
    own = world.kms.create_key()["KeyMetadata"]["Arn"]
    world.maker.make_domain_key(DOMAIN, NHS_NUMBER, 1, own)
    with Stubber(world.kms) as stub:
        stub.add_client_error("decrypt", code, "a message")
        with pytest.raises(KeyServiceError, match=f"^Decrypt: {code}$"):
            world.ring.open(DOMAIN, NHS_NUMBER, 1, own)
