"""The stack of Athena: what it reads, where answers go, and that it is deployed alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.athena import FOLDER, QUERIES
from keyholder.ledger.event_view import COLUMNS, EVENTS
from tests.unit.infra.template import Template


@pytest.fixture(scope="module")
def queries(assembly: Path) -> Template:
    return Template(json.loads((assembly / "KeyholderQueries.template.json").read_text()))


def test_the_table_is_over_the_view_of_events(queries: Template) -> None:
    _, table = queries.one("AWS::Glue::Table")
    made = table["Properties"]["TableInput"]
    columns = {column["Name"]: column["Type"] for column in made["StorageDescriptor"]["Columns"]}
    assert columns == COLUMNS
    assert made["PartitionKeys"] == [{"Name": "day", "Type": "string"}]
    bucket = ["s3://", {"Ref": "ViewBucket"}]
    assert made["StorageDescriptor"]["Location"] == {"Fn::Join": ["", [*bucket, f"/{EVENTS}"]]}
    parameters = made["Parameters"]
    assert parameters["storage.location.template"] == {"Fn::Join": ["", [*bucket, f"/{EVENTS}day=${{day}}/"]]}
    assert parameters["projection.enabled"] == "true"
    assert parameters["projection.day.range"] == {"Fn::Join": ["", [{"Ref": "FirstDay"}, ",NOW"]]}


def test_the_saved_queries_are_the_files(queries: Template) -> None:
    deployed = {one["Properties"]["QueryString"] for one in queries.of_type("AWS::Athena::NamedQuery").values()}
    assert deployed == {path.read_text() for path in FOLDER.glob("*.sql")}
    assert len(deployed) == len(QUERIES) == 5


def test_answers_go_nowhere_else_and_are_encrypted(queries: Template) -> None:
    bucket_id, bucket = queries.one("AWS::S3::Bucket")
    _, group = queries.one("AWS::Athena::WorkGroup")
    configuration = group["Properties"]["WorkGroupConfiguration"]
    assert configuration["EnforceWorkGroupConfiguration"] is True
    results = configuration["ResultConfiguration"]
    assert results["EncryptionConfiguration"] == {"EncryptionOption": "SSE_S3"}
    assert results["OutputLocation"] == {"Fn::Join": ["", ["s3://", {"Ref": bucket_id}, "/"]]}
    assert results["ExpectedBucketOwner"] == {"Ref": "AWS::AccountId"}
    assert configuration["BytesScannedCutoffPerQuery"] == 100 * 10**9
    (rule,) = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == 30
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}


def test_it_is_deployed_alone_and_lets_nobody_in(queries: Template) -> None:
    assert "Fn::ImportValue" not in json.dumps(queries.raw)
    kinds = {one["Type"] for one in queries.raw["Resources"].values()}
    assert not [kind for kind in kinds if kind.startswith("AWS::IAM")]
