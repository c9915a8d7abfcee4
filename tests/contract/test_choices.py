"""The store of registers and row links, on S3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from keyholder.adapters import choices as adapter
from keyholder.adapters.choices import S3ChoiceStore
from keyholder.policy.choices import Choices, ChoicesUnavailableError, Stored
from keyholder.policy.consents import ConsentRecord
from keyholder.policy.digests import Digester
from keyholder.policy.facts import Consent
from keyholder.policy.opt_outs import cleaned_list, read_reply
from keyholder.policy.register_form import Header, RegisterDamagedError, RegisterKind
from keyholder.policy.registers import ConsentRegister, OptOutRegister, Type1Register
from keyholder.policy.type1 import Type1Row
from keyholder.policy.vocabulary import CheckState, ConsentGiver
from keyholder.pseudonyms.link_joining import MANY, joined_name
from keyholder.pseudonyms.row_links import DIGEST_LENGTH, digests_of, object_of
from keyholder.vocabulary import DomainId
from tests.people import some_nhs_numbers

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "choices"
NOW = datetime(2025, 6, 10, 9, tzinfo=UTC)
TODAY = NOW.date()
A, B = some_nhs_numbers(2)
DIGESTER = Digester(bytes(32))
HEADER = Header(NOW, TODAY, "X26HC036")
GP = DomainId("gp-2026")


def opt_outs(*opted_out: str, age: int = 0) -> OptOutRegister:
    """An answer about A and B, `age` days old."""
    reply = read_reply(cleaned_list([A, B], set(opted_out)), {A, B}, delivered_whole=True)
    header = replace(HEADER, performed_on=TODAY - timedelta(days=age))
    return OptOutRegister.of_reply(header, reply, {A, B}, DIGESTER)


TYPE1 = Type1Register.of_rows(HEADER, [Type1Row(A, None)], DIGESTER)
CONSENT = Consent("PRJ-0001", True, TODAY, None, ConsentGiver.PATIENT)
CONSENTS = ConsentRegister.of_records(HEADER, [ConsentRecord(A, CONSENT)], DIGESTER)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("s3", region_name="eu-west-2")
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
        yield client


@pytest.fixture
def store(s3: S3Client) -> S3ChoiceStore:
    return S3ChoiceStore(s3, BUCKET)


def keys(s3: S3Client) -> list[str]:
    return [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def test_what_is_kept_is_loaded(store: S3ChoiceStore, s3: S3Client) -> None:
    assert store.load(NOW) == Choices()
    assert [store.keep("01A", one) for one in (opt_outs(B), TYPE1, CONSENTS)] == [Stored.STORED] * 3
    assert keys(s3) == ["consents/01A", "national-data-opt-outs/01A", "type-1/01A"]
    choices = store.load(NOW)
    assert choices == Choices((opt_outs(B),), (TYPE1,), (CONSENTS,))
    somebody = choices.of(DIGESTER.digest(A), "PRJ-0001", NOW)
    assert somebody.ndoo_check is not None
    assert (somebody.ndoo_check.state, somebody.type1_known, somebody.consent) == (CheckState.CLEAR, True, CONSENT)


def test_a_name_is_written_once(store: S3ChoiceStore) -> None:
    assert store.keep("01A", opt_outs(A)) is Stored.STORED
    assert store.keep("01A", opt_outs(A)) is Stored.STORED
    assert store.keep("01A", opt_outs(B)) is Stored.EXISTS
    assert store.load(NOW).opt_outs == (opt_outs(A),)


def test_newest_first(store: S3ChoiceStore) -> None:
    for name in ("02", "01", "03"):
        store.keep(name, TYPE1)
    assert store.listed(RegisterKind.TYPE1, 2) == ["03", "02"]
    assert store.listed(RegisterKind.CONSENTS, 2) == []


def test_an_answer_past_the_cap_is_left_out(store: S3ChoiceStore) -> None:
    store.keep("01", opt_outs(A, age=21))
    store.keep("02", opt_outs(B, age=20))
    assert store.load(NOW).opt_outs == (opt_outs(B, age=20),)
    assert store.load(NOW + timedelta(days=1)).opt_outs == ()


def test_only_the_newest_answers_are_read(store: S3ChoiceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "NEWEST_OPT_OUTS", 2)
    for name, age in (("01", 3), ("02", 2), ("03", 1)):
        store.keep(name, opt_outs(age=age))
    assert store.load(NOW).opt_outs == (opt_outs(age=1), opt_outs(age=2))


@pytest.mark.parametrize("register", [TYPE1, CONSENTS])
def test_no_type_1_and_no_consent_is_ever_left_out(
    register: Type1Register | ConsentRegister, store: S3ChoiceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "MOST_REGISTERS", 2)
    for name in ("01", "02"):
        store.keep(name, register)
    store.load(NOW)
    store.keep("03", register)
    with pytest.raises(ChoicesUnavailableError):
        store.load(NOW)


def test_a_damaged_register_is_a_fault(store: S3ChoiceStore, s3: S3Client) -> None:
    store.keep("02", opt_outs())
    s3.put_object(Bucket=BUCKET, Key="national-data-opt-outs/01", Body=opt_outs(A).to_bytes()[:-1])
    with pytest.raises(RegisterDamagedError):
        store.load(NOW)


def test_links_of_a_domain(store: S3ChoiceStore, s3: S3Client) -> None:
    assert store.links(GP) == []
    assert store.keep_links(GP, "01", b"one") is Stored.STORED
    assert store.keep_links(GP, "02", b"two") is Stored.STORED
    assert store.keep_links(GP, "02", b"other") is Stored.EXISTS
    store.keep_links(DomainId("gp-2026-x"), "03", b"three")
    assert store.links(GP) == [b"two", b"one"]
    assert keys(s3) == ["links/gp-2026-x/03", "links/gp-2026/01", "links/gp-2026/02"]


def _links(*digests: int) -> bytes:
    return object_of(b"".join(digest.to_bytes(DIGEST_LENGTH, "big") for digest in sorted(digests)))


def _held(store: S3ChoiceStore) -> set[int]:
    """What all objects of the domain say together."""
    found = [bytes(digests_of(stored)) for stored in store.links(GP)]
    each = [one[at : at + DIGEST_LENGTH] for one in found for at in range(0, len(one), DIGEST_LENGTH)]
    return {int.from_bytes(digest, "big") for digest in each}


def test_many_links_become_few_and_say_the_same(store: S3ChoiceStore, s3: S3Client) -> None:
    for job in range(100):
        store.keep_links(GP, f"{job:03}", _links(job, job + 1))
        assert _held(store) == set(range(job + 2))
        assert len(keys(s3)) <= MANY


def test_a_join_that_is_cut_short_loses_nothing(
    store: S3ChoiceStore, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for job in range(MANY):
        store.keep_links(GP, f"{job:03}", _links(job))
    deleted: list[str] = []

    def cut_short(key: str) -> None:
        if len(deleted) == 3:
            raise ChoicesUnavailableError("played by a test")
        deleted.append(key)
        s3.delete_object(Bucket=BUCKET, Key=key)

    with monkeypatch.context() as patch:
        patch.setattr(store, "_delete", cut_short)
        with pytest.raises(ChoicesUnavailableError):
            store.keep_links(GP, "new", _links(99))
    assert _held(store) == set(range(MANY))
    store.keep_links(GP, "new", _links(99))
    assert _held(store) == {*range(MANY), 99}


def test_a_part_that_says_all_is_not_deleted_as_one(store: S3ChoiceStore, s3: S3Client) -> None:
    whole = _links(*range(MANY))
    s3.put_object(Bucket=BUCKET, Key=f"links/{GP}/{joined_name(whole)}", Body=whole)
    for job in range(MANY):
        store.keep_links(GP, f"{job:03}", _links(job))
    assert _held(store) == set(range(MANY))


def test_links_joined_while_they_are_read_are_read_again(
    store: S3ChoiceStore, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for job in range(4):
        store.keep_links(GP, f"{job:03}", _links(job))
    sizes, joined = store._sizes, []

    def joined_after_the_list(prefix: str) -> Mapping[str, int]:
        listed = sizes(prefix)
        if not joined:
            joined.append(joined_name(_links(0, 1)))
            s3.put_object(Bucket=BUCKET, Key=f"{prefix}{joined[0]}", Body=_links(0, 1))
            s3.delete_object(Bucket=BUCKET, Key=f"{prefix}000")
            s3.delete_object(Bucket=BUCKET, Key=f"{prefix}001")
        return listed

    monkeypatch.setattr(store, "_sizes", joined_after_the_list)
    assert _held(store) == set(range(4))


@pytest.mark.parametrize("name", ["", "../01", "a/b", "-", "a b", "a" * 129])
def test_an_id_out_of_form_is_refused(store: S3ChoiceStore, name: str) -> None:
    for call in (
        lambda: store.keep(name, TYPE1),
        lambda: store.keep_links(GP, name, b""),
        lambda: store.links(DomainId(name)),
    ):
        with pytest.raises(ValueError, match="an id is"):
            call()


def test_a_store_that_refuses_is_unavailable(s3: S3Client) -> None:
    store = S3ChoiceStore(s3, "somebody-elses")
    for call in (
        lambda: store.load(NOW),
        lambda: store.keep("01", TYPE1),
        lambda: store.links(GP),
        lambda: store.listed(RegisterKind.TYPE1, 1),
    ):
        with pytest.raises(ChoicesUnavailableError):
            call()
