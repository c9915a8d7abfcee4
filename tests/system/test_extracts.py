"""Large extracts on the whole stack: signed addresses, each function under its own role, the work off the queue."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pytest

from infra.embedded.personas import persona
from infra.embedded.stack import EmbeddedStack
from keyholder.client import Keyholder
from keyholder.client.extract import Tally, columns_of
from keyholder.client.extract_answers import Measured
from keyholder.client.extract_file import ExtractFile, Service, Watching
from keyholder.client.problems import Changed
from keyholder.client.storage import HttpsStorage, StorageRefusedError, upload
from keyholder.collection.rules import GP_DATA_COLLECTION
from keyholder.collection.screen import Screen
from keyholder.policy.type1 import Type1State
from tests.people import some_nhs_numbers

DOMAIN = "extracts-2026"
PEOPLE = some_nhs_numbers(700)[400:]
TODAY = date(2026, 7, 1)


@dataclass(frozen=True)
class World:
    """A domain on the running stack, and the ways to it."""

    stack: EmbeddedStack

    def client(self, who: str) -> Keyholder:
        return Keyholder(self.stack.base_url, lambda: self.stack.token(who), str(self.stack.ca_bundle), attempts=1)

    @property
    def storage(self) -> HttpsStorage:
        return HttpsStorage(str(self.stack.ca_bundle))

    def stored(self) -> dict[str, bytes]:
        """Every object of the extracts bucket."""
        s3, bucket = self.stack.admin("s3"), self.stack.deployed.environment["EXTRACTS_BUCKET"]
        names = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket).get("Contents", ())]
        return {name: s3.get_object(Bucket=bucket, Key=name)["Body"].read() for name in names}


@pytest.fixture(scope="module")
def world(stack: EmbeddedStack) -> World:
    made = World(stack)
    operator, provider = made.client("operator"), persona("provider")
    for who in (persona("operator"), provider):
        body = {"subject": who.subject, "roles": [{"role": who.role.value, "organisation": who.organisation}]}
        try:
            operator.add_person(body)
        except Changed:
            continue
    operator.add_domain(
        {
            "domain_id": DOMAIN,
            "controllers": ["RX1", "X26"],
            "identifier_types": ["nhs_number", "postcode", "date_of_death"],
            "source_dataset": "gp",
        }
    )
    return made


def people() -> Iterator[dict[str, str]]:
    return ({"nhs_number": one, "postcode": "LS1 4AP", "date_of_death": "", "lsoa": "E01000001"} for one in PEOPLE)


def file_of(body: bytes) -> Measured:
    return Measured(1, len(body), hashlib.sha256(body).hexdigest(), ("row_id", "nhs_number"))


def test_a_file_goes_there_and_comes_back_as_pseudonyms(world: World) -> None:
    provider, tally = world.client("provider"), Tally()
    columns = columns_of(next(people()), GP_DATA_COLLECTION)
    extract = ExtractFile(people, columns, Screen(GP_DATA_COLLECTION, TODAY, lambda _: Type1State.INACTIVE))
    told = extract.measured(tally)
    rows = list(extract.pseudonymised(Service(provider, world.storage, DOMAIN, Watching()), told, tally))
    sent = [(f"{place}", {"nhs_number": one, "postcode": "LS1 4AP"}) for place, one in enumerate(PEOPLE)]
    in_a_call = [row.pseudonyms for row in provider.pseudonymise(DOMAIN, sent)]
    assert [row["patient_id_deid"] for row in rows] == [one["nhs_number"] for one in in_a_call]
    assert [row["postcode_deid"] for row in rows] == [one["postcode"] for one in in_a_call]
    assert (tally.read, tally.written, tally.refused, tally.faults) == (len(PEOPLE), len(PEOPLE), 0, {})
    assert {row["lsoa"] for row in rows} == {"E01000001"}
    assert not any(body for body in world.stored().values()), "nothing but an empty object in the upload's place"


def test_an_address_takes_its_own_file_once_and_never_again(world: World) -> None:
    provider, storage = world.client("provider"), world.storage
    body = f"row_id,nhs_number\n1,{PEOPLE[0]}\n".encode()
    announced = provider.announce_extract(DOMAIN, file_of(body))
    assert announced.upload is not None
    url, headers = announced.upload.url, announced.upload.headers
    other = body.replace(b"1,", b"2,")
    without = {name: value for name, value in headers.items() if name != "if-none-match"}
    lied = {**headers, "x-amz-checksum-sha256": "0" * 43 + "="}
    for sent, what in ((headers, other), (without, body), (lied, body)):
        with pytest.raises(StorageRefusedError):
            upload(storage, url, sent, lambda what=what: iter([what]))
    upload(storage, url, headers, lambda: iter([body]))
    assert storage.put(url, headers, iter([body])) == 412
    assert storage.get(url)[0] == 403, "an address to write to is none to read from"
    provider.discard_extract(announced.id)
    assert storage.put(url, headers, iter([body])) == 412
    assert not any(PEOPLE[0].encode() in content for content in world.stored().values())
